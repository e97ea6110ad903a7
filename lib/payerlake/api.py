"""The verbs as Python, for notebooks and programs: the same names and defaults as on the command line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from payerlake import pipeline, settings
from payerlake.progress import Progress

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from payerlake.fingerprint import Fingerprint


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
    """
    made = pipeline.order(dataset, only, slice, scale, config, layers(options))
    return pipeline.frames(spark, made)


def generate(
    spark: SparkSession,
    dataset: str,
    out: str | Path,
    only: Iterable[str] = (),
    *,
    format: str | Iterable[str] = "delta",
    slice: str = "1/1",
    scale: str | None = None,
    config: str | Path | None = None,
    validate: bool = True,
    mode: str = "error",
    **options: Any,
) -> pipeline.Outcome:
    """Make a dataset, check it and publish it under OUT/DATASET; see `tables` for the shared arguments.

    Raises BadInput before anything runs, DataFailed with nothing published where a rule does not hold.
    """
    made = pipeline.order(dataset, only, slice, scale, config, layers(options))
    into = pipeline.formats([format] if isinstance(format, str) else format)
    target = pipeline.check_target(str(out), dataset, mode)
    with Progress() as progress:
        return pipeline.generate(spark, made, target, into, validate, progress)


def validate(spark: SparkSession, dataset: str, out: str | Path) -> pipeline.Validation:
    """Run the suites on the dataset published under OUT. Raises DataFailed where a rule does not hold."""
    with Progress() as progress:
        return pipeline.validate(spark, str(out), dataset, progress)


def verify(spark: SparkSession, dataset: str, out: str | Path) -> list[tuple[str, str, Fingerprint]]:
    """Rows and fingerprints of what is stored under OUT, by table and format. Raises DataFailed on a difference."""
    return pipeline.verify(spark, str(out), dataset)


def layers(options: dict[str, Any]) -> Iterator[settings.Layer]:
    """Each option that is given, as a layer of settings."""
    return (settings.option(name, value) for name, value in options.items() if value is not None)
