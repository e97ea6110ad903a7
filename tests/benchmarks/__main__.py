"""`make bench`: payerlake against Spark's own copy of the same rows, against dbldatagen, and whole commands.

Prints a Markdown table, and at 1,000,000 members puts each line into that of tests/benchmarks/README.md. Takes about
half an hour on 2 cores; PART=first, tables or datasets measures a part of it.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from functools import partial
from itertools import chain
from pathlib import Path

from pyspark.sql import SparkSession

from payerlake.contract.schema import Table
from payerlake.engine.jars import delta_jars
from payerlake.engine.session import spark_session
from payerlake.person.world import World
from payerlake.publish import fingerprint, orders, parallel
from payerlake.writers import WRITERS, Layout
from tests.benchmarks import measure
from tests.benchmarks.rival import rival_members

MEMBERS = int(os.environ.get("MEMBERS", "1000000"))
RUNS = int(os.environ.get("RUNS", "3"))  # of each whole command, and pairs of each comparison
CORES = 2
FORMATS = ("csv", "parquet", "delta")
TABLES = ("members", "enrollments", "formulary_drugs", "households")
DATASETS = {"insurance": 2.0, "quality": 2.0, "finance": 1.5}  # and at most so many times a copy
PAGE = Path(__file__).with_name("README.md")
_IN_PAGE = re.compile(r"(<!-- bench -->\n\n)(.*?)(\n\n<!-- /bench -->)", re.DOTALL)
_HEAD = ("what, at 1,000,000 members", "measured", "goal", "on")

Row = tuple[str, str, str]


def main() -> None:
    """Measure and print."""
    folder = Path(tempfile.mkdtemp(prefix="payerlake-bench-"))
    parts: dict[str, Iterable[Row]] = {
        "first": _first_results(folder),
        "tables": _in_one_session(folder),
        "datasets": chain(_commands(folder), *(_whole_dataset(name, folder) for name in DATASETS)),
    }
    wanted = os.environ.get("PART")
    if wanted not in (None, *parts):
        raise SystemExit(f"PART={wanted}: not a part; allowed: {', '.join(parts)}")
    try:
        for row in chain(*(rows for name, rows in parts.items() if wanted in (None, name))):
            print(_line((*row, date.today().isoformat())), flush=True)
            if MEMBERS == 1_000_000:
                _record(row)
    finally:
        shutil.rmtree(folder)
    print(f"\n{CORES} cores of {platform.processor() or platform.machine()}, driver heap 2 GB, {MEMBERS:,} members")


def _record(row: Row) -> None:
    """Put the row into the page, in the place of what it said of the same."""
    text = PAGE.read_text(encoding="utf-8")
    table = _IN_PAGE.search(text)
    assert table is not None, f"{PAGE}: the marks of the table are gone"
    lines = {line.split(" | ")[0].removeprefix("| "): line for line in table[2].splitlines()[2:]}
    lines[row[0]] = _line((*row, date.today().isoformat()))
    whole = "\n".join([_line(_HEAD), _line(["---"] * len(_HEAD)), *lines.values()])
    PAGE.write_text(_IN_PAGE.sub(lambda found: found[1] + whole + found[3], text), encoding="utf-8")


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _first_results(folder: Path) -> Iterator[Row]:
    """What a newcomer waits for, beside what Spark by itself takes for next to nothing."""
    datasets = ("pharmacy", "insurance", "quality", "finance")
    for name in datasets:
        seconds = statistics.median(_timed(folder, name, "tiny") for _ in range(RUNS))
        yield f"`generate {name} --scale tiny`, process start to validated Delta", f"{seconds:.1f} s", "≤ 20 s"
    pairs = [(_timed(folder, "pharmacy", "demo", "--format", "csv"), _bare(folder)) for _ in range(RUNS)]
    ours, theirs = (statistics.median(pair[i] for pair in pairs) for i in (0, 1))
    ratio = statistics.median(a / b for a, b in pairs)
    text = f"{ours:.1f} s, {ratio:.1f}× ({theirs:.1f} s)"
    yield (
        "`make demo` ÷ a Python that starts Spark, writes a Delta table of 10,000 rows and stops",
        text,
        "≤ 60 s, ≤ 6×",
    )


def _timed(folder: Path, dataset: str, scale: str, *more: str) -> float:
    """Seconds of a whole command that makes a dataset as Delta, and more."""
    out, cores = str(_fresh(folder / scale)), f"local[{CORES}]"
    words = ["generate", dataset, "--scale", scale, "--format", "delta", *more, "--out", out, "--master", cores]
    return measure.command(words).seconds


def _bare(folder: Path) -> float:
    """Seconds of a Python that writes 10,000 rows as Delta, by Spark with Delta's settings and nothing of ours."""
    jars = ",".join(map(str, delta_jars()))
    program = f"""
from pyspark.sql import SparkSession
spark = (SparkSession.builder.master("local[{CORES}]").config("spark.jars", "{jars}")
    .config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
    .config("spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog")
    .config("spark.ui.enabled", "false").getOrCreate())
spark.range(10000).write.format("delta").save("{_fresh(folder / "bare")}")
spark.stop()
"""
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
    return time.monotonic() - began


