"""Build → write → observe → validate → publish: one dataset, from settings to a folder that holds it whole."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import TypeVar

from pyspark.sql import DataFrame, SparkSession

from payerlake import checks, registry
from payerlake.checks.page import page
from payerlake.contract import settings
from payerlake.contract.schema import Table
from payerlake.engine.exact import exact
from payerlake.errors import DataFailed, EngineFailed, doing
from payerlake.person.world import World
from payerlake.publish import fingerprint
from payerlake.publish.destinations import Destination
from payerlake.publish.fingerprint import Fingerprint
from payerlake.publish.orders import Order, world
from payerlake.publish.progress import Progress
from payerlake.storage.folder import Folder
from payerlake.storage.manifest import Manifest, TableRecord, columns_of, from_json
from payerlake.version import __version__
from payerlake.writers import WRITERS, Layout
from payerlake.writers.delimited import file_names

_WORTH_A_COPY = 250_000  # rows of a CSV table that several suites read
_AGAIN = "mend that, then run again"
_WORTH_HOLDING = 10_000  # rows up to which a table is read once for all suites
_AT_ONCE = 3  # jobs: with two, a fifth of two cores is idle
T = TypeVar("T")


_Written = tuple[Table, str, TableRecord, float]  # a table, its format, what was written in how many seconds


@dataclass(frozen=True)
class Made:
    """One table as it was written in one format."""

    table: str
    format: str
    rows: int
    seconds: float


@dataclass(frozen=True)
class Validation:
    """A validation that found every rule to hold, its seconds, and where its page is."""

    report: checks.Report
    seconds: float
    docs: str


@dataclass(frozen=True)
class Outcome:
    """A published dataset: where, its manifest, what was made in what time, and its validation where there was one.

    seconds: from the first table to the last; tables overlap, so their own seconds sum to more.
    """

    place: str
    manifest: Manifest
    made: tuple[Made, ...]
    seconds: float
    validation: Validation | None


def generate(
    spark: SparkSession, made: Order, to: Destination, into: tuple[str, ...], validate: bool, progress: Progress
) -> Outcome:
    """Make, check and publish, inside the destination's `reserved`.

    Raises DataFailed, with nothing published, where a rule does not hold; EngineFailed where Spark or the destination
    gives up, or what stands there is not what was made.
    """
    with ExitStack() as held:
        with progress.doing("preparing"):
            held.enter_context(exact(spark))
            held.enter_context(to.staged())
            here = world(spark, made)
        began = time.monotonic()
        written = _write_all(here, made.tables, into, to, progress)
        seconds = time.monotonic() - began
        manifest = _manifest(made, {(table.name, name): record for table, name, record, _ in written})
        _write_scripts(made, manifest, to)
        validation = _validate(spark, to, manifest, progress, from_stage=True) if validate else None
        to.publish(manifest.to_json())
    times = tuple(Made(table.name, name, record.rows, spent) for table, name, record, spent in written)
    return Outcome(to.place, manifest, times, seconds, validation)


def at_once(jobs: Iterable[Callable[[], T]]) -> list[T]:
    """What the jobs return, in their order. One that raises ends it, and those not begun with it."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        futures = [pool.submit(job) for job in jobs]
        try:
            return [future.result() for future in futures]
        finally:
            pool.shutdown(cancel_futures=True)


def _write_all(
    here: World, tables: Iterable[Table], into: tuple[str, ...], to: Destination, progress: Progress
) -> list[_Written]:
    """Every table in every format. Several at once: while Spark computes one, Python prepares the next."""
    wanted = [(table, name) for table in tables for name in into]
    with progress.steps("tables", "written") as on_table:
        counted = count(1)

        def write(table: Table, name: str) -> _Written:
            written = _write(here, table, name, to, progress)
            on_table(f"{table.name} {name}", next(counted), len(wanted))
            return written

        return at_once(partial(write, table, name) for table, name in wanted)


