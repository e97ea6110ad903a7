"""Processes that a test starts: payerlake's command line, and servers that end with the test whatever happens."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyspark

LIB = Path(__file__).parents[2] / "lib"
SPARK_HOME = Path(pyspark.__file__).parent
_STOPS_WITHIN_SECONDS = 20
# Before a command: it is killed when this process is, however that comes about.
_DIES_WITH_US = ("setpriv", "--pdeathsig", "KILL")


@dataclass(frozen=True)
class Ran:
    """A command that ended: its exit code and what it wrote."""

    code: int
    out: str
    err: str


def environment(conf: Path | None = None, **more: str) -> dict[str, str]:
    """The environment of this process, with this checkout's payerlake and what a small machine needs.

    conf: a folder for Spark's `spark-defaults.conf`, as a user's own engine may have one.
    """
    chosen = {} if conf is None else {"SPARK_CONF_DIR": str(conf)}
    ours = {
        "PYTHONPATH": str(LIB),
        "PAYERLAKE_DRIVER_MEMORY": "1g",
        "SPARK_LOCAL_IP": "127.0.0.1",
        # For few rows the quick compiler alone; every JVM that is started from here reads this.
        "JDK_JAVA_OPTIONS": "-XX:TieredStopAtLevel=1",
    }
    outside = {"SPARK_REMOTE", "PYSPARK_GATEWAY_PORT", "SPARK_CONF_DIR"}
    return {name: value for name, value in os.environ.items() if name not in outside} | ours | chosen | more


def spark_conf(folder: Path, settings: Mapping[str, str]) -> Path:
    """The folder itself, with these settings as its `spark-defaults.conf`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "spark-defaults.conf").write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
    return folder


def command(*arguments: str) -> list[str]:
    """payerlake's command line in a process of this Python."""
    return [sys.executable, "-m", "payerlake.cli", *arguments]


def run(arguments: Sequence[str], env: Mapping[str, str], timeout: float = 600) -> Ran:
    """Run payerlake and wait. Raises subprocess.TimeoutExpired where it takes longer."""
    ran = subprocess.run(
        command(*arguments), env=dict(env), capture_output=True, text=True, timeout=timeout, check=False
    )
    return Ran(ran.returncode, ran.stdout, ran.stderr)


@contextmanager
def running(arguments: Sequence[str], env: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
    """payerlake while it runs, in a process group of its own; what is left of it at the end is killed."""
    with subprocess.Popen(
        [*_DIES_WITH_US, *command(*arguments)],
        env=dict(env),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            end_group(process, signal.SIGKILL)


@contextmanager
def server(words: Sequence[str], log: Path, env: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A server in a process group of its own, which ends with the block, or with this process if that is killed."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*_DIES_WITH_US, *words],
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        end_group(process, signal.SIGTERM)


def end_group(process: subprocess.Popen, first: signal.Signals) -> None:
    """Signal the process group, kill what is left of it, and wait."""
    _signal_group(process, first)
    try:
        process.wait(timeout=_STOPS_WITHIN_SECONDS)
    except subprocess.TimeoutExpired:
        pass
    finally:
        _signal_group(process, signal.SIGKILL)
        process.wait(timeout=_STOPS_WITHIN_SECONDS)


def _signal_group(process: subprocess.Popen, sent: signal.Signals) -> None:
    try:
        os.killpg(process.pid, sent)
    except ProcessLookupError:
        return  # all of it has ended


def said(process: subprocess.Popen, log: Path, pattern: str, seconds: float = 120) -> str:
    """The first group of the pattern in the server's log, as soon as it stands there."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if found := re.search(pattern, log.read_text(errors="replace")):
            return found[1]
        if process.poll() is not None:
            break
        time.sleep(0.1)
    raise RuntimeError(f"{process.args}: said nothing like {pattern!r}: {log.read_text(errors='replace')[-3000:]}")
