"""The datasets that many tests read: each made and checked once by the command line, for all processes of a run."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession

from payerlake import cli, registry

MEMBERS = {"finance": 3_600}  # what its document has; of every other dataset:
_OTHERS = 2_000
FORMATS = ("csv", "parquet")

Lake = Callable[[str], Path]  # from the name of a dataset to the folder in which DATASET/ is published


def publish(folder: Path, dataset: str) -> Path:
    """The folder, with the dataset in it: made by the first process that asks, while others that ask for it wait."""
    with _alone(folder / f"{dataset}.lock"):
        if not (folder / dataset / "manifest.json").exists():
            formats = [word for name in FORMATS for word in ("--format", name)]
            members = ("--members", str(MEMBERS.get(dataset, _OTHERS)))
            code = cli.run(["generate", dataset, *members, *formats, "--out", str(folder), "--mode", "overwrite"])
            assert code == 0, f"{dataset} is not published"
    return folder


def copied(lake: Lake, dataset: str, out: Path) -> Path:
    """A folder with a copy of the dataset, to be changed."""
    shutil.copytree(lake(dataset) / dataset, out / dataset)
    return out


def frames(spark: SparkSession, out: Path, dataset: str) -> dict[str, DataFrame]:
    """The tables of a published dataset, with the types of their contracts."""
    tables = registry.dataset(dataset).in_order()
    return {t.name: spark.read.schema(t.schema()).parquet(str(out / dataset / "parquet" / t.name)) for t in tables}


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
