"""Every README.md of the checkout: commands in fenced blocks work as they stand, on fewer members; links lead on.

Every command is taken as far as Spark, as it stands there: its options, names, settings and files are all accepted.
The commands that read what the first `generate` of each dataset publishes are run on the tests' own `lake`, which such
commands have made. A kind of block or of command that is not known here fails.
"""

from __future__ import annotations

import os
import re
import runpy
import shlex
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import click
import pytest
import yaml
from pyspark.sql import SparkSession

import payerlake
from payerlake import cli, databases, registry
from payerlake.contract import settings
from payerlake.errors import BadInput, DataFailed
from payerlake.publish import run
from tests.conftest import compiled
from tests.lake import Lake, copied

CHECKOUT = Path(__file__).parent.parent
# Folders of tools and of data.
NO_PAGES_OF_OURS = {".venv", ".git", ".pytest_cache", ".mypy_cache", ".ruff_cache", "lake", "out"}
FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LONGEST = 8192  # bytes of the first page: a newcomer reads it whole
WHEEL = f"payerlake-{payerlake.__version__}-py3-none-any.whl"
SUBMITTED = {"--archives", "--conf", "--deploy-mode", "--master", "--properties-file", "--py-files"}
COMPUTED = ("validate", "verify")  # run on what is published
TOLD = ("list", "describe")  # run as they stand


def pages() -> dict[str, str]:
    """The text of every page by its path, the one at the root first."""
    found: list[Path] = []
    for folder, below, files in os.walk(CHECKOUT):
        below[:] = sorted(set(below) - NO_PAGES_OF_OURS)
        found += [Path(folder, name) for name in files if name == "README.md"]
    return {str(path.relative_to(CHECKOUT)): path.read_text(encoding="utf-8") for path in found}


PAGES = pages()
BLOCKS = [block for text in PAGES.values() for block in FENCED.findall(text)]


def blocks(language: str) -> list[str]:
    return [text for name, text in BLOCKS if name == language]


def commands() -> list[str]:
    """Each line of the shell blocks, without its comment; lines that end in a backslash go on."""
    lines = "".join(blocks("bash")).replace("\\\n", " ").splitlines()
    bare = [re.sub(r"(^|\s+)#.*", "", line).strip() for line in lines]
    return [line for line in bare if line]


def of(*programs: str) -> list[str]:
    """The commands of these programs, each once."""
    return list(dict.fromkeys(command for command in commands() if shlex.split(command)[0] in programs))


def of_payerlake(*verbs: str) -> list[str]:
    return [command for command in of("payerlake") if shlex.split(command)[1] in verbs]


def firsts() -> list[str]:
    """Of each dataset the first command that makes it whole, as CSV, where the commands that read it look for it."""
    found: dict[str, str] = {}
    for command in of_payerlake("generate"):
        name = shlex.split(command)[2]
        if name in registry.datasets() and command.endswith("--format csv --out lake"):
            found.setdefault(name, command)
    return list(found.values())


def links() -> Iterator[tuple[str, str]]:
    """The page and the target of every link to a file or a heading, outside of blocks."""
    for page, text in PAGES.items():
        for target in re.findall(r"\]\(([^)\s]+)\)", FENCED.sub("", text)):
            if "://" not in target:
                yield page, target


def anchors(page: str) -> set[str]:
    """What a link may name in a page: its headings as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", FENCED.sub("", page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def files_named() -> Iterator[tuple[str, str]]:
    """The page and every path of the checkout that it has between backquotes."""
    roots = "|".join(re.escape(path.name) for path in CHECKOUT.iterdir() if path.is_dir() and path.name[0] != ".")
    for page, text in PAGES.items():
        for path in re.findall(rf"`((?:{roots}|\.ci)/[\w./-]+)`", FENCED.sub("", text)):
            yield page, path


def settings_named() -> Iterator[tuple[str, str]]:
    """The page and every setting that it has between backquotes as `--set KEY=VALUE`."""
    for page, text in PAGES.items():
        for argument in re.findall(r"`--set ([^`]+)`", FENCED.sub("", text)):
            (said,) = shlex.split(argument)
            if said != "KEY=VALUE":
                yield page, said


@pytest.fixture
def stopped(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """Commands get as far as where Spark or a server would work, in a folder of their own; what they end with there."""
    accepted = "all is accepted"

    def stop(*_: Any) -> NoReturn:
        raise DataFailed(accepted)

    monkeypatch.setattr(run, "generate", stop)
    monkeypatch.setattr(databases, "load", stop)
    monkeypatch.chdir(tmp_path)
    return accepted


@pytest.fixture(scope="module")
def published(lake: Lake, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which stands what the first command of each dataset makes, of fewer members."""
    folder = tmp_path_factory.mktemp("readme")
    for name in registry.datasets():
        copied(lake, name, folder / "lake")
    return folder


