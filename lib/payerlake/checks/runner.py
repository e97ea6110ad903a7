"""Evaluates suites: all that a batch is asked is one Spark query, whatever the number of its rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame

from payerlake.checks import tolerances
from payerlake.checks.expectations import COLUMNS, EXPECTATIONS, ROWS, Figures, Found, examine, figures, values
from payerlake.checks.suites import Check, Suite
from payerlake.contract.sql import quoted
from payerlake.errors import cause

_EXAMPLES = 5
_OF_DATA = "SQLSTATE: 22"  # the class of SQL's states that tell of values: a division by zero, a text that is no date


@dataclass(frozen=True)
class Result:
    """How a check went: with the bounds that it was held to in its `kwargs`, and what was found.

    values: how many it looked at. error: why it could not be computed, else empty.
    """

    check: Check
    success: bool
    values: int = 0
    found: Found | None = None
    error: str = ""


@dataclass(frozen=True)
class Evaluation:
    """The results of a suite, the rows of its main batch, and the rules skipped, each with the reason."""

    rows: int
    results: tuple[Result, ...]
    skipped: tuple[str, ...]


def require_known(suite: Suite) -> None:
    """Raises BadInput, naming file and position, for an expectation or an argument that there is not."""
    for position, check in enumerate(suite.checks, start=1):
        examine(check, f"{suite.origin}: expectation {position} ({check.rule})")


def evaluate(suite: Suite, batches: Mapping[str, DataFrame]) -> Evaluation:
    """Run all checks of the suite, in one query a batch and one more for each rule that is broken.

    Bounds that follow from the number of values are computed from the count that the same query makes. A check that
    values keep from being computed, or whose column is not there, is broken and says why.
    """
    computed = {name: _figures(frame, _asked(suite, name, frame.columns)) for name, frame in batches.items()}
    results, skipped = [], []
    for check in suite.checks:
        there = computed[check.batch]
        n = there.get(values(check.kwargs))
        if isinstance(n, int) and (why := tolerances.too_few(check.type, check.meta, n)):
            skipped.append(f"{check.rule}: {why}")
        else:
            results.append(_result(check, there, batches[check.batch]))
    return Evaluation(computed["rows"][ROWS], tuple(results), tuple(skipped))


def _asked(suite: Suite, batch: str, columns: Sequence[str]) -> list[str]:
    """The aggregates that the checks of the batch need, each once, as far as their columns are there."""
    checks = [check for check in suite.checks if check.batch == batch and not _absent(check, columns)]
    rows = [ROWS] if batch == "rows" else []
    return list(dict.fromkeys([*rows, *(sql for check in checks for sql in figures(check))]))


def _absent(check: Check, columns: Sequence[str]) -> bool:
    return "column" in check.kwargs and check.kwargs["column"] not in columns


def _figures(frame: DataFrame, wanted: Sequence[str]) -> dict[str, Any]:
    """What each aggregate makes of the rows; where values keep one from being computed, the error in its place."""
    there: dict[str, Any] = {COLUMNS: frame.columns}
    if not wanted:
        return there
    try:
        row = frame.selectExpr(*wanted).first()
    except PySparkException as error:
        if _OF_DATA not in str(error):
            raise
        if len(wanted) == 1:
            return there | {wanted[0]: error}
        return there | {sql: figure for one in wanted for sql, figure in _figures(frame, [one]).items()}
    assert row is not None
    return there | dict(zip(wanted, row, strict=True))


def _result(check: Check, there: Figures, frame: DataFrame) -> Result:
    needed = figures(check)
    if _absent(check, there[COLUMNS]):
        return Result(check, False, error=f"there is no column {check.kwargs['column']!r} in the batch")
    for figure in (there[sql] for sql in needed):
        if isinstance(figure, PySparkException):
            return Result(check, False, error=cause(figure))
    n = there[values(check.kwargs)] if needed else there.get(ROWS, 0)
    held_to = _with_bounds(check, n)
    known = EXPECTATIONS[check.type]
    success, found = known.judge(held_to.kwargs, there)
    if not success and known.broken:
        found["partial_unexpected_list"] = _examples(frame, check, known.broken(check.kwargs))
    return Result(held_to, success, n, found)


def _with_bounds(check: Check, n: int) -> Check:
    if not tolerances.follows_rows(check.type, check.kwargs, check.meta):
        return check
    bounds = tolerances.bounds(check.kwargs, check.meta, n)
    return replace(check, kwargs={**check.kwargs, **bounds}, meta={**check.meta, "n": n})


def _examples(frame: DataFrame, check: Check, broken: str) -> list[Any]:
    values = frame.where(broken).select(quoted(check.kwargs["column"])).distinct()
    return [row[0] for row in values.limit(_EXAMPLES).collect()]
