"""The course of a care gap: opened when, closed how, and what was done about it.

A row per gap from the roster, from which member_gaps, gap_closure_tracking and intervention_costs each take theirs; all
of it follows from the member's key and the measure.
"""

from __future__ import annotations

import datetime

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from payerlake import reference
from payerlake.person.world import World
from payerlake.quality.measures import LAB_RESULT, measures
from payerlake.quality.member_chronic_conditions import found
from payerlake.quality.roster import Roster
from payerlake.quality.settings import LAB_ORDER, NO_BARRIER, QualitySettings
from payerlake.sampling.distributions import bernoulli, choice, choice_index, integer, integer_at, table_choice
from payerlake.sampling.frames import in_a_new_method
from payerlake.sampling.packing import each, keeping

STATUSES = ("Open", "Closed", "Excluded")
OPEN, CLOSED, _ = range(len(STATUSES))
FOLLOW_UP = "Follow-up Contact"
CONFIRMED = "Appointment Confirmed"  # the outcome of a follow-up


class CareGaps:
    """The care gaps of one world."""

    def __init__(self, world: World[QualitySettings]) -> None:
        self._world, self._draws = world, world.draws
        self._settings: QualitySettings = world.settings
        self._gaps = self._settings.gaps
        self.methods = list(dict.fromkeys(name for measure in measures() for name in measure.methods))
        self.activities = list(dict.fromkeys([*self._gaps.activities, FOLLOW_UP]))

    def members(self, members_per_file: int) -> DataFrame:
        """The roster with its `conditions` and `gaps`, as far as they are known; a gap is from when the member is
        known to have what the measure is about."""
        roster, world = Roster(self._world), self._world
        diagnosed = roster.diagnosed(world.member_keys(members_per_file))
        lacking = roster.with_gaps(found(world, diagnosed))
        if world.settings.known_at is None:
            return lacking
        opened = keeping(lacking, "gaps", len(measures()), lambda measure: world.is_known(self._opened(measure)))
        return in_a_new_method(opened)

    def opened(self, members_per_file: int) -> DataFrame:
        """A row per gap: `id`, `zip` of the member; `measure` (position), `gap_id`, `status` (position), `opened`."""
        members = self.members(members_per_file).select("id", "zip", "gaps")
        gaps = each(members, "gaps", "measure", len(measures()))
        return gaps.select(
            "id",
            "zip",
            "measure",
            (F.col("id") * len(measures()) + F.col("measure") + 1).alias("gap_id"),
            self._status().alias("status"),
            self._opened(F.col("measure")).alias("opened"),
            integer(self._u("outreach_attempts"), 0, self._gaps.outreach_attempts).cast("int").alias("attempts"),
        )

    def closed(self, opened: DataFrame) -> DataFrame:
        """Adds `closed` (date) and `method` (position in `methods`) for closed gaps, null for the others."""
        low, high = ([getattr(m, name) for m in measures()] for name in ("days_from", "days_to"))
        days = integer(self._u("closed"), integer_at(low, F.col("measure")), integer_at(high, F.col("measure")))
        weights = [[m.methods.get(name, 0.0) for name in self.methods] for m in measures()]
        method = table_choice(self._u("method"), F.col("measure"), weights, list(range(len(self.methods))))
        is_closed = F.col("status") == CLOSED
        return opened.select(
            "*",
            F.when(is_closed, F.date_add(F.col("opened"), days.cast("int"))).alias("closed"),
            F.when(is_closed, method.cast("int")).alias("method"),
        )

    def tracked(self, closed: DataFrame) -> DataFrame:
        """Adds `has_first` and `has_second`, whether activities are tracked, and of the first `activity` (position in
        `activities`), `activity_date`, `outcome` and `assignee`. Nobody is tracked who was not reached out to."""
        gaps, most = self._gaps, self._gaps.outreach_attempts
        # Of all closed gaps so many are tracked, and they are found among those with an attempt, or with two.
        first = gaps.tracked * (most + 1) / most
        second = gaps.followed_up * most / (most - 1)
        is_first = (F.col("status") == CLOSED) & (F.col("attempts") >= 1) & bernoulli(self._u("tracked"), first)
        with_first = closed.select("*", is_first.alias("has_first"))
        is_second = F.col("has_first") & (F.col("attempts") >= 2) & bernoulli(self._u("followed_up"), second)
        latest = F.datediff(F.col("closed"), F.col("opened")) - gaps.follow_up_after
        shares = gaps.activities
        weights = [
            [shares.get(name, 0.0) * (name != LAB_ORDER or LAB_RESULT in m.methods) for name in self.activities]
            for m in measures()
        ]
        activity = table_choice(self._u("activity"), F.col("measure"), weights, list(range(len(self.activities))))
        return with_first.select(
            "*",
            is_second.alias("has_second"),
            activity.cast("int").alias("activity"),
            F.date_add(F.col("opened"), integer(self._u("activity_date"), 0, latest).cast("int")).alias(
                "activity_date"
            ),
            choice(self._u("outcome"), gaps.outcomes).alias("outcome"),
            choice(self._u("assignee"), gaps.assignees).alias("assignee"),
        )

    def activities_of(self, tracked: DataFrame) -> DataFrame:
        """A row per tracked activity: `gap_id`, `activity_id`, `type`, `date`, `outcome`, `assignee`, `is_second`."""
        numbers = F.sequence(F.lit(0), F.col("has_second").cast("int"))
        activities = tracked.where("has_first").select("*", F.explode(numbers).alias("number"))
        is_second = F.col("number") == 1
        return activities.select(
            "gap_id",
            self.activity_id(F.col("number")).alias("activity_id"),
            F.when(is_second, self.activities.index(FOLLOW_UP)).otherwise(F.col("activity")).alias("type"),
            self.activity_date(F.col("number")).alias("date"),
            F.when(is_second, CONFIRMED).otherwise(F.col("outcome")).alias("outcome"),
            F.when(is_second, self.second_assignee).otherwise(F.col("assignee")).alias("assignee"),
            is_second.alias("is_second"),
        )

    def activity_id(self, number: Column) -> Column:
        """The id of a gap's first (0) or second (1) activity."""
        return F.col("gap_id") * 2 - 1 + number

    def activity_date(self, number: Column) -> Column:
        """The day of a gap's first (0) or second (1) activity."""
        return F.date_add(F.col("activity_date"), number * self._gaps.follow_up_after)

    @property
    def second_assignee(self) -> str:
        """Who makes the second contact."""
        return next(iter(self._gaps.assignees))

    def barrier(self) -> Column:
        """What keeps the member of an open gap from the service, null where nothing is known."""
        barrier = choice(self._u("barrier"), self._gaps.barriers)
        return F.when((F.col("status") == OPEN) & (barrier != NO_BARRIER), barrier)

    def service_date(self) -> Column:
        """The day of the service that closed the gap, between opening and closing."""
        before = integer(self._u("service"), 0, self._gaps.service_before_closing).cast("int")
        return F.date_sub(F.col("closed"), before)

    def record_reviewed(self) -> Column:
        """Whether a review of the record is paid for, where one closes the gap."""
        return bernoulli(self._u("record_review"), self._gaps.record_review)

    def _opened(self, measure: Column) -> Column:
        """The day on which a gap in this measure (position, int) opens."""
        first = F.lit(datetime.date(self._settings.year, 1, 1))
        after = integer(self._u("opened", measure), 0, self._gaps.opened_within)
        return F.date_add(first, after.cast("int"))

    def _status(self) -> Column:
        return choice_index(self._u("status"), list(self._gaps.status.values()))

    def _u(self, column: str, measure: Column | None = None) -> Column:
        of = F.col("measure") if measure is None else measure
        return self._draws.uniform("member_gaps", column, F.col("id"), of)


def standard_cost(activity_type: str) -> tuple[float, str]:
    """The unit cost in USD and the category of an activity."""
    row = next(row for row in reference.rows("activity_costs") if row["activity_type"] == activity_type)
    return float(row["unit_cost"]), row["cost_category"]
