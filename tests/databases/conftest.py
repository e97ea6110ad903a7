"""A MariaDB server of the tests' own: a private folder, a socket, no network; stopped at the end."""

from __future__ import annotations

import getpass
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pymysql
import pytest
from pyspark.sql import SparkSession

import payerlake
from payerlake import api
from tests.conftest import interpreted

MEMBERS = 200
_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
_STARTED_WITHIN_SECONDS = 60


@dataclass(frozen=True)
class Database:
    """A database of the running server. The user `ann` with the password `Geheim-7/@` has all rights on it."""

    socket: str
    name: str

    @property
    def url(self) -> str:
        return self.url_as("ann", "Geheim-7%2F%40")

    def url_as(self, user: str, password: str) -> str:
        return f"mysql://{user}:{password}@localhost/{self.name}?unix_socket={self.socket}"

    def connect(self) -> Any:
        """A connection of the administrator."""
        return pymysql.connect(unix_socket=self.socket, user="root", database=self.name, autocommit=True)

    def rows(self, sql: str) -> list[tuple]:
        with closing(self.connect()) as connection, connection.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall())

    def names(self) -> set[str]:
        """The names of all tables."""
        return {name for (name,) in self.rows("SHOW TABLES")}

    def script(self, sql: str, folder: Path) -> str:
        """Run a script by the server's own client, as a user would; what it prints."""
        client = [_program("mariadb"), "--no-defaults", f"--socket={self.socket}", "--user=root", "--local-infile=1"]
        ran = subprocess.run(
            [*client, self.name], input=sql, cwd=folder, text=True, capture_output=True, check=False, timeout=60
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout


@pytest.fixture(scope="session")
def socket() -> Iterator[str]:
    """The socket of a running server."""
    if not all(map(_found, ("mariadbd", "mariadb-install-db", "mariadb"))):
        pytest.skip(
            "no MariaDB server here: nothing is loaded into one; run: apt-get install mariadb-server-core "
            "mariadb-client-core"
        )
    folder = Path(tempfile.mkdtemp(prefix="payerlake-mariadb-"))  # short: a socket's path has 107 signs at most
    server = _start(folder)
    try:
        yield str(folder / "socket")
    finally:
        server.terminate()
        server.wait(timeout=60)
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def _databases(socket: str) -> Iterator[Database]:
    return (Database(socket, f"health_{number}") for number in range(1000))


@pytest.fixture
def database(_databases: Iterator[Database]) -> Database:
    """A new, empty database."""
    return _created(next(_databases))


@pytest.fixture(scope="session")
def insurance(socket: str, spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the insurance dataset of a few members, as CSV; not made where there is no server to load it."""
    out = tmp_path_factory.mktemp("insurance")
    with interpreted(spark):
        payerlake.generate(spark, "insurance", out, format="csv", members=MEMBERS, validate=False)
    return out


@pytest.fixture
def loaded(database: Database, insurance: Path) -> Database:
    """A database with the dataset in it, and a sign by which it is told from one that is loaded again."""
    api.load(None, "insurance", insurance, to=database.url)
    database.rows("UPDATE INSURANCE SET insurance_name = 'as before' WHERE insurance_id = 1")
    return database


@pytest.fixture
def copy(insurance: Path, tmp_path: Path) -> Path:
    """A copy of the published dataset, to be damaged."""
    shutil.copytree(insurance, tmp_path / "copy")
    return tmp_path / "copy"


def _created(database: Database) -> Database:
    server = Database(database.socket, "mysql")
    server.rows(f"CREATE DATABASE {database.name} CHARACTER SET utf8mb4")
    server.rows("CREATE USER IF NOT EXISTS ann IDENTIFIED BY 'Geheim-7/@'")
    server.rows(f"GRANT ALL ON {database.name}.* TO ann")
    return database


def _start(folder: Path) -> subprocess.Popen:
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
    _await(server, str(folder / "socket"), log)
    return server


def _await(server: subprocess.Popen, socket: str, log: Path) -> None:
    until = time.monotonic() + _STARTED_WITHIN_SECONDS
    while time.monotonic() < until and server.poll() is None:
        try:
            pymysql.connect(unix_socket=socket, user="root").close()
        except pymysql.err.OperationalError:
            time.sleep(0.1)
        else:
            return
    server.kill()
    pytest.fail(f"MariaDB did not start: {log.read_text()[-2000:]}")


def _found(name: str) -> str | None:
    return shutil.which(name, path=_PATH)


def _program(name: str) -> str:
    path = _found(name)
    assert path, name
    return path