def _write(here: World, table: Table, name: str, to: Destination, progress: Progress) -> _Written:
    began = time.monotonic()
    layout = Layout(partition_by=tuple(here.settings.partition_by.get(table.name, ())))
    share = (here.last - here.first) / here.settings.members
    rows = table.expected_rows(here.settings) * share if table.expected_rows else None
    label = f"{table.full_name} {name}"
    with (
        doing(f"{to.place}: writing {table.full_name} as {name}", f"nothing is published; {_AGAIN}"),
        progress.writing(label, to.staging_folder(), rows, here.files(table)),
    ):
        frame, observation = fingerprint.observed(table.build(here), f"{table.name}_{name}")
        stored = to.write(frame, table, name, layout)
        found = _standing(here, table, name, to, stored.rows, fingerprint.from_observation(observation.get))
    record = TableRecord(found.rows, stored.files, stored.bytes, found.digest, columns_of(table))
    return table, name, record, time.monotonic() - began


def _standing(here: World, table: Table, name: str, to: Destination, rows: int, observed: Fingerprint) -> Fingerprint:
    """The fingerprint of the rows that stand. Raises EngineFailed where they are not those that were made.

    A stage that Spark runs again, after it lost an executor, is observed again: then what was made is made once more,
    to be counted, and what stands is read.
    """
    if observed.rows == rows:
        return observed
    made = fingerprint.measure(table.build(here))
    if made.rows == rows:
        stands = fingerprint.measure(to.read(here.spark, table, name, from_stage=True))
        if stands == made:
            return stands
    raise EngineFailed(
        f"{to.place}: {table.full_name} as {name}: {made.rows:,} rows were made, {rows:,} stand there"
        f"{' with other values' if made.rows == rows else ''}; nothing is published. The executors and this process "
        "must see the same storage: give a place that all of them share, or --master local[*]"
    )


def _write_scripts(made: Order, manifest: Manifest, to: Destination) -> None:
    """Beside the CSV files of a whole dataset, its scripts for MySQL, where it has such."""
    named = made.dataset.sql_scripts
    whole = made.part == (1, 1) and len(made.tables) == len(made.dataset.tables)
    if named is None or not whole or any("csv" not in formats for formats in manifest.tables.values()):
        return
    from payerlake.dialects import scripts  # noqa: PLC0415  half a second that only databases need

    files = {t.name: file_names(t.csv_stem, manifest.tables[t.name]["csv"].files) for t in made.tables}
    to.keep(f"csv/{named[0]}", scripts.schema_script(made.dataset.name))
    to.keep(f"csv/{named[1]}", scripts.load_script(made.dataset.name, files))


def _manifest(made: Order, records: Mapping[tuple[str, str], TableRecord]) -> Manifest:
    tables: dict[str, dict[str, TableRecord]] = {}
    for (table, name), record in records.items():
        tables.setdefault(table, {})[name] = record
    part, parts = made.part
    return Manifest(
        version=__version__,
        dataset=made.dataset.name,
        seed=made.settings.seed,
        slice=f"{part}/{parts}",
        settings=settings.effective(made.settings),
        tables=tables,
    )


# what is published


def published(at: Destination) -> Manifest:
    """The manifest of what is published there. Raises BadInput where nothing is."""
    return from_json(at.manifest(), at.place)


def validate(spark: SparkSession, at: Destination, progress: Progress) -> Validation:
    """Run the suites on what is published and put the results there. Raises DataFailed where a rule does not hold."""
    with at.locked("validate"), exact(spark):
        return _validate(spark, at, published(at), progress, from_stage=False)


def _validate(
    spark: SparkSession, at: Destination, manifest: Manifest, progress: Progress, from_stage: bool
) -> Validation:
    began = time.monotonic()
    dataset = registry.dataset(manifest.dataset)
    contracts = _contracts(manifest)
    with (
        doing(f"{at.place}: validating", _AGAIN),
        at.scratch() as scratch,
        tempfile.TemporaryDirectory() as results,
        progress.steps(f"{dataset.name} validation", "suites") as on_suite,
    ):
        stored = _all_stored(spark, at, contracts, manifest, from_stage, scratch)
        rows = {name: next(iter(formats.values())).rows for name, formats in manifest.tables.items()}
        report = checks.validate(
            dataset.name,
            contracts,
            stored,
            Path(results),
            settings=manifest.settings,
            rows=rows,
            whole=manifest.slice == "1/1",
            departed=settings.departures(dataset.name, dataset.settings, manifest.settings),
            on_suite=on_suite,
        )
        html = page(dataset.name, report, manifest, time.monotonic() - began)
        Path(results, "index.html").write_text(html, encoding="utf-8")
        accepted = "staged" if from_stage else "published"
        docs = at.keep_results(Path(results), accepted if report.success or not from_stage else "rejected")
    if not report.success:
        state = "not published" if from_stage else "published data broke rules"
        raise DataFailed(f"{at.place}: {state}: {_failures(report)}; results: {docs}")
    return Validation(report, time.monotonic() - began, docs)


