"""Lifestyle and social determinants: six traits, by age and sex, that go together as their correlations say.

Behind the six stand correlated standard normals. Of smoking, heavy drinking, housing insecurity and employment the
upper end is a yes, as much of it as the rate at that age and sex; exercise and sleep are read from their
distributions. The correlations are those of the normals: what is seen of a yes and no is always less.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

from pyspark.sql import Column
from pyspark.sql import functions as F

from payerlake.insurance.settings import LATENT, SEXES, Lifestyle, at_age, cholesky
from payerlake.sampling.draws import Draws

_UNIT = NormalDist()
# The risk factors of conditions first: whoever needs no more draws no more.
_ORDER = ("smoker", "drinker", "housing", "employed", "exercise", "sleep")
RISK_TRAITS = 3
_FIELDS = {"smoker": "smoker", "drinker": "drinker", "housing": "housing_insecure", "employed": "employed"}
_NEVER = 99.0  # no standard normal is as high
_POINTS = 24  # of the quadrature of a standard normal's part


class Lifestyles:
    """The traits of the people of one set of settings."""

    def __init__(self, settings: Lifestyle, sex_shares: Sequence[float]) -> None:
        """sex_shares: of the population, in the order of SEXES."""
        self._settings, self._sex_shares = settings, sex_shares
        places = [LATENT.index(name) for name in _ORDER]
        self._root = cholesky([[settings.matrix[i][j] for j in places] for i in places])

    def ages(self) -> set[int]:
        """The ages at which a rate that is a risk of conditions changes."""
        return {age for name in _ORDER[:RISK_TRAITS] for age in self.steps(name)}

    def steps(self, name: str) -> dict[int, float]:
        """The rates of a trait by the age that they begin with."""
        steps: dict[int, float] = getattr(self._settings, _FIELDS[name])
        return steps

    # columns

    def uniforms(self, draws: Draws, key: Column, count: int) -> dict[str, Column]:
        """Uniforms of the independent standard normals `z0`, `z1` … that `latent` mixes."""
        return {f"z{i}": draws.uniform("members", "lifestyle", key, draw=_ORDER[i]) for i in range(count)}

    def latent(self, name: str, normals: Sequence[Column]) -> Column:
        """The correlated standard normal behind a trait."""
        row = self._root[_ORDER.index(name)]
        terms = [F.lit(weight) * normal for weight, normal in zip(row, normals, strict=False) if weight]
        return sum(terms[1:], terms[0])

    # shares

    def rate(self, name: str, age: int, sex: int) -> float:
        """The share of people of this age and sex who have the trait."""
        overall = at_age(self.steps(name), age)
        ratio: float = getattr(self._settings.men_to_women, name, 1.0)
        ratios = {"F": 1.0, "M": ratio, "O": (1 + ratio) / 2}
        average = math.fsum(ratios[s] * share for s, share in zip(SEXES, self._sex_shares, strict=True))
        return float(min(overall * ratios[SEXES[sex]] / average, 0.999))

    def threshold(self, name: str, age: int, sex: int) -> float:
        """The standard normal above which the trait is there."""
        rate = self.rate(name, age, sex)
        return _UNIT.inv_cdf(1 - rate) if rate > 0 else _NEVER

    def risk_shares(self, age: int, sex: int) -> list[float]:
        """The shares of the eight combinations of smoker, drinker and housing insecurity, bits 4, 2 and 1."""
        s, d, h = (self.threshold(name, age, sex) for name in _ORDER[:RISK_TRAITS])
        shares = [0.0] * 8
        for smoker, z1, w1 in _sides(s):
            for drinker, z2, w2 in _sides((d - self._root[1][0] * z1) / self._root[1][1]):
                rest = h - self._root[2][0] * z1 - self._root[2][1] * z2
                housed = _UNIT.cdf(rest / self._root[2][2])
                shares[4 * smoker + 2 * drinker] += w1 * w2 * housed
                shares[4 * smoker + 2 * drinker + 1] += w1 * w2 * (1 - housed)
        return shares


def _sides(threshold: float) -> list[tuple[int, float, float]]:
    """A standard normal as points below (0) and above (1) a threshold, with their weights."""
    below = _UNIT.cdf(threshold)
    points = []
    for side, low, high in ((0, 0.0, below), (1, below, 1.0)):
        if high - low < 1e-12:
            continue
        for i in range(_POINTS):
            place = low + (high - low) * (i + 0.5) / _POINTS
            points.append((side, _UNIT.inv_cdf(min(max(place, 1e-15), 1 - 1e-15)), (high - low) / _POINTS))
    return points
