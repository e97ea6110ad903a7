"""Validates a dataset with Great Expectations: contracts and hand-written suites to results and Data Docs.

docs/index.html                        the whole report, on one page that needs nothing else
docs/results.json                      the same for programs
docs/data_docs/index.html              Great Expectations' Data Docs, a page a suite
docs/data_docs/suites/SUITE.json       its results
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import asdict
from functools import reduce
from pathlib import Path
from typing import Any

from pyspark.errors import AnalysisException, ParseException
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from payerlake.checks import failures, runner
from payerlake.checks.reports import Report, SuiteReport
from payerlake.checks.runner import Evaluation
from payerlake.checks.structure import structural
from payerlake.checks.suites import Suite, load, of_a_part, of_an_earlier_day, of_other_settings
from payerlake.contract.schema import Table
from payerlake.errors import BadInput
from payerlake.resources import resource

__all__ = ["Report", "SuiteReport", "load_engine", "validate"]

_AT_ONCE = 3  # suites: while Spark works on one, Python prepares the next


def validate(
    dataset: str,
    contracts: Sequence[Table],
    frames: Mapping[str, DataFrame],
    docs: Path,
    *,
    settings: Mapping[str, Any],
    suites: Path | None = None,
    rows: Mapping[str, int] | None = None,
    whole: bool = True,
    departed: Collection[str] = (),
    on_suite: Callable[[str, int], None] | None = None,
) -> Report:
    """Run every suite of a dataset on the tables that stand there; write results and Data Docs to the folder `docs`.

    contracts and frames: of the tables that stand there, by name, as read back from storage. settings: those that they
    were made with, as a manifest has them; queries read them. suites: the folder of DATASET/*.json (default: the
    project's `expectations/`). rows: of each table, where they are known
    (they choose how keys are examined; a wrong number makes that slower, never wrong). whole: whether the tables are
    the whole dataset; on a slice, rules that only the whole keeps are skipped. departed: settings that are not the
    documents'; rules that rest on them are skipped. on_suite(name, of how many) is called after each suite.
    Raises BadInput where a suite is wrong; data that break a rule raise nothing, the report says so.
    """
    stated = _structural(contracts, frames, rows or _count(frames)) + load(
        suites or resource("expectations"), dataset, settings
    )
    stated = [of_other_settings(suite if whole else of_a_part(suite), departed) for suite in stated]
    if "known_at" in departed:
        dated = frozenset(table.name for table in contracts if table.known)
        stated = [of_an_earlier_day(suite, dated) for suite in stated]
    ready = [suite for suite in stated if set(suite.tables) <= frames.keys()]
    not_run = tuple(_needs(suite, frames) for suite in stated if suite not in ready)
    with _views(dataset, frames) as prefix:
        runs = _run(ready, frames, prefix, on_suite or _silent)
    reports = tuple(_suite_report(suite, *run) for suite, run in zip(ready, runs, strict=True))
    report = Report(all(suite.success for suite in reports), reports, not_run)
    _write(docs, dataset, report, [(suite, evaluation) for suite, (evaluation, _) in zip(ready, runs, strict=True)])
    return report


def _structural(contracts: Sequence[Table], frames: Mapping[str, DataFrame], rows: Mapping[str, int]) -> list[Suite]:
    there = {table.name: table for table in contracts if table.name in frames}
    return [structural(table, there, frames[table.name].columns, rows) for table in there.values()]


def _count(frames: Mapping[str, DataFrame]) -> dict[str, int]:
    """The rows of all tables, in one query, of which Parquet reads the footers only."""
    counts = [frame.agg(F.lit(name).alias("name"), F.count("*").alias("rows")) for name, frame in frames.items()]
    return {row["name"]: row["rows"] for row in reduce(lambda left, right: left.unionAll(right), counts).collect()}


def _needs(suite: Suite, frames: Mapping[str, DataFrame]) -> str:
    return f"{suite.name}: needs {', '.join(name for name in suite.tables if name not in frames)}"


@contextmanager
def _views(dataset: str, frames: Mapping[str, DataFrame]) -> Iterator[str]:
    """Temporary views of the tables, under names that no view of the user's has; gone afterwards."""
    prefix = f"payerlake_checks_{dataset}_"
    try:
        for name, frame in frames.items():
            frame.createOrReplaceTempView(f"{prefix}{name}")
        yield prefix
    finally:
        for name, frame in frames.items():
            frame.sparkSession.catalog.dropTempView(f"{prefix}{name}")


def _run(
    suites: Sequence[Suite], frames: Mapping[str, DataFrame], prefix: str, on_suite: Callable[[str, int], None]
) -> list[tuple[Evaluation, float]]:
    """Each suite's evaluation and seconds."""
    for suite in suites:
        runner.require_known(suite)  # a misspelt expectation is found before anything is computed
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        futures = {pool.submit(_one, suite, frames, prefix): suite for suite in suites}
        try:
            for future in as_completed(futures):
                future.result()
                on_suite(futures[future].name, len(suites))
        finally:
            pool.shutdown(cancel_futures=True)
    return [future.result() for future in futures]


def _one(suite: Suite, frames: Mapping[str, DataFrame], prefix: str) -> tuple[Evaluation, float]:
    began = time.monotonic()
    batches = {name: _batch(suite, query, frames, prefix) for name, query in suite.batches.items()}
    return runner.evaluate(suite, batches), time.monotonic() - began


def _batch(suite: Suite, query: str, frames: Mapping[str, DataFrame], prefix: str) -> DataFrame:
    """The query's rows. Its tables are named by a WITH around it, so that the session's own views stay as they are."""
    tables = ", ".join(f"`{name}` AS (SELECT * FROM `{prefix}{name}`)" for name in suite.tables)
    try:
        frame = frames[suite.tables[0]].sparkSession.sql(f"WITH {tables} SELECT * FROM (\n{query}\n)")
        _ = frame.columns  # Spark Connect analyses no earlier
    except (AnalysisException, ParseException) as error:
        cause = str(error).strip().splitlines()[0]
        raise BadInput(
            f"{suite.origin}: its query cannot be run on the tables {', '.join(suite.tables)}: {cause} "
            "Mend the query, or name in meta.tables all the tables that it reads"
        ) from error
    return frame


def _suite_report(suite: Suite, evaluation: Evaluation, seconds: float) -> SuiteReport:
    rules = tuple(failures.report(result) for result in evaluation.results)
    return SuiteReport(
        name=suite.name,
        success=all(rule.success for rule in rules),
        seconds=round(seconds, 3),
        rows=evaluation.rows,
        rules=rules,
        skipped=suite.skipped + evaluation.skipped,
    )


def _write(docs: Path, dataset: str, report: Report, evaluated: Sequence[tuple[Suite, Evaluation]]) -> None:
    from payerlake.checks import data_docs  # noqa: PLC0415  three seconds

    shutil.rmtree(docs / "data_docs", ignore_errors=True)
    docs.mkdir(parents=True, exist_ok=True)
    _write_json(docs / "results.json", {"dataset": dataset} | asdict(report))
    data_docs.build(docs / "data_docs", dataset, evaluated)


def _write_json(file: Path, content: object) -> None:
    file.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _silent(name: str, of: int) -> None:
    """Tell nobody."""


def load_engine() -> None:
    """Import Great Expectations, which takes three seconds: for a thread of whoever has to wait for Spark anyway."""
    from payerlake.checks import data_docs  # noqa: F401, PLC0415
