"""What the commands do between parsing and exit: start Spark, call the pipeline, print what came of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import click
from pyspark.sql import SparkSession

from payerlake import api, checks, databases
from payerlake.contract import settings
from payerlake.engine.session import spark_session
from payerlake.errors import BadInput
from payerlake.publish import orders, pipeline
from payerlake.publish.destinations import CatalogDestination, Destination, FolderDestination
from payerlake.publish.progress import Progress

_DIGITS = 30  # of a number; longer ones are none that anybody means
_UNASKED = 5  # rules that were not asked are said, the others counted


def generate(dataset: str, **options: Any) -> None:
    """Make, check and publish a dataset; everything that can be refused is, before Spark starts."""
    began = time.monotonic()
    name, _, table = dataset.partition(".")
    made = _order(name, table, options)
    into = orders.formats(options["formats"], options["catalog"])
    with Progress() as progress, _place_to_publish(name, made, into, options, progress) as (spark, to):
        outcome = pipeline.generate(spark, made, to, into, not options["no_validate"], progress)
    _print_made(outcome)
    if outcome.validation:
        _print_validation(outcome.validation)
    else:
        click.echo("not validated")
    click.echo(f"published in {time.monotonic() - began:.1f} s: {outcome.place}")


def validate(dataset: str, **options: Any) -> None:
    """Run the suites on a published dataset and say how many rules hold."""
    with Progress() as progress:
        spark, at = _published_place(dataset, options, progress)
        validation = pipeline.validate(spark, at, progress)
    _print_validation(validation)


def verify(dataset: str, **options: Any) -> None:
    """Recompute the fingerprints of a published dataset and say that they agree."""
    with Progress() as progress:
        spark, at = _published_place(dataset, options, progress)
        verified = pipeline.verify(spark, at, progress)
    for table, name, fingerprint in verified:
        click.echo(f"{table:24} {name:8} {fingerprint.rows:>13,} rows  {fingerprint.digest}  as in the manifest")
    click.echo(f"verified: {at.place}")


def load(dataset: str, **options: Any) -> None:
    """Load a published dataset into a database; Spark starts only where no CSV is published."""
    with Progress() as progress:
        loaded = api.load_into(
            dataset,
            options["out"],
            options["to"],
            options["mode"],
            _number(options["jobs"]) if options["jobs"] is not None else databases.JOBS,
            lambda: spark_session(options["master"]),
            progress,
        )
    for table in loaded.tables:
        click.echo(f"{table.table:24} {table.rows:>13,} rows {table.seconds:>8.1f} s")
    for name, rows in loaded.views.items():
        click.echo(f"{name:24} {rows:>13,} rows     view")
    rows = sum(table.rows for table in loaded.tables)
    click.echo(f"loaded: {rows:,} rows in {loaded.seconds:.1f} s, {rows / loaded.seconds:,.0f} rows/s: {loaded.place}")
    _print_inspected(loaded.inspected)


def _order(dataset: str, table: str, options: dict[str, Any]) -> orders.Order:
    if table and options["tables"]:
        raise BadInput(f"--tables {options['tables']}: {dataset}.{table} names the table already; give one of the two")
    only = [table] if table else [name.strip() for name in (options["tables"] or "").split(",") if name.strip()]
    given = [settings.option(name, _number(options[name])) for name in ("members", "seed") if options[name] is not None]
    sets = [settings.set_option(text) for text in options["sets"]]
    return orders.order(dataset, only, options["part"], options["scale"], options["config"], [*given, *sets])


def _number(text: str) -> int | str:
    """The whole number that the text is; any other text as it stands, for the settings to refuse."""
    return int(text) if text.removeprefix("-").isdecimal() and len(text) <= _DIGITS else text


@contextmanager
def _place_to_publish(
    dataset: str, made: orders.Order, into: tuple[str, ...], options: dict[str, Any], progress: Progress
) -> Iterator[tuple[SparkSession, Destination]]:
    """A session and the reserved destination: a folder before Spark starts, a catalog as soon as it answers."""
    rows = orders.most_rows(made)
    if _is_catalog(options):
        spark = _session(options["master"], progress, delta=True, rows=rows)
        to = _destination(spark, dataset, options)
        with to.reserved(options["mode"]):
            yield spark, to
        return
    to = _destination(None, dataset, options)
    with to.reserved(options["mode"]):
        yield _session(options["master"], progress, delta=False, rows=rows), to


def _published_place(dataset: str, options: dict[str, Any], progress: Progress) -> tuple[SparkSession, Destination]:
    """A session that can read what is published, and where that is."""
    if _is_catalog(options):
        spark = _session(options["master"], progress, delta=True)
        return spark, _destination(spark, dataset, options)
    at = _destination(None, dataset, options)
    manifest = pipeline.published(at)
    delta = any("delta" in formats for formats in manifest.tables.values())
    rows = max(record.rows for formats in manifest.tables.values() for record in formats.values())
    return _session(options["master"], progress, delta, rows), at


def _is_catalog(options: dict[str, Any]) -> bool:
    return options["catalog"] is not None and options["schema"] is not None and options["out"] is None


def _destination(
    spark: SparkSession | None, dataset: str, options: dict[str, Any]
) -> FolderDestination | CatalogDestination:
    return api.destination(spark, dataset, options["out"], options["catalog"], options["schema"])


def _session(master: str | None, progress: Progress, delta: bool, rows: float | None = None) -> SparkSession:
    """A session. Great Expectations takes three seconds to import, which pass while the JVM starts."""
    threading.Thread(target=checks.load_engine, daemon=True).start()
    with progress.doing("starting Spark"):
        return spark_session(master, delta=delta, rows=rows)


def _print_made(outcome: pipeline.Outcome) -> None:
    width = max(len(made.table) for made in outcome.made)
    for made in outcome.made:
        click.echo(f"{made.table:{width}}  {made.format:8}{made.rows:>13,} rows {made.seconds:>8.1f} s")
    rows = {made.table: made.rows for made in outcome.made}
    into = " and ".join(dict.fromkeys(made.format for made in outcome.made))
    click.echo(f"made: {sum(rows.values()):,} rows of {len(rows)} tables as {into} in {outcome.seconds:.1f} s")


def _print_validation(validation: pipeline.Validation) -> None:
    report = validation.report
    unasked = (*report.not_run, *report.skipped)
    for text in unasked[:_UNASKED]:
        click.echo(f"not asked: {text}")
    if len(unasked) > _UNASKED:
        click.echo(f"not asked: {len(unasked) - _UNASKED} more, which the report lists")
    rules = report.evaluated
    click.echo(f"validated: {rules} rules of {len(report.suites)} suites in {validation.seconds:.1f} s, all hold")
    click.echo(f"report: {validation.docs}")


def _print_inspected(inspected: databases.Inspected) -> None:
    for answer in inspected.answers:
        _print_table(f"{answer.title} ({answer.seconds * 1000:,.0f} ms)", answer.columns, answer.rows)
    if inspected.checklist:
        lines = [(c.what, c.expected, c.found, "ok" if c.holds else "FAILED") for c in inspected.checklist]
        _print_table("Checklist", ("", "expected", "found", ""), lines)


def _print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """A title and a table: numbers stand on the right, texts on the left."""
    on_right = [any(isinstance(row[i], (int, Decimal)) for row in rows) for i in range(len(columns))]
    texts = [list(columns), *([_shown(value) for value in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    texts.insert(1, ["-" * width for width in widths])
    click.echo(f"\n{title}")
    for text in texts:
        cells = zip(text, widths, on_right, strict=True)
        click.echo(
            "  ".join(cell.rjust(width) if right else cell.ljust(width) for cell, width, right in cells).rstrip()
        )


def _shown(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, (int, Decimal)) else str(value)
