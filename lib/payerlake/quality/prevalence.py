"""How likely each chronic condition is, so that its stated prevalence comes out whatever it goes with.

A condition's probability is base · (1 + with_risk · (risk − mean risk)) · times, where `times` depends on whether the
member has one of the conditions it is `given`; never above `highest`, and 0 for the other sex. The bases are solved
here, on the driver, over a grid of risk: the ranks of age and of risk of a member are joined as
Farlie, Gumbel and Morgenstern have it, which can be integrated over any range of ages.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from payerlake.contract.settings import solved_once
from payerlake.errors import BadInput
from payerlake.person import conditions
from payerlake.quality.measures import Measure, measures
from payerlake.quality.settings import QualitySettings
from payerlake.sampling.solving import Dependence, State, bisected

SEXES = ("F", "M")
_GRID = 4000  # ranks of risk
_HIGHEST_BASE = 1e3  # beyond what any prevalence needs: rates stop at `highest`
_DIGITS = 10  # of a base: sums of processors differ in the last ones


class Prevalence:
    """The bases of the conditions of one set of settings, and who is eligible for the measures."""

    def __init__(self, settings: QualitySettings) -> None:
        self._settings = settings
        self._catalogue = {condition.condition_code: condition for condition in settings.conditions.catalogue}
        given = {code: condition.given for code, condition in self._catalogue.items()}
        self.dependence = Dependence(given, "conditions.catalogue: conditions are given each other")
        ranks = (np.arange(_GRID) + 0.5) / _GRID
        self._ranks = ranks
        risk = np.interp(ranks, *self.risk_edges)
        # By sex and rank, how much likelier everything is.
        self._factor = np.tile(self.risk_factor(risk), (len(SEXES), 1))
        self._sexes = np.array([[settings.population.sex.get(sex, 0.0)] for sex in SEXES])
        self.base: dict[str, float] = {}
        for code in self.dependence.order:
            self._solve(code)

    @property
    def risk_edges(self) -> tuple[list[float], list[float]]:
        """Ranks of risk at which bands begin and end, and the scores there."""
        bands = list(self._settings.risk.bands.values())
        ranks = [0.0, *np.cumsum([band.share for band in bands]).tolist()]
        return ranks, [bands[0].low, *(band.below for band in bands)]

    @cached_property
    def mean_risk(self) -> float:
        """The members' mean risk score."""
        return sum(band.share * (band.low + band.below) / 2 for band in self._settings.risk.bands.values())

    def risk_factor(self, risk: Any) -> Any:
        """How much likelier than on average a condition is at this risk, an array or a column."""
        return (risk - self.mean_risk) * self._settings.conditions.with_risk + 1.0

    def _solve(self, code: str) -> None:
        condition, given = self._catalogue[code], self._any(self._catalogue[code].given)
        target = condition.prevalence_pct / 100

        def reached(base: float) -> float:
            self.base[code] = base
            return self._share(self._rate(code, True) * given + self._rate(code, False) * (1 - given))

        base = round(float(bisected(lambda base: reached(base) > target, 0.0, _HIGHEST_BASE)), _DIGITS)
        if reached(base) < target - 1e-6:
            raise BadInput(
                f"conditions.catalogue: {code}: prevalence {condition.prevalence_pct:g} % is more than those can be "
                "who can have it; lower it, or raise conditions.highest"
            )

    def _share(self, rates: np.ndarray, weights: np.ndarray | None = None) -> float:
        """Of all members, by sex and rank of risk."""
        by_sex = rates * self._sexes
        return float((by_sex if weights is None else by_sex * weights).sum() / _GRID)

    def _rate(self, code: str, has_given: bool) -> np.ndarray:
        """The probability of a condition by sex and rank, with one of those it is given, or without."""
        condition = self._catalogue[code]
        times = condition.times_with if has_given else condition.times_without
        of_sex = np.array([[condition.sex in ("", sex)] for sex in SEXES])
        return np.clip(self.base[code] * times * self._factor, 0.0, self._settings.conditions.highest) * of_sex

    def _any(self, codes: tuple[str, ...]) -> Any:
        """The probability by sex and rank of having one of these conditions, which are solved already."""

        def rate(code: str, has: State) -> np.ndarray:
            return self._rate(code, any(has[given] for given in self._catalogue[code].given))

        states = self.dependence.states(codes, rate)
        return sum(likelihood for has, likelihood in states if any(has[code] for code in codes))

    def eligible_share(self, measure: Measure) -> float:
        """The share of all members that is eligible for the measure."""
        population, with_age = self._settings.population, self._settings.risk.with_age
        ages = (max(measure.age_from, self._settings.ages[0]), measure.age_to + 1)
        young, old = (self._settings.among_members(population.rank_of_age(age)) for age in ages)
        # The density of the two ranks, 1 + θ(1 − 2 age)(1 − 2 risk), over the range of ages.
        weights = (old - young) + with_age * (1 - 2 * self._ranks) * ((old - old**2) - (young - young**2))
        known = tuple(code for code in measure.conditions if code in self._catalogue)
        rates = self._eligible(known) if measure.conditions else np.ones_like(self._factor)
        of_sex = np.array([[measure.sex in ("", sex)] for sex in SEXES])
        return self._share(rates * of_sex, weights)

    def _eligible(self, codes: tuple[str, ...]) -> Any:
        """The probability by sex and rank of having one of these conditions, of members."""
        if not self._settings.population.in_common:
            return self._any(codes)
        listed = conditions.prevalence().any_of([conditions.condition_of(code) for code in codes])
        return listed[-len(conditions.SEXES) :][: len(SEXES), None] * np.ones_like(self._factor)  # of the oldest band

    def gap_rates(self) -> list[list[float]]:
        """The probability of a gap of those eligible, by plan and measure. Raises BadInput for more gaps than these."""
        gaps, plans = self._settings.gaps, self._settings.plans
        total = sum(gaps.measures.values())
        shares = [(measure, self.eligible_share(measure)) for measure in measures()]
        rates = []
        for plan_id, plan in plans.items():
            asked = [plan.gaps_per_member * gaps.measures[m.measure_id] / total for m, _ in shares]
            for (measure, share), expected in zip(shares, asked, strict=True):
                if expected > share:
                    raise BadInput(
                        f"gaps.measures: {measure.measure_id}: {expected:.3g} gaps a member of {plan_id}, of whom "
                        f"{share:.3g} are eligible; lower it, or plans.{plan_id}.gaps_per_member"
                    )
            rates.append([round(e / share, _DIGITS) if e else 0.0 for (_, share), e in zip(shares, asked, strict=True)])
        return rates


@solved_once("population", "plans", "risk", "conditions", "gaps")
def prevalence(settings: QualitySettings) -> Prevalence:
    """The prevalence of these settings; solved once for each."""
    return Prevalence(settings)
