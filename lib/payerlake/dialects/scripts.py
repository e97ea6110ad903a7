"""SQL scripts for those who load the CSV files with MySQL's own client: create the tables, load the files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from payerlake.contract.dataset import Dataset
from payerlake.contract.schema import Table
from payerlake.dialects.ddl import Schema
from payerlake.dialects.mysql import STRICT, MySQL

_TABLES = """\
-- The tables of the {dataset} dataset, parents first, for MySQL from 8.0.16 and MariaDB from 10.6.
-- Run in an empty database of character set utf8mb4: mysql DATABASE < FILE

SET NAMES utf8mb4;
{strict};
"""
_FILES = """\
-- Loads the CSV files of the {dataset} dataset into its empty tables, parents first, all or none.
-- Run where the paths below lead to the files: mysql --local-infile=1 DATABASE < FILE
-- The server has to allow it: SET GLOBAL local_infile = 1

SET NAMES utf8mb4;
{strict};
START TRANSACTION;
"""


def schema_script(dataset: Dataset[Any]) -> str:
    """The complete script that creates a dataset's tables in MySQL, with every constraint that it can hold."""
    schema = Schema(dataset.in_order(), MySQL())
    tables = [_unheld(schema, table) + _ended(schema.create(table)) for table in schema.tables]
    return "\n".join([_TABLES.format(dataset=dataset.name, strict=STRICT), *tables])


def load_script(dataset: Dataset[Any], files: Mapping[str, Sequence[str]]) -> str:
    """The script that loads a dataset's CSV files (paths by table) and prints what came of it.

    For each load it prints warnings, of which there should be none; at the end the rows of each table, and how many
    break the rules that MySQL itself cannot hold. Raises BadInput for a table that does not exist.
    """
    schema = Schema(dataset.in_order(), MySQL())
    loaded = dataset.in_order(files) if files else []
    loads = [_load(schema, table, path) for table in loaded for path in files[table.name]]
    ends = ["COMMIT;\n", *_counts(schema, loaded), *_broken(schema, loaded)]
    return "\n".join([_FILES.format(dataset=dataset.name, strict=STRICT), *loads, *ends])


def _unheld(schema: Schema, table: Table) -> str:
    """A comment for each rule that is no constraint: none may stand on a column that a foreign key changes."""
    return "".join(
        f"-- No CHECK, which MySQL has not beside a foreign key: {rule.name}: {rule.sql}\n"
        for rule in schema.asked(table)
    )


def _load(schema: Schema, table: Table, path: str) -> str:
    return _ended([MySQL().load_file(path, schema.names.table(table), table), "SHOW WARNINGS LIMIT 10"])


def _ended(statements: Sequence[str]) -> str:
    return "".join(f"{statement};\n" for statement in statements)


def _counts(schema: Schema, tables: Sequence[Table]) -> list[str]:
    """One query for the rows of all tables."""
    selects = [
        f"SELECT {schema.dialect.literal(schema.names.table(table))} AS `table`, ({schema.count(table)}) AS `rows`"
        for table in tables
    ]
    return ["\nUNION ALL ".join(selects) + ";\n"] if selects else []


def _broken(schema: Schema, tables: Sequence[Table]) -> list[str]:
    """One query for the rows that break rules which no constraint holds."""
    literal = schema.dialect.literal
    selects = [
        f"SELECT {literal(rule.name)} AS `rule`, ({schema.count_broken(table, rule)}) AS `rows breaking it`"
        for table in tables
        for rule in schema.asked(table)
    ]
    return ["\nUNION ALL ".join(selects) + ";\n"] if selects else []
