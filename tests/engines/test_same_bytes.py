"""The same rows on every engine, in any number of partitions, whole or in slices, in every format.

Not the full product of the axes: sixteen runs in which every two values of two axes meet. Expected is what
tests/golden.json has; what stands is read, and its fingerprints are computed, without Spark.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from functools import cache
from itertools import combinations, product
from pathlib import Path

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from payerlake import registry
from payerlake.contract.schema import Table
from payerlake.contract.spine import REFERENCE
from payerlake.engine.session import INTERPRETED
from payerlake.publish import fingerprint as fingerprints
from tests.engines.cluster import cluster
from tests.engines.golden_size import DATASETS, expected
from tests.engines.plain import fingerprint
from tests.engines.programs import LIB, environment, spark_conf
from tests.engines.readers import readers

PARTITIONS = (1, 2, 7, 64)
ENGINES = ("local", "standalone", "connect")
FORMATS = ("delta", "csv", "parquet")
WHOLE, SLICES = ("1/1",), ("1/2", "3/4", "4/4")  # a half and two quarters
BY = {"delta": "deltalake", "csv": "pyarrow", "parquet": "pyarrow"}


@dataclass(frozen=True)
class Run:
    """One run of a dataset."""

    dataset: str
    partitions: int
    engine: str
    slices: tuple[str, ...]
    format: str

    def __str__(self) -> str:
        cut = "whole" if self.slices == WHOLE else "slices"
        return f"{self.dataset}-{self.engine}-{self.partitions}-{cut}-{self.format}"


def _run(p: int, d: int) -> Run:
    """Partitions and datasets meet as squares; the other axes go through their values along them."""
    cut = (WHOLE, SLICES)[(p // 2 + d) % 2]
    return Run(DATASETS[d], PARTITIONS[p], ENGINES[(p + d) % 3], cut, FORMATS[(p + 2 * d) % 3])


RUNS = [_run(p, d) for p, d in product(range(len(PARTITIONS)), range(len(DATASETS)))]
# A slice has its share of the files.
WHOLE_RUNS = [run for run in RUNS if run.slices == WHOLE]

every_run = pytest.mark.parametrize("run", RUNS, ids=str)


def test_every_two_values_of_two_axes_meet_in_a_run() -> None:
    axes = (DATASETS, PARTITIONS, ENGINES, (WHOLE, SLICES), FORMATS)
    values = [(run.dataset, run.partitions, run.engine, run.slices, run.format) for run in RUNS]
    for one, other in combinations(range(len(axes)), 2):
        assert {(value[one], value[other]) for value in values} == set(product(axes[one], axes[other]))


@pytest.fixture(scope="module")
def made(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Run], Path]]:
    """The folder of a run, which is made when it is asked for; all runs of an engine are made in one session."""
    out = tmp_path_factory.mktemp("same")
    with ExitStack() as stack:

        @cache
        def engine(name: str) -> subprocess.Popen[str]:
            return stack.enter_context(_client(_master(name, spark, stack), out / name))

        @cache
        def folder(run: Run) -> Path:
            order = {**asdict(run), "out": str(out / str(run))}
            client = engine(run.engine)
            print(json.dumps(order), file=client.stdin, flush=True)
            assert client.stdout.readline() == "published\n", (out / run.engine / "errors").read_text()[-3000:]
            return out / str(run)

        yield folder


def _master(engine: str, spark: SparkSession, stack: ExitStack) -> str:
    """The engine's URL; a cluster is started, and Spark Connect is what the session of all tests serves."""
    if engine == "standalone":
        return stack.enter_context(cluster()).master
    if engine == "connect":
        service = getattr(spark._jvm, "org.apache.spark.sql.connect.service.SparkConnectService$")
        return f"sc://localhost:{service.__getattr__('MODULE$').localPort()}"
    return "local[2]"


@contextmanager
def _client(master: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """The program while it waits for orders."""
    env = environment(spark_conf(folder, {"spark.executor.memory": "1g"}), PAYERLAKE_LOG=str(folder / "log"))
    settings = json.dumps(INTERPRETED | {"spark.sql.shuffle.partitions": "3"})
    program = [sys.executable, "-m", "tests.engines.client", master, settings]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with (
        (folder / "errors").open("w") as errors,
        subprocess.Popen(program, cwd=LIB.parent, env=env, stderr=errors, text=True, **pipes) as client,
    ):
        yield client
        client.stdin.close()


@pytest.mark.thorough
@every_run
def test_what_stands_has_the_golden_fingerprints(run: Run, made: Callable[[Run], Path]) -> None:
    known = registry.dataset(run.dataset)
    read = readers()[run.format, BY[run.format]]
    folders = [made(run) / part.replace("/", "-of-") / run.dataset for part in run.slices]
    for table in known.tables:
        if run.slices == WHOLE or table.spine.in_parts:
            parts = [read(folder, table) for folder in folders]
            assert _sum(table, parts) == expected(table), table.full_name


def _sum(table: Table, parts: list[pa.Table]) -> tuple[int, str]:
    """Rows and fingerprint of a table in slices; a reference table is whole in each, and must be the same."""
    found = [fingerprint(part) for part in parts]
    if table.spine is REFERENCE:
        assert len(set(found)) == 1, table.full_name
        return found[0].rows, found[0].digest
    return sum(part.rows for part in found), fingerprints.add(*(part.digest for part in found))


@pytest.mark.thorough
@pytest.mark.parametrize("run", WHOLE_RUNS, ids=str)
def test_long_tables_lie_in_as_many_files_as_there_were_partitions(run: Run, made: Callable[[Run], Path]) -> None:
    manifest = json.loads((made(run) / "1-of-1" / run.dataset / "manifest.json").read_text())
    longest = max(formats[run.format]["files"] for formats in manifest["tables"].values())
    assert run.partitions * 0.9 <= longest <= run.partitions
