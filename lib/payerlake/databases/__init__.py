"""Databases: DDL from the contracts, and the loading of a published dataset."""

from __future__ import annotations

from payerlake.databases.address import scheme
from payerlake.databases.load import Loaded, LoadedTable, load
from payerlake.databases.mysql_server import MySQLServer
from payerlake.databases.scripts import load_script, schema_script
from payerlake.databases.server import Server
from payerlake.databases.sources import csv_files

JOBS = 4  # files to load at once
_SERVERS = {"mysql": MySQLServer, "mariadb": MySQLServer}


def server(url: str) -> Server:
    """The database that the URL means; nothing is connected yet. Raises BadInput."""
    return _SERVERS[scheme(url, _SERVERS)](url)


__all__ = ["JOBS", "Loaded", "LoadedTable", "Server", "csv_files", "load", "load_script", "schema_script", "server"]
