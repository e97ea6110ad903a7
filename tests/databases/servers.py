"""The tests' own servers: MariaDB and PostgreSQL in a private folder, on a socket, without a network."""

from __future__ import annotations

import getpass
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import psycopg
import pymysql
import pytest

from payerlake.databases.mysql_server import MySQLSession
from payerlake.databases.postgresql_server import PostgreSQLSession

_PATH = os.pathsep.join(
    [
        os.environ.get("PATH", ""),
        *("/usr/sbin", "/usr/local/sbin"),
        *sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin")), reverse=True),
    ]
)
_STARTED_WITHIN_SECONDS = 60
_ADMINISTRATOR, _SECRET = "administrator", "Geheim-8"


@dataclass(frozen=True)
class Database:
    """A database of a running server. The user `ann` with the password `Geheim-7/@` has all rights on it.

    The administrator's SQL has names in double quotes on both servers.
    """

    socket: str
    name: str

    kind: ClassVar[str]
    session: ClassVar[type]
    error: ClassVar[type[Exception]]
    sleep: ClassVar[str]
    connections: ClassVar[str]

    @property
    def url(self) -> str:
        return self.url_as("ann", "Geheim-7%2F%40")

    def url_as(self, user: str, password: str) -> str:
        raise NotImplementedError

    def connect(self) -> Any:
        """A connection of the administrator."""
        raise NotImplementedError

    def kill(self, connection: Any) -> None:
        """End a connection of payerlake's."""
        raise NotImplementedError

    def created(self) -> Database:
        raise NotImplementedError

    def rows(self, sql: str) -> list[tuple]:
        with closing(self.connect()) as connection, closing(connection.cursor()) as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall()) if cursor.description else []

    def names(self) -> set[str]:
        """The names of all tables and views."""
        raise NotImplementedError


class MariaDB(Database):
    kind, session, error = "mariadb", MySQLSession, pymysql.err.MySQLError
    sleep = "SELECT SLEEP(60)"
    connections = "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE USER = 'ann'"

    def url_as(self, user: str, password: str) -> str:
        return f"mysql://{user}:{password}@localhost/{self.name}?unix_socket={self.socket}"

    def connect(self) -> Any:
        return pymysql.connect(
            unix_socket=self.socket,
            user="root",
            database=self.name,
            autocommit=True,
            init_command="SET sql_mode = CONCAT(@@sql_mode, ',ANSI_QUOTES')",
        )

    def kill(self, connection: Any) -> None:
        self.rows(f"KILL {connection.thread_id()}")

    def created(self) -> MariaDB:
        server = MariaDB(self.socket, "mysql")
        server.rows(f"CREATE DATABASE {self.name} CHARACTER SET utf8mb4")
        server.rows("CREATE USER IF NOT EXISTS ann IDENTIFIED BY 'Geheim-7/@'")
        server.rows(f"GRANT ALL ON {self.name}.* TO ann")
        return self

    def names(self) -> set[str]:
        return {name for (name,) in self.rows("SHOW TABLES")}

    def script(self, sql: str, folder: Path) -> str:
        """Run a script by the server's own client, as a user would; what it prints."""
        client = [_program("mariadb"), "--no-defaults", f"--socket={self.socket}", "--user=root", "--local-infile=1"]
        ran = subprocess.run(
            [*client, self.name], input=sql, cwd=folder, text=True, capture_output=True, check=False, timeout=60
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout


class PostgreSQL(Database):
    kind, session, error = "postgresql", PostgreSQLSession, psycopg.Error
    sleep = "SELECT pg_sleep(60)"
    connections = "SELECT COUNT(*) FROM pg_stat_activity WHERE usename = 'ann'"

    def url_as(self, user: str, password: str) -> str:
        return f"postgresql://{user}:{password}@localhost/{self.name}?host={self.socket}"

    def connect(self) -> Any:
        return psycopg.connect(
            host=self.socket, user=_ADMINISTRATOR, password=_SECRET, dbname=self.name, autocommit=True
        )

    def kill(self, connection: Any) -> None:
        self.rows(f"SELECT pg_terminate_backend({connection.info.backend_pid})")

    def created(self) -> PostgreSQL:
        server = PostgreSQL(self.socket, "postgres")
        if not server.rows("SELECT 1 FROM pg_roles WHERE rolname = 'ann'"):
            server.rows("CREATE ROLE ann LOGIN PASSWORD 'Geheim-7/@'")
        server.rows(f"CREATE DATABASE {self.name} OWNER ann STRATEGY file_copy")
        return self

    def names(self) -> set[str]:
        sql = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v', 'm')"
        return {name for (name,) in self.rows(sql)}


@contextmanager
def mariadb() -> Iterator[str]:
    """The socket of a running MariaDB."""
    if not all(map(_found, ("mariadbd", "mariadb-install-db", "mariadb"))):
        pytest.skip("no MariaDB server here: nothing is loaded into one; run: make databases")
    with _running(_start_mariadb) as folder:
        yield str(folder / "socket")


@contextmanager
def postgresql() -> Iterator[str]:
    """The folder of a running PostgreSQL's socket."""
    if not all(map(_found, ("initdb", "postgres"))):
        pytest.skip("no PostgreSQL server here: nothing is loaded into one; run: make databases")
    if os.geteuid() == 0 and not shutil.which("setpriv"):
        pytest.skip("PostgreSQL does not run as root, and there is no setpriv to be another user; run: make as another")
    with _running(_start_postgresql) as folder:
        yield str(folder)


@contextmanager
def _running(start: Callable[[Path], subprocess.Popen]) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="payerlake-db-"))  # short: a socket's path has 107 signs at most
    server = start(folder)
    try:
        yield folder
    finally:
        server.terminate()
        server.wait(timeout=60)
        shutil.rmtree(folder)


