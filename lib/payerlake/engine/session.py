"""The one place that builds a SparkSession, and keeps the words of Spark and its JVM off the screen."""

from __future__ import annotations

import os
import re
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from math import inf
from pathlib import Path

import pyspark
from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from payerlake.engine.jars import delta_jars, require_java
from payerlake.engine.launch import (
    EXECUTOR_SETTINGS,
    JAVA_OPTIONS,
    last_words,
    named_variables,
    own_environment,
    require_fitting_environment,
    user_name,
)
from payerlake.engine.reach import require_reachable
from payerlake.errors import BadInput, EngineFailed, PayerlakeError, cause
from payerlake.resources import real_file

# Set by whatever has chosen the engine already: spark-submit, a Spark Connect server, a Databricks cluster.
_CHOSEN_OUTSIDE = ("PYSPARK_GATEWAY_PORT", "SPARK_REMOTE", "DATABRICKS_RUNTIME_VERSION")
# Up to so many rows of its largest table a run takes less time if its queries are not compiled (measured: 200 members
# of quality 9 % less, of pharmacy, whose formularies list 40,000 drugs, 9 % more), and up to so many with Java's quick
# compiler alone (10,000 members of pharmacy, 130,000 enrollments: a sixth less time, and 30 % less of the processor).
_INTERPRETED_ROWS = 20_000
_QUICK_ROWS = 500_000
INTERPRETED = {"spark.sql.codegen.wholeStage": "false", "spark.sql.codegen.factoryMode": "NO_CODEGEN"}
# Java's options where one process does it all. Few rows: the quick compiler alone, with the code cache that the full
# one would have. Many: the collector that takes the least of a few cores, a seventh less than Java's default with two.
_QUICK = "-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m"
_STEADY = "-XX:+UseParallelGC"
_LOCAL = re.compile(r"local(?:\[(\*|[1-9]\d*)(?:,\s*\d+)?\])?")
_CLUSTER = re.compile(r"(spark|k8s)://.+|yarn|local-cluster\[.+\]")
_MEMORY = re.compile(r"\d+[kmgt]", re.IGNORECASE)
_TOKEN = re.compile(r"token=[^;\s]*")
# Spark's own word for a master that it has asked three times in a minute.
_STOPPED = "Cannot call methods on a stopped SparkContext"
_REJECTED = "who answers at --master took no application within a minute: no master, or one of another version of Spark"
_PATIENCE = 20  # seconds after which it is said that a cluster has given nothing to compute on


def spark_session(
    master: str | None = None,
    delta: bool = True,
    rows: float | None = None,
    log: Path | None = None,
    settings: Mapping[str, str] | None = None,
) -> SparkSession:
    """The session that is running already, exactly as it is, else a new one.

    A running session (notebook, Databricks, tests) is returned unchanged and the arguments are without
    effect: what a verb needs of a session, `engine_settings.exact` sees to while the verb runs.
    Under spark-submit, on Databricks and with SPARK_REMOTE the engine and its settings, Delta's included, are
    theirs: `conf/spark-defaults.conf` has payerlake's for spark-submit.

    master: `local[*]` (the default), `spark://…`, `yarn`, `k8s://…`, or `sc://…` for Spark Connect. delta: with
    Delta's jars and catalog. rows: of the largest table to come, about; for few, compiling costs more than it saves.
    log: the file for Spark's words, by default `log_path()`. settings: further Spark settings, over payerlake's own.

    Raises BadInput for an unknown master, missing Java or missing jars, and for environment variables that lead
    Spark astray, before Spark is touched; EngineFailed, naming the log, where Spark does not start, and within
    seconds where nobody answers at `sc://` or `spark://`. A cluster that gives nothing to compute on is waited for,
    which is said on standard error.
    """
    running = _running_session()
    if running:
        return running
    file = log or log_path()
    builder = _builder(master, delta, inf if rows is None else rows, file, settings or {})
    begun = file.stat().st_size if file.exists() else 0
    try:
        require_reachable(master or os.environ.get("SPARK_REMOTE", ""))
        with _screen_to(file), own_environment():
            session = builder.getOrCreate()
    except (PySparkException, Py4JError) as error:
        raise _failure(error, file, begun) from error
    if master and _CLUSTER.fullmatch(master):
        _await_executor(session, master)
    return session


