"""`make bench`: payerlake against Spark's own copy of the same rows, against dbldatagen, and whole commands.

Prints a Markdown table. Takes about half an hour on 2 cores; MEMBERS (default 1,000,000) and RUNS (3) make it shorter.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import statistics
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from pyspark.sql import SparkSession

from payerlake import fingerprint, orders, pipeline
from payerlake.schema import Table
from payerlake.session import spark_session
from payerlake.settings import option
from payerlake.world import World
from payerlake.writers import WRITERS, Layout
from tests.benchmarks import measure
from tests.benchmarks.rival import rival_members

MEMBERS = int(os.environ.get("MEMBERS", "1000000"))
RUNS = int(os.environ.get("RUNS", "3"))  # of each whole command, and pairs of each comparison
CORES = 2
FORMATS = ("csv", "parquet", "delta")
TABLES = ("members", "enrollments", "formulary_drugs")


def main() -> None:
    """Measure and print."""
    _print_row("what", "measured", "goal")
    _print_row("---", "---", "---")
    folder = Path(tempfile.mkdtemp(prefix="payerlake-bench-"))
    try:
        for rows in (
            _in_one_session(folder),
            *(_whole_dataset(name, folder) for name in ("insurance", "quality", "finance")),
            _commands(folder),
        ):
            for row in rows:
                _print_row(*row)
    finally:
        shutil.rmtree(folder)
    print(f"\n{CORES} cores of {platform.processor() or platform.machine()}, driver heap 2 GB, {MEMBERS:,} members")


def _print_row(what: str, measured: str, goal: str) -> None:
    print(f"| {what} | {measured} | {goal} |", flush=True)


def _in_one_session(folder: Path) -> Iterator[tuple[str, str, str]]:
    # A file that seems dear to open is a partition of its own, so that the copy has the files of its source.
    spark = spark_session(f"local[{CORES}]", settings={"spark.sql.files.openCostInBytes": "1g"})
    made = orders.order("pharmacy", overrides=[option("members", MEMBERS)])
    here = orders.world(spark, made)
    for name in TABLES:
        table = made.dataset.table(name)
        source = str(folder / f"{name}.parquet")
        table.build(here).write.parquet(source)
        for format_ in FORMATS:
            yield _against_copy(spark, table, here, source, format_, folder)
    yield _against_rival(spark, made.dataset.table("members"), here.settings.members_per_file.members, folder, here)
    spark.stop()


def _against_copy(
    spark: SparkSession, table: Table, here: World, source: str, format_: str, folder: Path
) -> tuple[str, str, str]:
    """Both write the same rows into the same number of files; ours includes building the plan and the fingerprint."""
    ours, theirs = _write_and_copy(spark, table, here, source, format_, folder)
    timed = measure.pair(ours, theirs, RUNS)
    text = f"{timed.ratio:.2f}× (median {timed.ours:.1f} s against {timed.theirs:.1f} s)"
    return (
        f"{table.name}: generate + write {format_} ÷ Spark copying the rows from Parquet",
        text,
        "≤ 1.25×, at most 1.5×",
    )


def _write_and_copy(
    spark: SparkSession, table: Table, here: World, source: str, format_: str, folder: Path
) -> tuple[Callable[[], None], Callable[[], None]]:
    """What generates and writes the table, and what copies its rows from Parquet."""

    def ours() -> None:
        _fresh(folder / "ours")
        observed, observation = fingerprint.observed(table.build(here), "bench")
        WRITERS[format_].write(observed, table, str(folder / "ours"), Layout())
        fingerprint.from_observation(observation.get)

    def theirs() -> None:
        _fresh(folder / "theirs")
        writer = spark.read.parquet(source).write.format(format_)
        writer.options(**({"header": "true"} if format_ == "csv" else {})).save(str(folder / "theirs"))

    return ours, theirs


def _whole_dataset(name: str, folder: Path) -> Iterator[tuple[str, str, str]]:
    """All tables of a dataset, two at once as `generate` makes them, against copies of all, two at once likewise."""
    spark = spark_session(f"local[{CORES}]", settings={"spark.sql.files.openCostInBytes": "1g"})
    made = orders.order(name, overrides=[option("members", MEMBERS)])
    here = orders.world(spark, made)
    for table in made.tables:
        table.build(here).write.parquet(str(folder / name / table.name))
    for format_ in FORMATS:
        jobs = [
            _write_and_copy(spark, table, here, str(folder / name / table.name), format_, folder / table.name)
            for table in made.tables
        ]
        timed = measure.pair(
            partial(pipeline.at_once, [ours for ours, _ in jobs]),
            partial(pipeline.at_once, [theirs for _, theirs in jobs]),
            RUNS,
        )
        text = f"{timed.ratio:.2f}× (median {timed.ours:.1f} s against {timed.theirs:.1f} s)"
        yield f"{name}, all tables: generate + write {format_} ÷ Spark copying the rows from Parquet", text, "≤ 2×"
    spark.stop()


def _against_rival(spark: SparkSession, table: Table, per_file: int, folder: Path, here: World) -> tuple[str, str, str]:
    files = max(1, MEMBERS // per_file)

    def ours() -> None:
        _fresh(folder / "ours")
        WRITERS["csv"].write(table.build(here), table, str(folder / "ours"), Layout())

    def theirs() -> None:
        _fresh(folder / "theirs")
        rival_members(spark, MEMBERS, files).write.options(header="true").csv(str(folder / "theirs"))

    timed = measure.pair(ours, theirs, RUNS)
    text = f"{1 / timed.ratio:.1f}× faster (median {timed.ours:.1f} s against {timed.theirs:.1f} s)"
    return "members as CSV against dbldatagen, same columns", text, "≥ 3×"


def _commands(folder: Path) -> Iterator[tuple[str, str, str]]:
    master = ["--master", f"local[{CORES}]"]
    tiny = [_timed_tiny(folder, master) for _ in range(RUNS)]
    yield (
        "`generate pharmacy --scale tiny`, process start to validated Delta",
        f"{statistics.median(tiny):.1f} s",
        "≤ 30 s",
    )
    for format_ in ("csv", "delta"):
        runs = [_documented(folder, master, format_) for _ in range(RUNS)]
        seconds, memory, rows, made, checked = (statistics.median(run[i] for run in runs) for i in range(5))
        yield (
            f"whole dataset as {format_} in one command: time, rows a second and core while made, peak memory",
            f"{seconds:.0f} s, {rows / made / CORES:,.0f} rows, {memory:,.0f} MB of all processes",
            "heap 2 GB",
        )
        ratio = statistics.median(run[4] / run[3] for run in runs)
        text = f"{ratio:.2f}× ({checked:.0f} s against {made:.0f} s)"
        yield f"validation ÷ generation in it ({format_})", text, "≤ 1×"


def _timed_tiny(folder: Path, master: list[str]) -> float:
    out = _fresh(folder / "tiny")
    return measure.command(["generate", "pharmacy", "--scale", "tiny", "--out", str(out), *master]).seconds


def _documented(folder: Path, master: list[str], format_: str) -> tuple[float, float, float, float, float]:
    """Seconds and megabytes of the command, its rows, and the seconds of generation and of validation in it."""
    out = _fresh(folder / "documented")
    arguments = ["generate", "pharmacy", "--members", str(MEMBERS), "--format", format_, "--out", str(out)]
    done = measure.command([*arguments, *master])
    generation = re.search(r"made: ([\d,]+) rows in ([\d.]+) s", done.output)
    validation = re.search(r"validated: .* in ([\d.]+) s", done.output)
    assert generation is not None, done.output
    assert validation is not None, done.output
    rows = float(generation[1].replace(",", ""))
    return done.seconds, done.megabytes, rows, float(generation[2]), float(validation[1])


def _fresh(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    return folder


if __name__ == "__main__":
    main()