def _start_mariadb(folder: Path) -> subprocess.Popen:
    user, data, log = getpass.getuser(), folder / "data", folder / "log"
    with log.open("w") as output:
        subprocess.run(
            [
                *(_program("mariadb-install-db"), "--no-defaults", f"--datadir={data}", f"--user={user}"),
                *("--auth-root-authentication-method=normal", "--skip-test-db"),
            ],
            stdout=output,
            stderr=output,
            check=True,
        )
        server = subprocess.Popen(
            [
                *(_program("mariadbd"), "--no-defaults", f"--datadir={data}", f"--socket={folder / 'socket'}"),
                *("--skip-networking", f"--user={user}", f"--pid-file={folder / 'pid'}", "--local-infile=1"),
                # Nobody needs these data after a power failure.
                *("--innodb-flush-log-at-trx-commit=0", "--innodb-flush-method=nosync", "--innodb-doublewrite=0"),
                *("--sync-frm=0", "--innodb-buffer-pool-size=64M"),
            ],
            stdout=output,
            stderr=output,
        )
    _await(server, MariaDB(str(folder / "socket"), "mysql"), log)
    return server


def _start_postgresql(folder: Path) -> subprocess.Popen:
    """As another user where this one is root, as whom PostgreSQL does not run."""
    data, log, secret = folder / "data", folder / "log", folder / "secret"
    secret.write_text(f"{_SECRET}\n")
    other = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"] if os.geteuid() == 0 else []
    if other:
        for path in (folder, secret):
            shutil.chown(path, "nobody", "nogroup")
    with log.open("w") as output:
        subprocess.run(
            [
                *(*other, _program("initdb"), f"--pgdata={data}", f"--username={_ADMINISTRATOR}", "--no-sync"),
                *(f"--pwfile={secret}", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C"),
            ],
            stdout=output,
            stderr=output,
            cwd=folder,
            check=True,
        )
        server = subprocess.Popen(
            [
                *(*other, _program("postgres"), "-D", str(data), "-k", str(folder), "-c", "listen_addresses="),
                # Nobody needs these data after a power failure.
                *("-c", "fsync=off", "-c", "full_page_writes=off", "-c", "synchronous_commit=off"),
                *("-c", "shared_buffers=32MB", "-c", "autovacuum=off"),
            ],
            stdout=output,
            stderr=output,
            cwd=folder,
        )
    _await(server, PostgreSQL(str(folder), "postgres"), log)
    return server


def _await(server: subprocess.Popen, database: Database, log: Path) -> None:
    until = time.monotonic() + _STARTED_WITHIN_SECONDS
    while time.monotonic() < until and server.poll() is None:
        try:
            database.connect().close()
        except database.error:
            time.sleep(0.1)
        else:
            return
    server.kill()
    pytest.fail(f"{database.kind} did not start: {log.read_text()[-2000:]}")


def _found(name: str) -> str | None:
    return shutil.which(name, path=_PATH)


def _program(name: str) -> str:
    path = _found(name)
    assert path, name
    return path
