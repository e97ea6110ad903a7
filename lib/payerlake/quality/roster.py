"""The members of the portfolio as functions of their keys: plan, home, age, risk, conditions and care gaps.

Every long table and every view begins with it, and joins nothing. Conditions and gaps are the bits of an int each, in
the order of the catalogue and of the measures.
"""

from __future__ import annotations

from functools import cached_property, reduce
from itertools import pairwise

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from payerlake import reference
from payerlake.contract.population import years_before
from payerlake.person.conditions import Onset, condition_of
from payerlake.person.coverage import spans
from payerlake.person.coverage.plans import MEDICARE_ADVANTAGE
from payerlake.person.health import Health, Way
from payerlake.person.places import field
from payerlake.person.world import World, planned_once
from payerlake.quality.measures import Measure, measures
from payerlake.quality.prevalence import Prevalence, prevalence
from payerlake.quality.settings import QualitySettings
from payerlake.sampling.distributions import bernoulli, constant_array, number_at, piecewise_linear, table_choice
from payerlake.sampling.frames import filtered, in_a_new_method
from payerlake.sampling.packing import bits_of, has_any

_BLOCK = 1000  # members of consecutive keys among whom the plans have their shares, to one member
_STEP = 619  # prime to the block: neighbours of a block get places far apart


