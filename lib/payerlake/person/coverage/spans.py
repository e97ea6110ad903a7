"""Spans of cover: who is insured by what plan, through which group, from when to when; and on a day.

All of it is arithmetic on the keys of member and household: no join, no shuffle. The draws are the person's own,
whatever dataset asks: with equal settings a member has the same cover in every dataset.
"""

from __future__ import annotations

import datetime

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from payerlake.contract.settings import DatasetSettings, S
from payerlake.person.coverage import tenure
from payerlake.person.coverage.events import Events
from payerlake.person.coverage.groups import Groups
from payerlake.person.coverage.members import Members, has_dependents, last_past_year
from payerlake.person.coverage.offers import CLASSES, PAIR, Offers
from payerlake.person.coverage.plans import lines_of_business, plan_kinds
from payerlake.person.coverage.settings import DUAL, HISTORICAL, SINGLE, TRANSITION, CoverageSettings, stated
from payerlake.person.people import PERSON
from payerlake.person.world import World
from payerlake.sampling.distributions import constant_array, date_at, string_at
from payerlake.sampling.draws import Draws

_MODE_OF_SCENARIO = (0, 1, 2, 0)  # positions in offers.MODES


def solve(settings: CoverageSettings) -> None:
    """All that is worked out of coverage before Spark starts. Raises BadInput for settings that cannot be."""
    tenure.tenure(settings)
    _ = Offers(settings).tables, Groups(settings).first


def solve_in_common(settings: DatasetSettings) -> None:
    """The same for a dataset that has no settings of coverage, where its people's is that of all datasets."""
    if settings.population.in_common:
        solve(stated(settings))


def in_common(world: World[S]) -> Coverage:
    """The coverage that all datasets tell of, for one that has no settings of it."""
    return Coverage(world, stated(world.settings))