def _in_one_session(folder: Path) -> Iterator[Row]:
    # A file that seems dear to open is a partition of its own, so that the copy has the files of its source.
    spark = spark_session(f"local[{CORES}]", settings={"spark.sql.files.openCostInBytes": "1g"})
    made = orders.order("pharmacy", options={"members": MEMBERS})
    here = orders.world(spark, made)
    for name in TABLES:
        table = made.dataset.table(name)
        source = str(folder / f"{name}.parquet")
        table.build(here).write.parquet(source)
        for format_ in FORMATS:
            yield _against_copy(spark, table, here, source, format_, folder)
    yield _against_rival(spark, made.dataset.table("members"), here.settings.members_per_file.members, folder, here)
    spark.stop()


def _against_copy(spark: SparkSession, table: Table, here: World, source: str, format_: str, folder: Path) -> Row:
    """Both write the same rows into the same number of files; ours includes building the plan and the fingerprint."""
    ours, theirs = _write_and_copy(spark, table, here, source, format_, folder)
    timed = measure.pair(ours, theirs, RUNS)
    text = _against(timed)
    return (
        f"{table.name}: generate + write {format_} ÷ Spark copying the rows from Parquet",
        text,
        "≤ 1.25×",
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


def _whole_dataset(name: str, folder: Path) -> Iterator[Row]:
    """All tables of a dataset, several at once as `generate` makes them, against copies of all, as many likewise."""
    spark = spark_session(f"local[{CORES}]", settings={"spark.sql.files.openCostInBytes": "1g"})
    made = orders.order(name, options={"members": MEMBERS})
    here = orders.world(spark, made)
    for table in made.tables:
        table.build(here).write.parquet(str(folder / name / table.name))
    for format_ in FORMATS:
        jobs = [
            _write_and_copy(spark, table, here, str(folder / name / table.name), format_, folder / table.name)
            for table in made.tables
        ]
        timed = measure.pair(
            partial(parallel.at_once, [ours for ours, _ in jobs]),
            partial(parallel.at_once, [theirs for _, theirs in jobs]),
            RUNS,
        )
        text, goal = _against(timed), f"≤ {DATASETS[name]:g}×"
        yield f"{name}, all tables: generate + write {format_} ÷ Spark copying the rows from Parquet", text, goal
    spark.stop()


def _against_rival(spark: SparkSession, table: Table, per_file: int, folder: Path, here: World) -> Row:
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


def _commands(folder: Path) -> Iterator[Row]:
    for format_ in ("csv", "delta"):
        runs = [_documented(folder, format_) for _ in range(RUNS)]
        seconds, memory, rows, made, checked = (statistics.median(run[i] for run in runs) for i in range(5))
        yield (
            f"pharmacy as {format_} in one command: time, rows a second and core while made, peak memory",
            f"{seconds:.0f} s, {rows / made / CORES:,.0f} rows, {memory:,.0f} MB of all processes",
            "heap 2 GB",
        )
        ratio = statistics.median(run[4] / run[3] for run in runs)
        text = f"{ratio:.2f}× ({checked:.0f} s against {made:.0f} s)"
        yield f"validation ÷ generation in it ({format_})", text, "≤ 0.5×"


def _documented(folder: Path, format_: str) -> tuple[float, float, float, float, float]:
    """Seconds and megabytes of the command, its rows, and the seconds of generation and of validation in it."""
    out = _fresh(folder / "documented")
    arguments = ["generate", "pharmacy", "--members", str(MEMBERS), "--format", format_, "--out", str(out)]
    done = measure.command([*arguments, "--master", f"local[{CORES}]"])
    generation = re.search(r"made: ([\d,]+) rows in ([\d.]+) s", done.output)
    validation = re.search(r"validated: .* in ([\d.]+) s", done.output)
    assert generation is not None, done.output
    assert validation is not None, done.output
    rows = float(generation[1].replace(",", ""))
    return done.seconds, done.megabytes, rows, float(generation[2]), float(validation[1])


def _against(timed: measure.Pair) -> str:
    return f"{timed.ratio:.2f}× (median {timed.ours:.1f} s against {timed.theirs:.1f} s)"


def _fresh(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    return folder


if __name__ == "__main__":
    main()
