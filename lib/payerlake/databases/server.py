"""What the loader asks of a database server: sessions, what stands in the database, the swap. One class a database."""

from __future__ import annotations

import importlib
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from payerlake.contract.schema import Table
from payerlake.dialects.names import Names
from payerlake.errors import BadInput, DataFailed, EngineFailed, PayerlakeError

if TYPE_CHECKING:
    from payerlake.dialects.ddl import Dialect, Schema


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
    create_views: Mapping[str, Sequence[str]]
    old_tables: Mapping[str, str]
    old_views: Sequence[str]
    index_names: frozenset[str]


class Session(ABC):
    """One connection, of a driver as PEP 249 has it. Every method raises EngineFailed where the server fails."""

    dialect: ClassVar[Dialect]
    lock_query: ClassVar[str]  # whether this connection has got the lock of loads

    def __init__(self, place: str, connection: Any) -> None:
        self._place, self._connection = place, connection

    @staticmethod
    @abstractmethod
    def driver() -> Any:
        """The driver's module. Raises BadInput with the remedy where it is not installed."""

    def run(self, *statements: str) -> None:
        """Run statements, one after the other."""
        for statement in statements:
            self.answer(statement)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        return self.answer(sql)[1]

    def answer(self, sql: str) -> tuple[list[str], list[tuple[Any, ...]]]:
        """The names of a query's columns, and its rows."""
        with self._translated(), self._connection.cursor() as cursor:
            cursor.execute(sql)
            if cursor.description is None:
                return [], []
            return [column[0] for column in cursor.description], list(cursor.fetchall())

    @abstractmethod
    def require_fit(self) -> None:
        """Raises BadInput for a server that cannot be loaded into."""

    def lock(self) -> None:
        """Raises BadInput where another load of this database is under way."""
        ((got,),) = self.rows(self.lock_query)
        if not got:
            raise BadInput(f"{self._place}: another load of this database is under way; wait for its end")

    @abstractmethod
    def tables(self) -> dict[str, str]:
        """Comments of the database's tables and views by name."""

    def same_name(self, name: str) -> str:
        """The name as the server tells names apart: in lower case where case does not matter to it."""
        return name

    @abstractmethod
    def referring(self) -> list[tuple[str, str]]:
        """(who, table) for all that a table of the database takes with it when it goes; who is for people."""

    def constraint_names(self) -> frozenset[str]:
        """The names, in lower case, that a constraint cannot have: those of others in the database."""
        return frozenset()

    def load_file(self, path: str, name: str, table: Table) -> None:
        """Load a CSV file. Raises DataFailed where a row of it is refused or changed."""
        refusals = self.driver().DataError, self.driver().IntegrityError
        try:
            with self._translated(refusals), self._connection.cursor() as cursor:
                refusal = self._load(cursor, path, name, table)
        except refusals as error:
            refusal = self._refusal(error)
        if refusal:
            raise DataFailed(f"{self._place}: {Path(path).name}: {refusal}")

    def drop(self, names: Sequence[str], kind: str = "TABLE") -> None:
        """Drop those of the tables that exist, or of the views; children come first."""
        if names:
            self.run(f"DROP {kind} IF EXISTS {self.dialect.names(names)}")

    def rename(self, names: Mapping[str, str]) -> None:
        """Rename tables in this order; foreign keys follow."""
        quote = self.dialect.quote
        self.run(*(f"ALTER TABLE {quote(old)} RENAME TO {quote(new)}" for old, new in names.items()))

    @abstractmethod
    def swap(self, swap: Swap) -> None:
        """Put the new tables in place, all or none, and the views. What was replaced may stand aside afterwards.

        Raises AfterSwap where the tables are in place and not all views.
        """

    @abstractmethod
    def _load(self, cursor: Any, path: str, name: str, table: Table) -> str:
        """Load a CSV file and say what is wrong with it, "" for nothing."""

    def _refusal(self, error: Exception) -> str:
        """What the driver's error says of a row."""
        return self.text(error)

    def _failed(self, error: Exception) -> PayerlakeError:
        """The driver's error as one of ours."""
        return EngineFailed(f"{self._place}: {self.text(error)}")

    @staticmethod
    def text(error: Exception) -> str:
        """The driver's error on one line."""
        return " ".join(str(error).split()) or type(error).__name__

    @contextmanager
    def _translated(self, but: tuple[type[Exception], ...] = ()) -> Iterator[None]:
        """Turns the driver's errors, but these, into ours."""
        try:
            yield
        except but:
            raise
        except (self.driver().Error, OSError) as error:
            raise self._failed(error) from error


class Server(ABC):
    """A database of a server, and its connections, counted, so that all can be ended at once.

    As text it is its URL without the password.
    """

    sessions: ClassVar[type[Session]]

    def __init__(self, place: str) -> None:
        self.sessions.driver()
        self._place = place
        self._open: set[Any] = set()
        self._guard = threading.Lock()
        self._stopped = False

    def __str__(self) -> str:
        return self._place

    def schema(self, contracts: Sequence[Table], names: Names | None = None) -> Schema:
        """The tables and views in this server's words."""
        from payerlake.dialects.ddl import Schema  # noqa: PLC0415  half a second that only databases need

        return Schema(contracts, self.sessions.dialect, names)

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A connection for the time of the block."""
        connection = self._connect()
        try:
            self._register(connection)
            yield self.sessions(str(self), connection)
        finally:
            self._open.discard(connection)
            connection.close()

    @contextmanager
    def locked(self) -> Iterator[Session]:
        """A connection that no other load of this database has meanwhile. Raises BadInput where there is one."""
        connection = self._connect()
        try:
            session = self.sessions(str(self), connection)
            session.require_fit()
            session.lock()
            yield session
        finally:
            connection.close()

    def stop(self) -> None:
        """End what all sessions are doing, but not those of `locked`; from now on there are no others."""
        with self._guard:
            self._stopped, running = True, list(self._open)
        with suppress(BadInput, EngineFailed):  # a server that is gone has stopped them itself
            connection = self._connect()
            try:
                for other in running:
                    with suppress(self.sessions.driver().Error):  # it has just ended
                        self._end(connection, other)
            finally:
                connection.close()

    def restart(self) -> None:
        """Allow sessions again."""
        self._stopped = False

    def _register(self, connection: Any) -> None:
        with self._guard:
            if self._stopped:
                raise EngineFailed(f"{self}: stopped")
            self._open.add(connection)

    @abstractmethod
    def _connect(self) -> Any:
        """A connection of the driver. Raises BadInput."""

    @abstractmethod
    def _end(self, connection: Any, other: Any) -> None:
        """End what another connection is doing, by way of this one."""


def installed(module: str, package: str, extra: str) -> Any:
    """The module. Raises BadInput where the extra of payerlake is not installed."""
    try:
        return importlib.import_module(module)
    except ImportError:
        raise BadInput(f"--to {extra}://…: needs {package}; run: pip install 'payerlake[{extra}]'") from None
