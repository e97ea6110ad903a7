"""Tables of a database from their contracts: names, columns, keys, references, indexes, and what holds their rules."""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from payerlake.contract.schema import Column, Index, Reference, Table
from payerlake.dialects.conditions import Condition, Words, translated

BY_CHECK, BY_PARENT, BY_QUERY = "check", "parent", "query"
STAGED, REPLACED = "payerlake_new_", "payerlake_old_"  # how tables are called before and after they are in place


@dataclass(frozen=True)
class IndexTerms:
    """An index as the database has it: columns, quoted; its final name and its condition, "" for none."""

    columns: tuple[str, ...]
    name: str = ""
    where: str = ""


class Dialect(Words, Protocol):
    """What a database calls things, and which of a contract's promises it can hold."""

    def column(self, column: Column, keyed: bool) -> str:
        """The column's definition; keyed: it stands in a key or an index."""

    def type_condition(self, column: Column) -> str | None:
        """The condition that goes with the column's type here, instead of the contract's; "" for none; else None."""

    def refuses_check(self, table: Table, columns: frozenset[str]) -> bool:
        """Whether no CHECK constraint may stand on these columns."""

    def create_table(
        self,
        name: str,
        table: Table,
        columns: Sequence[str],
        constraints: Sequence[str],
        indexes: Sequence[IndexTerms],
    ) -> str:
        """The statements, ended, that create the table, its comments and its indexes."""

    def create_view(self, name: str, table: Table, query: str) -> str:
        """The statements, ended, that create a view of the query, with its comment, or put it in another's place."""

    def analyze(self, names: Sequence[str]) -> str:
        """The statement, ended, that has the server look at how the tables' values are distributed."""


@dataclass(frozen=True)
class Names:
    """What tables and constraints are called: tables with a prefix, constraints as no other of the database."""

    prefix: str = ""
    taken: frozenset[str] = frozenset()

    def table(self, table: Table) -> str:
        return f"{self.prefix}{final_name(table)}"

    def constraint(self, table: Table, what: str) -> str:
        """`TABLE_what`, or numbered from 2 while a table that is about to be replaced holds the name."""
        base = f"{final_name(table)}_{what}"
        names = itertools.chain([base], (f"{base}_{number}" for number in itertools.count(2)))
        return next(name for name in names if name.lower() not in self.taken)


@dataclass(frozen=True)
class Rule:
    """A condition of the contract as the database has it.

    held_by: BY_CHECK, a constraint; BY_PARENT, the foreign key, since the parent's column has the same condition;
    BY_QUERY, nothing in the database: the loader asks for the rows that break it.
    """

    name: str
    sql: str
    held_by: str


