"""The command line: what a newcomer types, what they read, and what is left on disk."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from payerlake import cli, registry
from payerlake.schema import Table

TABLES = [table for name in registry.datasets() for table in registry.dataset(name).tables]


def _run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = cli.run(list(arguments))
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_list_names_every_table(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = _run(capsys, "list")
    assert code == 0
    assert all(table.full_name in out for table in TABLES)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.full_name)
def test_describe_has_a_line_for_every_column(table: Table, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = _run(capsys, "describe", table.full_name)
    assert code == 0
    lines = out.splitlines()
    assert all(any(line.startswith(f"{c.name} ") and c.meaning in line for line in lines) for c in table.columns)


def test_without_a_command_the_help_shows_where_to_start(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = _run(capsys)
    assert code == 0
    assert "payerlake generate pharmacy" in out


BAD = {
    "unknown command": (("generat", "pharmacy"), ["generat"]),
    "unknown option": (("generate", "pharmacy", "--membrs", "5"), ["--members"]),
    "unknown dataset": (("generate", "pharmcy"), ["'pharmcy'", "did you mean 'pharmacy'"]),
    "unknown table": (("generate", "pharmacy.membres"), ["'membres'", "did you mean 'members'"]),
    "unknown table of --tables": (("generate", "pharmacy", "--tables", "members,plan"), ["'plan'", "'plans'"]),
    "table named twice": (("generate", "pharmacy.members", "--tables", "plans"), ["one of the two"]),
    "table to describe": (("describe", "members"), ["DATASET.TABLE"]),
    "unknown setting": (("generate", "pharmacy", "--set", "sede=1"), ["'sede'", "did you mean 'seed'"]),
    "setting without value": (("generate", "pharmacy", "--set", "seed"), ["key=value"]),
    "unknown format": (("generate", "pharmacy", "--format", "cvs"), ["'cvs'", "did you mean 'csv'"]),
    "unknown scale": (("generate", "pharmacy", "--scale", "tini"), ["'tini'", "did you mean 'tiny'"]),
    "unknown mode": (("generate", "pharmacy", "--mode", "append"), ["'append'", "overwrite"]),
    "no members": (("generate", "pharmacy", "--members", "0"), ["--members: 0", "greater than 0"]),
    "negative members": (("generate", "pharmacy", "--members", "-5"), ["--members: -5", "greater than 0"]),
    "members in words": (("generate", "pharmacy", "--members", "many"), ["'many'", "integer"]),
    "shares that do not sum to 1": (("generate", "pharmacy", "--set", "population.sex.F=0.7"), ["sum to 1", "1.195"]),
    "slice beyond the last": (("generate", "pharmacy", "--slice", "3/2"), ["I/N"]),
    "slice from zero": (("generate", "pharmacy", "--slice", "0/2"), ["I/N"]),
    "slice in words": (("generate", "pharmacy", "--slice", "half"), ["I/N"]),
    "unknown partition column": (("generate", "pharmacy", "--set", "partition_by={members: [stat]}"), ["'state'"]),
    "missing file": (("generate", "pharmacy", "--config", "/nowhere/my.yaml"), ["/nowhere/my.yaml"]),
}


@pytest.mark.parametrize(("arguments", "words"), BAD.values(), ids=BAD)
def test_bad_input_gets_one_message_and_leaves_no_trace(
    arguments: tuple[str, ...], words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = ("--out", str(tmp_path / "out")) if arguments[0] == "generate" else ()
    code, printed, message = _run(capsys, *arguments, *out)
    assert code == 2
    assert printed == ""
    assert len(message.splitlines()) == 1
    assert message.startswith("payerlake: ")
    assert all(word in message for word in words), message
    assert not list(tmp_path.rglob("*manifest*"))


def test_broken_yaml_is_named_with_its_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "my.yaml"
    file.write_text("pharmacy:\n  members: [1\n")
    code, _, message = _run(capsys, "generate", "pharmacy", "--config", str(file), "--out", str(tmp_path / "out"))
    assert code == 2
    assert f"{file}, line 3" in message


def test_missing_out_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, message = _run(capsys, "generate", "pharmacy")
    assert code == 2
    assert "--out" in message


def test_a_folder_with_other_files_is_refused_untouched(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stranger = tmp_path / "pharmacy" / "thesis.txt"
    stranger.parent.mkdir()
    stranger.write_text("mine")
    code, _, message = _run(capsys, "generate", "pharmacy", "--out", str(tmp_path), "--mode", "overwrite")
    assert code == 2
    assert "did not publish" in message
    assert stranger.read_text() == "mine"


def test_nothing_published_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("validate", "verify"):
        code, _, message = _run(capsys, command, "pharmacy", "--out", str(tmp_path))
        assert code == 2
        assert "no published dataset" in message


@pytest.fixture(scope="module")
def published(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small dataset made by the command line, in two formats."""
    out = tmp_path_factory.mktemp("published")
    code = cli.run(
        ["generate", "pharmacy", "--scale", "tiny", "--format", "csv", "--format", "parquet", "--out", str(out)]
    )
    assert code == 0
    return out


def test_generate_leaves_manifest_data_and_data_docs(published: Path) -> None:
    folder = published / "pharmacy"
    manifest = json.loads((folder / "manifest.json").read_text())
    assert {name: set(formats) for name, formats in manifest["tables"].items()} == {
        table.name: {"csv", "parquet"} for table in registry.dataset("pharmacy").tables
    }
    assert manifest["settings"]["members"] == 200
    assert (folder / "csv" / "us_pharmacy_members.csv").read_text().count("\n") == 201
    assert (folder / "validation" / "index.html").exists()
    assert {path.name for path in published.iterdir()} == {"pharmacy"}


def test_a_second_run_is_refused_or_makes_the_same_bytes(published: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["generate", "pharmacy", "--scale", "tiny", "--format", "csv", "--tables", "plans,members", "--out"]
    code, _, message = _run(capsys, *arguments, str(published))
    assert code == 2
    assert "--mode overwrite" in message
    first = (published / "pharmacy" / "csv" / "us_pharmacy_members.csv").read_bytes()
    again = published / "again"
    code, _, _ = _run(capsys, *arguments, str(again))
    assert code == 0
    assert (again / "pharmacy" / "csv" / "us_pharmacy_members.csv").read_bytes() == first


def test_verify_finds_a_changed_cell(published: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = _run(capsys, "verify", "pharmacy", "--out", str(published))
    assert code == 0
    assert "as in the manifest" in out
    file = published / "pharmacy" / "csv" / "us_pharmacy_plans.csv"
    before = file.read_text()
    file.write_text(before.replace("Gold Commercial Plan", "Golden Commercial Plan", 1))
    code, _, message = _run(capsys, "verify", "pharmacy", "--out", str(published))
    file.write_text(before)
    assert code == 1
    assert "plans (csv)" in message


def test_validate_fails_on_data_that_break_a_rule(published: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = _run(capsys, "validate", "pharmacy", "--out", str(published))
    assert code == 0
    assert "all hold" in out
    assert "index.html" in out
