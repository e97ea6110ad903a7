"""What tables, views and constraints are called in databases, and how they say that they are payerlake's."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass

from payerlake.contract.schema import Table

STAGED, REPLACED = "payerlake_new_", "payerlake_old_"  # how tables are called before and after they are in place


@dataclass(frozen=True)
class Names:
    """What tables and constraints are called: tables with a prefix, constraints as no other of the database."""

    prefix: str = ""
    taken: frozenset[str] = frozenset()

    def table(self, table: Table) -> str:
        return f"{self.prefix}{final_name(table)}"

    def constraint(self, table: Table, what: str) -> str:
        """`TABLE_what`, or numbered from 2 while a table that is about to be replaced holds the name."""
        return free_name(f"{final_name(table)}_{what}", lambda name: name.lower() in self.taken)


def free_name(base: str, is_taken: Callable[[str], bool]) -> str:
    """The name, numbered from 2 where it is taken."""
    names = itertools.chain([base], (f"{base}_{number}" for number in itertools.count(2)))
    return next(name for name in names if not is_taken(name))


def final_name(table: Table) -> str:
    """The table's name in databases."""
    return table.sql_name or table.name


def table_comment(table: Table) -> str:
    """What a table says of itself, by which the next load knows that it may be replaced."""
    return f"{mark(table)} {table.grain}"


def mark(table: Table) -> str:
    """How the comment of a table or view of payerlake's begins."""
    return f"payerlake {'view ' if table.view else ''}{table.full_name}:"


def read_by(sql: str, tables: Collection[Table]) -> list[Table]:
    """Those of the tables that the query names."""
    words = set(re.findall(r"\w+", sql))
    return [table for table in tables if final_name(table) in words]