class Coverage:
    """The coverage of all members of a world."""

    def __init__(self, world: World[S], settings: CoverageSettings) -> None:
        self._settings, self._draws = settings, Draws(settings.seed, PERSON)
        self._members = Members(world, settings, self._draws)
        self._offers, self._groups = Offers(settings), Groups(settings)
        self._this_year, self._first_plan_year = settings.plan_year, settings.enrollments.first_plan_year

    def members(self, members_per_file: int) -> DataFrame:
        """One row per member, as `Members.frame` has it: what the functions below ask of."""
        return self._members.frame(members_per_file)

    def of(self, keys: DataFrame) -> DataFrame:
        """The same of the members of these keys, in column `id`."""
        return self._members.of(keys)

    def whole(self, members: DataFrame) -> DataFrame:
        """Adds to the frame of `members` the first day of all their cover, which has no gaps, and the last, null while
        it lasts: insured_from, insured_until."""
        now = F.when(F.col("scenario").isin(SINGLE, DUAL), F.col("this_start")).otherwise(F.col("last_start"))
        ended = F.when(F.col("scenario") == HISTORICAL, F.lit(datetime.date(self._this_year - 1, 12, 31)))
        first = F.when(F.col("past_rows") > 0, F.col("first_day")).otherwise(now)
        return members.select("*", first.alias("insured_from"), ended.alias("insured_until"))

    def special_enrollments(self, members: DataFrame) -> DataFrame:
        """One row per cover that began outside open enrollment, as `Events.occasions` has it."""
        return Events(self._settings.seasons, self._draws).occasions(members)

    def spans(self, members: DataFrame, *also: Column) -> DataFrame:
        """One row per member, plan and first day, in order of time, from the frame of `members`.

        effective_date, termination_date (null while it lasts), plan (position in plan_codes), group_number, and the
        columns `also`, computed once a member. The scenario of a member's household fixes the current rows; each past
        plan year has one terminated row. A household shares state, plan and group. Shares and rows: the settings.
        """
        rows = self._rows(members, also)
        with_year = rows.select("*", self._year().alias("year"))
        with_days = with_year.select("*", *self._days())
        return self._with_plan(with_days)

    def on(self, members: DataFrame, day: Column | datetime.date) -> DataFrame:
        """Adds to the frame of `members`, which may have columns more, what covers each of them on a day (date).

        line_of_business, plan, second_plan (of dual coverage; positions in plan_codes), group_number, subscriber (the
        key of the member who holds the cover): all null on a day without cover, as before the first.
        """
        asked = members.select("*", F.lit(day).alias("_day"), self._span_phase().alias("span_phase"))
        with_row = asked.select("*", *self._row_on_day())
        with_year = with_row.select(
            "*", F.when(F.col("is_past"), F.year("_day")).otherwise(self._current_year()).alias("year")
        )
        with_days = with_year.select("*", *self._days_on_day())
        with_plan = self._with_plan(with_days)
        is_dual = (F.col("scenario") == DUAL) & ~F.col("is_past")
        found = {
            "line_of_business": string_at(lines_of_business(), F.col("plan")),
            "plan": F.col("plan"),
            "second_plan": F.when(is_dual, PAIR.unpack("second", F.col("plans"))),
            "group_number": F.col("group_number"),
            "subscriber": F.col("household"),
        }
        is_covered = F.col("_day") >= F.col("effective_date")
        is_covered &= F.coalesce(F.col("_day") <= F.col("termination_date"), F.lit(True))
        return with_plan.select(*members.columns, *(F.when(is_covered, of).alias(name) for name, of in found.items()))

    def _row_on_day(self) -> list[Column]:
        """Which row a day falls into: one of a past plan year, else the scenario's, and of a transition the new one."""
        has_past = (F.col("past_rows") > 0) & (F.col("_day") >= F.col("first_day"))
        is_second = (F.col("scenario") == TRANSITION) & (F.col("_day") >= F.col("new_start"))
        return [
            (has_past & (F.year("_day") <= last_past_year(self._this_year))).alias("is_past"),
            is_second.alias("is_second"),
        ]

    def _days_on_day(self) -> list[Column]:
        of_past = F.greatest(F.col("first_day"), F.trunc("_day", "year"))
        return [
            F.when(F.col("is_past"), of_past).otherwise(_current_start()).alias("effective_date"),
            F.when(~F.col("is_past"), self._current_end()).alias("termination_date"),
        ]

    # rows

    def _rows(self, members: DataFrame, also: tuple[Column, ...]) -> DataFrame:
        """One row per row to make: the member's frame, `row` counting from the oldest, `is_past`, `is_second`."""
        scenario, past = F.col("scenario"), F.col("past_rows")
        current = F.when(scenario.isin(DUAL, TRANSITION), 2).otherwise(1)
        asked = members.select(
            "household", "size", "has_spouse", "scenario", "state_index", "past_rows", "first_day",
            "this_start", "last_start", "new_start", "first_is_65", "all_are_65", "head_is_19", "head_is_30",
            self._span_phase().alias("span_phase"), *also,
        )  # fmt: skip  # what it takes from the frame, then what it adds
        # A select of its own: what stands beside an explode is computed for every row that comes of it.
        rows = asked.select("*", F.explode(F.sequence(F.lit(0), past + current - 1)).alias("row"))
        return rows.select("*", (F.col("row") < past).alias("is_past"), (F.col("row") > past).alias("is_second"))

    def _year(self) -> Column:
        """The plan year of the row: that in which it begins."""
        of_past = last_past_year(self._this_year) - (F.col("past_rows") - 1 - F.col("row"))
        return F.when(F.col("is_past"), of_past).otherwise(self._current_year())

    def _current_year(self) -> Column:
        starts_this_year = F.col("scenario").isin(SINGLE, DUAL) | F.col("is_second")
        return F.when(starts_this_year, self._this_year).otherwise(self._this_year - 1)

    def _days(self) -> list[Column]:
        past = F.col("is_past")
        of_past = F.when(F.col("row") == 0, F.col("first_day")).otherwise(self._day_of_year(1, 1))
        return [
            F.when(past, of_past).otherwise(_current_start()).alias("effective_date"),
            F.when(past, self._day_of_year(12, 31)).otherwise(self._current_end()).alias("termination_date"),
        ]

    def _current_end(self) -> Column:
        """The last day of a row of the scenario, null while it lasts."""
        scenario = F.col("scenario")
        return F.when((scenario == TRANSITION) & ~F.col("is_second"), F.date_sub("new_start", 1)).when(
            scenario == HISTORICAL, F.lit(datetime.date(self._this_year - 1, 12, 31))
        )

    def _day_of_year(self, month: int, day: int) -> Column:
        """A day of the row's plan year."""
        first, last = self._first_plan_year, self._this_year
        return date_at([datetime.date(year, month, day) for year in range(first, last + 1)], F.col("year") - first)

    # plan and group of a row

    def _with_plan(self, rows: DataFrame) -> DataFrame:
        """Adds `plan` and `group_number` to rows that have `is_past`, `is_second`, `year` and `effective_date`."""
        span = F.when(F.col("is_past"), self._span(F.col("year"))).otherwise(F.lit(0).cast("bigint"))
        with_class = rows.select("*", self._class().alias("class"), span.alias("span"))
        with_plans = with_class.select("*", self._plans().alias("plans"))
        with_plan = with_plans.select("*", self._plan().alias("plan"))
        # The kind in a column of its own, since an expression that names it four times would look it up four times.
        with_kind = with_plan.select("*", F.get(constant_array(plan_kinds(), "int"), F.col("plan")).alias("kind"))
        return with_kind.select("*", self._group_number().alias("group_number"))

    def _class(self) -> Column:
        """The household's class on the row's first day; both rows of a transition have that of the new plan's day."""
        changes = (F.col("scenario") == TRANSITION) & ~F.col("is_past")
        now = _household_class(F.when(changes, F.col("new_start")).otherwise(F.col("effective_date")))
        is_senior = now.isin(CLASSES.index("senior"), CLASSES.index("senior_couple"))
        turned = changes & is_senior & (F.col("all_are_65") > F.col("last_start"))
        return F.when(turned, CLASSES.index("turning_65")).otherwise(now)

    def _span_phase(self) -> Column:
        """For how many years (bigint) the household has had its present plan."""
        u = self._draws.uniform("coverage", "spell", F.col("household"))
        return F.floor(u * self._settings.enrollments.years_with_a_plan)

    def _span(self, year: Column) -> Column:
        """The span (bigint) of a year: 0 for the household's present plan, 1 for the one before, …"""
        return F.floor((self._this_year - year + F.col("span_phase")) / self._settings.enrollments.years_with_a_plan)

    def _plans(self) -> Column:
        """The pair of plans of the row's span, packed as PAIR."""
        of_scenario = F.get(constant_array(_MODE_OF_SCENARIO, "int"), F.col("scenario"))
        mode = F.when(F.col("span") == 0, of_scenario).otherwise(0)
        u = self._draws.uniform("coverage", "plan", F.col("household"), F.col("span"))
        return self._offers.pair(F.col("class"), F.col("state_index"), mode, u)

    def _plan(self) -> Column:
        plans = F.col("plans")
        plan = F.when(F.col("is_second"), PAIR.unpack("second", plans)).otherwise(PAIR.unpack("first", plans))
        return self._offers.plan_held(plan, F.col("state_index"), F.col("year"))

    def _group_number(self) -> Column:
        """The number of the group of the plan's kind through which the household has its cover in this span."""
        kind, state_index = F.col("kind"), F.col("state_index")
        u = self._draws.uniform("coverage", "group", F.col("household"), F.col("span"))
        return self._groups.number(kind, state_index, self._groups.place(kind, state_index, u))


def _current_start() -> Column:
    """The first day of a row of the scenario."""
    scenario = F.col("scenario")
    return (
        F.when(scenario.isin(SINGLE, DUAL), F.col("this_start"))
        .when((scenario == TRANSITION) & F.col("is_second"), F.col("new_start"))
        .otherwise(F.col("last_start"))
    )


def _household_class(day: Column) -> Column:
    """The position in offers.CLASSES of the household on this day."""
    in_65, couple = day >= F.col("all_are_65"), F.col("has_spouse")
    at = {name: F.lit(i) for i, name in enumerate(CLASSES)}
    return (
        F.when((day >= F.col("first_is_65")) & (has_dependents() | ~in_65), at["mixed"])
        .when(in_65, F.when(couple, at["senior_couple"]).otherwise(at["senior"]))
        .when(F.col("size") > 1, at["family"])
        .when(day < F.col("head_is_19"), at["child"])
        .when(day < F.col("head_is_30"), at["young"])
        .otherwise(at["single"])
    )
