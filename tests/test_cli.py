"""The command line: what a newcomer types, what they read, and what is left on disk."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import nullcontext
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from payerlake import cli, errors, registry
from payerlake.contract import settings
from tests.conftest import compiled
from tests.lake import Lake, copied

TABLES = [table for name in registry.datasets() for table in registry.dataset(name).tables]


def _run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = cli.run(list(arguments))
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_list_names_every_table(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = _run(capsys, "list")
    assert code == 0
    assert all(table.full_name in out for table in TABLES)


def test_describe_has_a_line_for_every_column_of_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = _run(capsys, "describe", "insurance.members")
    assert code == 0
    assert out.startswith("insurance.members: one row per member\nkey: member_id   CSV: members   rows: 100,000\n")
    columns = registry.dataset("insurance").table("members").columns
    assert [line.split()[0] for line in out.splitlines()[3:]] == [column.name for column in columns]
    (line,) = [line for line in out.splitlines() if line.startswith("insurance_id ")]
    assert re.split(r"  +", line)[1:] == [
        "bigint",
        "→ insurance, null",
        "Insurer of the enrollment's plan; in CSV and SQL: Insurance ID",
    ]


def test_describe_has_the_tables_of_a_dataset(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = _run(capsys, "describe", "finance")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()[1:]] == [
        f"finance.{table.name}" for table in registry.dataset("finance").in_order()
    ]


@pytest.mark.parametrize("command", ["generate", "validate", "verify", "load", "describe"])
def test_what_is_wrong_with_the_command_line_is_said_with_the_help_that_has_it(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, message = _run(capsys, command)
    assert (code, message.startswith("payerlake: Missing argument")) == (2, True)
    assert message.endswith(f"Try 'payerlake {command} --help'.\n")


def test_the_help_of_generate_has_every_default_and_every_scale(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = _run(capsys, "generate", "--help")
    assert code == 0
    text = " ".join(out.split())
    said = dict(re.findall(r"(--[a-z]+) [A-Z][^-]*?\[(?:default: |)([^\]]+)\]", text))
    assert said.keys() >= {"--out", "--members", "--scale", "--seed", "--format", "--tables", "--slice", "--mode"}
    assert set(re.search(r"by name: ([a-z, ]+)\.", text)[1].split(", ")) == set(settings.scales("pharmacy"))


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
    "table to describe": (("describe", "members"), ["pharmacy.members or insurance.members"]),
    "no table": (("generate", "finance", "--tables", " , "), ["--tables", "names no table"]),
    "no table after the dot": (("generate", "finance."), ["'' is not a table of finance"]),
    "a table of all": (("generate", "all.claims"), ["a table belongs to one dataset"]),
    "setting that not all have": (("generate", "all", "--set", "risk.low=0.4"), ["'risk' is not a setting"]),
    "folder and schema": (("generate", "finance", "--out", "x", "--schema", "s"), ["beside --catalog or --schema"]),
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
    "partition column twice": (
        ("generate", "pharmacy", "--set", "partition_by={members: [state, state]}"),
        ["named twice"],
    ),
    "day out of time": (("generate", "finance", "--set", "population.as_of=0001-01-01"), ["population.as_of"]),
    "a day after the last": (
        ("generate", "pharmacy", "--set", "known_at=2025-01-01"),
        ["known_at: 2025-01-01 is not within the data", "up to 2024-12-31"],
    ),
    "a day after the population's": (("generate", "insurance", "--set", "known_at=2024-01-02"), ["up to 2024-01-01"]),
    "a day before the year": (
        ("generate", "quality", "--set", "known_at=2023-12-31"),
        ["known_at: 2023-12-31", "2024-01-01 to 2024-12-31"],
    ),
    "a day in words": (("generate", "finance", "--set", "known_at=soon"), ["--set known_at: 'soon'", "date"]),
    "unknown partition column": (("generate", "pharmacy", "--set", "partition_by={members: [stat]}"), ["'state'"]),
    "a name that readers take for null": (("generate", "finance", "--set", "clinics=[NA, B]"), ["'NA'", "clinics"]),
    "members that are no number": (("generate", "finance", "--set", "members=true"), ["members", "true is neither"]),
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
def published(lake: Lake, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small dataset made by the command line, in two formats."""
    return copied(lake, "pharmacy", tmp_path_factory.mktemp("published"))


def test_generate_leaves_manifest_data_and_data_docs(lake: Lake) -> None:
    out = lake("pharmacy")
    manifest = json.loads((out / "pharmacy/manifest.json").read_text())
    assert {name: set(formats) for name, formats in manifest["tables"].items()} == {
        table.name: {"csv", "parquet"} for table in registry.dataset("pharmacy").tables
    }
    assert manifest["settings"]["members"] == 2_000
    assert (out / "pharmacy/csv/us_pharmacy_members.csv").read_text().count("\n") == 2_001
    assert (out / "pharmacy/validation/index.html").exists()
    assert {path.name for path in out.iterdir() if path.suffix != ".lock"} <= set(registry.datasets())