class Schema:
    """Tables, parents first, and views of them, in a dialect."""

    def __init__(self, contracts: Sequence[Table], dialect: Dialect, names: Names | None = None) -> None:
        self.tables = tuple(table for table in contracts if table.view is None)
        self.views = tuple(table for table in contracts if table.view is not None)
        self.dialect, self.names = dialect, names or Names()
        self._by_name = {table.name: table for table in contracts}

    def create(self, table: Table) -> str:
        """The statements that create the table with all its constraints and indexes."""
        keyed = _keyed(table)
        checks = [
            f"CONSTRAINT {self.dialect.quote(rule.name)} CHECK ({rule.sql})"
            for rule in self.rules(table)
            if rule.held_by == BY_CHECK
        ]
        constraints = [
            f"PRIMARY KEY ({self._list(table, table.key)})",
            *(f"UNIQUE ({self._list(table, columns)})" for columns in table.unique),
            *(self._foreign_key(table, reference) for reference in table.references),
            *checks,
        ]
        columns = [self.dialect.column(column, column.name in keyed) for column in table.columns]
        indexed = [self._index(table, index) for index in indexes(table)]
        return self.dialect.create_table(self.names.table(table), table, columns, constraints, indexed)

    def create_view(self, view: Table, settings: Any) -> str:
        """The statements that create the view, of the tables by the names that they have here."""
        assert view.view is not None
        query = view.view(settings).strip()
        for name in map(final_name, (*self.tables, *self.views)):
            query = re.sub(rf"\b{name}\b", self.names.prefix + name, query)
        return self.dialect.create_view(self.names.table(view), view, query)

    def rules(self, table: Table) -> list[Rule]:
        """Every condition of the contract. Raises ValueError for one that the dialect cannot say."""
        found = [(f"{c.name}_allowed", self._of_column(table, c)) for c in table.columns]
        found += [(name, translated(sql, table, self.dialect)) for name, sql in table.rules.items()]
        return [
            Rule(self.names.constraint(table, name), condition.sql, self._holder(table, name, condition))
            for name, condition in found
            if condition.sql
        ]

    def count_broken(self, table: Table, rule: Rule) -> str:
        """The query for the number of rows that break the rule."""
        return f"SELECT COUNT(*) FROM {self.dialect.quote(self.names.table(table))} WHERE NOT ({rule.sql})"

    def count(self, table: Table) -> str:
        """The query for the number of rows."""
        return f"SELECT COUNT(*) FROM {self.dialect.quote(self.names.table(table))}"

    def levels(self) -> list[list[Table]]:
        """The tables in groups: the parents of each stand in the groups before."""
        levels: list[list[Table]] = []
        depth: dict[str, int] = {}
        for table in self.tables:
            depth[table.name] = 1 + max((depth[parent] for parent in table.parents), default=-1)
            if depth[table.name] == len(levels):
                levels.append([])
            levels[depth[table.name]].append(table)
        return levels

    def _of_column(self, table: Table, column: Column) -> Condition:
        own = self.dialect.type_condition(column)
        if own is not None:
            return Condition(own, frozenset({column.name}))
        return translated(column.condition or "", table, self.dialect)

    def _holder(self, table: Table, name: str, condition: Condition) -> str:
        if not self.dialect.refuses_check(table, condition.columns):
            return BY_CHECK
        same = name not in table.rules and self._parent_has_it(table, next(iter(condition.columns)))
        return BY_PARENT if same else BY_QUERY

    def _parent_has_it(self, table: Table, name: str) -> bool:
        """Whether a parent's column, whose values alone the foreign key allows, has the very condition of this one."""
        limits = _limits(table.column(name))
        return any(
            limits == _limits(self._by_name[reference.table].column(reference.to_columns[0]))
            for reference in table.references
            if reference.columns == (name,)
        )

    def _foreign_key(self, table: Table, reference: Reference) -> str:
        parent = self._by_name[reference.table]
        name = self.names.constraint(table, f"{'_'.join(reference.columns)}_fkey")
        return (
            f"CONSTRAINT {self.dialect.quote(name)} FOREIGN KEY ({self._list(table, reference.columns)})"
            f" REFERENCES {self.dialect.quote(self.names.table(parent))} ({self._list(parent, reference.to_columns)})"
            f" ON DELETE {reference.on_delete} ON UPDATE CASCADE"
        )

    def _index(self, table: Table, index: Index) -> IndexTerms:
        where = translated(index.where, table, self.dialect).sql if index.where else ""
        return IndexTerms(tuple(self._quoted(table, index.columns)), index.name, where)

    def _list(self, table: Table, names: Sequence[str]) -> str:
        return ", ".join(self._quoted(table, names))

    def _quoted(self, table: Table, names: Sequence[str]) -> list[str]:
        return [self.dialect.quote(table.column(name).header) for name in names]


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


def indexes(table: Table) -> list[Index]:
    """The contract's indexes and one for each reference, but of those without a name such with which others begin.

    A partial index does not stand for one that has all rows.
    """
    named = [index for index in table.indexes if index.name]
    unnamed = [Index(reference.columns) for reference in table.references]
    unnamed = list(dict.fromkeys([*unnamed, *(index for index in table.indexes if not index.name)]))
    whole = [index.columns for index in (*unnamed, *named) if not index.where]
    return named + [
        index
        for index in unnamed
        if not any(
            other[: len(index.columns)] == index.columns
            for other in (table.key, *table.unique, *whole)
            if other is not index.columns
        )
    ]


def _keyed(table: Table) -> set[str]:
    groups = [table.key, *table.unique, *(index.columns for index in indexes(table))]
    return set(itertools.chain(*groups, *(reference.columns for reference in table.references)))


def _limits(column: Column) -> tuple[object, ...]:
    return column.domain, column.pattern, column.low, column.high
