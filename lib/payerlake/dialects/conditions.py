"""The conditions of contracts, which are Spark SQL over the contract's names, in the words of a database."""

from __future__ import annotations

from dataclasses import dataclass

import sqlglot
from sqlglot import Dialect, ErrorLevel, exp
from sqlglot.errors import SqlglotError

from payerlake.contract.schema import Table


@dataclass(frozen=True)
class Condition:
    """SQL of a database, and the contract's names of the columns in it."""

    sql: str
    columns: frozenset[str]


def translated(condition: str, table: Table, words: type[Dialect]) -> Condition:
    """The condition for a database. Raises ValueError for what is no SQL, and for columns and functions unknown."""
    headers = {column.name: column.header for column in table.columns}
    try:
        tree = sqlglot.parse_one(condition, read="spark")
        used = frozenset(column.name for column in tree.find_all(exp.Column))
        unknown = (used - headers.keys()) | {function.name for function in tree.find_all(exp.Anonymous)}
        if unknown:
            raise ValueError(f"{table.full_name}: {', '.join(sorted(unknown))} is not known in: {condition}")
        for column in tree.find_all(exp.Column):
            column.set("this", exp.to_identifier(headers[column.name], quoted=True))
        return Condition(tree.sql(words, unsupported_level=ErrorLevel.RAISE), used)
    except SqlglotError as error:
        raise ValueError(f"{table.full_name}: this is not understood: {condition}") from error
