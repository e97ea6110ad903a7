"""The expectations that suites may use: the figures that each needs of its rows, and its result from those figures.

Names, arguments and the form of results are Great Expectations', whose own engine takes several scans a suite. Here an
expectation is a few SQL aggregates, so that all of a batch are one query. Any other rule is a column more of the
suite's query, at which one of these looks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from math import inf, log
from typing import Any

from payerlake.checks.suites import Check
from payerlake.checks.tolerances import DIVERGENCE
from payerlake.contract.sql import literal, quoted
from payerlake.errors import BadInput, unknown
from payerlake.sampling.identifiers import UUID4

Arguments = Mapping[str, Any]
Figures = Mapping[str, Any]  # what was computed, by the SQL that computes it
Found = dict[str, Any]  # a result, as Great Expectations has it

ROWS = "count(*)"
COLUMNS = "columns"  # stands among the figures for the names of the batch's columns, which take no query
# The same as the regular expression says: digits in lower case, four dashes, version and variant in their places.
_NO_UUID4 = (
    "{0} IS NOT NULL AND NOT (octet_length({0}) = 36 AND lower({0}) = {0} AND octet_length(replace({0}, '-', '')) = 32"
    " AND unhex(replace({0}, '-', '')) IS NOT NULL AND substr({0}, 9, 1) = '-' AND substr({0}, 14, 2) = '-4'"
    " AND substr({0}, 19, 1) = '-' AND substr({0}, 20, 1) IN ('8', '9', 'a', 'b') AND substr({0}, 24, 1) = '-')"
)
_LIMITS = ("min_value", "max_value", "strict_min", "strict_max")


@dataclass(frozen=True)
class Expectation:
    """One type. figures: SQL aggregates. judge: whether it is met, and what was found.

    broken: the SQL condition of the values that break it, where a value does so by itself.
    """

    required: tuple[str, ...]
    optional: tuple[str, ...]
    figures: Callable[[Arguments], list[str]]
    judge: Callable[[Arguments, Figures], tuple[bool, Found]]
    broken: Callable[[Arguments], str] | None = None


def examine(check: Check, where: str) -> None:
    """Raises BadInput for an expectation that there is not, and for arguments that it does not take or lacks."""
    if check.type not in EXPECTATIONS:
        raise unknown(where, "an expectation that suites may use", check.type, EXPECTATIONS)
    known = EXPECTATIONS[check.type]
    for name in check.kwargs:
        if name not in (*known.required, *known.optional):
            raise unknown(f"{where}: {check.type}", "an argument", name, (*known.required, *known.optional))
    for name in known.required:
        if name not in check.kwargs:
            raise BadInput(f"{where}: {check.type}: {name} is missing; give {', '.join(known.required)}")


def values(arguments: Arguments) -> str:
    """The aggregate that counts the values which are looked at: those of the column that are not null, or the rows."""
    return f"count({quoted(arguments['column'])})" if "column" in arguments else ROWS


def figures(check: Check) -> list[str]:
    """All aggregates that the check and its bounds are computed from."""
    own = EXPECTATIONS[check.type].figures(check.kwargs)
    return [*own, values(check.kwargs)] if own else []


# each value by itself


def _of_each(broken: Callable[[str, Arguments], str], *more: str, limits: bool = False) -> Expectation:
    """`broken`: the condition of a value that breaks it; a null is no value, unless the condition is about nulls."""

    def condition(arguments: Arguments) -> str:
        return broken(quoted(arguments["column"]), arguments)

    def count(arguments: Arguments) -> str:
        return f"count_if({condition(arguments)})"

    def judge(arguments: Arguments, figures: Figures) -> tuple[bool, Found]:
        rows, there, broken = (figures[sql] for sql in (ROWS, values(arguments), count(arguments)))
        found = {"element_count": rows, "unexpected_count": broken, "partial_unexpected_list": []}
        if about_nulls:
            return broken == 0, found | {"unexpected_percent": _percent(broken, rows)}
        of_values, of_rows = _percent(broken, there), _percent(broken, rows)
        missing = {"missing_count": rows - there, "missing_percent": _percent(rows - there, rows)}
        percents = {"unexpected_percent_total": of_rows, "unexpected_percent_nonmissing": of_values}
        return broken == 0, found | missing | percents | {"unexpected_percent": of_values}

    about_nulls = not more and not limits
    return Expectation(
        required=("column", *more),
        optional=_LIMITS if limits else (),
        figures=lambda arguments: [ROWS, values(arguments), count(arguments)],
        judge=judge,
        broken=condition,
    )


def _unlike(column: str, regex: str) -> str:
    """Java's matcher takes three microseconds a value; what is asked of ten million UUIDs takes a fifth of that."""
    return _NO_UUID4.format(column) if regex == f"^(?:{UUID4})$" else f"NOT {column} RLIKE {literal(regex)}"


