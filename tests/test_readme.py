"""The pages' own commands: everything in a fenced block works as it stands there, or on fewer members.

Every command is taken as far as Spark, as it stands there: its options, names, settings and files are all accepted.
Of each dataset the first `generate` is run at the tiny scale, and with what it published the commands that read such.
A kind of block or of command that is not known here fails.
"""

from __future__ import annotations

import re
import runpy
import shlex
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import pytest
import yaml
from pyspark.sql import SparkSession

import payerlake
from payerlake import cli, databases, pipeline, registry, settings
from payerlake.errors import DataFailed

CHECKOUT = Path(__file__).parent.parent
PAGES = [(CHECKOUT / name).read_text() for name in ("README.md", "jobs/README.md")]
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", "".join(PAGES), re.MULTILINE | re.DOTALL)
PAYERLAKE = ".venv/bin/payerlake"
WHEEL = f"payerlake-{payerlake.__version__}-py3-none-any.whl"
SUBMITTED = {"--archives", "--conf", "--deploy-mode", "--master", "--properties-file", "--py-files"}
COMPUTED = ("validate", "verify")  # run on what is published


def blocks(language: str) -> list[str]:
    return [text for name, text in BLOCKS if name == language]


def commands() -> list[str]:
    """Each line of the shell blocks, without its comment; lines that end in a backslash go on."""
    lines = "".join(blocks("bash")).replace("\\\n", " ").splitlines()
    bare = [re.sub(r"(^|\s+)#.*", "", line).strip() for line in lines]
    return [line for line in bare if line]


def of(*programs: str) -> list[str]:
    """The commands of these programs."""
    return [command for command in commands() if shlex.split(command)[0] in programs]


def of_payerlake(*verbs: str) -> list[str]:
    return [command for command in of(PAYERLAKE) if shlex.split(command)[1] in verbs]


def few(command: str) -> list[str]:
    """The arguments of a `generate` for the tiny scale, without the suites: they have tests of their own."""
    arguments = re.sub(r" --(scale|members) \S+", "", command)
    return [*shlex.split(arguments)[1:], "--scale", "tiny", "--no-validate"]


def firsts() -> list[str]:
    """Of each dataset the first command that makes it whole."""
    found: dict[str, str] = {}
    for command in of_payerlake("generate"):
        name = shlex.split(command)[2]
        if name in registry.datasets():
            found.setdefault(name, command)
    return list(found.values())


