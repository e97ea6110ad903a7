"""The members of a world with all that their spans of cover follow from: one row a member, by arithmetic on keys."""

from __future__ import annotations

import datetime
from functools import cached_property

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from payerlake.contract.population import years_before
from payerlake.contract.settings import S
from payerlake.person.coverage import tenure
from payerlake.person.coverage.events import EVENT, Events
from payerlake.person.coverage.settings import HISTORICAL, SCENARIOS, TRANSITION, CoverageSettings
from payerlake.person.world import World
from payerlake.sampling.distributions import bernoulli, constant_array, ordered_choice
from payerlake.sampling.draws import Draws

_MONTHS = 12


class Members:
    """The members of a world."""

    def __init__(self, world: World[S], settings: CoverageSettings, draws: Draws) -> None:
        self._world, self._people, self._settings, self._draws = world, world.people, settings, draws
        self._events = Events(settings.seasons, draws)
        year = settings.plan_year
        self.this_year, self.last_year = datetime.date(year, 1, 1), datetime.date(year - 1, 1, 1)

    @cached_property
    def _tenure(self) -> tenure.Tenure:
        return tenure.tenure(self._settings)

    def frame(self, members_per_file: int) -> DataFrame:
        """One row per member, key `id`, of all members in files of so many.

        slot, household, size, has_spouse, scenario (position in SCENARIOS), state_index · birth_date and those of the
        household's adults as the days from which classes change · past_rows: rows of past plan years · first_day: of
        the first of them · this_start, last_start, new_start: days on which the scenario's rows begin · first_event,
        transition_event: packed as EVENT.
        """
        return self.of(self._world.member_keys(members_per_file))

    def of(self, keys: DataFrame) -> DataFrame:
        """The same of the members of these keys, in column `id`."""
        # Planned once for all tables that ask alike; of one world, other settings are another frame.
        return self._world.once((f"coverage {self._settings!r}", id(keys)), lambda: self._frame(keys), of=keys)

    def _frame(self, keys: DataFrame) -> DataFrame:
        people, key, slot, head = self._people, F.col("id"), F.col("slot"), F.col("household")
        with_slot = keys.select("id", people.slot(key).alias("slot"))
        with_household = with_slot.select(
            "id",
            "slot",
            people.household(key, slot).alias("household"),
            people.household_size(slot).alias("size"),
            people.has_spouse(slot).alias("has_spouse"),
        )
        spouse = F.when(F.col("has_spouse"), head + 1).otherwise(head)
        scenarios = {str(i): self._settings.enrollments.scenarios[name] for i, name in enumerate(SCENARIOS)}
        with_adults = with_household.select(
            "*", people.slot(head).alias("head_slot"), spouse.alias("spouse"), people.slot(spouse).alias("spouse_slot")
        )
        with_births = with_adults.select(
            "*",
            people.birth_date(key, slot).alias("birth_date"),
            people.birth_date(head, F.col("head_slot")).alias("head_birth"),
            people.birth_date(F.col("spouse"), F.col("spouse_slot")).alias("spouse_birth"),
            ordered_choice(self._uniform("scenario", head), scenarios).cast("int").alias("scenario"),
            people.state_index(head).alias("state_index"),
        )
        with_turning_days = with_births.select("*", *_turning_days())
        with_starts = with_turning_days.select("*", *self._starts(), *self._tenures())
        return with_starts.select("*", *self._history())

    def _starts(self) -> list[Column]:
        birth = F.col("birth_date")
        event = self._events.drawn("transition")
        by_65 = self._turns_65_within()
        month = F.when(by_65, F.month("all_are_65") + 1).otherwise(EVENT.unpack("month", event))
        return [
            F.greatest(F.lit(self.this_year), birth).alias("this_start"),
            F.greatest(F.lit(self.last_year), birth).alias("last_start"),
            F.make_date(F.lit(self.this_year.year), month, F.lit(1)).alias("new_start"),
            F.when(by_65, self._events.turned_65).otherwise(event).alias("transition_event"),
        ]

    def _turns_65_within(self) -> Column:
        """Whether the household becomes one of Medicare age in time for a change on a first of February to November."""
        year = self.this_year.year
        inside = F.col("all_are_65").between(F.lit(datetime.date(year, 1, 2)), F.lit(datetime.date(year, 10, 31)))
        return inside & ~has_dependents()

    def _tenures(self) -> list[Column]:
        """The first plan year of the household, and the first in which this person could be covered."""
        year, head = self.this_year.year, F.col("household")
        years = year - self._settings.enrollments.first_plan_year
        kind = F.when(has_dependents(), tenure.FAMILY).when(F.col("has_spouse"), tenure.COUPLE).otherwise(tenure.ALONE)
        power = F.get(constant_array([1.0 / a for a in self._tenure.exponents], "double"), kind)
        household_year = year - F.floor((years + 1) * F.pow(self._uniform("tenure", head), power))
        head_start = F.greatest(household_year, self._first_possible_year(F.col("head_birth"), F.lit(False)))
        is_dependent = F.col("id") - head >= F.when(F.col("has_spouse"), 2).otherwise(1)
        own = self._first_possible_year(F.col("birth_date"), is_dependent)
        return [
            head_start.cast("int").alias("household_year"),
            F.greatest(head_start, own).cast("int").alias("first_year"),
        ]

    def _first_possible_year(self, birth: Column, is_dependent: Column) -> Column:
        """Children from the year of birth; subscribers and spouses from the first 1 January on which they are 18."""
        is_child = is_dependent | (birth > F.lit(years_before(self.this_year, 18)))
        return F.when(is_child, F.year(birth)).otherwise(F.year(F.date_sub(_birthday(birth, 18), 1)) + 1)

    def _history(self) -> list[Column]:
        """How many past years have a row of their own, and when the first begins."""
        first_year, birth = F.col("first_year"), F.col("birth_date")
        rows = F.greatest(last_past_year(self.this_year.year) - first_year + 1, F.lit(0))
        head = F.col("household")
        special = bernoulli(self._uniform("special", head), self._settings.seasons.special_share)
        event = self._events.drawn("first")
        is_with_household = first_year == F.col("household_year")
        month = F.when(is_with_household & special, EVENT.unpack("month", event)).otherwise(1)
        return [
            (rows if self._settings.enrollments.history else F.lit(0)).cast("int").alias("past_rows"),
            F.greatest(F.make_date(first_year, month, F.lit(1)), birth).alias("first_day"),
            F.when(is_with_household & special, event).alias("first_event"),
        ]

    def _uniform(self, column: str, key: Column) -> Column:
        return self._draws.uniform("coverage", column, key)


def last_past_year(this_year: int) -> Column:
    """The last plan year that has a row of its own, before those of the scenario."""
    ends_late = F.col("scenario").isin(TRANSITION, HISTORICAL)  # whose row of last year is the scenario's
    return F.when(ends_late, this_year - 2).otherwise(this_year - 1)


def has_dependents() -> Column:
    """Whether the household has members beside head and spouse."""
    return F.col("size") > F.when(F.col("has_spouse"), 2).otherwise(1)


def _turning_days() -> list[Column]:
    """Days on which the household's class changes: the older and the younger adult turn 65, the head 19 and 30."""
    head, spouse = F.col("head_birth"), F.col("spouse_birth")
    return [
        _birthday(F.least(head, spouse), 65).alias("first_is_65"),
        _birthday(F.greatest(head, spouse), 65).alias("all_are_65"),
        _birthday(head, 19).alias("head_is_19"),
        _birthday(head, 30).alias("head_is_30"),
    ]


def _birthday(birth: Column, years: int) -> Column:
    return F.add_months(birth, years * _MONTHS)