class Roster:
    """The members of one world."""

    def __init__(self, world: World[QualitySettings]) -> None:
        self._world, self._people, self._draws = world, world.people, world.draws
        self._settings: QualitySettings = world.settings
        self._health = Health(world.settings)
        self._prevalence: Prevalence = prevalence(self._settings)
        self._conditions = self._settings.conditions

    @planned_once
    def people(self, keys: DataFrame) -> DataFrame:
        """Adds `birth_date`, `sex`, `plan` (position, int), `zip` (position, int) and `risk` (double)."""
        if self._settings.population.in_common:
            keys = self._in_plans(keys)
        with_slot = keys.select("*", self._people.slot(F.col("id")).alias("slot"), self._plan().alias("plan"))
        key, slot = F.col("id"), F.col("slot")
        people = with_slot.select(
            *keys.columns,
            "plan",
            self._people.birth_date(key, slot).alias("birth_date"),
            self._people.sex(key, slot).alias("sex"),
            self._zip(slot).alias("zip"),
            self._risk(self._settings.among_members(self._people.age_rank(key, slot))).alias("risk"),
        )
        if not self._settings.population.in_common:
            return people
        return filtered(people, self._age().between(*self._settings.ages) & (F.col("zip") >= 0))

    @planned_once
    def diagnosed(self, keys: DataFrame) -> DataFrame:
        """What `people` adds, and `conditions`, the bits (bigint) of what the member has."""
        people = self.people(keys)
        if self._health.is_in_common:
            own = self._health.with_own(people.select("*", self._age().alias("age")))
            found = self._health.of_own(self._own).alias("conditions")
            return in_a_new_method(own.select(*people.columns, "own", found))
        factor = self._prevalence.risk_factor(F.col("risk"))
        diagnosed = people.select("*", factor.alias("factor"), F.lit(0).cast("bigint").alias("conditions"))
        for level in self._prevalence.dependence.levels:
            diagnosed = self._health.diagnosed(diagnosed, [(condition_of(code), [self._way(code)]) for code in level])
        return diagnosed.select(*people.columns, "conditions")

    @planned_once
    def with_gaps(self, diagnosed: DataFrame) -> DataFrame:
        """Adds `gaps`, the bits (int) of the measures in which the member has a care gap."""
        rates = self._prevalence.gap_rates()
        bits = [self._gap(i, measure, rates) for i, measure in enumerate(measures())]
        return in_a_new_method(diagnosed.select("*", reduce(Column.bitwiseOR, bits).alias("gaps")))

    def diagnosis_date(self, condition: Column) -> Column:
        """The day on which a condition of the member, by its position (int), was found."""
        if self._health.is_in_common:
            return self._health.found_own(self._own, condition)
        when = [
            Onset(name, c.onset_from, c.onset_to, c.within_years, tuple(map(self._conditions.codes.index, c.causes)))
            for name, c in zip(self._own, self._conditions.catalogue, strict=True)
        ]
        return self._health.found(when, condition, "conditions")

    def _age(self) -> Column:
        """Whole years (int) on the day of the dataset."""
        return self._people.age(F.datediff(F.lit(self._settings.population.as_of), F.col("birth_date")))

    @cached_property
    def _own(self) -> list[str]:
        """What each of the dataset's conditions is to the person."""
        return [condition_of(code) for code in self._conditions.codes]

    def has_any(self, codes: tuple[str, ...]) -> Column:
        """Whether the member has one of these conditions."""
        catalogue = self._conditions.codes
        return has_any(F.col("conditions"), bits_of(catalogue.index(code) for code in codes if code in catalogue))

    def _in_plans(self, keys: DataFrame) -> DataFrame:
        """Those whom Medicare Advantage covers on the day of the dataset, whatever dataset asks."""
        coverage = spans.in_common(self._world)
        covered = coverage.on(coverage.of(keys), self._settings.population.as_of)
        return filtered(covered, F.col("line_of_business") == MEDICARE_ADVANTAGE).select(keys.columns)

    # plan, home and risk

    def _plan(self) -> Column:
        """The position of the member's plan: by the member's place in a block, in which all plans have their shares."""
        turn = F.floor(self._u("plan_members", "plan", F.floor(F.col("id") / _BLOCK)) * _BLOCK)
        place = (F.col("id") * _STEP + turn) % _BLOCK
        position, below = F.lit(0), 0.0
        for plan in list(self._settings.plans.values())[:-1]:
            below += plan.share
            position = position + (place >= round(below * _BLOCK)).cast("int")
        return position

    def _zip(self, slot: Column) -> Column:
        """The position of the member's ZIP code: that of the home, -1 beyond the list, where people are the same in all
        datasets; else by the shares of the regions, in each by whose plan is strongest."""
        zips, regions = reference.rows("pittsburgh_zip_codes"), self._settings.regions
        if self._settings.population.in_common:
            home = field("zip_code", self._people.home(self._people.household(F.col("id"), slot)))
            known = constant_array([row["zip_code"] for row in zips], "string")
            return F.array_position(known, home).cast("int") - 1
        weights = []
        region_of = [row["region_type"] for row in zips]
        for plan_id in self._settings.plans:
            factors = [regions.strongest_plan_weight if row["primary_plan_id"] == plan_id else 1.0 for row in zips]
            within = list(zip(factors, region_of, strict=True))
            totals = {name: sum(factor for factor, region in within if region == name) for name in regions.shares}
            weights.append([factor * regions.shares[region] / totals[region] for factor, region in within])
        chosen = table_choice(self._u("plan_members", "zip_code"), F.col("plan"), weights, list(range(len(zips))))
        return chosen.cast("int")

    def _risk(self, age_rank: Column) -> Column:
        """The risk score, even within its band; its rank goes with age's, by a Farlie-Gumbel-Morgenstern copula."""
        a = (F.lit(1.0) - age_rank * 2.0) * self._settings.risk.with_age
        u = self._u("plan_members", "risk_score")
        above = a + 1.0
        # The root of a quadratic: the rank at which the distribution, given the age, reaches u.
        rank = F.lit(2.0) * u / (above + F.sqrt(above * above - a * u * 4.0))
        ranks, scores = self._prevalence.risk_edges
        shares = [high - low for low, high in pairwise(ranks)]
        return piecewise_linear(F.coalesce(rank, F.lit(0.0)), shares, scores)

    # conditions and gaps

    def _way(self, code: str) -> Way:
        i, base = self._conditions.codes.index(code), self._prevalence.base[code]
        condition = self._conditions.catalogue[i]
        with_given, without = (
            F.least(F.col("factor") * (base * times), F.lit(self._conditions.highest))
            for times in (condition.times_with, condition.times_without)
        )
        matters = condition.given and condition.times_with != condition.times_without
        rate = F.when(self.has_any(condition.given), with_given).otherwise(without) if matters else without
        return Way(i, rate, F.col("sex") == condition.sex if condition.sex else None)

    def _gap(self, i: int, measure: Measure, rates: list[list[float]]) -> Column:
        rate = number_at([of_plan[i] for of_plan in rates], F.col("plan"))
        has = bernoulli(self._u("member_gaps", measure.measure_id), rate)
        for condition in self._eligible(measure):
            has = has & condition
        return F.when(has, F.lit(1 << i)).otherwise(0)

    def _eligible(self, measure: Measure) -> list[Column]:
        as_of, population = self._settings.population.as_of, self._settings.population
        oldest = population.bands[-1][1]
        conditions = [self.has_any(measure.conditions)] if measure.conditions else []
        if measure.sex:
            conditions.append(F.col("sex") == measure.sex)
        if measure.age_from > population.bands[0][0]:
            conditions.append(F.col("birth_date") <= F.lit(years_before(as_of, measure.age_from)))
        if measure.age_to < oldest:
            conditions.append(F.col("birth_date") > F.lit(years_before(as_of, measure.age_to + 1)))
        return conditions

    def _u(self, table: str, column: str, *key: Column) -> Column:
        return self._draws.uniform(table, column, *(key or (F.col("id"),)))
