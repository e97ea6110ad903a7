"""Databases: the loading of a published dataset."""

from __future__ import annotations

from pkgutil import resolve_name

from payerlake.databases.address import scheme
from payerlake.databases.inspect import Inspected
from payerlake.databases.load import Loaded, LoadedTable, load
from payerlake.databases.server import Server
from payerlake.databases.sources import csv_files

JOBS = 4  # files to load at once
# Imported when it is needed: the words of databases take half a second.
_MYSQL, _POSTGRESQL = "mysql_server:MySQLServer", "postgresql_server:PostgreSQLServer"
_SERVERS = {
    "mariadb": _MYSQL,
    "mysql": _MYSQL,
    "postgres": _POSTGRESQL,
    "postgresql": _POSTGRESQL,
}


def server(url: str) -> Server:
    """The database that the URL means; nothing is connected yet. Raises BadInput."""
    kind: type[Server] = resolve_name(f"{__name__}.{_SERVERS[scheme(url, _SERVERS)]}")
    return kind(url)


__all__ = [
    "JOBS",
    "Inspected",
    "Loaded",
    "LoadedTable",
    "Server",
    "csv_files",
    "load",
    "server",
]
