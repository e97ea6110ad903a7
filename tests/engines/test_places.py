"""Two runs into one folder, a disk that is full, a right that is lost: refused or ended clearly, nothing harmed."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.engines.conftest import STORAGES, Storage
from tests.engines.programs import Ran, command, environment, run, running, spark_conf
from tests.engines.standing import hidden, standing
from tests.engines.test_kills import DATASET, ORDER, SPREAD, await_stage

pytestmark = pytest.mark.thorough

every_storage = pytest.mark.parametrize("storage", STORAGES)
NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
SMALL_DISK = "3m"


def order(out: str, seed: int, *more: str) -> list[str]:
    return [*ORDER, "--out", out, "--seed", str(seed), *more]


def seed_at(out: str) -> int | None:
    """The seed of the dataset that stands there whole, None where none stands."""
    found = standing(out, DATASET)
    return found.seed if found else None


def in_plain_words(ran: Ran) -> bool:
    """A line for the user, without the names of Java's or Python's own."""
    return ran.err.startswith("payerlake: ") and not any(
        word in ran.err for word in ("Py4J", "Traceback", "java.", "calling o", "Exception")
    )


# two runs


@every_storage
def test_a_run_into_a_folder_where_another_is_at_work_is_refused_and_harms_neither(
    storage: str, storages: Callable[[str], Storage], tmp_path: Path
) -> None:
    at = storages(storage)
    out, env = f"{at.url}/second", at.environment_for(tmp_path)
    assert run(order(out, 1), env).code == 0
    with running(order(out, 2, "--mode", "overwrite", *SPREAD), env) as first:
        await_stage(out, first)
        second = run(order(out, 3, "--mode", "overwrite"), env)
        still_at_work = first.poll() is None
        _, err = first.communicate(timeout=600)
    assert still_at_work, "the first had ended before the second asked"
    assert second.code == 2, second
    assert "another run is at work" in second.err
    assert in_plain_words(second)
    assert first.returncode == 0, err
    assert seed_at(out) == 2
    assert hidden(out) == []


@every_storage
def test_of_two_runs_started_together_one_publishes_and_the_other_is_refused(
    storage: str, storages: Callable[[str], Storage], tmp_path: Path
) -> None:
    at = storages(storage)
    out = f"{at.url}/together"
    orders = [(order(out, seed), at.environment_for(tmp_path / str(seed))) for seed in (1, 2)]
    with ThreadPoolExecutor(2) as pool:
        ran = list(pool.map(lambda one: run(*one), orders))
    assert sorted(one.code for one in ran) == [0, 2], ran
    (refused,) = [one for one in ran if one.code == 2]
    assert "another run is at work" in refused.err
    assert in_plain_words(refused)
    assert seed_at(out) == 1 + [one.code for one in ran].index(0)
    assert hidden(out) == []


# a full disk


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk of few megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SMALL_DISK}", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("a small disk: this user may not mount; run as root")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("form", ["csv", "parquet", "delta"])
def test_a_full_disk_ends_the_run_in_plain_words_and_the_old_data_stand(
    form: str, small_disk: Path, tmp_path: Path
) -> None:
    out, env = str(small_disk), environment(spark_conf(tmp_path / "conf", {}), PAYERLAKE_LOG=str(tmp_path / "log"))
    assert run(order(out, 1), env).code == 0
    large = ["generate", "pharmacy.members", "--members", "200000", "--format", form, "--mode", "overwrite"]
    full = run([*large, "--out", out, "--no-validate"], env)
    assert full.code == 3, full
    assert "No space left on device" in full.err
    assert in_plain_words(full)
    assert seed_at(out) == 1
    assert run(order(out, 2, "--mode", "overwrite"), env).code == 0
    assert seed_at(out) == 2
    assert hidden(out) == []


# a right that is lost


@pytest.mark.skipif(os.geteuid() != 0, reason="another user is needed who can be deprived of a right: run as root")
def test_a_right_that_is_lost_meanwhile_ends_the_run_in_plain_words_and_the_old_data_stand(tmp_path: Path) -> None:
    out = tmp_path / "out"
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    out.mkdir()
    os.chown(out, 65534, 65534)
    log = tmp_path / "log"
    log.touch()
    log.chmod(0o666)
    env = environment(spark_conf(tmp_path / "conf", {}), PAYERLAKE_LOG=str(log), HOME="/nonexistent")
    first = _as_nobody(order(str(out), 1), env)
    assert first.code == 0, first
    words = [*NOBODY, *command(*order(str(out), 2, "--mode", "overwrite", *SPREAD))]
    with subprocess.Popen(words, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        await_stage(str(out), process)
        os.chown(out, 0, 0)
        out_text, err = process.communicate(timeout=600)
    lost = Ran(process.returncode, out_text, err)
    assert lost.code == 3, lost
    assert "ermission denied" in lost.err
    assert in_plain_words(lost)
    assert seed_at(str(out)) == 1
    os.chown(out, 65534, 65534)
    assert _as_nobody(order(str(out), 3, "--mode", "overwrite"), env).code == 0
    assert seed_at(str(out)) == 3
    assert hidden(str(out)) == []


def _as_nobody(arguments: list[str], env: dict[str, str]) -> Ran:
    ran = subprocess.run([*NOBODY, *command(*arguments)], env=env, capture_output=True, text=True, check=False)
    return Ran(ran.returncode, ran.stdout, ran.stderr)
