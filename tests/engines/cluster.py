"""A real standalone cluster on 127.0.0.1 from the pip package alone: one master, two workers of one core and 1 GB."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from payerlake.engine.session import INTERPRETED
from tests.engines.programs import LIB, SPARK_HOME, Ran, environment, run, running, said, server, spark_conf

_EXECUTOR = "org.apache.spark.executor.CoarseGrainedExecutorBackend"
_SETTINGS = INTERPRETED | {
    "spark.executor.memory": "1g",
    "spark.ui.enabled": "false",
    "spark.sql.shuffle.partitions": "4",
}


@dataclass(frozen=True)
class Cluster:
    """A running cluster: its URL for --master, a folder with logs and work, and the pids of its workers."""

    master: str
    folder: Path
    workers: tuple[int, ...]

    def run(self, *arguments: str, settings: Mapping[str, str] | None = None, timeout: float = 600, **env: str) -> Ran:
        """payerlake on this cluster, with further settings of Spark as a user's spark-defaults.conf has them."""
        return run(self._with_master(arguments), self._environment(settings, env), timeout)

    @contextmanager
    def running(
        self, *arguments: str, settings: Mapping[str, str] | None = None, **env: str
    ) -> Iterator[subprocess.Popen[str]]:
        """payerlake on this cluster while it runs."""
        with running(self._with_master(arguments), self._environment(settings, env)) as process:
            yield process

    def executors(self) -> list[int]:
        """The pids of the executors that live now, of whatever application."""
        return [pid for worker in self.workers for pid in children(worker) if _EXECUTOR in command_line(pid)]

    def kill_executors(self, most: int | None = None) -> list[int]:
        """Kill so many executors (all by default) as `kill -9` does, and say which."""
        killed = self.executors()[:most]
        for pid in killed:
            os.kill(pid, signal.SIGKILL)
        return killed

    def _with_master(self, arguments: Sequence[str]) -> list[str]:
        return [*arguments, "--master", self.master]

    def _environment(self, settings: Mapping[str, str] | None, env: Mapping[str, str]) -> dict[str, str]:
        conf = Path(tempfile.mkdtemp(prefix="conf-", dir=self.folder))
        log = {"PAYERLAKE_LOG": str(self.folder / "payerlake.log")}
        return environment(spark_conf(conf, {**_SETTINGS, **(settings or {})}), **(log | dict(env)))


@contextmanager
def cluster(apart: Path | None = None) -> Iterator[Cluster]:
    """A cluster while the block runs. apart: a folder on which the second worker sees an empty disk of its own.

    Skips where this machine or this user cannot have such a worker.
    """
    if apart is not None:
        _require_mounts()
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="payerlake-cluster-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)  # a worker may still clear its own away
        master, _ = _started(stack, folder, "master", ("Master",), r"Starting Spark master at (spark://\S+)")
        pids = []
        for name, disk in (("worker-1", None), ("worker-2", apart)):
            words = ("worker.Worker", "-c", "1", "-m", "1g", "-d", str(folder / name), master)
            _, pid = _started(stack, folder, name, words, r"(Successfully registered) with master", disk)
            pids.append(pid)
        yield Cluster(master, folder, tuple(pids))


def _started(
    stack: ExitStack, folder: Path, name: str, words: Sequence[str], says: str, apart: Path | None = None
) -> tuple[str, int]:
    """Start a daemon of Spark's; what it says when it is ready, and its pid."""
    kind, *options = words
    daemon = f"org.apache.spark.deploy.{'master.Master' if kind == 'Master' else kind}"
    spark_class = [str(SPARK_HOME / "bin" / "spark-class"), daemon, "--host", "127.0.0.1", "--port", "0"]
    log = folder / f"{name}.log"
    # Executors inherit the worker's environment, and with it this checkout and this Python.
    env = environment(
        spark_conf(folder / f"{name}.conf", {"spark.master.rest.enabled": "false"}),
        SPARK_HOME=str(SPARK_HOME),
        SPARK_DAEMON_MEMORY="256m",
        PYTHONPATH=str(LIB),
    )
    whole = [*_on_a_disk_of_its_own(apart), *spark_class, "--webui-port", "0", *options]
    process = stack.enter_context(server(whole, log, env))
    return said(process, log, says), process.pid


def _on_a_disk_of_its_own(folder: Path | None) -> list[str]:
    """The words before a command that make the folder an empty disk, for that command and its children alone."""
    if folder is None:
        return []
    mount = 'mount -t tmpfs -o size=256m tmpfs "$0" && exec "$@"'
    return ["unshare", "--mount", "--propagation", "private", "sh", "-c", mount, str(folder)]


def _require_mounts() -> None:
    tried = subprocess.run(["unshare", "--mount", "true"], capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"a worker with a disk of its own: this user may not mount ({tried.stderr.strip()}); run as root")


def children(pid: int) -> list[int]:
    """The pids of a process's children."""
    everybody = (int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit())
    return [one for one in everybody if _parent(one) == pid]


def _parent(pid: int) -> int:
    """The pid of a process's parent; 0 where it has ended."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def command_line(pid: int) -> str:
    """A process's command line; empty where it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""
