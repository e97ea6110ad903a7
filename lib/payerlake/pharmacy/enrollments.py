"""enrollments: which member held which plan, through which group, from when to when."""

from __future__ import annotations

import datetime

from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from payerlake.contract.schema import Column, Known, Reference, Table, until
from payerlake.person.households import ROLES
from payerlake.person.world import MEMBERS, World
from payerlake.pharmacy.coverage import DUAL, HISTORICAL, SINGLE, TRANSITION, Coverage
from payerlake.pharmacy.employer_groups import GROUP_NUMBER
from payerlake.pharmacy.members import MEMBER_NUMBER, member_number
from payerlake.pharmacy.offers import CLASSES, PAIR
from payerlake.pharmacy.plans import PLAN_CODE, plan_codes
from payerlake.pharmacy.settings import PharmacySettings
from payerlake.sampling.distributions import date_at, string_at


def enrollments(world: World[PharmacySettings]) -> DataFrame:
    """One row per member, plan and first day; key (member_number, plan_code, effective_date), in order of time.

    The scenario of a member's household fixes the current rows; each past plan year has one terminated row. A household
    shares state, plan and group. Shares and rows: the settings of `enrollments`, `seasons` and `plan_weights`.
    """
    coverage = Coverage(world)
    year = coverage.this_year.year
    rows = _rows_of_members(coverage, world)
    with_year = rows.select("*", _year(year).alias("year"))
    with_days = with_year.select("*", *_days(coverage, year))
    of_past = coverage.span(F.col("year"), F.col("span_phase"))
    span = F.when(F.col("is_past"), of_past).otherwise(F.lit(0).cast("bigint"))
    with_class = with_days.select("*", _class(coverage).alias("class"), span.alias("span"))
    with_plans = with_class.select("*", coverage.plans(F.col("class"), F.col("span")).alias("plans"))
    with_plan = with_plans.select("*", _plan(coverage).alias("plan"))
    # The kind in a column of its own, since an expression that names it four times would look it up four times.
    with_kind = with_plan.select("*", coverage.group_kind(F.col("plan")).alias("kind"))
    return with_kind.select(
        F.col("member_number"),
        string_at(plan_codes(), F.col("plan")).alias("plan_code"),
        coverage.group_number(F.col("kind"), F.col("span")).alias("group_number"),
        F.col("effective_date"),
        F.col("termination_date"),
        F.col("relationship"),
        F.col("termination_date").isNull().alias("is_active"),
    )


def _rows_of_members(coverage: Coverage, world: World[PharmacySettings]) -> DataFrame:
    """One row per row to make: the member's frame, `row` counting from the oldest, `is_past`, `is_second`."""
    scenario, past, key = F.col("scenario"), F.col("past_rows"), F.col("id")
    current = F.when(scenario.isin(DUAL, TRANSITION), 2).otherwise(1)
    members = coverage.members(world.settings.members_per_file.enrollments).select(
        "household", "size", "has_spouse", "scenario", "state_index", "past_rows", "first_day",
        "this_start", "last_start", "new_start", "first_is_65", "all_are_65", "head_is_19", "head_is_30",
        coverage.span_phase().alias("span_phase"),
        member_number(key).alias("member_number"),
        world.people.role(F.col("slot")).alias("relationship"),
    )  # fmt: skip  # what it takes from the frame, then what it adds
    # A select of its own: what stands beside an explode is computed for every row that comes of it.
    rows = members.select("*", F.explode(F.sequence(F.lit(0), past + current - 1)).alias("row"))
    return rows.select("*", (F.col("row") < past).alias("is_past"), (F.col("row") > past).alias("is_second"))


def _year(this_year: int) -> SparkColumn:
    """The plan year of the row: that in which it begins."""
    last_past = F.when(F.col("scenario").isin(TRANSITION, HISTORICAL), this_year - 2).otherwise(this_year - 1)
    of_past = last_past - (F.col("past_rows") - 1 - F.col("row"))
    return F.when(F.col("is_past"), of_past).otherwise(F.when(_starts_this_year(), this_year).otherwise(this_year - 1))


