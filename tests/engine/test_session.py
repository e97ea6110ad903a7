"""Starting Spark: what is asked of the machine, what a user sees, and whose session it is."""

from __future__ import annotations

import getpass
import os
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from py4j.protocol import Py4JError
from pyspark.errors import PySparkRuntimeError
from pyspark.sql import SparkSession

from payerlake.engine import jars, session
from payerlake.engine.session import log_path, spark_session
from payerlake.errors import BadInput, EngineFailed

# Java, told to be Egyptian, says which locale, time zone and encodings it has after all.
ASK_JAVA = """
from payerlake.engine.session import spark_session
asked = {
    "java.util.Locale": "getDefault", "java.util.Calendar": "getInstance", "java.nio.charset.Charset": "defaultCharset",
}
answers = spark_session("local[1]").range(1).selectExpr(*[f"java_method('{a}', '{b}')" for a, b in asked.items()])
locale, calendar, charset = answers.first()
assert (locale, charset) == ("en_US", "UTF-8"), (locale, charset)
assert "GregorianCalendar" in calendar and 'id="UTC"' in calendar, calendar
"""
EGYPTIAN = {
    "LC_ALL": "C",
    "PYTHONUTF8": "1",
    "TZ": "Africa/Cairo",
    "JAVA_TOOL_OPTIONS": "-Duser.language=ar -Duser.country=EG -Duser.timezone=Africa/Cairo -Dfile.encoding=ISO-8859-6",
    "_JAVA_OPTIONS": "-Duser.language.format=th -Duser.extensions.format=ca-buddhist-nu-thai",
}


def _fake_java(folder: Path, version: str) -> Path:
    java = folder / "java"
    java.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2024-01-16' >&2\n")
    java.chmod(java.stat().st_mode | stat.S_IXUSR)
    return java


