"""Executors that write elsewhere, and executors that die: what is published is what was made, or nothing is."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from payerlake.publish.fingerprint import Fingerprint
from tests.engines.cluster import Cluster, cluster
from tests.engines.programs import environment, run, spark_conf
from tests.engines.standing import hidden, standing

pytestmark = pytest.mark.thorough

FORMATS = ("delta", "csv", "parquet")
MEMBERS, FILES = 30_000, 60
OPTIMIZED = {
    "spark.databricks.delta.optimizeWrite.enabled": "true",
    "spark.databricks.delta.properties.defaults.autoOptimize.optimizeWrite": "true",
}
# A task that takes a little longer than the others is begun a second time at once.
SPECULATIVE = {
    "spark.speculation": "true",
    "spark.speculation.interval": "10ms",
    "spark.speculation.multiplier": "1.01",
    "spark.speculation.quantile": "0.1",
    "spark.speculation.minTaskRuntime": "0ms",
}
KILLS = (5, 20, 40)  # files that stand, finished or not, when all executors are killed


# disks of their own


@pytest.fixture(scope="module")
def apart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Cluster, Path]]:
    """A cluster and a folder that the driver and one worker share; the other has a disk of its own there."""
    folder = tmp_path_factory.mktemp("apart")
    with cluster(apart=folder) as running:
        yield running, folder


@pytest.mark.parametrize("form", FORMATS)
def test_executors_that_write_on_disks_of_their_own_publish_nothing(form: str, apart: tuple[Cluster, Path]) -> None:
    cluster_, folder = apart
    out = folder / form
    ran = cluster_.run(
        *("generate", "pharmacy.members", "--members", "500", "--set", "members_per_file.members=50"),
        *("--format", form, "--no-validate", "--out", str(out)),
    )
    assert ran.code == 3, ran
    said = ran.err.strip().splitlines()[-1]  # before it, on a slow machine, that executors are waited for
    assert "500 rows were made" in said
    assert "stand there" in said
    assert "same storage" in said
    assert not (out / "pharmacy").exists()
    assert hidden(str(out)) == []


# executors that die


@pytest.fixture(scope="module")
def shared() -> Iterator[Cluster]:
    with cluster() as running:
        yield running


def order(out: Path, form: str) -> list[str]:
    """60 tasks, each a file."""
    sizes = ("--members", str(MEMBERS), "--set", f"members_per_file.members={MEMBERS // FILES}")
    return ["generate", "pharmacy.members", *sizes, "--format", form, "--no-validate", "--out", str(out)]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Fingerprint:
    """What local mode makes."""
    folder = tmp_path_factory.mktemp("local")
    env = environment(spark_conf(folder / "conf", {}), PAYERLAKE_LOG=str(folder / "log"))
    ran = run([*order(folder, "parquet"), "--master", "local[2]"], env)
    assert ran.code == 0, ran.err
    made = standing(str(folder), "pharmacy")
    assert made is not None
    return made.tables["members", "parquet"]


def kill_several_times(running: Cluster, process: subprocess.Popen, out: Path) -> int:
    """Kill all executors each time that so many files stand; how many died."""
    killed = 0
    for files in KILLS:
        while process.poll() is None and _files(out) < files:
            time.sleep(0.05)
        if process.poll() is None:
            killed += len(running.kill_executors())
    return killed


def _files(out: Path) -> int:
    """Files of data that stand in the stage, or that a task is about to finish."""
    return sum(1 for _ in out.glob(".pharmacy.staging*/**/part-*"))


@pytest.mark.parametrize("speculation", [{}, SPECULATIVE], ids=["plain", "speculative"])
@pytest.mark.parametrize(
    ("form", "writes"),
    [("delta", {}), ("delta", OPTIMIZED), ("csv", {}), ("parquet", {})],
    ids=["delta", "delta-optimized", "csv", "parquet"],
)
def test_executors_killed_several_times_change_nothing(
    form: str, writes: dict[str, str], speculation: dict[str, str], shared: Cluster, undisturbed: Fingerprint, tmp_path
) -> None:
    with shared.running(*order(tmp_path, form), settings=writes | speculation) as process:
        killed = kill_several_times(shared, process, tmp_path)
        _, err = process.communicate(timeout=900)
    assert process.returncode == 0, err
    assert killed >= 2
    found = standing(str(tmp_path), "pharmacy")
    assert found is not None
    assert found.tables["members", form] == undisturbed
    assert undisturbed.rows == MEMBERS
    assert hidden(str(tmp_path)) == []
