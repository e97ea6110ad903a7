"""How far a measured figure may lie from the documented one, given the number of rows that it was measured on.

An expectation's `meta` gives the document's figure; the bounds follow from the rows of the batch:

    expect_column_mean_to_be_between, of a column of 0 and 1, with `share`:
        share ± (z·√(share·(1 − share)·design_effect/n) + slack)
    expect_column_mean_to_be_between, with `figure` and `standard_deviation`:
        figure ± (relative_tolerance·figure + z·standard_deviation·√(design_effect/n) + slack)
    expect_column_kl_divergence_to_be_less_than, without a threshold:
        χ²(1 − 10⁻⁷, k − 1)·design_effect/(2n) + slack

n is the number of values that are not null; z = 5, so that a true figure is refused once in 1.7 million times. The
third is the G-test: 2n times the divergence of n draws from their own shares of k values follows χ² with k − 1
degrees of freedom. design_effect (default 1) is the variance that clustered rows add; slack is what the document
itself allows. `minimum_rows` skips an expectation, and says so, on fewer values than that; `whole` skips it on a part
of a dataset, whose rows are a sample of what holds exactly in the whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt
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

_Z = 5.0
_REFUSED = 1e-7  # probability that a true distribution is refused


def follows_rows(type_: str, kwargs: Mapping[str, Any], meta: Mapping[str, Any]) -> bool:
    """Whether the bounds are to be computed from the number of rows."""
    return "share" in meta or "figure" in meta or (type_ == DIVERGENCE and "threshold" not in kwargs)


def examine(type_: str, kwargs: Mapping[str, Any], meta: Mapping[str, Any], where: str) -> None:
    """Raises BadInput where `meta` asks for bounds that cannot be computed, or that kwargs give already."""
    _examine_numbers(meta, where)
    if not isinstance(meta.get("whole", True), bool):
        raise BadInput(f"{where}: meta.whole is {meta['whole']!r}; give true or false")
    if "share" in meta or "figure" in meta:
        _examine_mean(type_, kwargs, meta, where)
    elif type_ == DIVERGENCE and "threshold" not in kwargs:
        _examine_partition(kwargs, where)
    elif any(name in meta for name in ("design_effect", "slack", "standard_deviation", "relative_tolerance")):
        raise BadInput(f"{where}: meta states a tolerance but neither share nor figure; state the documented figure")


def bounds(type_: str, kwargs: Mapping[str, Any], meta: Mapping[str, Any], n: int) -> dict[str, float]:
    """The arguments that `meta` and n values make: min_value and max_value, or threshold."""
    if "share" in meta:
        return share_bounds(meta, max(n, 1))
    if "figure" in meta:
        return figure_bounds(meta, max(n, 1))
    return {"threshold": divergence_threshold(kwargs["partition_object"]["weights"], meta, max(n, 1))}


def share_bounds(meta: Mapping[str, Any], n: int) -> dict[str, float]:
    """Bounds of a share, within 0 and 1."""
    share = meta["share"]
    reach = _Z * sqrt(share * (1 - share) * _design_effect(meta) / n) + _slack(meta)
    return {"min_value": max(0.0, share - reach), "max_value": min(1.0, share + reach)}


def figure_bounds(meta: Mapping[str, Any], n: int) -> dict[str, float]:
    """Bounds of a mean."""
    figure, deviation = meta["figure"], meta["standard_deviation"]
    drawn = _Z * deviation * sqrt(_design_effect(meta) / n)
    reach = meta.get("relative_tolerance", 0.0) * abs(figure) + drawn + _slack(meta)
    return {"min_value": figure - reach, "max_value": figure + reach}


def divergence_threshold(weights: list[float], meta: Mapping[str, Any], n: int) -> float:
    """The greatest divergence, in nats, that n draws from these weights may show."""
    from scipy.stats import chi2  # noqa: PLC0415  only runs need it

    freedom = max(sum(weight > 0 for weight in weights) - 1, 1)
    return float(chi2.ppf(1 - _REFUSED, freedom)) * _design_effect(meta) / (2 * n) + _slack(meta)


def _design_effect(meta: Mapping[str, Any]) -> float:
    return float(meta.get("design_effect", 1.0))


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
