"""Tables of a database from their contracts: names, columns, keys, references, indexes, and what holds their rules."""

from __future__ import annotations

import itertools
import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import sqlalchemy as sa
import sqlglot
from sqlalchemy.schema import CreateIndex, CreateTable, ExecutableDDLElement, SetColumnComment, SetTableComment
from sqlalchemy.sql.elements import quoted_name
from sqlglot import exp

from payerlake.contract.schema import Column, Index, Reference, Table
from payerlake.dialects.column_types import column_type
from payerlake.dialects.conditions import Condition, translated
from payerlake.dialects.names import Names, final_name, table_comment

BY_CHECK, BY_PARENT, BY_QUERY = "check", "parent", "query"
_ANY_OBJECT = r"^\{.+\}$"
_IN_MYSQL: dict[str, Any] = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}


class Dialect(ABC):
    """What a database calls things, and which of a contract's promises it can hold."""

    name: ClassVar[str]
    tables: ClassVar[sa.Dialect]  # SQLAlchemy's words: tables and indexes
    words: ClassVar[type[sqlglot.Dialect]]  # sqlglot's: conditions, names, texts
    an_object: ClassVar[str]  # the condition that the JSON `{}` is an object with something in it
    index_names_are_of_schema: ClassVar[bool]  # as those of tables are, and not of the table

    def quote(self, name: str) -> str:
        """The name of a table or column as SQL has it."""
        return exp.to_identifier(name, quoted=True).sql(self.words)

    def names(self, names: Sequence[str]) -> str:
        """The names as SQL has them, with commas."""
        return ", ".join(map(self.quote, names))

    def literal(self, text: str) -> str:
        """The text as SQL has it."""
        return exp.Literal.string(text).sql(self.words)

    def ddl(self, statement: ExecutableDDLElement) -> str:
        """The statement as SQL has it."""
        return str(statement.compile(dialect=self.tables)).strip()

    def type_condition(self, column: Column) -> str | None:
        """The condition that goes with the column's type here, instead of the contract's; "" for none; else None.

        JSON is kept parsed, so its text has no pattern.
        """
        if column.type != "json":
            return None
        if column.pattern not in ("", _ANY_OBJECT):
            raise ValueError(f"column {column.name}: {self.name} checks no pattern of JSON but {_ANY_OBJECT}")
        return self.an_object.format(self.quote(column.header))

    @abstractmethod
    def refuses_check(self, table: Table, columns: frozenset[str]) -> bool:
        """Whether no CHECK constraint may stand on these columns."""

    @abstractmethod
    def create_view(self, name: str, table: Table, query: str) -> list[str]:
        """The statements that create a view of the query, with its comment, or put it in another's place."""

    @abstractmethod
    def analyze(self, names: Sequence[str]) -> str:
        """The statement that has the server look at how the tables' values are distributed."""


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

    def create(self, table: Table) -> list[str]:
        """The statements that create the table with all its constraints, comments and indexes."""
        made = self._made[table.name]
        comments = [SetTableComment(made), *map(SetColumnComment, made.columns)]
        statements = [
            CreateTable(made),
            *(() if self.dialect.tables.inline_comments else comments),
            *map(CreateIndex, sorted(made.indexes, key=lambda index: str(index.name))),
        ]
        return [self.dialect.ddl(statement) for statement in statements]

    def create_view(self, view: Table, settings: Any) -> list[str]:
        """The statements that create the view, of the tables by the names that they have here."""
        assert view.view is not None
        query = view.view(settings).strip()
        for name in map(final_name, (*self.tables, *self.views)):
            query = re.sub(rf"\b{name}\b", self.names.prefix + name, query)
        return self.dialect.create_view(self.names.table(view), view, query)

    def rules(self, table: Table) -> list[Rule]:
        """Every condition of the contract. Raises ValueError for one that the dialect cannot say."""
        found = [(f"{c.name}_allowed", self._of_column(table, c)) for c in table.columns]
        found += [(name, translated(sql, table, self.dialect.words)) for name, sql in table.rules.items()]
        return [
            Rule(self.names.constraint(table, name), condition.sql, self._holder(table, name, condition))
            for name, condition in found
            if condition.sql
        ]

    def asked(self, table: Table) -> list[Rule]:
        """The rules that nothing in the database holds."""
        return [rule for rule in self.rules(table) if rule.held_by == BY_QUERY]

    def count_broken(self, table: Table, rule: Rule) -> str:
        """The query for the number of rows that break the rule."""
        return f"{self.count(table)} WHERE NOT ({rule.sql})"

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

    @cached_property
    def _made(self) -> dict[str, sa.Table]:
        """The tables by their names in the contract."""
        metadata = sa.MetaData()
        return {table.name: self._table(table, metadata) for table in self.tables}

    def _table(self, table: Table, metadata: sa.MetaData) -> sa.Table:
        keyed = _keyed(table)
        return sa.Table(
            self.names.table(table),
            metadata,
            *(_column(column, column.name in keyed) for column in table.columns),
            sa.PrimaryKeyConstraint(*_headers(table, table.key)),
            *(sa.UniqueConstraint(*_headers(table, columns)) for columns in table.unique),
            *(self._foreign_key(table, reference) for reference in table.references),
            *(_check(rule) for rule in self.rules(table) if rule.held_by == BY_CHECK),
            *(self._index(table, index) for index in indexes(table)),
            comment=table_comment(table),
            quote=True,
            **_IN_MYSQL,
        )

    def _foreign_key(self, table: Table, reference: Reference) -> sa.ForeignKeyConstraint:
        parent = self._by_name[reference.table]
        name = self.names.constraint(table, f"{'_'.join(reference.columns)}_fkey")
        return sa.ForeignKeyConstraint(
            _headers(table, reference.columns),
            [f"{self.names.table(parent)}.{header}" for header in _headers(parent, reference.to_columns)],
            name=_quoted(name),
            ondelete=reference.on_delete,
            onupdate="CASCADE",
        )

    def _index(self, table: Table, index: Index) -> sa.Index:
        """Where an index's name is one of the schema's, as a table's is, it has the prefix too until the swap."""
        name = index.name or f"{final_name(table)}_{'_'.join(index.columns)}_idx"
        prefix = self.names.prefix if self.dialect.index_names_are_of_schema else ""
        where = translated(index.where, table, self.dialect.words).sql if index.where else ""
        partial: dict[str, Any] = {"postgresql_where": sa.literal_column(where)} if where else {}
        return sa.Index(_quoted(prefix + name), *_headers(table, index.columns), **partial)

    def _of_column(self, table: Table, column: Column) -> Condition:
        own = self.dialect.type_condition(column)
        if own is None and column.condition:
            return translated(column.condition, table, self.dialect.words)
        return Condition(own or "", frozenset({column.name}))

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


def _column(column: Column, keyed: bool) -> sa.Column[Any]:
    """The column; the database gives it no number of its own."""
    kind, meaning = column_type(column, keyed), column.comment
    return sa.Column(column.header, kind, nullable=column.nullable, comment=meaning, autoincrement=False, quote=True)


def _check(rule: Rule) -> sa.CheckConstraint:
    return sa.CheckConstraint(sa.literal_column(rule.sql), name=_quoted(rule.name))


def _headers(table: Table, names: Sequence[str]) -> list[str]:
    return [table.column(name).header for name in names]


def _quoted(name: str) -> quoted_name:
    return quoted_name(name, quote=True)


def _limits(column: Column) -> tuple[object, ...]:
    return column.domain, column.pattern, column.low, column.high
