"""enrollments: which member held which plan, through which group, from when to when."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from payerlake.contract.schema import Column, Known, Reference, Table, until
from payerlake.person.coverage.groups import GROUP_NUMBER
from payerlake.person.coverage.plans import plan_codes
from payerlake.person.coverage.spans import Coverage
from payerlake.person.households import ROLES
from payerlake.person.world import MEMBERS, World
from payerlake.pharmacy.members import MEMBER_NUMBER, member_number
from payerlake.pharmacy.plans import PLAN_CODE
from payerlake.pharmacy.settings import PharmacySettings
from payerlake.sampling.distributions import string_at


def enrollments(world: World[PharmacySettings]) -> DataFrame:
    """One row per member, plan and first day; key (member_number, plan_code, effective_date), in order of time.

    The spans of `person/coverage`. Shares and rows: the settings of `enrollments`, `seasons` and `plan_weights`.
    """
    coverage = Coverage(world, world.settings)
    spans = coverage.spans(
        coverage.members(world.settings.members_per_file.enrollments),
        member_number(F.col("id")).alias("member_number"),
        world.people.role(F.col("slot")).alias("relationship"),
    )
    return spans.select(
        F.col("member_number"),
        string_at(plan_codes(), F.col("plan")).alias("plan_code"),
        F.col("group_number"),
        F.col("effective_date"),
        F.col("termination_date"),
        F.col("relationship"),
        F.col("termination_date").isNull().alias("is_active"),
    )


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