def log_path() -> Path:
    """Spark's log and the JVM's: $PAYERLAKE_LOG, else payerlake-USER.log in the system's temporary folder.

    Raises BadInput where no temporary folder can be written.
    """
    if given := os.environ.get("PAYERLAKE_LOG"):
        return Path(given).absolute()
    try:
        folder = tempfile.gettempdir()
    except OSError as error:
        raise BadInput(f"{cause(error)}; set TMPDIR to a folder that this user may write to") from error
    return Path(folder, f"payerlake-{user_name()}.log").absolute()  # two users of a machine have two


def _running_session() -> SparkSession | None:
    """This thread's session, else the process's; `getActiveSession` alone is blind to another thread's."""
    try:
        return SparkSession.active()
    except PySparkException as error:
        if _condition(error) != "NO_ACTIVE_OR_DEFAULT_SESSION":
            raise
        return None


def _builder(
    master: str | None, delta: bool, rows: float, log: Path, settings: Mapping[str, str]
) -> SparkSession.Builder:
    builder = SparkSession.builder
    chosen = [name for name in _CHOSEN_OUTSIDE if name in os.environ]
    if chosen and master:
        raise BadInput(f"--master {master}: the engine is chosen by {chosen[0]} already; give one of the two")
    if not chosen and (master or "").startswith("sc://"):
        builder = builder.remote(str(master))
    elif not chosen:
        settings = _launch_settings(master or "local[*]", delta, rows, log) | dict(settings)
    return builder.config(map=dict(settings))


def _launch_settings(master: str, delta: bool, rows: float, log: Path) -> dict[str, str]:
    """What a JVM of payerlake's own starts with; what the user can mend is found before it does."""
    local = _LOCAL.fullmatch(master)
    if not local and not _CLUSTER.fullmatch(master):
        raise BadInput(
            f"--master {master!r}: not a Spark master; allowed: local, local[N], local[*], "
            "spark://HOST:PORT, yarn, k8s://URL, sc://HOST:PORT"
        )
    common = (
        {"spark.master": master, "spark.app.name": "payerlake"}
        | _common_settings(log)
        | (_delta_settings() if delta else {})
    )
    require_fitting_environment()
    require_java()
    if local:
        # Python workers, where Spark starts any, run the Python of this process: another may lack payerlake.
        os.environ["PYSPARK_PYTHON"] = sys.executable
        common["spark.driver.extraJavaOptions"] += f" {_QUICK if rows <= _QUICK_ROWS else _STEADY}"
        common |= _local_settings(local[1], few=rows <= _QUICK_ROWS)
        common |= INTERPRETED if rows <= _INTERPRETED_ROWS else {}
    return common


def _common_settings(log: Path) -> dict[str, str]:
    return {
        # Spark's default, 1 GB, spills where a Delta commit or a broadcast meets a wide table.
        "spark.driver.memory": _driver_memory(),
        "spark.driver.extraJavaOptions": " ".join(
            (
                # HotSpot leaves methods over 8,000 bytecodes uncompiled; wide tables generate such.
                "-XX:-DontCompileHugeMethods",
                JAVA_OPTIONS,
                f'"-Dlog4j2.configurationFile={real_file("conf", "log4j2.properties").as_uri()}"',
                f'"-Dpayerlake.log={log}"',
            )
        ),
        # The same huge methods run on the executors.
        "spark.executor.extraJavaOptions": f"-XX:-DontCompileHugeMethods {JAVA_OPTIONS}",
        **EXECUTOR_SETTINGS,
        # $SPARK_API_MODE may want another kind of session than this one.
        "spark.api.mode": "classic",
        # payerlake draws its own progress.
        "spark.ui.showConsoleProgress": "false",
        # No table has a time of a time zone; those of logs, manifests and Delta's history read the same everywhere.
        "spark.sql.session.timeZone": "UTC",
        # Columns pass to and from Python in batches instead of one row at a time.
        "spark.sql.execution.arrow.pyspark.enabled": "true",
        # Plans hold lists of names and places as constants; nobody reads them in an event, writing them takes time.
        "spark.sql.maxPlanStringLength": "10000",
        # Else pyspark asks the JVM for the line of code behind every expression, a third of the time to build a plan.
        "spark.python.sql.dataFrameDebugging.enabled": "false",
        # A suite asks for more figures at once than a query's columns are compiled up to by default, 100.
        "spark.sql.codegen.maxFields": "500",
        # Small stages join their shuffle partitions at run time, large ones keep them.
        "spark.sql.adaptive.enabled": "true",
    }


