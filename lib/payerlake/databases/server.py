"""What the loader asks of a database server: sessions, what stands in the database, the swap. One class a database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from payerlake.databases.ddl import Dialect
from payerlake.schema import Table


class Session(Protocol):
    """One connection. Every method raises EngineFailed where the server fails."""

    def run(self, sql: str) -> None:
        """Run a statement."""

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a query."""

    def tables(self) -> dict[str, str]:
        """Comments of the database's tables and views by name."""

    def same_name(self, name: str) -> str:
        """The name as the server tells names apart: in lower case where case does not matter to it."""

    def referring(self) -> list[tuple[str, str]]:
        """(who, table) for all foreign keys to, and triggers on, tables of the database; who is for people."""

    def constraint_names(self) -> frozenset[str]:
        """The names, in lower case, of the constraints in the database."""

    def load_file(self, path: str, name: str, table: Table) -> None:
        """Load a CSV file. Raises DataFailed where a row of it is refused or changed."""

    def drop(self, names: Sequence[str]) -> None:
        """Drop those of the tables that exist; children come first."""

    def rename(self, names: Mapping[str, str]) -> None:
        """Rename tables, all or none, in this order; foreign keys follow."""


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
