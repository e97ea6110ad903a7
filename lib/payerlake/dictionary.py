"""The data dictionary: tables and columns in words. `list`, `describe` and the pages of the datasets show the same."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from payerlake.contract.dataset import Dataset
from payerlake.contract.schema import Column, Table

TABLE_HEADINGS = ("table", "documented rows", "key", "parents")
COLUMN_HEADINGS = ("column", "type", "", "meaning")
_SHOWN = 12  # allowed values; states and codes are more


def tables(datasets: Iterable[Dataset[Any]]) -> list[tuple[str, ...]]:
    """A row for every table under `TABLE_HEADINGS`, parents before children."""
    return [
        (table.full_name, table.documented_rows, ", ".join(table.key), ", ".join(table.parents) or "-")
        for dataset in datasets
        for table in dataset.in_order()
    ]


def columns(table: Table) -> list[tuple[str, ...]]:
    """A row for every column under `COLUMN_HEADINGS`; the third says: key, table referred to, null where allowed."""
    return [(column.name, column.type, _marks(table, column), _meaning(column)) for column in table.columns]


def grain(table: Table) -> str:
    """`one row per …`, to stand within a sentence."""
    return f"{table.grain[0].lower()}{table.grain[1:]}"


def _marks(table: Table, column: Column) -> str:
    marks = ["key"] if column.name in table.key else []
    marks += [f"→ {reference.table}" for reference in table.references if column.name in reference.columns]
    marks += ["null"] if column.nullable else []
    return ", ".join(marks)


def _meaning(column: Column) -> str:
    elsewhere = f"; in CSV and SQL: {column.header}" if column.header != column.name else ""
    return f"{column.comment}{_allowed(column)}{elsewhere}"


def _allowed(column: Column) -> str:
    """The values of a domain, of a long one their number, or the bounds."""
    if column.domain:
        few = len(column.domain) <= _SHOWN
        return f": {', '.join(column.domain)}" if few else f"; one of {len(column.domain)} values"
    whole_range = column.low is not None and column.high is not None
    return f", {column.low:,g} to {column.high:,g}" if whole_range else ""