def _outside(column: str, arguments: Arguments) -> str:
    sides = (("min_value", "strict_min", "<"), ("max_value", "strict_max", ">"))
    return " OR ".join(
        f"{column} {sign}{'=' if arguments.get(strict) else ''} {literal(arguments[limit])}"
        for limit, strict, sign in sides
        if arguments.get(limit) is not None
    )


def _percent(part: int, whole: int) -> float | None:
    return 100 * part / whole if whole else None


# one figure of all values


def _of_all(aggregate: str) -> Expectation:
    """`aggregate`: SQL, with {} for the column."""

    def sql(arguments: Arguments) -> str:
        return aggregate.format(quoted(arguments["column"]))

    def judge(arguments: Arguments, figures: Figures) -> tuple[bool, Found]:
        found = figures[sql(arguments)]
        return found is not None and _within(found, arguments), {"observed_value": found}

    return Expectation(("column",), _LIMITS, lambda arguments: [sql(arguments)], judge)


def _within(found: float, arguments: Arguments) -> bool:
    low, high = arguments.get("min_value"), arguments.get("max_value")
    above = low is None or (found > low if arguments.get("strict_min") else found >= low)
    below = high is None or (found < high if arguments.get("strict_max") else found <= high)
    return above and below


# how often each value occurs


def _times(arguments: Arguments) -> list[str]:
    """For each documented value, the aggregate that counts it."""
    column = quoted(arguments["column"])
    return [f"count_if({column} = {literal(value)})" for value in arguments["partition_object"]["values"]]


def _undocumented(arguments: Arguments) -> str:
    stated = ", ".join(literal(value) for value in arguments["partition_object"]["values"])
    return f"{quoted(arguments['column'])} NOT IN ({stated})"


def _judge_distribution(arguments: Arguments, figures: Figures) -> tuple[bool, Found]:
    names, weights = (list(arguments["partition_object"][name]) for name in ("values", "weights"))
    n, counts = figures[values(arguments)], [figures[sql] for sql in _times(arguments)]
    if others := n - sum(counts):
        names, weights, counts = [*names, "others"], [*weights, 0.0], [*counts, others]
    shares = [count / n for count in counts]
    divergence = _divergence(shares, weights)
    return divergence <= arguments["threshold"], {
        "observed_value": None if divergence == inf else divergence,
        "details": {
            "observed_partition": {"values": names, "weights": shares},
            "expected_partition": {"values": names, "weights": weights},
        },
    }


def _divergence(shares: Sequence[float], documented: Sequence[float]) -> float:
    """Of measured shares from documented ones, in nats."""
    pairs = [(share, weight) for share, weight in zip(shares, documented, strict=True) if share > 0]
    return sum(share * log(share / weight) if weight else inf for share, weight in pairs)


# the batch


def _judge_rows(arguments: Arguments, figures: Figures) -> tuple[bool, Found]:
    return _within(figures[ROWS], arguments), {"observed_value": figures[ROWS]}


def _judge_columns(arguments: Arguments, figures: Figures) -> tuple[bool, Found]:
    there, stated = figures[COLUMNS], arguments["column_list"]
    differing = [
        {"Expected Column Position": place, "Expected": expected, "Found": found}
        for place, (expected, found) in enumerate(zip_longest(stated, there))
        if expected != found
    ]
    return not differing, {"observed_value": there} | ({"details": {"mismatched": differing}} if differing else {})


EXPECTATIONS: Mapping[str, Expectation] = {
    "expect_column_values_to_not_be_null": _of_each(lambda column, _: f"{column} IS NULL"),
    "expect_column_values_to_be_null": _of_each(lambda column, _: f"{column} IS NOT NULL"),
    "expect_column_values_to_be_in_set": _of_each(
        lambda column, stated: f"{column} NOT IN ({', '.join(literal(value) for value in stated['value_set'])})",
        "value_set",
    ),
    "expect_column_values_to_match_regex": _of_each(lambda column, stated: _unlike(column, stated["regex"]), "regex"),
    "expect_column_values_to_be_between": _of_each(_outside, limits=True),
    "expect_column_mean_to_be_between": _of_all("avg({})"),
    "expect_column_stdev_to_be_between": _of_all("stddev_samp({})"),
    "expect_column_min_to_be_between": _of_all("min({})"),
    "expect_column_max_to_be_between": _of_all("max({})"),
    DIVERGENCE: Expectation(("column", "partition_object"), ("threshold",), _times, _judge_distribution, _undocumented),
    "expect_table_row_count_to_be_between": Expectation((), _LIMITS, lambda _: [ROWS], _judge_rows),
    "expect_table_columns_to_match_ordered_list": Expectation(("column_list",), (), lambda _: [], _judge_columns),
}
