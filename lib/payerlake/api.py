"""The verbs as Python, for notebooks and programs: the same names and defaults as on the command line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from payerlake import databases, registry
from payerlake.contract import settings
from payerlake.errors import BadInput
from payerlake.publish import orders, pipeline
from payerlake.publish.destinations import CatalogDestination, FolderDestination
from payerlake.publish.progress import Progress
from payerlake.storage.target import check_mode

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from payerlake.publish.fingerprint import Fingerprint


def tables(
    spark: SparkSession,
    dataset: str,
    only: Iterable[str] = (),
    *,
    slice: str = "1/1",
    scale: str | None = None,
    config: str | Path | None = None,
    **options: Any,
) -> dict[str, DataFrame]:
    """The dataset's tables by name, lazily: nothing runs until you use them, and nothing is written.

    only: names of tables, default all. options: settings by name, such as members=10_000 or population="shared".
    Raises BadInput for what does not exist.

    The rows are those of `generate` wherever the session's settings of data are Spark's own. What you run over the
    frames, runs under your session's settings: where it has others, as ANSI mode off or `spark.sql.legacy.*`, use the
    frames inside `with payerlake.engine.exact.exact(spark):`.
    """
    made = orders.order(dataset, only, slice, scale, config, layers(options))
    return orders.frames(spark, made)


def generate(
    spark: SparkSession,
    dataset: str,
    out: str | Path | None = None,
    only: Iterable[str] = (),
    *,
    catalog: str | None = None,
    schema: str | None = None,
    format: str | Iterable[str] = "delta",
    slice: str = "1/1",
    scale: str | None = None,
    config: str | Path | None = None,
    validate: bool = True,
    mode: str = "error",
    **options: Any,
) -> pipeline.Outcome:
    """Make a dataset, check it and publish it under OUT/DATASET or in CATALOG.SCHEMA; see `tables` for the rest.

    Raises BadInput before anything runs, DataFailed with nothing published where a rule does not hold.
    """
    made = orders.order(dataset, only, slice, scale, config, layers(options))
    into = orders.formats([format] if isinstance(format, str) else format, catalog)
    to = destination(spark, dataset, out, catalog, schema)
    with to.reserved(mode), Progress() as progress:
        return pipeline.generate(spark, made, to, into, validate, progress)


def validate(
    spark: SparkSession,
    dataset: str,
    out: str | Path | None = None,
    *,
    catalog: str | None = None,
    schema: str | None = None,
) -> pipeline.Validation:
    """Run the suites on a published dataset. Raises DataFailed where a rule does not hold."""
    with Progress() as progress:
        return pipeline.validate(spark, destination(spark, dataset, out, catalog, schema), progress)


def verify(
    spark: SparkSession,
    dataset: str,
    out: str | Path | None = None,
    *,
    catalog: str | None = None,
    schema: str | None = None,
) -> list[tuple[str, str, Fingerprint]]:
    """Rows and fingerprints of a published dataset, by table and format. Raises DataFailed on a difference."""
    with Progress() as progress:
        return pipeline.verify(spark, destination(spark, dataset, out, catalog, schema), progress)


def load(
    spark: SparkSession | None,
    dataset: str,
    out: str | Path,
    *,
    to: str,
    mode: str = "error",
    jobs: int = databases.JOBS,
) -> databases.Loaded:
    """Load the dataset published under OUT/DATASET into the database of the URL `to`; None will do for `spark` where
    CSV is published.

    Raises BadInput before anything is written, DataFailed where rows are refused or are not as many as the manifest
    has, EngineFailed where the server fails; the database is then as it was.
    """

    def session() -> SparkSession:
        if spark is None:
            raise BadInput(f"{out}: no CSV is published there, so Spark has to write it; give a session")
        return spark

    with Progress() as progress:
        return load_into(dataset, out, to, mode, jobs, session, progress)


def load_into(
    dataset: str,
    out: str | Path | None,
    to: str | None,
    mode: str,
    jobs: int | str,
    spark: Callable[[], SparkSession],
    progress: Progress,
) -> databases.Loaded:
    """`load`, with a session that is asked for only where it is needed."""
    known = registry.dataset(dataset)
    check_mode(mode)
    if not isinstance(jobs, int) or jobs < 1:
        raise BadInput(f"--jobs {jobs}: not a whole number from 1")
    if out is None or to is None:
        raise BadInput("--out and --to: give the folder where the dataset is published and the URL of a database")
    server, at = databases.server(to), FolderDestination(str(out), known.name)
    manifest = pipeline.published(at)
    return databases.load(server, manifest, databases.csv_files(at, manifest, spark), mode, jobs, progress)


def destination(
    spark: SparkSession | None, dataset: str, out: str | Path | None, catalog: str | None, schema: str | None
) -> FolderDestination | CatalogDestination:
    """The folder or the schema of a catalog that is meant; a folder needs no session. Raises BadInput for neither."""
    known = registry.dataset(dataset)
    if out is not None and catalog is None and schema is None:
        return FolderDestination(str(out), known.name)
    if out is None and catalog is not None and schema is not None and spark is not None:
        return CatalogDestination(spark, catalog, schema, known.name, known.tables)
    raise BadInput("--out: give the folder or URL to publish in, or --catalog and --schema instead of it")


def layers(options: dict[str, Any]) -> Iterator[settings.Layer]:
    """Each option that is given, as a layer of settings."""
    return (settings.option(name, value) for name, value in options.items() if value is not None)
