"""What the loader asks of a database server: sessions, what stands in the database, the swap. One class a database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from payerlake.contract.schema import Table
from payerlake.dialects.ddl import Dialect
from payerlake.errors import EngineFailed


class AfterSwap(EngineFailed):
    """What failed when the new tables were in place already."""


@dataclass(frozen=True)
class Swap:
    """What takes the place of what.

    tables, views: final names by those in the stage, parents first. create_views: the statements that create the views
    of the final tables, by final name. old_tables: the names aside, by name, of the tables that stand there; old_views:
    the views that do. Children come first in both. index_names: those that the contracts give.
    """

    tables: Mapping[str, str]
    views: Mapping[str, str]
    create_views: Mapping[str, str]
    old_tables: Mapping[str, str]
    old_views: Sequence[str]
    index_names: frozenset[str]


class Session(Protocol):
    """One connection. Every method raises EngineFailed where the server fails."""

    def run(self, sql: str) -> None:
        """Run a statement."""

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a query."""

    def answer(self, sql: str) -> tuple[list[str], list[tuple[Any, ...]]]:
        """The names of a query's columns, and its rows."""

    def tables(self) -> dict[str, str]:
        """Comments of the database's tables and views by name."""

    def same_name(self, name: str) -> str:
        """The name as the server tells names apart: in lower case where case does not matter to it."""

    def referring(self) -> list[tuple[str, str]]:
        """(who, table) for all that a table of the database takes with it when it goes; who is for people."""

    def constraint_names(self) -> frozenset[str]:
        """The names, in lower case, of the constraints in the database."""

    def load_file(self, path: str, name: str, table: Table) -> None:
        """Load a CSV file. Raises DataFailed where a row of it is refused or changed."""

    def drop(self, names: Sequence[str]) -> None:
        """Drop those of the tables that exist; children come first."""

    def drop_views(self, names: Sequence[str]) -> None:
        """Drop those of the views that exist."""

    def rename(self, names: Mapping[str, str]) -> None:
        """Rename tables, all or none, in this order; foreign keys follow."""

    def swap(self, swap: Swap) -> None:
        """Put the new tables in place, all or none, and the views. What was replaced may stand aside afterwards.

        Raises AfterSwap where the tables are in place and not all views.
        """


class Server(Protocol):
    """A database of a server. As text it is its URL without the password."""

    @property
    def dialect(self) -> Dialect:
        """Its words."""

    def session(self) -> AbstractContextManager[Session]:
        """A connection for the time of the block."""

    def locked(self) -> AbstractContextManager[Session]:
        """A connection that no other load of this database has meanwhile. Raises BadInput where there is one."""

    def stop(self) -> None:
        """End what all sessions are doing, but not those of `locked`; from now on there are no others."""

    def restart(self) -> None:
        """Allow sessions again."""
