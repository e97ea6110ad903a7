"""Databases: DDL from the contracts, and the loading of a published dataset."""

from __future__ import annotations

from collections.abc import Callable

from payerlake.databases.address import scheme
from payerlake.databases.inspect import Inspected
from payerlake.databases.load import Loaded, LoadedTable, load
from payerlake.databases.mysql_server import MySQLServer
from payerlake.databases.postgresql_server import PostgreSQLServer
from payerlake.databases.server import Server
from payerlake.databases.sources import csv_files
from payerlake.dialects.scripts import load_script, schema_script

JOBS = 4  # files to load at once
_SERVERS: dict[str, Callable[[str], Server]] = {
    "mysql": MySQLServer,
    "mariadb": MySQLServer,
    "postgresql": PostgreSQLServer,
    "postgres": PostgreSQLServer,
}


def server(url: str) -> Server:
    """The database that the URL means; nothing is connected yet. Raises BadInput."""
    return _SERVERS[scheme(url, _SERVERS)](url)


__all__ = [
    "JOBS",
    "Inspected",
    "Loaded",
    "LoadedTable",
    "Server",
    "csv_files",
    "load",
    "load_script",
    "schema_script",
    "server",
]
