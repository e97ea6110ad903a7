"""vw_condition_impact: who has the chronic conditions, and what they lack."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from payerlake.contract.schema import Column, Table
from payerlake.contract.spine import WHOLE
from payerlake.person.world import World
from payerlake.quality.care_gaps import CareGaps
from payerlake.quality.chronic_conditions_reference import CONDITION_CODE, chronic_conditions_reference
from payerlake.quality.member_chronic_conditions import with_conditions
from payerlake.quality.plan_members import risk_units
from payerlake.quality.settings import QualitySettings
from payerlake.sampling.distributions import string_at
from payerlake.sampling.numbers import quotient


def vw_condition_impact(world: World[QualitySettings]) -> DataFrame:
    """One row per chronic condition, also of those that nobody has."""
    members = (
        CareGaps(world)
        .members(world.settings.members_per_file.plan_members)
        .select("conditions", risk_units(F.col("risk")).alias("units"), F.bit_count("gaps").alias("gaps"))
    )
    counted = (
        with_conditions(world, members)
        .groupBy("condition")
        .agg(F.count("*").alias("members"), F.sum("units").alias("units"), F.sum("gaps").alias("gaps"))
    )
    code = string_at(world.settings.conditions.codes, F.col("condition"))
    with_code = counted.select("*", code.alias("condition_code"))
    catalogue = chronic_conditions_reference(world).coalesce(1)
    everybody = F.lit(world.settings.members).cast("bigint")
    return catalogue.join(F.broadcast(with_code), "condition_code", "left").select(
        "condition_code",
        "condition_name",
        "comorbidity_group",
        F.coalesce("members", F.lit(0)).alias("affected_members"),
        quotient(F.coalesce("members", F.lit(0)) * 100, everybody, 5, 2).alias("prevalence_pct_actual"),
        quotient(F.col("units"), F.col("members") * 1000, 5, 3).alias("avg_risk_score"),
        F.coalesce("gaps", F.lit(0)).alias("total_gaps"),
        quotient(F.col("gaps"), F.col("members"), 5, 2).alias("gaps_per_affected_member"),
    )


def sql(_settings: QualitySettings) -> str:
    """The same in a database: the gaps of a member are counted before they meet the member's conditions."""
    return """
SELECT r.condition_code, r.condition_name, r.comorbidity_group,
       COUNT(m.member_id) AS affected_members,
       ROUND(CAST(COUNT(m.member_id) * 100 AS DECIMAL(30,10)) / (SELECT COUNT(*) FROM plan_members), 2)
           AS prevalence_pct_actual,
       ROUND(SUM(CAST(m.risk_score AS DECIMAL(20,10))) / NULLIF(COUNT(m.member_id), 0), 3) AS avg_risk_score,
       COALESCE(SUM(g.gaps), 0) AS total_gaps,
       ROUND(CAST(COALESCE(SUM(g.gaps), 0) AS DECIMAL(30,10)) / NULLIF(COUNT(m.member_id), 0), 2)
           AS gaps_per_affected_member
FROM chronic_conditions_reference r
LEFT JOIN member_chronic_conditions c ON c.condition_code = r.condition_code
LEFT JOIN plan_members m ON m.member_id = c.member_id
LEFT JOIN (SELECT member_id, COUNT(*) AS gaps FROM member_gaps GROUP BY member_id) g ON g.member_id = m.member_id
GROUP BY r.condition_code, r.condition_name, r.comorbidity_group"""


TABLE = Table(
    dataset="quality",
    name="vw_condition_impact",
    grain="One row per chronic condition",
    key=("condition_code",),
    csv_stem="vw_condition_impact",
    documented_rows="17",
    build=vw_condition_impact,
    spine=WHOLE,
    view=sql,
    columns=(
        Column("condition_code", "varchar(20)", "ICD-10-CM category", pattern=CONDITION_CODE),
        Column("condition_name", "varchar(200)", "Name of the condition"),
        Column("comorbidity_group", "varchar(50)", "Group of conditions"),
        Column("affected_members", "bigint", "Members who have it", low=0),
        Column("prevalence_pct_actual", "decimal(5,2)", "Of all members", low=0, high=100, unit="percent"),
        Column("avg_risk_score", "decimal(5,3)", "Their mean risk score; null: nobody", nullable=True, low=0),
        Column("total_gaps", "bigint", "Their care gaps", low=0),
        Column("gaps_per_affected_member", "decimal(5,2)", "Care gaps a member; null: nobody", nullable=True, low=0),
    ),
)
