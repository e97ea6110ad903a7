"""The same rows on every engine, in any number of partitions, whole or in slices, in every format.

Not the full product of the axes: sixteen runs in which every two values of two axes meet. Expected is what
tests/golden.json has; what stands is read, and its fingerprints are computed, without Spark.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from functools import cache
from itertools import combinations, product
from pathlib import Path

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from payerlake import fingerprint as fingerprints
from payerlake import registry
from payerlake.schema import Table
from payerlake.session import INTERPRETED
from tests.engines.cluster import cluster
from tests.engines.golden_size import DATASETS, expected
from tests.engines.plain import fingerprint
from tests.engines.programs import LIB, environment, spark_conf
from tests.engines.readers import readers

PARTITIONS = (1, 2, 7, 64)
ENGINES = ("local", "standalone", "connect")
FORMATS = ("delta", "csv", "parquet")
WHOLE, SLICES = ("1/1",), ("1/2", "3/4", "4/4")  # a half and two quarters
WITHIN_SECONDS = 3000
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
    """The folder of a run; all runs of an engine are made by one program in one session, when one is asked for."""
    out = tmp_path_factory.mktemp("same")
    service = getattr(spark._jvm, "org.apache.spark.sql.connect.service.SparkConnectService$")
    connect = f"sc://localhost:{service.__getattr__('MODULE$').localPort()}"
    with ExitStack() as stack:

        @cache
        def engine(name: str) -> None:
            standalone = stack.enter_context(cluster()).master if name == "standalone" else ""
            master = {"local": "local[2]", "standalone": standalone, "connect": connect}[name]
            orders = [{**asdict(run), "out": str(out / str(run))} for run in RUNS if run.engine == name]
            _make(master, orders, out / f"{name}.conf")

        def folder(run: Run) -> Path:
            engine(run.engine)
            return out / str(run)

        yield folder


def _make(master: str, orders: list[dict], conf: Path) -> None:
    settings = INTERPRETED | {"spark.sql.shuffle.partitions": "3"}
    given = json.dumps([master, settings, orders])
    env = environment(spark_conf(conf, {"spark.executor.memory": "1g"}), PAYERLAKE_LOG=str(conf / "log"))
    program = [sys.executable, "-m", "tests.engines.client", given]
    answer = subprocess.run(
        program, cwd=LIB.parent, env=env, capture_output=True, text=True, timeout=WITHIN_SECONDS, check=False
    )
    assert answer.returncode == 0, answer.stderr[-3000:]


@pytest.mark.thorough
@every_run
def test_what_stands_has_the_golden_fingerprints(run: Run, made: Callable[[Run], Path]) -> None:
    known = registry.dataset(run.dataset)
    read = readers()[run.format, BY[run.format]]
    folders = [made(run) / part.replace("/", "-of-") / run.dataset for part in run.slices]
    for table in known.tables:
        if run.slices == WHOLE or table.spine != "whole":
            parts = [read(folder, table) for folder in folders]
            assert _sum(table, parts) == expected(table), table.full_name


def _sum(table: Table, parts: list[pa.Table]) -> tuple[int, str]:
    """Rows and fingerprint of a table in slices; a reference table is whole in each, and must be the same."""
    found = [fingerprint(part) for part in parts]
    if table.spine == "reference":
        assert len(set(found)) == 1, table.full_name
        return found[0].rows, found[0].digest
    return sum(part.rows for part in found), fingerprints.add(*(part.digest for part in found))


@pytest.mark.thorough
@pytest.mark.parametrize("run", WHOLE_RUNS, ids=str)
def test_long_tables_lie_in_as_many_files_as_there_were_partitions(run: Run, made: Callable[[Run], Path]) -> None:
    manifest = json.loads((made(run) / "1-of-1" / run.dataset / "manifest.json").read_text())
    longest = max(formats[run.format]["files"] for formats in manifest["tables"].values())
    assert run.partitions * 0.9 <= longest <= run.partitions
