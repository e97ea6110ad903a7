"""Coverage: what a household's insurance is and was. Shared by every table that tells of enrollments.

`members` has one row per member with all that the member's rows follow from; the functions below it turn a day of
coverage into plan and group. All of it is arithmetic on the keys of member and household: no join, no shuffle.
"""

from __future__ import annotations

import datetime
from functools import cached_property

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from payerlake.contract.population import years_before
from payerlake.person.world import World, planned_once
from payerlake.pharmacy import tenure
from payerlake.pharmacy.employer_groups import Groups
from payerlake.pharmacy.offers import CLASSES, Offers, plan_kinds
from payerlake.pharmacy.settings import SCENARIOS, PharmacySettings
from payerlake.sampling.distributions import bernoulli, choice_index, constant_array, ordered_choice, string_at
from payerlake.sampling.packing import Fields

SINGLE, DUAL, TRANSITION, HISTORICAL = range(4)
_MODE_OF_SCENARIO = (0, 1, 2, 0)  # positions in offers.MODES
_MONTHS = 12
TURNED_65 = "TURNED_65"
_NEEDS_SPOUSE = "MARRIAGE"
_EVENT = Fields(month=4, event=27)  # the event by its position in `events`


class Coverage:
    """The coverage of all households of a world."""

    def __init__(self, world: World[PharmacySettings]) -> None:
        self._world = world
        self._people = world.people
        self._settings = world.settings
        year = world.settings.plan_year
        self.first_plan_year = world.settings.enrollments.first_plan_year
        self.this_year, self.last_year = datetime.date(year, 1, 1), datetime.date(year - 1, 1, 1)
        self.offers, self.groups = Offers(world.settings), Groups(world.settings)

    @cached_property
    def _tenure(self) -> tenure.Tenure:
        return tenure.tenure(self._settings)

    # one row per member

    def members(self, members_per_file: int) -> DataFrame:
        """One row per member, key `id`.

        slot, household, size, has_spouse, scenario (position in SCENARIOS), state_index · birth_date and those of the
        household's adults as the days from which classes change · past_rows: rows of past plan years · first_day: of
        the first of them · this_start, last_start, new_start: days on which the scenario's rows begin · first_event,
        transition_event: packed as _EVENT.
        """
        return self._members(self._world.member_keys(members_per_file))

    @planned_once
    def _members(self, keys: DataFrame) -> DataFrame:
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
        with_turning_days = with_births.select("*", *self._turning_days())
        with_starts = with_turning_days.select("*", *self._starts(), *self._tenures())
        return with_starts.select("*", *self._history())

    def _turning_days(self) -> list[Column]:
        """Days on which the household's class changes: the older and the younger adult turn 65, the head 19 and 30."""
        head, spouse = F.col("head_birth"), F.col("spouse_birth")
        return [
            _birthday(F.least(head, spouse), 65).alias("first_is_65"),
            _birthday(F.greatest(head, spouse), 65).alias("all_are_65"),
            _birthday(head, 19).alias("head_is_19"),
            _birthday(head, 30).alias("head_is_30"),
        ]

    def _starts(self) -> list[Column]:
        birth = F.col("birth_date")
        event = self._event("transition")
        by_65 = self._turns_65_within()
        month = F.when(by_65, F.month("all_are_65") + 1).otherwise(_EVENT.unpack("month", event))
        return [
            F.greatest(F.lit(self.this_year), birth).alias("this_start"),
            F.greatest(F.lit(self.last_year), birth).alias("last_start"),
            F.make_date(F.lit(self.this_year.year), month, F.lit(1)).alias("new_start"),
            F.when(by_65, _EVENT.pack(event=self.events.index(TURNED_65))).otherwise(event).alias("transition_event"),
        ]

    def _turns_65_within(self) -> Column:
        """Whether the household becomes one of Medicare age in time for a change on a first of February to November."""
        year = self.this_year.year
        inside = F.col("all_are_65").between(F.lit(datetime.date(year, 1, 2)), F.lit(datetime.date(year, 10, 31)))
        return inside & ~self._has_dependents()

    def _tenures(self) -> list[Column]:
        """The first plan year of the household, and the first in which this person could be covered."""
        year, head = self.this_year.year, F.col("household")
        years = year - self.first_plan_year
        kind = (
            F.when(self._has_dependents(), tenure.FAMILY)
            .when(F.col("has_spouse"), tenure.COUPLE)
            .otherwise(tenure.ALONE)
        )
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
        last = F.when(F.col("scenario").isin(TRANSITION, HISTORICAL), self.this_year.year - 2).otherwise(
            self.this_year.year - 1
        )
        rows = F.greatest(last - first_year + 1, F.lit(0)) if self._settings.enrollments.history else F.lit(0)
        head = F.col("household")
        special = bernoulli(self._uniform("special", head), self._settings.seasons.special_share)
        event = self._event("first")
        is_with_household = first_year == F.col("household_year")
        month = F.when(is_with_household & special, _EVENT.unpack("month", event)).otherwise(1)
        return [
            rows.cast("int").alias("past_rows"),
            F.greatest(F.make_date(first_year, month, F.lit(1)), birth).alias("first_day"),
            F.when(is_with_household & special, event).alias("first_event"),
        ]

    def _has_dependents(self) -> Column:
        return F.col("size") > F.when(F.col("has_spouse"), 2).otherwise(1)

    # qualifying events

    @cached_property
    def events(self) -> list[str]:
        """Names of the qualifying events, turning 65 last."""
        return [*self._settings.seasons.events, TURNED_65]

    @cached_property
    def _event_months(self) -> list[tuple[int, int, float, bool]]:
        """(event, month, weight, needs a spouse) for each cell that a household may draw."""
        return [
            (i, month, event.weight * weight / sum(event.months.values()), name == _NEEDS_SPOUSE)
            for i, (name, event) in enumerate(self._settings.seasons.events.items())
            for month, weight in event.months.items()
        ]

    def _event(self, occasion: str) -> Column:
        """Event and month of this occasion, packed."""
        u = self._uniform("event", F.col("household"), occasion)
        cells = self._event_months
        packed = constant_array([_EVENT.pack(event=event, month=month) for event, month, _, _ in cells], "int")
        anyone = choice_index(u, [0.0 if needs_spouse else weight for _, _, weight, needs_spouse in cells])
        couples = choice_index(u, [weight for _, _, weight, _ in cells])
        return F.get(packed, F.when(F.col("has_spouse"), couples).otherwise(anyone))

    def event_name(self, event: Column) -> Column:
        """The name of a packed event."""
        return string_at(self.events, _EVENT.unpack("event", event))

    # plan and group on a day

    def household_class(self, day: Column) -> Column:
        """The position in offers.CLASSES of the household on this day."""
        in_65, couple = day >= F.col("all_are_65"), F.col("has_spouse")
        at = {name: F.lit(i) for i, name in enumerate(CLASSES)}
        return (
            F.when((day >= F.col("first_is_65")) & (self._has_dependents() | ~in_65), at["mixed"])
            .when(in_65, F.when(couple, at["senior_couple"]).otherwise(at["senior"]))
            .when(F.col("size") > 1, at["family"])
            .when(day < F.col("head_is_19"), at["child"])
            .when(day < F.col("head_is_30"), at["young"])
            .otherwise(at["single"])
        )

    def span_phase(self) -> Column:
        """For how many years (bigint) the household has had its present plan."""
        return F.floor(self._uniform("spell", F.col("household")) * self._settings.enrollments.years_with_a_plan)

    def span(self, year: Column, phase: Column) -> Column:
        """The enrollment span (bigint) of a year: 0 for the household's present plan, 1 for the one before, …"""
        return F.floor((self.this_year.year - year + phase) / self._settings.enrollments.years_with_a_plan)

    def plans(self, household_class: Column, span: Column) -> Column:
        """The pair of plans of this span, packed as PAIR of offers."""
        mode = F.when(span == 0, F.get(constant_array(_MODE_OF_SCENARIO, "int"), F.col("scenario"))).otherwise(0)
        u = self._world.draws.uniform("coverage", "plan", F.col("household"), span)
        return self.offers.pair(household_class, F.col("state_index"), mode, u)

    def group_kind(self, plan: Column) -> Column:
        """The kind (position in KINDS) of group through which this plan (position) is held."""
        return F.get(constant_array(plan_kinds(), "int"), plan)

    def group_number(self, kind: Column, span: Column) -> Column:
        """The number of the group of this kind through which the household has its coverage in this span."""
        u = self._world.draws.uniform("coverage", "group", F.col("household"), span)
        place = self.groups.place(kind, F.col("state_index"), u)
        return self.groups.number(kind, F.col("state_index"), place)

    def _uniform(self, column: str, key: Column, draw: str = "") -> Column:
        return self._world.draws.uniform("coverage", column, key, draw=draw)


def _birthday(birth: Column, years: int) -> Column:
    return F.add_months(birth, years * _MONTHS)
