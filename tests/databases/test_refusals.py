"""What the user can mend is said in one message, before anything runs, and never with a password."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from payerlake import cli
from payerlake.errors import BadInput
from tests.databases.conftest import Database
from tests.databases.loading import load


@pytest.fixture
def no_files(database: Database) -> Iterator[None]:
    """The server takes no files from clients."""
    database.rows("SET GLOBAL local_infile = 0")
    yield
    database.rows("SET GLOBAL local_infile = 1")


def refused(capsys: pytest.CaptureFixture[str], out: Path, url: str, *more: str) -> str:
    """The one message of a load that is refused."""
    code = cli.run(["load", "insurance", "--out", str(out), "--to", url, *more])
    captured = capsys.readouterr()
    assert code == 2, captured
    assert captured.out == ""
    assert len(captured.err.splitlines()) == 1
    assert "Geheim" not in captured.err
    return captured.err


def test_wrong_credentials_hosts_and_databases_get_one_message(
    database: Database, insurance: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "check user and password" in refused(capsys, insurance, database.url_as("ann", "Geheimnis"))
    assert "check user and password" in refused(capsys, insurance, database.url_as("bob", "Geheim"))
    other = database.url.replace(database.name, "mysql")
    assert "all privileges on this database" in refused(capsys, insurance, other)
    other = database.url_as("root", "").replace(database.name, "nowhere")
    assert "CREATE DATABASE" in refused(capsys, insurance, other)
    assert "check host and port" in refused(capsys, insurance, "mysql://ann:Geheim@nohost.invalid/health")
    assert "check host and port" in refused(capsys, insurance, "mysql://ann:Geheim@127.0.0.1:9/health")
    assert "socket" in refused(capsys, insurance, "mysql://ann:Geheim@localhost/health?unix_socket=/nowhere")


def test_a_server_that_takes_no_files_is_named(
    database: Database, insurance: Path, no_files: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "SET GLOBAL local_infile = 1" in refused(capsys, insurance, database.url)
    assert database.names() == set()


def test_a_user_who_may_only_read_is_told_what_is_missing(
    database: Database, insurance: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    database.rows("CREATE OR REPLACE USER reader IDENTIFIED BY 'Geheim'")
    database.rows(f"GRANT SELECT ON {database.name}.* TO reader")
    assert "GRANT ALL" in refused(capsys, insurance, database.url_as("reader", "Geheim"))


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