def _starts_this_year() -> SparkColumn:
    return F.col("scenario").isin(SINGLE, DUAL) | F.col("is_second")


def _days(coverage: Coverage, this_year: int) -> list[SparkColumn]:
    scenario, second, past = F.col("scenario"), F.col("is_second"), F.col("is_past")
    of_past = F.when(F.col("row") == 0, F.col("first_day")).otherwise(_day_of_year(coverage, 1, 1))
    of_current = (
        F.when(scenario.isin(SINGLE, DUAL), F.col("this_start"))
        .when((scenario == TRANSITION) & second, F.col("new_start"))
        .otherwise(F.col("last_start"))
    )
    end_of_current = F.when((scenario == TRANSITION) & ~second, F.date_sub("new_start", 1)).when(
        scenario == HISTORICAL, F.lit(datetime.date(this_year - 1, 12, 31))
    )
    return [
        F.when(past, of_past).otherwise(of_current).alias("effective_date"),
        F.when(past, _day_of_year(coverage, 12, 31)).otherwise(end_of_current).alias("termination_date"),
    ]


def _day_of_year(coverage: Coverage, month: int, day: int) -> SparkColumn:
    """A day of the row's plan year."""
    first, last = coverage.first_plan_year, coverage.this_year.year
    return date_at([datetime.date(year, month, day) for year in range(first, last + 1)], F.col("year") - first)


def _class(coverage: Coverage) -> SparkColumn:
    """The household's class on the row's first day; both rows of a transition have that of the new plan's day."""
    changes = (F.col("scenario") == TRANSITION) & ~F.col("is_past")
    now = coverage.household_class(F.when(changes, F.col("new_start")).otherwise(F.col("effective_date")))
    is_senior = now.isin(CLASSES.index("senior"), CLASSES.index("senior_couple"))
    turned = changes & is_senior & (F.col("all_are_65") > F.col("last_start"))
    return F.when(turned, CLASSES.index("turning_65")).otherwise(now)


def _plan(coverage: Coverage) -> SparkColumn:
    plans = F.col("plans")
    plan = F.when(F.col("is_second"), PAIR.unpack("second", plans)).otherwise(PAIR.unpack("first", plans))
    return coverage.offers.plan_held(plan, F.col("state_index"), F.col("year"))


TABLE = Table(
    dataset="pharmacy",
    name="enrollments",
    grain="One row per member, plan and first day of cover",
    key=("member_number", "plan_code", "effective_date"),
    csv_stem="us_pharmacy_enrollments",
    documented_rows="10,000,000 ±1 %",
    build=enrollments,
    spine=MEMBERS,
    expected_rows=lambda settings: settings.members * settings.enrollments.expected_rows_per_member,
    known=Known(
        since="effective_date",
        later={
            "termination_date": until("termination_date"),
            "is_active": "termination_date IS NULL OR termination_date > {day}",
        },
    ),
    references=(
        Reference(("member_number",), "members", ("member_number",)),
        Reference(("plan_code",), "plans", ("plan_code",)),
        Reference(("group_number",), "employer_groups", ("group_number",)),
    ),
    rules={
        "ends_after_start": "termination_date IS NULL OR termination_date >= effective_date",
        "active_is_open": "is_active = (termination_date IS NULL)",
    },
    columns=(
        Column("member_number", "varchar(50)", "Member", pattern=MEMBER_NUMBER, high_cardinality=True),
        Column("plan_code", "varchar(50)", "Plan", pattern=PLAN_CODE),
        Column(
            "group_number",
            "varchar(50)",
            "Group through which the plan is held",
            pattern=GROUP_NUMBER,
            high_cardinality=True,
        ),
        Column("effective_date", "date", "First day of cover"),
        Column("termination_date", "date", "Last day of cover; null while it lasts", nullable=True),
        Column("relationship", "varchar(20)", "Role towards the subscriber", domain=ROLES),
        Column("is_active", "boolean", "Whether the cover lasts"),
    ),
)