@pytest.fixture
def stopped(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """Commands get as far as where Spark or a server would work, in a folder of their own; what they end with there."""
    accepted = "all is accepted"

    def stop(*_: Any) -> NoReturn:
        raise DataFailed(accepted)

    monkeypatch.setattr(pipeline, "generate", stop)
    monkeypatch.setattr(databases, "load", stop)
    monkeypatch.chdir(tmp_path)
    return accepted


@pytest.fixture(scope="module")
def published(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the first command of each dataset has run."""
    folder = tmp_path_factory.mktemp("readme")
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(folder)
        for command in firsts():
            assert cli.run(few(command)) == 0, command
    return folder


def test_every_block_is_of_a_kind_that_is_tried_here() -> None:
    assert {language for language, _ in BLOCKS} == {"bash", "python", "yaml", "text"}


def test_every_command_is_of_a_kind_that_is_tried_here() -> None:
    tried = of("make", "mysql", "cd", "spark-submit", "source", "python3", "databricks")
    tried += of_payerlake("generate", "load", *COMPUTED)
    assert sorted(tried) == sorted(commands())


def test_every_dataset_is_made_by_a_command() -> None:
    assert {shlex.split(command)[2] for command in firsts()} == set(registry.datasets())


@pytest.mark.parametrize("command", of("make"))
def test_make_knows_the_target(command: str) -> None:
    answer = subprocess.run(
        [*shlex.split(command), "--dry-run"], cwd=CHECKOUT, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stderr


@pytest.mark.parametrize("command", of_payerlake("generate"))
def test_generate_gets_as_far_as_spark(
    spark: SparkSession, command: str, stopped: str, capsys: pytest.CaptureFixture[str]
) -> None:
    here = re.sub(r"--out (\w+:)?/\S+", "--out out", command)  # a bucket or a disk that is not there
    assert (cli.run(shlex.split(here)[1:]), capsys.readouterr().err) == (1, f"payerlake: {stopped}\n")


@pytest.mark.parametrize("command", of_payerlake(*COMPUTED))
def test_a_command_on_published_data_succeeds(
    spark: SparkSession, command: str, published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(published)
    assert cli.run(shlex.split(command)[1:]) == 0


@pytest.mark.parametrize("command", of_payerlake("load"))
def test_load_gets_as_far_as_the_server(
    command: str, published: Path, stopped: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(published)
    assert (cli.run(shlex.split(command)[1:]), capsys.readouterr().err) == (1, f"payerlake: {stopped}\n")


@pytest.mark.parametrize("command", of("mysql", "cd"))
def test_mysql_is_given_a_script_that_is_there(command: str, published: Path) -> None:
    _, folder, script = re.fullmatch(r"(cd (\S+) && )?mysql .*< (\S+)", command).groups()
    assert (published / (folder or "") / script).stat().st_size > 0


@pytest.mark.parametrize("command", of("spark-submit"))
def test_spark_submit_gets_as_far_as_spark(
    spark: SparkSession, command: str, stopped: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    options, script, arguments = re.fullmatch(
        r"spark-submit (.*?)(?:local:///opt/payerlake/)?(jobs/\S+\.py) (.*)", command
    ).groups()
    words = shlex.split(options)
    assert {word for word in words if word.startswith("-")} <= SUBMITTED
    assert (CHECKOUT / words[words.index("--properties-file") + 1]).is_file()
    here = re.sub(r"--out (\w+:)?/\S+", "--out out", arguments)
    monkeypatch.setattr(sys, "argv", [script, *shlex.split(here)])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(CHECKOUT / script), run_name="__main__")
    assert (ended.value.code, capsys.readouterr().err) == (1, f"payerlake: {stopped}\n")


def test_the_archive_that_is_submitted_is_the_wheel_that_is_built() -> None:
    assert f"--wheel-dir {Path(WHEEL).parent / 'dist'} ." in " ".join(of("python3"))
    archives = {word for command in of("spark-submit") for word in shlex.split(command) if word.endswith(".whl")}
    assert archives == {f"dist/{WHEEL}"}


@pytest.mark.parametrize("command", of("databricks"))
def test_the_bundle_has_the_job_the_target_and_the_parameters(command: str) -> None:
    bundle = yaml.safe_load((CHECKOUT / "databricks.yml").read_text())
    _, kind, verb, *words = shlex.split(command)
    assert (kind, words[words.index("--target") + 1] in bundle["targets"]) == ("bundle", True)
    if verb == "deploy":
        return
    job = bundle["resources"]["jobs"][words[0]]
    given = dict(pair.split("=", 1) for pair in words[words.index("--params") + 1].split(","))
    assert given.keys() <= {parameter["name"] for parameter in job["parameters"]}


@pytest.mark.parametrize("command", of("source"))
def test_the_environment_is_the_one_that_setup_makes(command: str) -> None:
    assert command == f"source {Path(PAYERLAKE).parent}/activate"


@pytest.mark.parametrize("block", blocks("python"))
def test_python_runs(
    spark: SparkSession, block: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    few = partial(payerlake.generate, only=["plans", "members"], validate=False)
    monkeypatch.setattr(payerlake, "generate", few)
    exec(re.sub(r"members=[\d_]+", "members=200", block), {"spark": spark})
    assert "plan_code" in capsys.readouterr().out
    assert (tmp_path / "out" / "pharmacy" / "manifest.json").exists()


@pytest.mark.parametrize("block", blocks("yaml"))
def test_a_settings_file_is_accepted(block: str, tmp_path: Path) -> None:
    file = tmp_path / "my.yaml"
    file.write_text(block)
    for name in yaml.safe_load(block):
        model = registry.dataset(name).settings
        assert settings.load(name, model, file=file) != settings.load(name, model)
