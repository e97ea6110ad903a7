"""Edits of a written dataset, in SQL over its tables by name: what the rules must refuse."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from payerlake import registry
from payerlake.schema import Table

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


def found(spark: SparkSession, dataset: str, one: Break, taken: set[str]) -> Found:
    """The first row that the break fits and whose `who` is not taken. The tables are views."""
    key = registry.dataset(dataset).table(one.table).key
    columns = ", ".join(key)
    query = f"SELECT {columns}, string({one.who}) AS who FROM {one.table} WHERE {one.where} ORDER BY {columns} LIMIT 50"
    for row in spark.sql(query).collect():
        if row["who"] not in taken:
            return Found(" AND ".join(f"{name} = {_literal(row[name])}" for name in key), row["who"])
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


def _literal(value: Any) -> str:
    return f"DATE'{value}'" if isinstance(value, dt.date) else repr(value)
