"""What the statistical rules of a dataset's suites tell, without Spark: of each rule, wrong figures that it refuses.

A rule with a documented figure is held to it as of the documented scale: on as many values as there are of it there,
its bounds refuse a share that is off by a tenth of itself or of its rest, whichever is smaller; a mean that is off by a
tenth; and a distribution in which a tenth of the commonest value has gone to the next. `Power.dull` lists those that
only tell more, and why. A rule whose bounds are fixed refuses what `Power.wrong` has of it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from payerlake import registry
from payerlake.checks import tolerances
from payerlake.checks.expectations import EXPECTATIONS, values
from payerlake.checks.suites import Check, Suite
from payerlake.checks.tolerances import DIVERGENCE, MEAN
from payerlake.contract.schema import Table
from payerlake.contract.spine import REFERENCE

TOLD = 0.1  # of the smaller of a share and its rest, of a mean, of the commonest value
_COUNTED = re.compile(r"(.*): ([\d,]+) values, .*")


@dataclass(frozen=True)
class Power:
    """What the rules tell of, each by SUITE.COLUMN.

    wrong: of rules with fixed bounds, what they refuse. dull: by why a rule does not tell a tenth, the rules and the
    departure that each does tell.
    """

    wrong: Mapping[str, tuple[float, ...]]
    dull: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    @property
    def told(self) -> dict[str, float]:
        """The departure that each dull rule tells."""
        return {rule: by for rules in self.dull.values() for rule, by in rules.items()}


def told(suite: str, **by: float) -> dict[str, float]:
    """The departures that rules of a suite tell, by SUITE.COLUMN."""
    return {f"{suite}.{column}": departure for column, departure in by.items()}


def has_figure(check: Check) -> bool:
    """Whether the document's figure, or its distribution, is in the rule."""
    return tolerances.follows_rows(check.type, check.kwargs, check.meta) or check.type == DIVERGENCE


def at_documented_scale(suite: Suite, out: Path) -> dict[str, int]:
    """By column, on how many values each rule is held at the documented scale: of the first table that the suite reads
    there are as many times the rows that are published."""
    dataset = registry.dataset(suite.name.partition(".")[0])
    times = _times(dataset.table(suite.tables[0]), out / dataset.name / "manifest.json")
    counted = _counted(out / dataset.name / "validation" / "results.json", suite.name)
    # Of what nobody has among a few there may be one where there are as many more.
    return {c.kwargs["column"]: round(times * max(1, counted[c.rule])) for c in suite.checks if c.rule in counted}


def _times(table: Table, manifest: Path) -> float:
    documented = re.search(r"\d[\d,]*", table.documented_rows)
    if table.spine is REFERENCE or not documented:
        return 1.0
    published = next(iter(json.loads(manifest.read_text(encoding="utf-8"))["tables"][table.name].values()))
    return int(documented[0].replace(",", "")) / published["rows"]


def _counted(results: Path, suite: str) -> dict[str, int]:
    """By rule, how many values were looked at, or were too few to be."""
    (found,) = [one for one in json.loads(results.read_text(encoding="utf-8"))["suites"] if one["name"] == suite]
    skipped = [_COUNTED.fullmatch(text) for text in found["skipped"]]
    asked = {rule["rule"]: rule["values"] for rule in found["rules"]}
    return asked | {match[1]: int(match[2].replace(",", "")) for match in skipped if match}


def blind(check: Check, n: int, by: float) -> list[Any]:
    """What a rule with a figure does not refuse, of n values: of departures by so much; and the figure itself if it is
    refused."""
    missed = [wrong for wrong in departures(check, n, by) if holds(check, n, wrong)]
    return missed + [right for right in departures(check, n, 0.0)[:1] if not holds(check, n, right)]


def departures(check: Check, n: int, by: float) -> list[Any]:
    """The figures, or the weights, that are so much off."""
    if check.type == DIVERGENCE:
        return [_moved(check.kwargs["partition_object"]["weights"], by)]
    if "share" in check.meta:
        share = check.meta["share"]
        smaller = min(share, 1 - share) or (1 / n if by else 0.0)  # of what never is, one value tells
        return [q for q in (share - by * smaller, share + smaller * by) if 0 <= q <= 1]
    return [check.meta["figure"] * (1 - by), check.meta["figure"] * (1 + by)]


def _moved(weights: Iterable[float], by: float) -> list[float]:
    """A part of the commonest value's weight with the next: where it is told least."""
    moved = list(weights)
    most, next_ = sorted(range(len(moved)), key=lambda i: -moved[i])[:2]
    part = by * moved[most]
    moved[most] -= part
    moved[next_] += part
    return moved


def holds(check: Check, n: int, found: Any) -> bool:
    """Whether the rule is met by n values of this mean, or with these weights."""
    bounds = {}
    if tolerances.follows_rows(check.type, check.kwargs, check.meta):
        bounds = tolerances.bounds(check.kwargs, check.meta, n)
    kind = DIVERGENCE if check.type == DIVERGENCE else MEAN  # whose limits are those of all that sum up
    aggregates = EXPECTATIONS[kind].figures(check.kwargs)
    figures = dict(zip(aggregates, _counts(n, found) if kind == DIVERGENCE else [found], strict=True))
    met, _ = EXPECTATIONS[kind].judge(
        {**check.kwargs, **bounds}, {values(check.kwargs): sum(figures.values())} | figures
    )
    return met


def _counts(n: int, weights: Iterable[float]) -> list[int]:
    return [round(n * weight) for weight in weights]
