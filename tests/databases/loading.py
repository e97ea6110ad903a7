"""What the tests of loading do and look at."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from payerlake import api, databases, registry
from payerlake.contract.schema import Column, Table
from tests.databases.servers import Database

TABLES = registry.dataset("insurance").tables
NAMES = {str(table.sql_name) for table in TABLES}


def load(database: Database, out: Path, **options: Any) -> Any:
    return api.load(None, "insurance", out, to=database.url, **options)


def published_rows(out: Path, table: Table) -> dict[tuple, tuple]:
    """The rows of the CSV file by their keys, nulls as None."""
    with (out / table.dataset / "csv" / f"{table.csv_stem}.csv").open(newline="", encoding="utf-8") as file:
        rows = [tuple(value or None for value in row) for row in list(csv.reader(file))[1:]]
    return _by_key(table, rows)


def loaded_rows(database: Database, table: Table) -> dict[tuple, tuple]:
    """The rows in the database, as texts."""
    columns = ", ".join(f'"{column.header}"' for column in table.columns)
    return _by_key(table, database.rows(f'SELECT {columns} FROM "{table.sql_name or table.name}"'))


def _by_key(table: Table, rows: list[tuple]) -> dict[tuple, tuple]:
    key = [table.column_names.index(name) for name in table.key]
    kinds = [column.type for column in table.columns]
    texts = [tuple(_text(value, kind) for value, kind in zip(row, kinds, strict=True)) for row in rows]
    return {tuple(row[i] for i in key): row for row in texts}


def _text(value: Any, kind: str) -> str | None:
    """The value as text, of whatever type it comes; a boolean as 1 or 0, JSON with its keys in order."""
    if value is None:
        return None
    if kind == "boolean":
        return {"true": "1", "false": "0"}.get(str(value).lower(), str(value))
    if kind == "json":
        return json.dumps(json.loads(value) if isinstance(value, str) else value, sort_keys=True)
    return str(value)


def counts(database: Database) -> dict[str, int]:
    return {name: database.rows(f'SELECT COUNT(*) FROM "{name}"')[0][0] for name in sorted(database.names())}


def stands_as_before(database: Database) -> bool:
    """The tables of `loaded`, and no others."""
    sign = "SELECT COUNT(*) FROM \"INSURANCE\" WHERE insurance_name = 'as before'"
    return database.names() == NAMES and database.rows(sign) == [(1,)]


def change(out: Path, stem: str, edit: Callable[[list[list[str]]], None]) -> None:
    """Edit the rows of a published CSV file, its header the first."""
    path = out / "insurance" / "csv" / f"{stem}.csv"
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    edit(rows)
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


NOTES = Table(
    dataset="test",
    name="notes",
    grain="One row per note",
    key=("id",),
    columns=(
        Column("id", "int", "Note"),
        Column("text", "varchar(100)", "Text"),
        Column("more", "string", "More text", nullable=True),
        Column("flag", "boolean", "Flag", nullable=True),
    ),
    csv_stem="notes",
    documented_rows="few",
    build=lambda world: world.spark.range(0),
)


def load_notes(database: Database, path: Path) -> list[tuple]:
    """Load the file into a new table; the rows that are there then."""
    server = databases.server(database.url)
    with server.locked() as session:
        session.run(*server.schema([NOTES]).create(NOTES))
        session.load_file(str(path), "notes", NOTES)
    return database.rows("SELECT id, text, more, flag FROM notes ORDER BY id")


def written_notes(path: Path) -> list[str]:
    """Write texts that readers of CSV may take for others, and then a row without; the texts."""
    texts = ["NULL", 'say "hi", now', "C:\\new\\", "two\nlines", "\\N", "Zoë 🎈", " blanks ", "'", "0"]
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(
            [NOTES.column_names, *((i, text, text, "true") for i, text in enumerate(texts)), (99, "-", "", "")]
        )
    return texts
