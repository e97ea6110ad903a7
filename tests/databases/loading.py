"""What the tests of loading do and look at."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

from payerlake import api, registry
from payerlake.schema import Table
from tests.databases.conftest import Database

TABLES = registry.dataset("insurance").tables
NAMES = {str(table.sql_name) for table in TABLES}


def load(database: Database, out: Path, **options: Any) -> Any:
    return api.load(None, "insurance", out, to=database.url, **options)


def published_rows(out: Path, table: Table) -> dict[tuple, tuple]:
    """The rows of the CSV file by their keys, nulls as None."""
    key = [table.column_names.index(name) for name in table.key]
    with (out / "insurance" / "csv" / f"{table.csv_stem}.csv").open(newline="", encoding="utf-8") as file:
        rows = [tuple(value or None for value in row) for row in list(csv.reader(file))[1:]]
    return {tuple(row[i] for i in key): row for row in rows}


def loaded_rows(database: Database, table: Table) -> dict[tuple, tuple]:
    """The rows in the database, as texts."""
    key = [table.column_names.index(name) for name in table.key]
    columns = ", ".join(f"`{column.header}`" for column in table.columns)
    found = database.rows(f"SELECT {columns} FROM `{table.sql_name}`")
    rows = [tuple(None if value is None else str(value) for value in row) for row in found]
    return {tuple(row[i] for i in key): row for row in rows}


def counts(database: Database) -> dict[str, int]:
    return {name: database.rows(f"SELECT COUNT(*) FROM `{name}`")[0][0] for name in sorted(database.names())}


def stands_as_before(database: Database) -> bool:
    """The tables of `loaded`, and no others."""
    sign = "SELECT COUNT(*) FROM INSURANCE WHERE insurance_name = 'as before'"
    return database.names() == NAMES and database.rows(sign) == [(1,)]


def change(out: Path, stem: str, edit: Callable[[list[list[str]]], None]) -> None:
    """Edit the rows of a published CSV file, its header the first."""
    path = out / "insurance" / "csv" / f"{stem}.csv"
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    edit(rows)
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