@pytest.fixture
def no_java(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine whose path has one empty folder and that has no JAVA_HOME; the folder."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    return tmp_path


@pytest.fixture
def nothing_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process in which no session runs yet, whatever other tests started."""
    monkeypatch.setattr("payerlake.engine.session._running_session", lambda: None)


@pytest.mark.usefixtures("nothing_runs", "no_java")
def test_without_java_the_user_is_told_what_to_install() -> None:
    with pytest.raises(BadInput, match=r"no `java` command and JAVA_HOME is not set; .*openjdk-17-jre-headless"):
        spark_session(delta=False)


def test_a_java_home_without_java_is_named(no_java: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(no_java))
    with pytest.raises(BadInput, match=f"JAVA_HOME is {no_java}, which has no bin/java"):
        jars.require_java()


@pytest.mark.parametrize("version", ["11.0.22", "1.8.0_402"])
def test_a_java_older_than_17_is_refused_with_its_version(no_java: Path, version: str) -> None:
    _fake_java(no_java, version)
    with pytest.raises(BadInput, match=f"is version {version}; payerlake needs Java 17"):
        jars.require_java()


@pytest.mark.parametrize("version", ["17", "17.0.15", "21.0.4", "22-ea"])
def test_java_17_and_later_are_accepted(no_java: Path, version: str) -> None:
    _fake_java(no_java, version)
    jars.require_java()


def test_a_java_that_fails_is_refused(no_java: Path) -> None:
    _fake_java(no_java, "17").write_text("#!/bin/sh\nexit 1\n")
    with pytest.raises(BadInput, match="-version` failed"):
        jars.require_java()


@pytest.mark.usefixtures("nothing_runs")
def test_delta_without_its_jars_says_where_they_were_looked_for_and_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAYERLAKE_JARS", str(tmp_path))
    with pytest.raises(BadInput, match=f"{tmp_path} lacks delta-spark_.*make setup.*PAYERLAKE_JARS"):
        spark_session()


def test_jars_are_found_with_and_without_the_prefix_of_ivy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAYERLAKE_JARS", str(tmp_path))
    prefixes = ["io.delta_", *[""] * (len(jars.release().jars) - 1)]
    files = [tmp_path / f"{prefix}{name}" for prefix, name in zip(prefixes, jars.release().jars, strict=True)]
    for file in files:
        file.touch()
    assert jars.delta_jars() == files


def test_a_complete_folder_of_jars_is_not_fetched_again(tmp_path: Path) -> None:
    for name in jars.release().jars:
        (tmp_path / name).touch()
    assert jars.fetch(tmp_path) is False


@pytest.mark.usefixtures("nothing_runs")
@pytest.mark.parametrize("master", ["loca", "local[x]", "local[0]", "http://host:7077", "local[2"])
def test_a_master_that_spark_would_not_understand_is_refused(master: str) -> None:
    with pytest.raises(BadInput, match=r"not a Spark master; allowed: local, local\[N\]"):
        spark_session(master)


@pytest.mark.usefixtures("nothing_runs")
def test_a_master_beside_spark_remote_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPARK_REMOTE", "sc://host")
    with pytest.raises(BadInput, match="the engine is chosen by SPARK_REMOTE already"):
        spark_session("local[2]")


@pytest.mark.usefixtures("nothing_runs")
def test_a_driver_memory_without_unit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAYERLAKE_DRIVER_MEMORY", "lots")
    with pytest.raises(BadInput, match="PAYERLAKE_DRIVER_MEMORY: 'lots' is not a size of memory"):
        spark_session(delta=False)


@pytest.mark.usefixtures("nothing_runs")
def test_a_log_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=f"{tmp_path}: cannot be written .*PAYERLAKE_LOG"):
        spark_session(log=tmp_path, delta=False)


def test_the_log_is_a_temporary_file_unless_payerlake_log_names_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PAYERLAKE_LOG", raising=False)
    assert log_path().name == f"payerlake-{getpass.getuser()}.log"
    monkeypatch.setenv("PAYERLAKE_LOG", "/var/log/mine.log")
    assert log_path() == Path("/var/log/mine.log")


def test_a_log_has_a_name_where_the_user_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found: 54321")

    monkeypatch.delenv("PAYERLAKE_LOG", raising=False)
    monkeypatch.setattr(getpass, "getuser", nobody)
    assert log_path().name == f"payerlake-{os.getuid()}.log"


def test_without_a_temporary_folder_tmpdir_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> str:
        raise FileNotFoundError(2, "No usable temporary directory found in ['/tmp']")

    monkeypatch.delenv("PAYERLAKE_LOG", raising=False)
    monkeypatch.setattr(tempfile, "gettempdir", none)
    with pytest.raises(BadInput, match=r"No usable temporary directory found in \['/tmp'\]; set TMPDIR"):
        log_path()


@pytest.mark.usefixtures("nothing_runs")
def test_a_java_that_ends_at_once_is_told_with_its_words_and_the_variables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: SparkSession.Builder) -> SparkSession:
        os.write(2, b"Error: Cluster deploy mode is not applicable to Spark shells.\n\tat x\n")
        raise PySparkRuntimeError(errorClass="JAVA_GATEWAY_EXITED", messageParameters={})

    log = tmp_path / "spark.log"
    log.write_text("Error: of an earlier run\n")
    monkeypatch.setenv("SPARK_CONF_DIR", str(tmp_path))
    monkeypatch.setattr(SparkSession.Builder, "getOrCreate", fail)
    words = r"Java ended at once \(Cluster deploy mode is not applicable.*\); your environment sets .*SPARK_CONF_DIR"
    with pytest.raises(BadInput, match=words):
        spark_session(delta=False, log=log)


@pytest.mark.usefixtures("nothing_runs")
def test_a_connect_server_that_nobody_runs_is_given_up_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for url, master in (("sc://127.0.0.1:9", "sc://127.0.0.1:9"), ("sc://127.0.0.1:9/;token=x", None)):
        if master is None:
            monkeypatch.setenv("SPARK_REMOTE", url)
        with pytest.raises(EngineFailed, match=r"sc://127\.0\.0\.1:9: nobody answers \(Connection refused\)"):
            spark_session(master)


def test_a_cluster_that_gives_nothing_to_compute_on_is_waited_for_and_that_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Slow:
        def range(self, _: int) -> Slow:
            return self

        def collect(self) -> None:
            time.sleep(0.3)

    monkeypatch.setattr(session, "_PATIENCE", 0.05)
    session._await_executor(Slow(), "spark://lake:7077")  # type: ignore[arg-type]
    assert capsys.readouterr().err.startswith("payerlake: spark://lake:7077: no executor within 0.05 s (no worker, ")
    session._await_executor(SimpleNamespace(range=lambda _: SimpleNamespace(collect=list)), "yarn")  # type: ignore[arg-type]
    time.sleep(0.2)
    assert capsys.readouterr().err == ""


@pytest.mark.usefixtures("nothing_runs")
def test_a_spark_that_does_not_start_names_the_log_and_gives_the_screen_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail(_: SparkSession.Builder) -> SparkSession:
        os.write(2, b"the JVM's last words\n")
        raise Py4JError("An error occurred while calling None.x.\n: java.net.BindException: no port\n\tat x")

    log = tmp_path / "spark.log"
    monkeypatch.setattr(SparkSession.Builder, "getOrCreate", fail)
    with pytest.raises(EngineFailed, match=rf"no session started \(no port\).*; the log is {log}"):
        spark_session(delta=False, log=log)
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "after\n"
    assert log.read_text() == "the JVM's last words\n"


@pytest.mark.thorough
def test_java_has_its_own_locale_prints_nothing_and_leaves_nothing(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "spark.log"
    log.parent.mkdir()
    work = tmp_path / "work"
    work.mkdir()
    answer = subprocess.run(
        [sys.executable, "-c", ASK_JAVA],
        cwd=work,
        env=os.environ | {"PAYERLAKE_LOG": str(log)} | EGYPTIAN,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "", "")
    assert list(work.iterdir()) == []
    assert log.stat().st_size > 0


def test_a_session_that_runs_already_is_returned_untouched(spark: SparkSession) -> None:
    assert spark.conf.get("spark.sql.session.timeZone") == "UTC"
    spark.conf.set("spark.sql.session.timeZone", "Asia/Tokyo")
    try:
        assert spark_session("local[7]", settings={"spark.sql.shuffle.partitions": "99"}) is spark
        assert spark.conf.get("spark.sql.session.timeZone") == "Asia/Tokyo"
        assert spark.conf.get("spark.sql.shuffle.partitions") == "2"
    finally:
        spark.conf.set("spark.sql.session.timeZone", "UTC")
