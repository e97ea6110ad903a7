"""What the user can mend is said in one message, before anything runs, and never with a password."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from payerlake import cli
from payerlake.errors import BadInput
from tests.databases.loading import load
from tests.databases.servers import Database, MariaDB, PostgreSQL


@pytest.fixture
def no_files(mariadb: MariaDB) -> Iterator[None]:
    """The server takes no files from clients."""
    mariadb.rows("SET GLOBAL local_infile = 0")
    yield
    mariadb.rows("SET GLOBAL local_infile = 1")


def refused(capsys: pytest.CaptureFixture[str], out: Path, url: str, *more: str) -> str:
    """The one message of a load that is refused."""
    code = cli.run(["load", "insurance", "--out", str(out), "--to", url, *more])
    captured = capsys.readouterr()
    assert code == 2, captured
    assert captured.out == ""
    assert len(captured.err.splitlines()) == 1
    assert "Geheim" not in captured.err
    return captured.err


def test_wrong_credentials_hosts_and_databases_get_one_message_of_mariadb(
    mariadb: MariaDB, insurance: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "check user and password" in refused(capsys, insurance, mariadb.url_as("ann", "Geheimnis"))
    assert "check user and password" in refused(capsys, insurance, mariadb.url_as("bob", "Geheim"))
    other = mariadb.url.replace(mariadb.name, "mysql")
    assert "all privileges on this database" in refused(capsys, insurance, other)
    other = mariadb.url_as("root", "").replace(mariadb.name, "nowhere")
    assert "CREATE DATABASE" in refused(capsys, insurance, other)
    assert "check host and port" in refused(capsys, insurance, "mysql://ann:Geheim@nohost.invalid/health")
    assert "check host and port" in refused(capsys, insurance, "mysql://ann:Geheim@127.0.0.1:9/health")
    assert "socket" in refused(capsys, insurance, "mysql://ann:Geheim@localhost/health?unix_socket=/nowhere")


def test_a_server_that_takes_no_files_is_named(
    mariadb: MariaDB, insurance: Path, no_files: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "SET GLOBAL local_infile = 1" in refused(capsys, insurance, mariadb.url)
    assert mariadb.names() == set()


def test_a_user_who_may_only_read_is_told_what_is_missing_in_mariadb(
    mariadb: MariaDB, insurance: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mariadb.rows("CREATE OR REPLACE USER reader IDENTIFIED BY 'Geheim'")
    mariadb.rows(f"GRANT SELECT ON {mariadb.name}.* TO reader")
    assert "GRANT ALL" in refused(capsys, insurance, mariadb.url_as("reader", "Geheim"))


def test_wrong_credentials_hosts_and_databases_get_one_message_of_postgresql(
    postgresql: PostgreSQL, insurance: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "check user and password" in refused(capsys, insurance, postgresql.url_as("ann", "Geheimnis"))
    assert "check user and password" in refused(capsys, insurance, postgresql.url_as("bob", "Geheim"))
    assert "give a password" in refused(capsys, insurance, postgresql.url_as("ann", ""))
    other = postgresql.url.replace(postgresql.name, "nowhere")
    assert "CREATE DATABASE" in refused(capsys, insurance, other)
    assert "check the host" in refused(capsys, insurance, "postgres://ann:Geheim@nohost.invalid/health")
    assert "check host and port" in refused(capsys, insurance, "postgresql://ann:Geheim@127.0.0.1:9/health")
    assert "socket" in refused(capsys, insurance, "postgresql://ann:Geheim@localhost/health?host=/nowhere")


def test_a_user_who_may_only_read_is_told_what_is_missing_in_postgresql(
    postgresql: PostgreSQL, insurance: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    postgresql.rows("CREATE ROLE reader LOGIN PASSWORD 'Geheim'")
    assert "GRANT ALL ON SCHEMA" in refused(capsys, insurance, postgresql.url_as("reader", "Geheim"))


def test_a_database_that_cannot_hold_the_texts_is_refused(
    postgresql: PostgreSQL, insurance: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    postgresql.rows("CREATE DATABASE latin OWNER ann ENCODING 'LATIN1' TEMPLATE template0")
    other = postgresql.url.replace(postgresql.name, "latin")
    assert "ENCODING 'UTF8'" in refused(capsys, insurance, other)
    assert "no schema" in refused(capsys, insurance, f"{postgresql.url}&options=-csearch_path%3Dnowhere")


def test_options_are_checked_before_anything_runs(
    database: Database, insurance: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = database.url
    assert "'append' is not a mode" in refused(capsys, insurance, url, "--mode", "append")
    assert "--jobs 0" in refused(capsys, insurance, url, "--jobs", "0")
    assert "--jobs many" in refused(capsys, insurance, url, "--jobs", "many")
    assert "no published dataset" in refused(capsys, tmp_path, url)
    assert "mysql://ann:***@host/health" in refused(capsys, insurance, url, "mysql://ann:Geheim@host/health")
    assert "'oracle' is not a kind of database" in refused(capsys, insurance, "oracle://ann:Geheim@host/health")
    code = cli.run(["load", "insurance", "--out", str(insurance)])
    assert code == 2
    assert "--to" in capsys.readouterr().err


def test_a_published_child_without_its_parent_is_refused(database: Database, copy: Path) -> None:
    path = copy / "insurance" / "manifest.json"
    manifest = json.loads(path.read_text())
    del manifest["tables"]["plan"]
    path.write_text(json.dumps(manifest))
    with pytest.raises(BadInput, match=r"insurance.enrollment: refers to plan, which is not published"):
        load(database, copy)


def test_without_the_driver_the_remedy_is_said(
    insurance: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "pymysql", None)
    assert "pip install 'payerlake[mysql]'" in refused(capsys, insurance, "mysql://ann:Geheim@localhost/health")


def test_without_psycopg_the_remedy_is_said(
    insurance: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    assert "pip install 'payerlake[postgresql]'" in refused(
        capsys, insurance, "postgresql://ann:Geheim@localhost/health"
    )
