"""What Java is started with: nothing of the user's environment may change a byte or lead Spark astray unsaid."""

from __future__ import annotations

import os
from pathlib import Path

import pyspark
import pytest

from payerlake.engine import launch
from payerlake.errors import BadInput
from payerlake.resources import resource

NOBODY = 4_000_000_000  # no list of users has it


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SPARK_HOME", "PYSPARK_SUBMIT_ARGS", "_JAVA_OPTIONS", "LC_ALL"):
        monkeypatch.delenv(name, raising=False)


def _spark(folder: Path, version: str) -> Path:
    """A folder that looks like an installation of Spark."""
    for name in ("bin/spark-submit", f"jars/spark-core_2.13-{version}.jar"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def test_a_user_id_without_a_name_is_told_what_the_container_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: NOBODY)
    with pytest.raises(
        BadInput, match=rf"user id {NOBODY} has no name .*echo spark:x:{NOBODY}:0::/tmp:/bin/sh >> /etc/passwd"
    ):
        launch.require_fitting_environment()


def test_a_user_id_without_a_name_names_the_log_by_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: NOBODY)
    assert launch.user_name() == str(NOBODY)


def test_a_spark_home_without_spark_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPARK_HOME", str(tmp_path))
    with pytest.raises(BadInput, match=f"SPARK_HOME is {tmp_path}, where no Spark is installed .*; unset SPARK_HOME"):
        launch.require_fitting_environment()


def test_a_spark_home_of_another_version_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPARK_HOME", str(_spark(tmp_path, "3.4.1")))
    with pytest.raises(BadInput, match=r"which is Spark 3\.4\.1; unset SPARK_HOME.*or pip install pyspark==3\.4\.1"):
        launch.require_fitting_environment()


def test_a_spark_home_of_the_same_version_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = str(_spark(tmp_path, pyspark.__version__))
    monkeypatch.setenv("SPARK_HOME", home)
    launch.require_fitting_environment()
    with launch.own_environment():
        assert os.environ["SPARK_HOME"] == home


SUBMIT_ARGS = {
    "--packages a:b:1": "has to end with pyspark-shell",
    "": "has to end with pyspark-shell",
    "--master local[2] pyspark-shell": "--master chooses the engine",
    "--deploy-mode=cluster pyspark-shell": "--deploy-mode chooses the engine",
    '--conf "a pyspark-shell': "No closing quotation",
}


@pytest.mark.parametrize(("given", "why"), SUBMIT_ARGS.items(), ids=map(repr, SUBMIT_ARGS))
def test_arguments_for_another_engine_are_named(given: str, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYSPARK_SUBMIT_ARGS", given)
    with pytest.raises(BadInput, match=f"^PYSPARK_SUBMIT_ARGS is .*: {why}"):
        launch.require_fitting_environment()


def test_arguments_that_only_add_are_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYSPARK_SUBMIT_ARGS", "--packages org.apache.hadoop:hadoop-aws:3.4.2 pyspark-shell")
    launch.require_fitting_environment()


def test_the_environment_is_javas_for_its_start_and_then_the_users_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "ar_EG.UTF-8")
    monkeypatch.setenv("_JAVA_OPTIONS", "-Duser.language=ar")
    before = dict(os.environ)
    with launch.own_environment():
        assert os.environ["LC_ALL"] == "C.UTF-8"
        assert os.environ["SPARK_HOME"] == str(Path(pyspark.__file__).parent)
        assert os.environ["_JAVA_OPTIONS"].startswith("-Duser.language=ar -Duser.language=en ")
    assert dict(os.environ) == before


WORDS = {
    "Picked up JAVA_TOOL_OPTIONS: -Xmx1x\nInvalid maximum heap size: -Xmx1x\n"
    "Error: Could not create the Java Virtual Machine.\n"
    "Error: A fatal exception has occurred. Program will exit.\n": "Invalid maximum heap size: -Xmx1x",
    'WARNING: x\nException in thread "main" java.lang.IllegalArgumentException: basedir must be absolute: ?/.ivy2\n'
    "\tat org.apache.ivy.Checks.check(Checks.java:48)\n": "basedir must be absolute: ?/.ivy2",
    "Error: Unrecognized option: --nonsense\n\nUsage: spark-submit [options]\n": "Unrecognized option: --nonsense",
    "": "it said nothing",
}


@pytest.mark.parametrize(("text", "words"), WORDS.items(), ids=WORDS.values())
def test_the_last_words_of_java_are_its_error(text: str, words: str) -> None:
    assert launch.last_words(text) == words


def test_the_variables_that_may_be_at_fault_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*launch._SPARK_VARIABLES, *launch._JAVA_VARIABLES, *launch._OTHER_VARIABLES):
        monkeypatch.delenv(name, raising=False)
    assert launch.named_variables() == ""
    monkeypatch.setenv("SPARK_CONF_DIR", "/etc/spark")
    monkeypatch.setenv("_JAVA_OPTIONS", "-Dkey=secret")
    assert launch.named_variables().startswith("; your environment sets SPARK_CONF_DIR, _JAVA_OPTIONS: ")


@pytest.mark.parametrize("whose", ["driver", "executor"])
def test_spark_submit_starts_java_with_options_of_the_same(whose: str) -> None:
    lines = resource("conf", "spark-defaults.conf").read_text().splitlines()
    (options,) = [line.split()[1:] for line in lines if line.startswith(f"spark.{whose}.extraJavaOptions ")]
    given = {option for option in options if option.startswith(("-Duser.", "-Dfile."))}
    assert given <= set(launch.JAVA_OPTIONS.split())
    assert {option.partition("=")[0] for option in given} >= {"-Duser.language", "-Duser.timezone", "-Dfile.encoding"}