def test_every_block_is_of_a_kind_that_is_tried_here() -> None:
    assert {language for language, _ in BLOCKS} == {"bash", "python", "yaml", "text"}


def test_every_command_is_of_a_kind_that_is_tried_here() -> None:
    tried = of("make", "mysql", "cd", "spark-submit", "source", "python3", "databricks")
    tried += of("payerlake", ".ci/run")
    assert sorted(tried) == sorted(set(commands()))


def test_the_first_page_can_be_read_whole() -> None:
    assert len(PAGES["README.md"].encode()) <= LONGEST


def test_links_lead_to_files_and_headings_that_there_are() -> None:
    lost = []
    for page, target in links():
        name, _, anchor = target.partition("#")
        path = (CHECKOUT / page).parent / name if name else CHECKOUT / page
        if not path.exists() or (anchor and anchor not in anchors(path.read_text(encoding="utf-8"))):
            lost.append(f"{page}: {target}")
    assert lost == []


def test_every_page_is_linked_from_another() -> None:
    linked = {((CHECKOUT / page).parent / target.partition("#")[0]).resolve() for page, target in links()}
    assert [page for page in PAGES if page != "README.md" and (CHECKOUT / page).resolve() not in linked] == []


def test_paths_are_of_files_that_there_are() -> None:
    for page, path in files_named():
        meant = [CHECKOUT / path.replace("DATASET", name) for name in registry.datasets()]
        assert any(file.exists() for file in meant), (page, path)


def test_settings_in_the_text_are_settings_of_the_dataset_of_the_page() -> None:
    wrong = []
    for page, said in settings_named():
        of_page = [name for name in registry.datasets() if name == Path(page).parent.name]
        refused = [refusal(name, said) for name in of_page or registry.datasets()]
        if all("is not a setting" in text for text in refused):
            wrong.append((page, said))
    assert wrong == []


def refusal(dataset: str, said: str) -> str:
    """What is said against `--set SAID`; a file of the reader's own may be missing."""
    try:
        model = registry.dataset(dataset).settings
        settings.load(model, options=dict([settings.set_option(model, said)]))
    except BadInput as error:
        return str(error)
    return ""


def test_payerlake_knows_every_command_and_its_options() -> None:
    for command in of("payerlake"):
        verb, *arguments = shlex.split(command)[1:]
        cli.cli.commands[verb].make_context(verb, arguments, parent=click.Context(cli.cli))


@pytest.mark.parametrize("command", of_payerlake(*TOLD))
def test_what_is_only_told_is_told(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert (cli.run(shlex.split(command)[1:]), capsys.readouterr().err) == (0, "")


def test_every_dataset_is_made_by_a_command_as_the_tests_make_theirs() -> None:
    """But for the number of members."""
    assert {shlex.split(command)[2] for command in firsts()} == set(registry.datasets())
    options = {re.sub(r" --(scale|members) \S+", "", command).partition(" --")[2] for command in firsts()}
    assert options == {"format csv --out lake"}


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
    with compiled(spark):
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
    assert command == "source .venv/bin/activate"
    assert re.search(r"^BIN := \.venv/bin$", (CHECKOUT / "Makefile").read_text(), re.MULTILINE)


@pytest.mark.parametrize("block", blocks("python"))
def test_python_runs(
    spark: SparkSession, block: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    few = partial(payerlake.generate, only=["plans", "members"], validate=False)
    monkeypatch.setattr(payerlake, "generate", few)
    exec(re.sub(r"members=[\d_]+", "members=200", block), {"spark": spark})
    assert "plan_code" in capsys.readouterr().out
    assert list(tmp_path.glob("*/pharmacy/manifest.json"))


@pytest.mark.parametrize("block", blocks("yaml"))
def test_a_settings_file_is_accepted(block: str, tmp_path: Path) -> None:
    file = tmp_path / "my.yaml"
    file.write_text(block)
    for name in yaml.safe_load(block):
        model = registry.dataset(name).settings
        assert settings.load(model, file=file) != settings.load(model)
