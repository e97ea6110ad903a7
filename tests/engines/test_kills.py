"""A run that is killed: whoever reads afterwards finds the old dataset whole or the new one, on disks, HDFS and S3."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from payerlake.errors import BadInput
from payerlake.storage.folder import UNPUBLISHED, Folder
from payerlake.storage.target import Target
from tests.engines.conftest import STORAGES, Storage
from tests.engines.programs import LIB, Ran, run, running
from tests.engines.publisher import DATASET, FILES, manifest
from tests.engines.standing import hidden, standing

pytestmark = pytest.mark.thorough

every_storage = pytest.mark.parametrize("storage", STORAGES)
MOST_CHANGES = 60
MOMENTS = 10
ORDER = ("generate", "pharmacy", "--tables", "plans,members", "--members", "3000", "--format", "csv", "--no-validate")
SPREAD = ("--set", "members_per_file.members=100")


# before every change that publishing makes


@contextmanager
def publishing(storage: Storage, folder: Path) -> Iterator[Callable[[str, str, int], int]]:
    """A function that publishes a text in a process which dies before its change of a number; how that ended."""
    words = [sys.executable, "-m", "tests.engines.publisher"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    environment = storage.environment_for(folder)
    with subprocess.Popen(words, cwd=LIB.parent, env=environment, text=True, **pipes) as server:

        def publish(out: str, text: str, number: int) -> int:
            server.stdin.write(json.dumps([out, text, number]) + "\n")
            server.stdin.flush()
            return int(server.stdout.readline())

        yield publish
        server.stdin.close()


def stands_whole(out: str) -> str:
    """The text of which every file of the dataset is, its manifest too."""
    folder = Folder(f"{out}/{DATASET}")
    names = set(folder.files()) - {UNPUBLISHED}  # a mark that the next run takes away
    assert names == {*FILES, "manifest.json"}
    (text,) = {folder.read_text(name) for name in FILES}
    assert folder.read_text("manifest.json") == manifest(text)
    return text


@every_storage
def test_killed_before_any_change_old_or_new_stands_whole_and_nothing_is_left(
    storage: str, storages: Callable[[str], Storage], tmp_path: Path
) -> None:
    at, old, seen = storages(storage), "first", set()
    out = f"{at.url}/publishing"
    with publishing(at, tmp_path) as publish_until:
        assert publish_until(out, old, 0) == 0
        for number in range(1, MOST_CHANGES):
            new = f"text {number}"
            ended = publish_until(out, new, number)
            assert Target(out, DATASET).read_manifest() in (manifest(old), manifest(new))
            seen.add((ended, stands_whole(out) == new))
            assert stands_whole(out) in (old, new)
            assert publish_until(out, old, 0) == 0  # the next run
            assert stands_whole(out) == old
            assert hidden(out) == []
            if ended == 0:
                break
    assert seen == {(-signal.SIGKILL, False), (-signal.SIGKILL, True), (0, True)}


# at ten moments of a run with Spark


@dataclass(frozen=True)
class Runs:
    """Runs of the same tables with seeds that tell them apart, at one place."""

    storage: Storage
    out: str
    folder: Path

    def arguments(self, seed: int) -> list[str]:
        return [*ORDER, *SPREAD, "--seed", str(seed), "--mode", "overwrite", "--out", self.out]

    def whole(self, seed: int) -> Ran:
        return run(self.arguments(seed), self.storage.environment_for(self.folder))

    def killed_after(self, seed: int, seconds: float) -> int | None:
        """Kill the run, its Python alone, so long after it began to write; None where it had ended by itself."""
        with running(self.arguments(seed), self.storage.environment_for(self.folder)) as process:
            await_stage(self.out, process)
            time.sleep(seconds)
            ended = process.poll()
            if ended is None:
                process.kill()
                process.wait()
            return ended

    def found(self) -> int:
        """The seed of the dataset that payerlake, and then any other reader, finds whole."""
        Target(self.out, DATASET).read_manifest()
        whole = standing(self.out, DATASET)
        assert whole is not None
        return whole.seed


def await_stage(out: str, process: subprocess.Popen) -> None:
    """Until a run has its stage, or has ended."""
    while process.poll() is None:
        with suppress(FileNotFoundError):
            if any(name.startswith(f".{DATASET}.staging") for name in hidden(out)):
                return
        time.sleep(0.05)


@pytest.fixture
def runs(storage: str, storages: Callable[[str], Storage], tmp_path: Path) -> Runs:
    """A place where seed 1 stands already."""
    at = storages(storage)
    made = Runs(at, f"{at.url}/driver", tmp_path)
    first = made.whole(1)
    assert first.code == 0, first.err
    return made


@every_storage
def test_a_driver_killed_at_ten_moments_leaves_old_or_new_whole_and_the_next_run_clears_up(
    storage: str, runs: Runs
) -> None:
    with running(runs.arguments(2), runs.storage.environment_for(runs.folder)) as process:
        await_stage(runs.out, process)
        began = time.monotonic()
        assert process.wait() == 0
        takes = time.monotonic() - began
    old = 2
    for moment in range(MOMENTS):
        new = 3 + moment
        ended = runs.killed_after(new, takes * moment / (MOMENTS - 1))
        found = runs.found()
        assert found == new if ended == 0 else found in (old, new)
        old = found
    assert runs.whole(99).code == 0
    assert runs.found() == 99
    assert hidden(runs.out) == []


@pytest.mark.parametrize("storage", ["local"])
def test_an_interrupted_run_ends_with_130_and_leaves_what_stood(storage: str, runs: Runs) -> None:
    with running(runs.arguments(2), runs.storage.environment_for(runs.folder)) as process:
        await_stage(runs.out, process)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=120)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert runs.found() == 1
    assert hidden(runs.out) == []


@every_storage
def test_nothing_published_where_the_first_run_was_killed(
    storage: str, storages: Callable[[str], Storage], tmp_path: Path
) -> None:
    at = storages(storage)
    runs = Runs(at, f"{at.url}/first", tmp_path)
    runs.killed_after(1, 0.5)
    assert standing(runs.out, DATASET) is None
    with pytest.raises(BadInput, match="no published dataset"):
        Target(runs.out, DATASET).read_manifest()
