"""The contract of a table: one declaration from which schema, comments, constraints and checks derive.

A table's module declares a `Table`; nothing else in the project repeats a column's name, type, meaning,
domain or reference. Types are SQL types (`varchar(100)` is a string whose length only databases enforce, `enum` one
that has its domain's values, `json` one that holds an object).
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F
from pyspark.sql import types as T

from payerlake.contract.spine import REFERENCE, Spine
from payerlake.sampling.frames import filtered

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from payerlake.person.world import World

_SIMPLE_TYPES: dict[str, T.DataType] = {
    "string": T.StringType(),
    "date": T.DateType(),
    "boolean": T.BooleanType(),
    "enum": T.StringType(),
    "json": T.StringType(),
    "tinyint": T.ByteType(),
    "smallint": T.ShortType(),
    "int": T.IntegerType(),
    "bigint": T.LongType(),
    "double": T.DoubleType(),
    "timestamp": T.TimestampNTZType(),
}

# Words that pandas 2, R and MySQL take for a null in CSV unless told otherwise (pandas: keep_default_na=False).
NULL_WORDS = ("NA", "N/A", "n/a", "NULL", "null", "None", "NaN", "nan", "-NaN", "-nan", "<NA>", "#NA", "#N/A")


@dataclass(frozen=True)
class Column:
    """One column: name, SQL type, meaning, and what its values may be.

    `domain` lists the allowed values, `pattern` is a regular expression for the whole value, `low` and `high`
    are inclusive bounds. A null is allowed only where `nullable`. `unit` is for people (`USD`, `days`). `sql_name`
    is the name in CSV headers and databases where it is not `name` itself. `high_cardinality`: a value
    comes in few rows, most of them together, so that a writer need not look for it elsewhere.

    No text is empty, and none is a word that readers take for a null (`NULL_WORDS`): what is not there is null, which
    in CSV is an empty field.
    """

    name: str
    type: str
    meaning: str
    nullable: bool = False
    domain: tuple[str, ...] = ()
    pattern: str = ""
    low: float | None = None
    high: float | None = None
    unit: str = ""
    sql_name: str = ""
    high_cardinality: bool = False

    @property
    def header(self) -> str:
        """The name in CSV headers and databases."""
        return self.sql_name or self.name

    @property
    def comment(self) -> str:
        """The meaning, with the unit where there is one."""
        return self.meaning + (f" ({self.unit})" if self.unit else "")

    @property
    def is_free(self) -> bool:
        """Whether domain and pattern leave open that a text is empty or a word for a null."""
        return any(self._may_be(word) for word in ("", *NULL_WORDS))

    def _may_be(self, text: str) -> bool:
        if self.spark_type != T.StringType() or self.type == "json":
            return False
        return text in self.domain if self.domain else re.search(self.pattern, text) is not None

    @property
    def spark_type(self) -> T.DataType:
        """The Spark type; `varchar(n)` and `char(n)` are strings there."""
        if self.type.startswith(("varchar(", "char(")):
            return T.StringType()
        if self.type.startswith("decimal("):
            precision, scale = self.type[8:-1].split(",")
            return T.DecimalType(int(precision), int(scale))
        return _SIMPLE_TYPES[self.type]

    @property
    def condition(self) -> str | None:
        """The column's domain, pattern and range as one SQL condition, None where it has none of them and is no text.

        A null passes, as a SQL CHECK constraint has it; whether nulls are allowed is said by `nullable`.
        """
        parts = []
        if self.domain:
            parts.append(f"{self.name} IN ({', '.join(repr(v) for v in self.domain)})")
        if self.pattern:
            parts.append(f"{self.name} RLIKE '{self.pattern}'".replace("\\", "\\\\"))
        if self._may_be(""):
            parts.append(f"{self.name} <> ''")
        if self.low is not None:
            parts.append(f"{self.name} >= {self.low!r}")
        if self.high is not None:
            parts.append(f"{self.name} <= {self.high!r}")
        return " AND ".join(parts) or None


@dataclass(frozen=True)
class Reference:
    """`columns` hold the key, or other unique columns, of another table of the dataset; a null refers to nothing.

    on_delete: what a database does with the row when its parent goes: RESTRICT, CASCADE or SET NULL.
    """

    columns: tuple[str, ...]
    table: str
    to_columns: tuple[str, ...]
    on_delete: str = "RESTRICT"


@dataclass(frozen=True)
class Index:
    """Columns that a database indexes beyond the key and the references.

    name: where the documents give one. where: condition of a partial index, for databases that have such.
    """

    columns: tuple[str, ...]
    name: str = ""
    where: str = ""


@dataclass(frozen=True)
class Known:
    """From which day on a row is known, and what of it only later: what the setting `known_at` goes by.

    since: that day, as SQL over the columns. later: by column, what it is for somebody who looks on the day `{day}`, as
    SQL over the columns as they are in the end. Either is empty where the columns do not tell, and the table's own
    function looks at the day.
    """

    since: str = ""
    later: dict[str, str] = field(default_factory=dict)

    def on(self, day: datetime.date, rows: DataFrame) -> DataFrame:
        """Of the rows that there are in the end those that are known on this day, as they were known then."""
        shown = filtered(rows, F.expr(self.since) <= F.lit(day)) if self.since else rows
        then = {name: sql.format(day=f"DATE'{day}'") for name, sql in self.later.items() if sql}
        return shown.select(*[F.expr(then[c]).alias(c) if c in then else c for c in rows.columns]) if then else shown


def until(column: str) -> str:
    """Of a day that is known from itself on: null until then."""
    return f"CASE WHEN {column} <= {{day}} THEN {column} END"


@dataclass(frozen=True)
class Table:
    """The contract of one table.

    grain: "One row per …". key: the columns that identify a row. spine: what the rows are counted by.
    rules: SQL conditions over a row, by name, beyond a single column's. csv_stem: name of the CSV files.
    documented_rows: as the documents state them. build: the table's DataFrame.
    expected_rows: of the whole dataset under its settings, about, for tables whose progress is worth watching.
    sql_name: its name in databases where it is not `name`; unique: columns that they keep unique beyond the key;
    indexes: what they index. view: the query, from the settings, of the view that databases have instead.
    may_be_empty: a dataset of few members may rightly have no row of it: nobody of them has what it lists.
    numeric_booleans: CSV has them as 1 and 0, not as true and false.
    known: since when; None where its rows have no day, or sum up those of other tables.
    """

    dataset: str
    name: str
    grain: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    csv_stem: str
    documented_rows: str
    build: Callable[[World[Any]], DataFrame] = field(repr=False)
    spine: Spine = REFERENCE
    expected_rows: Callable[[Any], float] | None = field(default=None, repr=False)
    references: tuple[Reference, ...] = ()
    rules: dict[str, str] = field(default_factory=dict)
    sql_name: str = ""
    unique: tuple[tuple[str, ...], ...] = ()
    indexes: tuple[Index, ...] = ()
    view: Callable[[Any], str] | None = field(default=None, repr=False)
    numeric_booleans: bool = False
    may_be_empty: bool = False
    known: Known | None = None

    @property
    def full_name(self) -> str:
        return f"{self.dataset}.{self.name}"

    @property
    def column_names(self) -> list[str]:
        return [column.name for column in self.columns]

    def column(self, name: str) -> Column:
        """The column of this name, which there is."""
        return next(column for column in self.columns if column.name == name)

    @property
    def parents(self) -> tuple[str, ...]:
        """The tables that this one refers to, without repeats, in the order of the references."""
        return tuple(dict.fromkeys(reference.table for reference in self.references if reference.table != self.name))

    def is_cut_with(self, parent: Table) -> bool:
        """Whether a part of this table refers only to rows that the same part of the parent has."""
        return parent.spine in (self.spine, REFERENCE)

    def schema(self) -> T.StructType:
        """The Spark schema: names, types, nullability, and each column's meaning as its comment."""
        return T.StructType([T.StructField(c.name, c.spark_type, c.nullable, _metadata(c)) for c in self.columns])

    def constraints(self) -> dict[str, str]:
        """SQL CHECK conditions by constraint name: every column's condition, then the table's rules."""
        by_column = {f"{c.name}_allowed": c.condition for c in self.columns if c.condition}
        return by_column | self.rules


def _metadata(column: Column) -> dict[str, Any]:
    return {"comment": column.comment}
