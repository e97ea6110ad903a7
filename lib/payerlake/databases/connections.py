"""Connections of one load to a database: counted, so that all can be ended at once. Shared by the servers."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Generic, Protocol, TypeVar

from payerlake.databases.address import Address
from payerlake.errors import BadInput, EngineFailed


class Lockable(Protocol):
    """What a session does before a load."""

    def require_fit(self) -> None:
        """Raises BadInput for a server that cannot be loaded into."""

    def lock(self) -> None:
        """Raises BadInput where another load of this database is under way."""


S = TypeVar("S", bound=Lockable)


class Connections(ABC, Generic[S]):
    """The connections to one database. As text it is its URL without the password."""

    def __init__(self, to: Address) -> None:
        self.address = to
        self._open: set[int] = set()
        self._guard = threading.Lock()
        self._stopped = False

    def __str__(self) -> str:
        return str(self.address)

    @contextmanager
    def session(self) -> Iterator[S]:
        """A connection for the time of the block."""
        connection = self._connect()
        number = self._number(connection)
        try:
            self._register(number)
            yield self._session(connection)
        finally:
            self._open.discard(number)
            connection.close()

    @contextmanager
    def locked(self) -> Iterator[S]:
        """A connection that no other load of this database has meanwhile. Raises BadInput where there is one."""
        connection = self._connect()
        try:
            session = self._session(connection)
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
                for number in running:
                    self._end(connection, number)
            finally:
                connection.close()

    def restart(self) -> None:
        """Allow sessions again."""
        self._stopped = False

    def _register(self, number: int) -> None:
        with self._guard:
            if self._stopped:
                raise EngineFailed(f"{self}: stopped")
            self._open.add(number)

    @abstractmethod
    def _connect(self) -> Any:
        """A connection of the driver. Raises BadInput."""

    @abstractmethod
    def _session(self, connection: Any) -> S:
        """The session over a connection."""

    @abstractmethod
    def _number(self, connection: Any) -> int:
        """By which number the server knows the connection."""

    @abstractmethod
    def _end(self, connection: Any, number: int) -> None:
        """End what another connection is doing; one that has just ended is no error."""
