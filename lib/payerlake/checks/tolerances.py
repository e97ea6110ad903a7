"""How far a measured figure may lie from the documented one, given the number of values that it was measured on.

An expectation's `meta` gives the document's figure; the bounds follow from the values of the batch, of which there are
as many independent ones as m = n/d, with d = design_effect·(1 + 20·(design_effect − 1)/n):

    expect_column_mean_to_be_between, of a column of 0 and 1, with `share`:
        every q with m·D(q ‖ share ± slack) ≤ z²/2, where D is the divergence of two shares
    expect_column_mean_to_be_between, with `figure` and `standard_deviation`:
        figure ± (relative_tolerance·figure + standard_deviation·(z/√m + z²/(2m)) + slack)
    expect_column_kl_divergence_to_be_less_than, without a threshold:
        χ²(1 − 10⁻⁷, k − 1)/(2m) + slack, or where the rarest value is expected fewer than five times
        x/m + slack, with x − (k − 1)·ln(e·x/(k − 1)) = ln 10⁷

n is the number of values that are not null; z = 5. They hold for any n, not for large ones alone. The first is
Chernoff's: a true share is refused once in 270,000 times (e^(z²/2)) on either side at most, and, where n is so large
that it is share ± z·√(share·(1 − share)/m), once in 3.5 million times. The second has, beside the standard error, what
Bernstein's inequality adds for a value with the tail of an exponential distribution. The third is the G-test: 2m times
the divergence of m draws from their own shares of k values follows χ² with k − 1 degrees of freedom; where values are
too rare for that, it is Agrawal's bound of 2020 ("Finite-sample concentration of the multinomial in relative entropy").

design_effect (default 1) is the variance that clustered rows add, on average: of few rows the only household may be a
large one, and so d is more for them. slack is what the document itself allows, beside that its figures are rounded to
three digits: a quarter of a percent of a figure, of the smaller of a share and its rest, and what that makes of a
divergence, is no difference, of a billion values either.
A rule without such a figure, for example that a mean lies above a fixed number, says from how many values it means
something: `minimum_rows`. A rule is skipped, and says so, where there are fewer, where there is no value at all, and
where n values cannot break it, since its bounds are all that there is; `whole` skips it on a part of a dataset, whose
rows are a sample of what holds exactly in the whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import e, inf, log, sqrt
from typing import Any

from payerlake.errors import BadInput

_NUMBERS = (
    "share",
    "figure",
    "standard_deviation",
    "relative_tolerance",
    "design_effect",
    "slack",
    "minimum_rows",
)
META = ("rule", "source", "settings", "whole", *_NUMBERS)
MEAN = "expect_column_mean_to_be_between"
DIVERGENCE = "expect_column_kl_divergence_to_be_less_than"
ROWS = "expect_table_row_count_to_be_between"
_OF_A_COLUMN = "expect_column_"
# These look at each value by itself, or at none: any number of values will do.
_OF_EACH = tuple(f"{_OF_A_COLUMN}{of}" for of in ("value_", "values_", "pair_", "to_exist"))

_Z = 5.0
_REFUSED = 1e-7  # probability that a true distribution is refused
_ROUNDED = 0.0025
_CLUSTERS = 20.0  # times as many rows as clusters add, and their heavier ones hardly matter
_OFTEN = 5.0  # as often must the rarest value be expected for the χ² distribution to tell


def follows_rows(type_: str, kwargs: Mapping[str, Any], meta: Mapping[str, Any]) -> bool:
    """Whether the bounds are to be computed from the number of values."""
    return "share" in meta or "figure" in meta or (type_ == DIVERGENCE and "threshold" not in kwargs)


def has_figure(type_: str, meta: Mapping[str, Any]) -> bool:
    """Whether the rule is about how many there are or how they are distributed, and not about each by itself."""
    return sums_up(type_) or "minimum_rows" in meta or type_ == ROWS


def sums_up(type_: str) -> bool:
    """Whether the expectation is about one figure of all values, such as their mean, which no values have not."""
    return type_.startswith(_OF_A_COLUMN) and not type_.startswith(_OF_EACH)


def examine(type_: str, kwargs: Mapping[str, Any], meta: Mapping[str, Any], where: str) -> None:
    """Raises BadInput where `meta` asks for bounds that cannot be computed, or that kwargs give already."""
    _examine_numbers(meta, where)
    if not isinstance(meta.get("whole", True), bool):
        raise BadInput(f"{where}: meta.whole is {meta['whole']!r}; give true or false")
    if "share" in meta or "figure" in meta:
        _examine_mean(type_, kwargs, meta, where)
    elif type_ == DIVERGENCE and "threshold" not in kwargs:
        _examine_partition(kwargs, where)
    elif sums_up(type_) and not ("minimum_rows" in meta or meta.get("whole", False)):
        raise BadInput(f"{where}: of a few values anything may be so; state meta.minimum_rows, from how many it holds")
    elif any(name in meta for name in ("design_effect", "slack", "standard_deviation", "relative_tolerance")):
        raise BadInput(f"{where}: meta states a tolerance but neither share nor figure; state the documented figure")


def too_few(type_: str, meta: Mapping[str, Any], n: int) -> str:
    """Why n values tell nothing about the expectation; empty where they do."""
    least = meta.get("minimum_rows", 0)
    if n == 0 and (least or sums_up(type_)):
        return "0 values, nothing to look at or too little to tell"
    if n < least:
        return f"{n:,} values, stated for {least:,} or more"
    if "share" in meta and share_bounds(meta, n) == {"min_value": 0.0, "max_value": 1.0}:
        return f"{n:,} values, too few to tell"
    return ""


def bounds(kwargs: Mapping[str, Any], meta: Mapping[str, Any], n: int) -> dict[str, float]:
    """The arguments that `meta` and n values, at least one, make: min_value and max_value, or threshold."""
    if "share" in meta:
        return share_bounds(meta, n)
    if "figure" in meta:
        return figure_bounds(meta, n)
    return {"threshold": divergence_threshold(kwargs["partition_object"]["weights"], meta, n)}


def share_bounds(meta: Mapping[str, Any], n: int) -> dict[str, float]:
    """Bounds of a share, within 0 and 1."""
    allowed, m = _Z**2 / 2, _independent(meta, n)
    slack = _slack(meta) + _ROUNDED * min(meta["share"], 1 - meta["share"])
    low, high = max(0.0, meta["share"] - slack), min(1.0, meta["share"] + slack)
    return {
        "min_value": 1 - _farthest(1 - low, allowed / m),
        "max_value": _farthest(high, allowed / m),
    }


def _farthest(share: float, divergence: float) -> float:
    """The greatest share of which this one diverges by so much at most."""
    from scipy.optimize import brentq  # noqa: PLC0415  only runs need it

    if share == 1 or _divergence(1.0, share) <= divergence:
        return 1.0
    if share == 0:
        return 0.0
    return float(brentq(lambda q: _divergence(q, share) - divergence, share, 1.0, xtol=1e-15))


def _divergence(q: float, share: float) -> float:
    """Of a measured share from the true one, in nats."""
    if share == 0:
        return 0.0 if q == 0 else inf
    return sum(a * log(a / b) for a, b in ((q, share), (1 - q, 1 - share)) if a > 0)


def figure_bounds(meta: Mapping[str, Any], n: int) -> dict[str, float]:
    """Bounds of a mean."""
    figure, deviation, m = meta["figure"], meta["standard_deviation"], _independent(meta, n)
    drawn = deviation * (_Z / sqrt(m) + _Z**2 / (2 * m))
    reach = max(meta.get("relative_tolerance", 0.0), _ROUNDED) * abs(figure) + drawn + _slack(meta)
    return {"min_value": figure - reach, "max_value": figure + reach}


def divergence_threshold(weights: Sequence[float], meta: Mapping[str, Any], n: int) -> float:
    """The greatest divergence, in nats, that n draws from these weights may show."""
    possible, m = [weight for weight in weights if weight > 0], _independent(meta, n)
    freedom = max(len(possible) - 1, 1)
    drawn = _g_test(freedom) if min(possible) * m >= _OFTEN else _agrawal(freedom)
    return drawn / m + _ROUNDED**2 / 2 + _slack(meta)


def _g_test(freedom: int) -> float:
    from scipy.stats import chi2  # noqa: PLC0415

    return float(chi2.ppf(1 - _REFUSED, freedom)) / 2


def _agrawal(freedom: int) -> float:
    from scipy.optimize import brentq  # noqa: PLC0415

    return float(brentq(lambda x: x - freedom * log(e * x / freedom) + log(_REFUSED), freedom, 10 * freedom + 100))


def _independent(meta: Mapping[str, Any], n: int) -> float:
    """As many independent values tell as much as these n."""
    effect = float(meta.get("design_effect", 1.0))
    return n / (effect * (1 + _CLUSTERS * (effect - 1) / n))


def _slack(meta: Mapping[str, Any]) -> float:
    return float(meta.get("slack", 0.0))


def _examine_numbers(meta: Mapping[str, Any], where: str) -> None:
    for name in _NUMBERS:
        if name in meta and (isinstance(meta[name], bool) or not isinstance(meta[name], int | float)):
            raise BadInput(f"{where}: meta.{name} is {meta[name]!r}; give a number")
        if name != "figure" and meta.get(name, 0) < 0:
            raise BadInput(f"{where}: meta.{name} is {meta[name]}; give 0 or more")


def _examine_mean(type_: str, kwargs: Mapping[str, Any], meta: Mapping[str, Any], where: str) -> None:
    if type_ != MEAN:
        raise BadInput(f"{where}: meta.share and meta.figure are figures of {MEAN}, not of {type_}")
    if "min_value" in kwargs or "max_value" in kwargs:
        raise BadInput(f"{where}: kwargs give bounds and meta gives a figure to make them from; drop one of the two")
    if "share" in meta and ("figure" in meta or not 0 <= meta["share"] <= 1):
        raise BadInput(f"{where}: meta.share is {meta['share']}; give a share of 0 to 1, and no figure beside it")
    if "figure" in meta and "standard_deviation" not in meta:
        raise BadInput(f"{where}: meta.figure without meta.standard_deviation; the bounds are made from both")


def _examine_partition(kwargs: Mapping[str, Any], where: str) -> None:
    partition = kwargs.get("partition_object")
    if not isinstance(partition, dict) or not {"values", "weights"} <= partition.keys():
        raise BadInput(f"{where}: kwargs.partition_object is {partition!r}; give the documented values and weights")
    if len(partition["values"]) != len(partition["weights"]) or abs(sum(partition["weights"]) - 1) > 1e-6:
        raise BadInput(f"{where}: partition_object needs a weight for every value, and weights that sum to 1")
