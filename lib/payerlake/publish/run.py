"""Build → write → observe → validate → publish: one dataset, from an order to a place that holds it whole."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any

from pyspark.sql import SparkSession

from payerlake.contract import settings
from payerlake.contract.schema import Table
from payerlake.engine.exact import exact
from payerlake.errors import EngineFailed, doing
from payerlake.person.world import World
from payerlake.publish import audit, fingerprint
from payerlake.publish.audit import Validation
from payerlake.publish.destinations import Destination
from payerlake.publish.fingerprint import Fingerprint
from payerlake.publish.orders import Order, world
from payerlake.publish.parallel import at_once
from payerlake.publish.progress import Progress
from payerlake.storage.manifest import Manifest, TableRecord, columns_of
from payerlake.version import __version__
from payerlake.writers import Layout
from payerlake.writers.delimited import file_names

_Written = tuple[Table, str, TableRecord, float]  # a table, its format, what was written in how many seconds


@dataclass(frozen=True)
class Made:
    """One table as it was written in one format."""

    table: str
    format: str
    rows: int
    seconds: float


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
    spark: SparkSession, made: Order[Any], to: Destination, into: tuple[str, ...], validate: bool, progress: Progress
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
        validation = audit.hold(spark, to, manifest, progress, from_stage=True) if validate else None
        to.publish(manifest.to_json())
    times = tuple(Made(table.name, name, record.rows, spent) for table, name, record, spent in written)
    return Outcome(to.place, manifest, times, seconds, validation)


def _write_all(
    here: World[Any], tables: Iterable[Table], into: tuple[str, ...], to: Destination, progress: Progress
) -> list[_Written]:
    """Every table in every format. Several at once: while Spark computes one, Python prepares the next."""
    wanted = [(table, name) for table in tables for name in into]
    with progress.steps("tables", "written") as on_table:

        def write(table: Table, name: str) -> _Written:
            written = _write(here, table, name, to, progress)
            on_table(f"{table.name} {name}", len(wanted))
            return written

        return at_once(partial(write, table, name) for table, name in wanted)


def _write(here: World[Any], table: Table, name: str, to: Destination, progress: Progress) -> _Written:
    began = time.monotonic()
    layout = Layout(partition_by=tuple(here.settings.partition_by.get(table.name, ())))
    share = (here.last - here.first) / here.settings.members
    rows = table.expected_rows(here.settings) * share if table.expected_rows else None
    label = f"{table.full_name} {name}"
    with (
        doing(f"{to.place}: writing {table.full_name} as {name}", f"nothing is published; {audit.AGAIN}"),
        progress.writing(label, to.staging_folder(), rows, here.files(table)),
    ):
        frame, observation = fingerprint.observed(here.rows(table), f"{table.name}_{name}")
        stored = to.write(frame, table, name, layout)
        found = _standing(here, table, name, to, stored.rows, fingerprint.from_observation(observation.get))
    record = TableRecord(found.rows, stored.files, stored.bytes, found.digest, columns_of(table))
    return table, name, record, time.monotonic() - began


def _standing(
    here: World[Any], table: Table, name: str, to: Destination, rows: int, observed: Fingerprint
) -> Fingerprint:
    """The fingerprint of the rows that stand. Raises EngineFailed where they are not those that were made.

    A stage that Spark runs again, after it lost an executor, is observed again: then what was made is made once more,
    to be counted, and what stands is read.
    """
    if observed.rows == rows:
        return observed
    made = fingerprint.measure(here.rows(table))
    if made.rows == rows:
        stands = fingerprint.measure(to.read(here.spark, table, name, from_stage=True))
        if stands == made:
            return stands
    raise EngineFailed(
        f"{to.place}: {table.full_name} as {name}: {made.rows:,} rows were made, {rows:,} stand there"
        f"{' with other values' if made.rows == rows else ''}; nothing is published. The executors and this process "
        "must see the same storage: give a place that all of them share, or --master local[*]"
    )


def _write_scripts(made: Order[Any], manifest: Manifest, to: Destination) -> None:
    """Beside the CSV files of a whole dataset, its scripts for MySQL, where it has such."""
    named = made.dataset.sql_scripts
    whole = made.part.is_whole and len(made.tables) == len(made.dataset.tables)
    if named is None or not whole or any("csv" not in formats for formats in manifest.tables.values()):
        return
    from payerlake.dialects import scripts  # noqa: PLC0415  half a second that only databases need

    files = {t.name: file_names(t.csv_stem, manifest.tables[t.name]["csv"].files) for t in made.tables}
    to.keep(f"csv/{named[0]}", scripts.schema_script(made.dataset))
    to.keep(f"csv/{named[1]}", scripts.load_script(made.dataset, files))


def _manifest(made: Order[Any], records: Mapping[tuple[str, str], TableRecord]) -> Manifest:
    tables: dict[str, dict[str, TableRecord]] = {}
    for (table, name), record in records.items():
        tables.setdefault(table, {})[name] = record
    return Manifest(
        version=__version__,
        dataset=made.dataset.name,
        seed=made.settings.seed,
        slice=str(made.part),
        settings=settings.effective(made.settings),
        tables=tables,
    )