def test_a_second_run_is_refused_or_makes_the_same_bytes(published: Path, capsys: pytest.CaptureFixture[str]) -> None:
    only = ["--members", "2000", "--format", "csv", "--tables", "plans,members", "--out"]
    code, _, message = _run(capsys, "generate", "pharmacy", *only, str(published))
    assert code == 2
    assert "--mode overwrite" in message
    first = (published / "pharmacy" / "csv" / "us_pharmacy_members.csv").read_bytes()
    again = published / "again"
    code, _, _ = _run(capsys, "generate", "pharmacy", *only, str(again))
    assert code == 0
    assert (again / "pharmacy" / "csv" / "us_pharmacy_members.csv").read_bytes() == first


def test_verify_finds_a_changed_cell(published: Path, capsys: pytest.CaptureFixture[str]) -> None:
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


def test_validate_tells_that_all_hold_or_what_does_not(
    spark: SparkSession, published: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with compiled(spark):
        code, out, _ = _run(capsys, "validate", "pharmacy", "--out", str(published))
    assert code == 0
    assert "all hold" in out
    assert "index.html" in out


STACK = (
    "An error occurred while calling o733.collectToPython.\n: org.apache.spark.SparkException: Job aborted\n"
    "\tat x.Y(Z.scala:1)\nCaused by: java.io.IOException: No space left on device"
)


@pytest.mark.parametrize("ours", [False, True], ids=["as Spark raises it", "as a step tells it"])
def test_what_fails_in_spark_is_told_in_one_line_and_the_log_has_the_rest(
    ours: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object, **__: object) -> None:
        with errors.doing("pharmacy: reading", "try again") if ours else nullcontext():
            raise RuntimeError(STACK)

    log = tmp_path / "log"
    monkeypatch.setenv("PAYERLAKE_LOG", str(log))
    monkeypatch.setattr("payerlake.api.verify", fail)
    code, _, message = _run(capsys, "verify", "pharmacy", "--out", str(tmp_path))
    told = (
        "pharmacy: reading: No space left on device; try again" if ours else "verify pharmacy: No space left on device"
    )
    assert (code, message) == (3, f"payerlake: {told}; the log has the rest: {log}\n")
    assert "at x.Y(Z.scala:1)" in log.read_text()


def test_an_interrupted_command_says_so_also_where_clearing_up_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As where a signal has ended Java too."""

    def interrupted(*_: object, **__: object) -> None:
        with errors.doing("pharmacy: validating", "try again"):
            try:
                raise KeyboardInterrupt
            finally:
                raise ConnectionRefusedError("Connection refused")

    monkeypatch.setattr("payerlake.api.verify", interrupted)
    code, _, message = _run(capsys, "verify", "pharmacy", "--out", "out")
    assert (code, message) == (130, "payerlake: interrupted; nothing is half-published\n")


def test_a_log_that_cannot_be_written_does_not_hide_what_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError(STACK)

    monkeypatch.setenv("PAYERLAKE_LOG", str(tmp_path))
    monkeypatch.setattr("payerlake.api.verify", fail)
    code, _, message = _run(capsys, "verify", "pharmacy", "--out", str(tmp_path))
    assert code == 3
    assert "No space left on device; no log has the rest (Is a directory: " in message
    assert "set PAYERLAKE_LOG" in message


@pytest.mark.parametrize("nohup", [False, True], ids=["", "where Ctrl-C is ignored"])
def test_sigterm_ends_a_command_as_ctrl_c_does(
    nohup: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cleaned = []

    def work(*_: object, **__: object) -> None:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(5)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)  # a second one does not end the cleaning
            cleaned.append(True)

    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    monkeypatch.setattr("payerlake.api.verify", work)
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN if nohup else signal.default_int_handler)
        with pytest.raises(SystemExit, match="143"):
            cli.main(["verify", "pharmacy"])
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert cleaned == [True]
    assert capsys.readouterr().err == "payerlake: terminated; nothing is half-published\n"


@pytest.mark.parametrize("encoding", ["latin-1", "ascii", "cp437"])
def test_a_terminal_of_any_encoding_is_shown_what_it_can_show(encoding: str) -> None:
    command = [sys.executable, "-m", "payerlake.cli", "describe", "insurance.claims"]
    environment = os.environ | {"PYTHONIOENCODING": encoding}
    answer = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert (answer.returncode, answer.stderr) == (0, b"")
    assert "-> insurance" in answer.stdout.decode(encoding)


def test_an_error_is_shown_on_a_terminal_that_has_not_all_of_its_characters() -> None:
    command = [sys.executable, "-m", "payerlake.cli", "describe", "pharmacy.größe→"]
    environment = os.environ | {"PYTHONIOENCODING": "latin-1"}
    answer = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert answer.returncode == 2
    assert answer.stderr.decode("latin-1").startswith("payerlake: table: 'größe->' is not a table")
