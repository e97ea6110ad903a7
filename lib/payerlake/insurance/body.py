"""Height and weight: correlated, of adults as surveys have them, of children as the growth charts have them.

An adult's height and weight are truncated normals whose mean and deviation, between the bounds, are the stated ones:
where values beyond a bound were moved onto it, four women in a hundred would weigh exactly 40 kg. Both are read, at a
standard normal, from a table of their quantiles, so that one pair of correlated normals makes them.

A child's are the growth chart's median at its age and so many deviations of it. The charts' reference children are
lighter than today's: the upper half of weights is stretched until the stated share is above the chart's 95th
percentile.
"""

from __future__ import annotations

import math
from functools import cached_property
from statistics import NormalDist

from pyspark.sql import Column
from pyspark.sql import functions as F

from payerlake import reference
from payerlake.errors import BadInput
from payerlake.insurance.settings import SEXES, Body, Normal
from payerlake.sampling.distributions import line_at, number_at
from payerlake.sampling.numbers import rounded

_UNIT = NormalDist()
_REACH = 8.0  # standard normals beyond it do not occur: a uniform has 53 bits
_STEP = 1 / 16
_KNOTS = round(2 * _REACH / _STEP) + 1
_MORE = 10.0  # of the body mass index, beyond 30, of those who would weigh less without their obesity
_TENTH = 0.1  # kg: what rounding takes must not take the obesity
_OBESE = 30.0  # body mass index in kg/m², WHO
_YEAR = 365.25
_STRETCHED = 1.5  # deviations up to which the upper half is stretched; beyond, it is shifted
ADULT = 18


class Bodies:
    """The sizes of the people of one set of settings."""

    def __init__(self, settings: Body, adult_from: int) -> None:
        """adult_from: the days of age on the eighteenth birthday."""
        self._settings, self._adult_from = settings, adult_from
        self._heights = [_quantiles(f"height.{s}", settings.height[s], settings.height_range) for s in SEXES]
        self._weights = [_quantiles(f"weight.{s}", settings.weight[s], settings.weight_range) for s in SEXES]
        # Pearson's r of the sizes is less than that of the normals behind them by how far each is from a normal itself.
        pairs = zip(SEXES, self._heights, self._weights, strict=True)
        self._latent = [_bounded(settings.correlation[s] / (_linearity(h) * _linearity(w))) for s, h, w in pairs]

    # sizes of everyone; `sex` is the position in SEXES, `days` the age in days

    def height(self, sex: Column, days: Column, tall: Column) -> Column:
        """Height in cm to one decimal (double), by a standard normal."""
        adult = _at(self._heights, sex, tall)
        child = self._child("height_cm", sex, days) + self._child("height_sd", sex, days) * tall
        return rounded(F.when(self._is_adult(days), adult).otherwise(child), 1)

    def bulk(self, sex: Column, days: Column, tall: Column, heavy: Column) -> Column:
        """What weight is read at: the height's standard normal and another, independent one, mixed."""
        adult_r, r = number_at(self._latent, sex), self._settings.child_correlation
        spread = number_at([math.sqrt(1 - latent * latent) for latent in self._latent], sex)
        stretched = heavy + self._stretch * F.least(F.greatest(heavy, F.lit(0.0)), F.lit(_STRETCHED))
        child = r * tall + math.sqrt(1 - r * r) * stretched
        return F.when(self._is_adult(days), adult_r * tall + spread * heavy).otherwise(child)

    def weight(self, sex: Column, days: Column, bulk: Column) -> Column:
        """Weight in kg to one decimal (double)."""
        child = self._child("weight_kg", sex, days) * F.exp(self._child("weight_sigma", sex, days) * bulk)
        return rounded(F.when(self._is_adult(days), _at(self._weights, sex, bulk)).otherwise(child), 1)

    def obese(self, days: Column, height: Column, weight: Column, heavy: Column) -> Column:
        """Whether the body mass index is 30 or more; of a child, whether it is above the chart's 95th percentile."""
        heaviest = heavy > F.lit(_inverse(1 - self._settings.child_obesity))
        return F.when(self._is_adult(days), weight >= _OBESE * height * height / 10_000).otherwise(heaviest)

    def weight_of_obesity(self, days: Column, height: Column, u: Column) -> Column:
        """A weight in kg to one decimal (double) of an adult of this height with a body mass index from 30 on; 0 of a
        child, whom the growth chart alone tells."""
        index = F.lit(_OBESE) + u * u * _MORE
        return F.when(self._is_adult(days), rounded(index * height * height / 10_000 + _TENTH, 1)).otherwise(0.0)

    def obese_share(self, age: int, sex: int) -> float:
        """The share of people of this age and sex who are obese."""
        return self._adult_shares[sex] if age >= ADULT else self._settings.child_obesity

    @cached_property
    def _adult_shares(self) -> list[float]:
        return [_share_above(h, w, r) for h, w, r in zip(self._heights, self._weights, self._latent, strict=True)]

    @property
    def _stretch(self) -> float:
        """So much that the stated share is above the chart's 95th percentile."""
        return max(0.0, _inverse(0.95) / max(_inverse(1 - self._settings.child_obesity), 1e-9) - 1)

    def _is_adult(self, days: Column) -> Column:
        return days >= F.lit(self._adult_from)

    def _child(self, size: str, sex: Column, days: Column) -> Column:
        """A size of the growth chart, between the birthdays around this age."""
        values = [value for by_age in _growth(size) for value in by_age]
        years = days / _YEAR
        first = F.least(F.floor(years), F.lit(ADULT - 1)).cast("int")
        place = sex * (ADULT + 1) + first
        low, high = number_at(values, place), number_at(values, place + 1)
        return low + (high - low) * (years - first)