def _all_stored(
    spark: SparkSession,
    at: Destination,
    contracts: Sequence[Table],
    manifest: Manifest,
    from_stage: bool,
    scratch: Folder | None,
) -> dict[str, DataFrame]:
    """What the suites read, by table; several at once, so that Spark works on one while another is planned."""
    names = [table.name for table in contracts]
    frames = at_once(
        partial(_stored, spark, at, table, manifest.tables[table.name], from_stage, scratch) for table in contracts
    )
    return dict(zip(names, frames, strict=True))


def _stored(
    spark: SparkSession,
    at: Destination,
    table: Table,
    records: Mapping[str, TableRecord],
    from_stage: bool,
    scratch: Folder | None,
) -> DataFrame:
    """The stored table in its quickest format, as all suites are to read it.

    A large CSV is parsed once, into Parquet, and not once a suite. The rows of a small table become part of the plans:
    finding its files, above all in Delta's log, costs every query that reads it more than the rows do.
    """
    name = _quickest(records)
    with doing(f"{at.place}: reading {table.full_name} as {name}", _AGAIN):
        frame = at.read(spark, table, name, from_stage)
        if records[name].rows <= _WORTH_HOLDING:
            return _held(spark, frame)
        if name != "csv" or records[name].rows < _WORTH_A_COPY or scratch is None:
            return frame
        WRITERS["parquet"].write(frame, table, scratch.url, Layout())
        return WRITERS["parquet"].read(spark, table, scratch.url)


def _held(spark: SparkSession, frame: DataFrame) -> DataFrame:
    """The frame's rows as a part of every plan. Spark 3.5 has no tables of Arrow, and its rows pass through Python."""
    if hasattr(frame, "toArrow"):
        return spark.createDataFrame(frame.toArrow())
    return spark.createDataFrame(frame.collect(), frame.schema)


def _quickest(records: Mapping[str, TableRecord]) -> str:
    return next(name for name in WRITERS if name in records)


def _failures(report: checks.Report) -> str:
    more = f" (and {len(report.failures) - 10} more)" if len(report.failures) > 10 else ""
    return "; ".join(report.failures[:10]) + more


def verify(spark: SparkSession, at: Destination, progress: Progress) -> list[tuple[str, str, Fingerprint]]:
    """(table, format, fingerprint) of all that is stored, as the manifest has it. Raises DataFailed on a difference."""
    manifest = published(at)
    stored = [(table, name) for table in _contracts(manifest) for name in manifest.tables[table.name]]
    with (
        exact(spark),
        doing(f"{at.place}: reading what is published", _AGAIN),
        progress.steps(f"{manifest.dataset} verification", "tables") as on_table,
    ):
        found = []
        for place, (table, name) in enumerate(stored, start=1):
            with doing(f"{at.place}: reading {table.full_name} as {name}", _AGAIN):
                measured = fingerprint.measure(at.read(spark, table, name, from_stage=False))
            found.append((table.name, name, measured))
            on_table(f"{table.name} {name}", place, len(stored))
    if published(at) != manifest:
        raise EngineFailed(f"{at.place}: another run replaced the data while they were read; run verify again")
    differences = [text for entry in found if (text := _difference(manifest, *entry))]
    if differences:
        raise DataFailed(f"{at.place}: differs from its manifest: {'; '.join(differences)}")
    return found


def _contracts(manifest: Manifest) -> list[Table]:
    return registry.dataset(manifest.dataset).in_order(manifest.tables)


def _difference(manifest: Manifest, table: str, name: str, found: Fingerprint) -> str:
    record = manifest.tables[table][name]
    if (found.rows, found.digest) == (record.rows, record.fingerprint):
        return ""
    return (
        f"{table} ({name}) has {found.rows:,} rows with fingerprint {found.digest}, "
        f"the manifest {record.rows:,} with {record.fingerprint}"
    )
