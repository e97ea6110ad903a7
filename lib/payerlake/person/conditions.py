"""The conditions that people have: `conf/reference/health.csv`, and how likely each is for whom.

A rate is for an age band and a sex, with one of the conditions that it is `given`, or without; solved here, on the
driver, such that the stated prevalence comes out of both.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from payerlake import reference
from payerlake.sampling.solving import Dependence, State

BANDS = {"0-17": 0, "18-34": 18, "35-44": 35, "45-54": 45, "55-64": 55, "65+": 65}
"""The age from which each column of the list counts."""

SEXES = ("F", "M", "O")  # O: neither, or not told
_DIGITS = 10  # of a rate: sums of processors differ in the last ones


@dataclass(frozen=True)
class Onset:
    """When a condition is found: between two ages, in the last years, and never before one that it follows from.

    causes: positions among the conditions of which one is there before it.
    """

    condition: str
    first_age: int
    last_age: int
    within_years: int | None = None
    causes: tuple[int, ...] = ()


@cache
def listed() -> tuple[str, ...]:
    """The conditions by name, in the order of their bits."""
    return tuple(row["condition"] for row in reference.rows("health"))


@cache
def condition_of(icd10_code: str) -> str:
    """The condition that this code is about; the code itself where the list has none."""
    matches = [(len(start), name) for start, name in _starts() if icd10_code.startswith(start)]
    return max(matches)[1] if matches else icd10_code


@cache
def _starts() -> list[tuple[str, str]]:
    return [(start, row["condition"]) for row in reference.rows("health") for start in row["icd10"].split("|")]


@cache
def onsets() -> tuple[Onset, ...]:
    """When each of the listed conditions is found. What nobody has without another condition follows from that."""
    return tuple(
        Onset(
            row["condition"],
            int(row["onset_from"]),
            int(row["onset_to"]),
            int(row["within_years"]) if row["within_years"] else None,
            tuple(map(listed().index, _given(row))) if float(row["times_without"]) == 0 else (),
        )
        for row in reference.rows("health")
    )


def _given(row: dict[str, str]) -> list[str]:
    return [name for name in row["given"].split("|") if name]


class Prevalence:
    """The rates of the listed conditions by cell: a band's three sexes, then the next band's."""

    def __init__(self) -> None:
        self._rows = {row["condition"]: row for row in reference.rows("health")}
        given = {name: _given(row) for name, row in self._rows.items()}
        self.dependence = Dependence(given, "conf/reference/health.csv: conditions are given each other")
        self._rates: dict[str, tuple[np.ndarray, np.ndarray]] = {}  # with one of the given, and without
        for name in self.dependence.order:
            self._rates[name] = self._solved(name)

    def given(self, name: str) -> list[str]:
        """The conditions of which one makes a difference to this one."""
        return _given(self._rows[name])

    def rates(self, name: str, has_given: bool) -> list[float]:
        """By cell, how likely the condition is for those who have one of the given, or none."""
        return [float(rate) for rate in self._rates[name][0 if has_given else 1]]

    def overall(self, name: str) -> np.ndarray:
        """By cell, the stated prevalence."""
        row = self._rows[name]
        men, bands = float(row["times_for_men"]), np.array([float(row[band]) for band in BANDS]) / 100
        if row["sex"]:
            by_sex = np.array([float(row["sex"] == sex) for sex in SEXES])
        else:
            by_sex = np.array([2 / (1 + men), 2 * men / (1 + men), 1.0])
        return np.outer(bands, by_sex).ravel()

    def any_of(self, names: Collection[str]) -> Any:
        """By cell, the probability of having one of these."""

        def rate(name: str, has: State) -> np.ndarray:
            return self._rates[name][0 if any(has[given] for given in self.given(name)) else 1]

        states = self.dependence.states(names, rate)
        return sum((likelihood for has, likelihood in states if any(has[name] for name in names)), np.zeros(1))

    def _solved(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        times = [float(self._rows[name][column]) for column in ("times_with", "times_without")]
        with_given = self.any_of(self.given(name))
        base = self.overall(name) / np.maximum(times[0] * with_given + times[1] * (1 - with_given), 1e-300)
        found = [np.round(base * t, _DIGITS) for t in times]
        return found[0], found[1]


@cache
def prevalence() -> Prevalence:
    """The rates of the listed conditions."""
    return Prevalence()