def _growth(size: str) -> list[list[float]]:
    """A column of the growth chart by sex (in the order of SEXES; of O the mean of both) and age."""
    found = {sex: [float(row[size]) for row in reference.rows("growth") if row["sex"] == sex] for sex in ("F", "M")}
    found["O"] = [(f + m) / 2 for f, m in zip(found["F"], found["M"], strict=True)]
    return [found[sex] for sex in SEXES]


def _at(tables: list[list[float]], sex: Column, z: Column) -> Column:
    """The table of this sex read at a standard normal, evenly between its knots."""
    place = (F.greatest(F.least(z, F.lit(_REACH - 1e-9)), F.lit(-_REACH)) + _REACH) * (1 / _STEP)
    return line_at(tables, sex, place)


def _knots() -> list[float]:
    return [-_REACH + _STEP * i for i in range(_KNOTS)]


def _inverse(p: float) -> float:
    return _UNIT.inv_cdf(min(max(p, 1e-16), 1 - 1e-16))


def _bounded(r: float) -> float:
    return min(max(r, -0.999), 0.999)


def _quantiles(name: str, wanted: Normal, bounds: tuple[float, float]) -> list[float]:
    """The quantiles, at the knots, of the truncated normal that has this mean and deviation between the bounds."""
    (low, high), mean, sd = bounds, wanted.mean, wanted.sd
    for _ in range(500):
        found_mean, found_sd = _moments(mean, sd, low, high)
        if abs(found_mean - wanted.mean) < 1e-6 and abs(found_sd - wanted.sd) < 1e-6:
            break
        mean, sd = mean + wanted.mean - found_mean, sd * wanted.sd / found_sd
        if not (sd < 100 * (high - low) and abs(mean) < 100 * high):
            raise BadInput(
                f"body.{name}: no normal distribution between {low:g} and {high:g} has mean {wanted.mean:g} and "
                f"deviation {wanted.sd:g}; widen the range, or lower the deviation"
            )
    below, above = _UNIT.cdf((low - mean) / sd), _UNIT.cdf((high - mean) / sd)
    inner = (mean + sd * _inverse(below + (above - below) * _UNIT.cdf(z)) for z in _knots())
    return [min(max(value, low), high) for value in inner]


def _moments(mean: float, sd: float, low: float, high: float) -> tuple[float, float]:
    """Mean and deviation of a normal between two bounds."""
    a, b = (low - mean) / sd, (high - mean) / sd
    inside = max(_UNIT.cdf(b) - _UNIT.cdf(a), 1e-12)
    slope = (_UNIT.pdf(a) - _UNIT.pdf(b)) / inside
    curve = (a * _UNIT.pdf(a) - b * _UNIT.pdf(b)) / inside
    return mean + sd * slope, sd * math.sqrt(max(1 + curve - slope * slope, 1e-12))


def _linearity(values: list[float]) -> float:
    """The correlation of a size with the standard normal that it is read at."""
    weights = [_UNIT.pdf(z) * _STEP for z in _knots()]
    mean = math.fsum(w * v for w, v in zip(weights, values, strict=True))
    variance = math.fsum(w * (v - mean) ** 2 for w, v in zip(weights, values, strict=True))
    return math.fsum(w * v * z for w, v, z in zip(weights, values, _knots(), strict=True)) / math.sqrt(variance)


def _share_above(heights: list[float], weights: list[float], latent: float) -> float:
    """The share of adults whose body mass index is 30 or more."""
    spread = math.sqrt(1 - latent * latent)
    total = 0.0
    for z, height in zip(_knots(), heights, strict=True):
        from_ = _where(weights, _OBESE * height * height / 10_000)
        total += _UNIT.pdf(z) * _STEP * (1 - _UNIT.cdf((from_ - latent * z) / spread))
    return total


def _where(values: list[float], wanted: float) -> float:
    """The standard normal at which a rising table has this value."""
    for i in range(_KNOTS - 1):
        if values[i] <= wanted < values[i + 1]:
            return -_REACH + _STEP * (i + (wanted - values[i]) / (values[i + 1] - values[i]))
    return -_REACH if wanted < values[0] else _REACH
