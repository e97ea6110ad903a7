"""Coverage of a member, as functions of the key: whether, by which insurer and plan, since when and until when."""

from __future__ import annotations

import datetime
import math
from functools import cached_property
from itertools import pairwise

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from payerlake.contract.population import Population, years_before
from payerlake.insurance.health import Health
from payerlake.insurance.insurance import insurers
from payerlake.insurance.plan import plan_id
from payerlake.insurance.settings import PLAN_TIERS, Enrollment, InsuranceSettings
from payerlake.person.people import place_among
from payerlake.person.world import World
from payerlake.sampling.distributions import bernoulli, choice_index, date_at, integer, number_at

_DAYS = 365


class Coverage:
    """The coverage of the people of one world."""

    def __init__(self, world: World[InsuranceSettings], health: Health) -> None:
        self._draws, self._health = world.draws, health
        self._settings: Enrollment = world.settings.enrollment
        self._population: Population = world.settings.population

    def covered(self, people: DataFrame) -> DataFrame:
        """Adds `is_covered`, `insurance_id`, `plan_id`, `start_date` and `end_date` (null where coverage goes on)."""
        with_insurer = people.select(
            "*", integer(self._u("insurer"), 1, insurers()).alias("insurance_id"), *self._since()
        )
        return with_insurer.select(
            "*", plan_id(F.col("insurance_id"), self._plan_tier()).alias("plan_id"), self._last_day().alias("end_date")
        )

    def _since(self) -> list[Column]:
        """`is_covered` and `start_date`: by the settings, or as all datasets have it, if before the reference date."""
        if self._population.in_common:
            start, until = F.col("insured_from"), F.col("insured_until")
            begins = (start < F.lit(self._population.as_of)) & (until.isNull() | (until > start))
            return [begins.alias("is_covered"), start.alias("start_date")]
        return [
            bernoulli(self._u("coverage"), self._health.by_age(self.rates)).alias("is_covered"),
            F.greatest(self._first_day(), F.col("birth_date")).alias("start_date"),
        ]

    @cached_property
    def rates(self) -> dict[int, float]:
        """The rates of coverage by age, in the settings' proportions, so that all together have the stated rate."""
        steps = self._settings.coverage_by_age
        edges = [*[self._population.rank_of_age(age) for age in steps], 1.0]
        shares = [high - low for low, high in pairwise(edges)]
        average = math.fsum(rate * share for rate, share in zip(steps.values(), shares, strict=True))
        return {age: min(1.0, rate * self._settings.coverage / average) for age, rate in steps.items()}

    def _plan_tier(self) -> Column:
        """The position (int) of the plan's tier, by age; the first tier has the lowest uniforms."""
        u, steps = self._u("plan"), self._settings.plan_preference
        place = place_among(list(steps), F.col("age"))
        tier = F.lit(PLAN_TIERS - 1)
        for i in reversed(range(PLAN_TIERS - 1)):
            below = number_at([math.fsum(shares[: i + 1]) for shares in steps.values()], place)
            tier = F.when(u < below, i).otherwise(tier)
        return tier

    def _first_day(self) -> Column:
        """1 January, or any day, of one of the years before the reference date."""
        law, year = self._settings.started_years_ago, self._population.as_of.year
        januaries = [datetime.date(year - years, 1, 1) for years in law]
        january = date_at(januaries, choice_index(self._u("start_year"), list(law.values())))
        later = integer(self._u("start_day"), 0, _DAYS - 1).cast("int")
        is_january = bernoulli(self._u("start_january"), self._settings.january_share)
        return F.when(is_january, january).otherwise(F.date_add(january, later))

    def _last_day(self) -> Column:
        """A day of the last year, after the first and before the reference date; null where coverage goes on."""
        if self._population.in_common:
            return F.col("insured_until")
        as_of = F.lit(self._population.as_of)
        since = F.greatest(F.col("start_date"), F.lit(years_before(self._population.as_of, 1)))
        days = F.datediff(as_of, since)
        day = F.date_add(since, integer(self._u("end_date"), 1, days - 1).cast("int"))
        ended = (self._u("end") >= self._settings.active_share) & (days >= 2)
        return F.when(ended, day)

    def _u(self, column: str) -> Column:
        return self._draws.uniform("enrollment", column, F.col("id"))
