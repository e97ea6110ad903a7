"""member_condition: which member has which condition, found when."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from payerlake.contract.schema import Column, Index, Reference, Table
from payerlake.insurance.health import Health
from payerlake.insurance.prevalence import prevalence
from payerlake.insurance.settings import InsuranceSettings
from payerlake.person.world import MEMBERS, World
from payerlake.sampling.frames import in_a_new_method
from payerlake.sampling.packing import each


def member_condition(world: World[InsuranceSettings]) -> DataFrame:
    """One row per member and condition; key (member_id, condition_id, diagnostic_date).

    Prevalence, risks and comorbidity: the settings' `conditions`. The member's conditions are found from the key; the
    one join is with the catalogue, broadcast.
    """
    health = Health(world)
    people = health.people(world.member_keys(world.settings.members_per_file.member_condition))
    profiled = in_a_new_method(health.profiled(people).select("id", "days", "s", "cell", "profile"))
    diagnosed = in_a_new_method(health.diagnosed(profiled).select("id", "days", "cell", "profile", "conditions"))
    # No filter of those without: Spark would push it below the steps that find the conditions, and find them twice.
    conditions = each(health.dated(diagnosed), "conditions", "position", len(world.settings.conditions.used))
    numbered = conditions.select("*", (F.col("position") + 1).alias("condition_id"))
    return numbered.select(
        (F.col("id") + 1).alias("member_id"),
        F.col("condition_id").cast("bigint").alias("condition_id"),
        health.diagnostic_date().alias("diagnostic_date"),
    )


TABLE = Table(
    dataset="insurance",
    name="member_condition",
    sql_name="MEMBER_CONDITION",
    grain="One row per member and condition",
    key=("member_id", "condition_id", "diagnostic_date"),
    csv_stem="member_condition",
    documented_rows="about 150,000",
    may_be_empty=True,
    build=member_condition,
    spine=MEMBERS,
    expected_rows=lambda settings: settings.members * prevalence(settings).conditions_per_member,
    references=(
        Reference(("member_id",), "members", ("member_id",), on_delete="CASCADE"),
        Reference(("condition_id",), "condition", ("condition_id",)),
    ),
    indexes=(Index(("diagnostic_date",)),),
    columns=(
        Column("member_id", "bigint", "Member", low=1, sql_name="Member_ID", high_cardinality=True),
        Column("condition_id", "bigint", "Condition", low=1, sql_name="Condition_ID"),
        Column("diagnostic_date", "date", "Day on which it was found", sql_name="Diagnostic_date"),
    ),
)
