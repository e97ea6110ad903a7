"""The verbs as Python, for notebooks and programs. The command line is built on them.

Where a verb takes a session, None stands for one of payerlake's own: it is started at `master` once all that can be
refused has been, and a session that is running already is taken as it is.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from payerlake import checks, databases, registry
from payerlake.engine.exact import exact
from payerlake.engine.session import spark_session
from payerlake.errors import BadInput, doing
from payerlake.publish import audit, orders, run
from payerlake.publish.destinations import Destination, FolderDestination, Start, destination, published
from payerlake.publish.parallel import at_once
from payerlake.publish.progress import Progress
from payerlake.storage.target import check_mode

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, Row, SparkSession

    from payerlake.publish.fingerprint import Fingerprint

_MEMBER = re.compile(r"[A-Z]{0,3}0*(\d{1,13})")  # of the longest, ten times the most members that can be


def tables(
    spark: SparkSession | None,
    dataset: str,
    only: str | Iterable[str] = (),
    *,
    slice: str = "1/1",
    scale: str | None = None,
    config: str | Path | None = None,
    **options: Any,
) -> dict[str, DataFrame]:
    """The dataset's tables by name, lazily: nothing runs until you use them, and nothing is written.

    only: names of tables, default all. options: settings by name, such as members=10_000 or population="shared"; a
    dotted name is one entry: **{"population.sex.F": 0.6, "population.sex.M": 0.4}. Raises BadInput for what does not
    exist.

    The rows are those of `generate` wherever the session's settings of data are Spark's own. What you run over the
    frames, runs under your session's settings: where it has others, as ANSI mode off or `spark.sql.legacy.*`, use the
    frames inside `with payerlake.engine.exact.exact(spark):`.
    """
    made = orders.order(dataset, _names(only), slice, scale, config, options)
    return orders.frames(spark_session() if spark is None else spark, made)


def person(
    spark: SparkSession | None,
    number: str | int,
    *,
    scale: str | None = None,
    config: str | Path | None = None,
    master: str | None = None,
    **options: Any,
) -> dict[str, list[Row]]:
    """One member's rows of every dataset, by DATASET.TABLE: made from the member's number alone, in the same time for
    few members and for a billion. With population="shared" they are of the same person.

    number: of the member from 1, or as datasets write it: M000018, PAT000018. options: settings that all datasets have.
    Raises BadInput for what is no number, or beyond the members.
    """
    which = _member(number)
    made = [orders.order(name, scale=scale, config=config, options=options) for name in registry.datasets()]
    with Progress() as progress:
        for one in made:
            orders.require_member(one, which)
        session = _starter(spark, master, progress)(False, 1)
        with exact(session), progress.steps("rows", "tables") as on_table, doing("making rows", "run it again"):
            frames = {
                f"{one.dataset.name}.{name}": frame
                for one in made
                for name, frame in orders.rows_of(session, one, which).items()
            }

            def collected(name: str) -> list[Row]:
                rows = frames[name].collect()
                on_table(name, len(frames))
                return rows

            found = at_once([partial(collected, name) for name in frames])
    return dict(zip(frames, found, strict=True))


def generate(
    spark: SparkSession | None,
    dataset: str,
    out: str | Path | None = None,
    only: str | Iterable[str] = (),
    *,
    catalog: str | None = None,
    schema: str | None = None,
    format: str | Iterable[str] = "delta",
    slice: str = "1/1",
    scale: str | None = None,
    config: str | Path | None = None,
    validate: bool = True,
    mode: str = "error",
    master: str | None = None,
    **options: Any,
) -> run.Outcome:
    """Make a dataset, check it and publish it under OUT/DATASET or in CATALOG.SCHEMA; see `tables` for the rest.

    Raises BadInput before anything runs, DataFailed with nothing published where a rule does not hold.
    """
    made = orders.order(dataset, _names(only), slice, scale, config, options)
    into = _names(format) or ("delta",)
    to = _at(dataset, out, catalog, schema)
    to.check(into)
    with Progress() as progress:
        start = _starter(spark, master, progress, orders.most_rows(made))
        with to.reserved(mode, start) as session:
            return run.generate(session, made, to, into, validate, progress)


def validate(
    spark: SparkSession | None,
    dataset: str,
    out: str | Path | None = None,
    *,
    catalog: str | None = None,
    schema: str | None = None,
    master: str | None = None,
) -> audit.Validation:
    """Run the suites on a published dataset. Raises DataFailed where a rule does not hold."""
    at = _at(dataset, out, catalog, schema)
    with Progress() as progress:
        return audit.validate(at.opened(_starter(spark, master, progress)), at, progress)


def verify(
    spark: SparkSession | None,
    dataset: str,
    out: str | Path | None = None,
    *,
    catalog: str | None = None,
    schema: str | None = None,
    master: str | None = None,
) -> list[tuple[str, str, Fingerprint]]:
    """Compare rows and fingerprints of a published dataset with its manifest. Raises DataFailed on a difference."""
    at = _at(dataset, out, catalog, schema)
    with Progress() as progress:
        return audit.verify(at.opened(_starter(spark, master, progress)), at, progress)


def load(
    spark: SparkSession | None,
    dataset: str,
    out: str | Path | None = None,
    *,
    to: str | None = None,
    mode: str = "error",
    jobs: int = databases.JOBS,
    master: str | None = None,
) -> databases.Loaded:
    """Load the dataset published under OUT/DATASET into the database of the URL `to`; Spark is at work only where no
    CSV is published.

    Raises BadInput before anything is written, DataFailed where rows are refused or are not as many as the manifest
    has, EngineFailed where the server fails; the database is then as it was.
    """
    known = registry.dataset(dataset)
    check_mode(mode)
    if not isinstance(jobs, int) or jobs < 1:
        raise BadInput(f"--jobs {jobs}: not a whole number from 1")
    if out is None or to is None:
        raise BadInput("--out and --to: give the folder where the dataset is published and the URL of a database")
    server, at = databases.server(to), FolderDestination(str(out), known)
    manifest = published(at)
    with Progress() as progress:
        start = _starter(spark, master, progress)
        files = databases.csv_files(at, manifest, lambda: start(True, None))
        return databases.load(server, known, manifest, files, mode, jobs, progress)


def _member(number: str | int) -> int:
    found = _MEMBER.fullmatch(str(number))
    if not found:
        raise BadInput(f"{number}: no number of a member; give one from 1, such as 18 or M000018")
    return int(found[1])


def _names(given: str | Iterable[str]) -> tuple[str, ...]:
    """The names, each once; one may come alone. What is no text is a name that nothing has."""
    names = given if isinstance(given, Iterable) and not isinstance(given, str) else [given]
    return tuple(dict.fromkeys(map(str, names)))


def _at(dataset: str, out: str | Path | None, catalog: str | None, schema: str | None) -> Destination:
    return destination(registry.dataset(dataset), None if out is None else str(out), catalog, schema)


def _starter(spark: SparkSession | None, master: str | None, progress: Progress, most: float | None = None) -> Start:
    """Gives the session itself, or starts one, by default for so many rows of the largest table."""

    def start(delta: bool, rows: float | None) -> SparkSession:
        if spark is not None:
            return spark
        # Great Expectations takes three seconds to import, which pass while the JVM starts.
        threading.Thread(target=checks.load_engine, daemon=True).start()
        with progress.doing("starting Spark"):
            return spark_session(
                None if master is None else str(master), delta=delta, rows=most if rows is None else rows
            )

    return start