def _local_settings(cores: str | None, few: bool) -> dict[str, str]:
    """Settings of one machine; `cores` is what stands in local[…], None for plain local; few: rows."""
    threads = (os.cpu_count() or 1) if cores == "*" else int(cores or 1)
    return {
        # Nobody opens the web page of a command that ends by itself; it costs start-up time and a port.
        "spark.ui.enabled": "false",
        # The host's name may resolve to an address that a firewall or VPN closes.
        "spark.driver.host": "localhost",
        "spark.driver.bindAddress": "127.0.0.1",
        # The default, 200, is 200 tasks of nothing on a laptop.
        "spark.sql.shuffle.partitions": str(threads if few else 2 * threads),
        # Of few rows there is nothing to adapt a plan to, and every shuffle is a job and a plan of its own for it.
        "spark.sql.adaptive.enabled": str(not few).lower(),
    }


def _delta_settings() -> dict[str, str]:
    return {
        "spark.jars": ",".join(str(jar) for jar in delta_jars()),
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        # A table that is written once has a log of a few entries; the default spreads them over 50 tasks.
        "spark.databricks.delta.snapshotPartitions": "2",
    }


def _driver_memory() -> str:
    """$PAYERLAKE_DRIVER_MEMORY, else Spark's own $SPARK_DRIVER_MEMORY, else 2 GB."""
    for name in ("PAYERLAKE_DRIVER_MEMORY", "SPARK_DRIVER_MEMORY"):
        given = os.environ.get(name)
        if given and not _MEMORY.fullmatch(given):
            raise BadInput(f"{name}: {given!r} is not a size of memory; allowed: a number and a unit, as in 2g or 512m")
        if given:
            return given
    return "2g"


@contextmanager
def _screen_to(log: Path) -> Iterator[None]:
    """Standard output and error go to the log meanwhile; a JVM started then keeps writing there."""
    try:
        sink = log.open("ab")
    except OSError as error:
        raise BadInput(f"{log}: cannot be written ({error.strerror}); set PAYERLAKE_LOG to another file") from error
    with sink:
        screen = {number: os.dup(number) for number in (1, 2)}
        try:
            _point({number: sink.fileno() for number in screen})
            yield
        finally:
            _point(screen)
            for copy in screen.values():
                os.close(copy)


def _point(targets: Mapping[int, int]) -> None:
    """Make each descriptor a copy of its target, after what Python still holds back has gone the old way."""
    sys.stdout.flush()
    sys.stderr.flush()
    for number, target in targets.items():
        os.dup2(target, number)


def _await_executor(session: SparkSession, master: str) -> None:
    """Return when the cluster has computed one row; say that it is waited for where that takes long."""
    text = (
        f"payerlake: {master}: no executor within {_PATIENCE} s (no worker, or none with enough free cores and memory);"
        " waiting for one, Ctrl-C gives up"
    )
    notice = threading.Timer(_PATIENCE, print, [text], {"file": sys.stderr, "flush": True})
    notice.daemon = True
    notice.start()
    try:
        session.range(1).collect()
    finally:
        notice.cancel()


def _failure(error: PySparkException | Py4JError, log: Path, begun: int) -> PayerlakeError:
    """BadInput where the user can mend it (Connect's packages and URL, variables), else EngineFailed with the log.

    begun: the bytes of the log before Spark was started.
    """
    condition = _condition(error)
    if condition == "PACKAGE_NOT_INSTALLED":
        return BadInput(f"Spark Connect: {cause(error)} Run: pip install 'pyspark[connect]=={pyspark.__version__}'")
    if condition == "INVALID_CONNECT_URL":
        return BadInput(f"--master: {_TOKEN.sub('token=***', cause(error))}")
    if condition != "JAVA_GATEWAY_EXITED":
        why = _REJECTED if _STOPPED in str(error) else cause(error)
        return EngineFailed(f"Spark: no session started ({why}){named_variables()}; the log is {log}")
    with log.open("rb") as file:
        file.seek(begun)
        said = last_words(file.read().decode(errors="replace"))
    kind = BadInput if named_variables() else EngineFailed
    return kind(f"Spark: Java ended at once ({said}){named_variables()}; the log is {log}")


def _condition(error: Exception) -> str | None:
    """The name of Spark's error, `getErrorClass` in Spark 3.5."""
    named = getattr(error, "getCondition", None) or getattr(error, "getErrorClass", None)
    return named() if named else None
