"""What the commands do between parsing and exit: start Spark, call the pipeline, print what came of it."""

from __future__ import annotations

import time
from typing import Any

import click
import yaml
from pyspark.sql import SparkSession

from payerlake import pipeline, settings
from payerlake.errors import BadInput
from payerlake.progress import Progress
from payerlake.session import spark_session


def generate(dataset: str, **options: Any) -> None:
    """Make, check and publish a dataset; everything that can be refused is, before Spark starts."""
    began = time.monotonic()
    name, _, table = dataset.partition(".")
    made = _order(name, table, options)
    into = pipeline.formats(options["formats"])
    target = _target(name, options)
    spark = _session(options["master"], delta="delta" in into)
    with Progress() as progress:
        outcome = pipeline.generate(spark, made, target, into, not options["no_validate"], progress)
    _print_made(outcome)
    _print_validation(outcome.validation)
    click.echo(f"published in {time.monotonic() - began:.1f} s: {outcome.folder}")
    if outcome.validation:
        click.echo(f"Data Docs: {outcome.folder}/validation/index.html")


def validate(dataset: str, out: str, master: str | None) -> None:
    """Run the suites on a published dataset and say how many rules hold."""
    target, manifest = pipeline.published(out, dataset)
    spark = _session(master, delta=_holds_delta(manifest))
    with Progress() as progress:
        validation = pipeline.validate(spark, out, dataset, progress)
    _print_validation(validation)
    click.echo(f"Data Docs: {target.folder}/validation/index.html")


def verify(dataset: str, out: str, master: str | None) -> None:
    """Recompute the fingerprints of a published dataset and say that they agree."""
    target, manifest = pipeline.published(out, dataset)
    found = pipeline.verify(_session(master, delta=_holds_delta(manifest)), out, dataset)
    for table, name, fingerprint in found:
        click.echo(f"{table:24} {name:8} {fingerprint.rows:>13,} rows  {fingerprint.digest}  as in the manifest")
    click.echo(f"verified: {target.folder}")


def _order(dataset: str, table: str, options: dict[str, Any]) -> pipeline.Order:
    if table and options["tables"]:
        raise BadInput(f"--tables {options['tables']}: {dataset}.{table} names the table already; give one of the two")
    only = [table] if table else [name.strip() for name in (options["tables"] or "").split(",") if name.strip()]
    given = [settings.option(name, _plain(options[name])) for name in ("members", "seed") if options[name] is not None]
    sets = [settings.set_option(text) for text in options["sets"]]
    return pipeline.order(dataset, only, options["part"], options["scale"], options["config"], [*given, *sets])


def _plain(text: str) -> Any:
    return yaml.safe_load(text) if text.lstrip("-").isdigit() else text


def _target(dataset: str, options: dict[str, Any]) -> Any:
    if not options["out"]:
        raise BadInput("--out: missing; give the folder or URL to publish in, for example --out out")
    return pipeline.check_target(options["out"], dataset, options["mode"])


def _session(master: str | None, delta: bool) -> SparkSession:
    click.echo("starting Spark …", err=True)
    return spark_session(master, delta=delta)


def _holds_delta(manifest: Any) -> bool:
    return any("delta" in formats for formats in manifest.tables.values())


def _print_made(outcome: pipeline.Outcome) -> None:
    for made in outcome.made:
        rate = made.rows / max(made.seconds, 1e-9)
        click.echo(
            f"{made.table:24} {made.format:8} {made.rows:>13,} rows {made.seconds:>8.1f} s {rate:>12,.0f} rows/s"
        )


def _print_validation(validation: pipeline.Validation | None) -> None:
    if validation is None:
        click.echo("not validated")
        return
    report = validation.report
    for text in (*report.not_run, *report.skipped):
        click.echo(f"not checked: {text}")
    rules = sum(suite.evaluated for suite in report.suites)
    click.echo(f"validated: {rules} rules of {len(report.suites)} suites in {validation.seconds:.1f} s, all hold")
