"""What stands is held against its rules and its manifest, before it is published and after."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession

from payerlake import checks
from payerlake.checks.page import page
from payerlake.contract import settings
from payerlake.contract.schema import Table
from payerlake.engine.exact import exact
from payerlake.errors import DataFailed, EngineFailed, doing
from payerlake.publish import fingerprint
from payerlake.publish.destinations import Destination, published
from payerlake.publish.fingerprint import Fingerprint
from payerlake.publish.parallel import at_once
from payerlake.publish.progress import Progress
from payerlake.storage.folder import Folder
from payerlake.storage.manifest import Manifest, TableRecord
from payerlake.writers import WRITERS, Layout

AGAIN = "mend that, then run again"
_WORTH_A_COPY = 250_000  # rows of a CSV table that several suites read
_WORTH_HOLDING = 10_000  # rows up to which a table is read once for all suites


@dataclass(frozen=True)
class Validation:
    """A validation that found every rule to hold, its seconds, and where its page is."""

    report: checks.Report
    seconds: float
    docs: str


def validate(spark: SparkSession, at: Destination, progress: Progress) -> Validation:
    """Run the suites on what is published and put the results there. Raises DataFailed where a rule does not hold."""
    with at.locked("validate"), exact(spark):
        return hold(spark, at, published(at), progress, from_stage=False)


def hold(spark: SparkSession, at: Destination, manifest: Manifest, progress: Progress, from_stage: bool) -> Validation:
    """Hold what is staged or published against all suites; keep the results. Raises DataFailed."""
    began = time.monotonic()
    dataset = at.dataset
    contracts = dataset.in_order(manifest.tables)
    with (
        doing(f"{at.place}: validating", AGAIN),
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
            whole=manifest.is_whole,
            departed=settings.departures(dataset.settings, manifest.settings),
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
    with doing(f"{at.place}: reading {table.full_name} as {name}", AGAIN):
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
    stored = [(table, name) for table in at.dataset.in_order(manifest.tables) for name in manifest.tables[table.name]]
    with (
        exact(spark),
        doing(f"{at.place}: reading what is published", AGAIN),
        progress.steps(f"{manifest.dataset} verification", "tables") as on_table,
    ):
        found = []
        for table, name in stored:
            with doing(f"{at.place}: reading {table.full_name} as {name}", AGAIN):
                measured = fingerprint.measure(at.read(spark, table, name, from_stage=False))
            found.append((table.name, name, measured))
            on_table(f"{table.name} {name}", len(stored))
    if published(at) != manifest:
        raise EngineFailed(f"{at.place}: another run replaced the data while they were read; run verify again")
    differences = [text for entry in found if (text := _difference(manifest, *entry))]
    if differences:
        raise DataFailed(f"{at.place}: differs from its manifest: {'; '.join(differences)}")
    return found


def _difference(manifest: Manifest, table: str, name: str, found: Fingerprint) -> str:
    record = manifest.tables[table][name]
    if (found.rows, found.digest) == (record.rows, record.fingerprint):
        return ""
    return (
        f"{table} ({name}) has {found.rows:,} rows with fingerprint {found.digest}, "
        f"the manifest {record.rows:,} with {record.fingerprint}"
    )
