"""Edits of a written dataset, in SQL over its tables by name: what the rules must refuse."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pyspark.sql import DataFrame, SparkSession

from payerlake import registry
from payerlake.contract.schema import Table
from payerlake.contract.sql import literal

Frames = Mapping[str, DataFrame]


@dataclass(frozen=True)
class Break:
    """A change of one table under which the expectations on these columns of the suite fail.

    changes: the SQL expressions that replace columns; without any, the rows leave. where: those that change: all
    or, if `who` is given, the first that no other break has; `who` is the SQL of what the rule then reports.
    """

    suite: str
    columns: tuple[str, ...]
    table: str
    changes: Mapping[str, str] = field(default_factory=dict)
    where: str = "true"
    who: str = ""

    @property
    def name(self) -> str:
        return f"{', '.join(self.columns)}: {self.table} {dict(self.changes)} where {self.where}"


@dataclass(frozen=True)
class Found:
    """The row that a break of one row changes: its condition in SQL, and what the rule reports."""

    row: str
    who: str


def fitting_rows(spark: SparkSession, dataset: str, breaks: Iterable[Break]) -> list[list[Found]]:
    """For each break of one row the first rows that it fits, in one query. The tables are views."""
    tables = [registry.dataset(dataset).table(one.table) for one in breaks]
    queries = [_fitting(i, table, one) for i, (table, one) in enumerate(zip(tables, breaks, strict=True))]
    rows = spark.sql(" UNION ALL ".join(queries)).collect()
    fitting: list[list[Found]] = [[] for _ in tables]
    for row in sorted(rows, key=lambda row: row["place"]):
        key = {name: row["key"][name] for name in tables[row["one"]].key}
        fitting[row["one"]].append(Found(" AND ".join(f"{n} = {v}" for n, v in key.items()), row["who"]))
    return fitting


def _fitting(number: int, table: Table, one: Break) -> str:
    """The query of the rows that a break fits: `key` has SQL for the value of each column of the key."""
    pairs = ", ".join(f"'{name}', {_as_sql(table, name)}" for name in table.key)
    keys = ", ".join(table.key)
    return (
        f"(SELECT {number} AS one, row_number() OVER (ORDER BY {keys}) AS place, map({pairs}) AS key, "
        f"string({one.who}) AS who FROM {table.name} WHERE {one.where} ORDER BY {keys} LIMIT 200)"
    )


def first_free(one: Break, fitting: Iterable[Found], taken: set[str]) -> Found:
    """The first of the rows whose `who` is not taken."""
    for row in fitting:
        if row.who not in taken:
            return row
    raise LookupError(f"{one.name}: nothing here fits it")


def changed(spark: SparkSession, dataset: str, edits: Iterable[tuple[Break, str]]) -> dict[str, DataFrame]:
    """The tables with these edits, each of the rows that its condition names. The tables are views."""
    of_table: dict[str, list[tuple[Break, str]]] = {}
    for one, rows in edits:
        of_table.setdefault(one.table, []).append((one, rows))
    return {name: _edited(spark, registry.dataset(dataset).table(name), of_one) for name, of_one in of_table.items()}


def _edited(spark: SparkSession, table: Table, edits: list[tuple[Break, str]]) -> DataFrame:
    selected = []
    for column in table.columns:
        value = column.name
        for one, rows in edits:
            if column.name in one.changes:
                value = f"if({rows}, {one.changes[column.name]}, {value})"
        selected.append(f"CAST({value} AS {column.spark_type.simpleString()}) AS {column.name}")
    gone = [rows for one, rows in edits if not one.changes]
    kept = " AND ".join(f"NOT coalesce({rows}, false)" for rows in gone) or "true"
    return spark.sql(f"SELECT {', '.join(selected)} FROM {table.name} WHERE {kept}")


def _as_sql(table: Table, name: str) -> str:
    """SQL that makes SQL of a column's value."""
    (kind,) = [column.spark_type.simpleString() for column in table.columns if column.name == name]
    if kind not in ("date", "string"):
        return f"string({name})"
    return f"concat({literal(kind.upper() if kind == 'date' else '')}, chr(39), {name}, chr(39))"
