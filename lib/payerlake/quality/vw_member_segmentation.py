"""vw_member_segmentation: members by plan, region, risk, age and sex, with what they lack."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from payerlake import reference
from payerlake.contract.schema import Column, Table
from payerlake.contract.spine import WHOLE
from payerlake.person.world import World
from payerlake.quality.care_gaps import CareGaps
from payerlake.quality.columns import PLAN_ID
from payerlake.quality.plan_members import risk_units
from payerlake.quality.segments import (
    AGE_BANDS,
    HIGHEST_CATEGORY,
    OLDEST_BAND,
    RISK_CATEGORIES,
    age_band,
    age_band_sql,
    risk_category,
    risk_category_sql,
)
from payerlake.quality.settings import QualitySettings
from payerlake.quality.zip_code_reference import DENSITIES
from payerlake.sampling.distributions import string_at
from payerlake.sampling.numbers import quotient

_KEY = ("plan_id", "region_type", "risk_category", "age_band", "gender")


def vw_member_segmentation(world: World[QualitySettings]) -> DataFrame:
    """One row per plan, kind of region, risk category, age band and sex that has members."""
    settings = world.settings
    lacking = CareGaps(world).members(settings.members_per_file.plan_members)
    members = lacking.select("*", risk_units(F.col("risk")).alias("units"))
    regions = [row["region_type"] for row in reference.rows("pittsburgh_zip_codes")]
    with_segment = members.select(
        "plan",
        string_at(regions, F.col("zip")).alias("region_type"),
        risk_category(F.col("units")).alias("risk_category"),
        age_band(settings).alias("age_band"),
        F.col("sex").alias("gender"),
        "units",
        F.bit_count("conditions").alias("conditions"),
        F.bit_count("gaps").alias("gaps"),
    )
    counted = with_segment.groupBy("plan", *_KEY[1:]).agg(
        F.count("*").alias("member_count"),
        *[F.sum(name).alias(name) for name in ("units", "conditions", "gaps")],
    )
    names = [row["plan_name"] for row in reference.rows("ma_plans")]
    return counted.coalesce(1).select(
        string_at(settings.plans, F.col("plan")).alias("plan_id"),
        string_at(names, F.col("plan")).alias("plan_name"),
        *_KEY[1:],
        "member_count",
        quotient(F.col("units"), F.col("member_count") * 1000, 5, 3).alias("avg_risk_score"),
        quotient(F.col("conditions"), F.col("member_count"), 5, 2).alias("avg_conditions_per_member"),
        F.col("gaps").alias("total_care_gaps"),
        quotient(F.col("gaps"), F.col("member_count"), 5, 2).alias("gaps_per_member"),
    )


def sql(settings: QualitySettings) -> str:
    """The same in a database: each member once, with what the member has, and only then grouped."""
    return f"""
SELECT m.plan_id, p.plan_name, z.region_type, m.risk_category, m.age_band, m.gender,
       COUNT(*) AS member_count,
       ROUND(SUM(CAST(m.risk_score AS DECIMAL(20,10))) / COUNT(*), 3) AS avg_risk_score,
       ROUND(CAST(SUM(m.conditions) AS DECIMAL(30,10)) / COUNT(*), 2) AS avg_conditions_per_member,
       SUM(m.gaps) AS total_care_gaps,
       ROUND(CAST(SUM(m.gaps) AS DECIMAL(30,10)) / COUNT(*), 2) AS gaps_per_member
FROM (SELECT pm.plan_id, pm.zip_code, pm.gender, pm.risk_score,
             {risk_category_sql("pm.risk_score")} AS risk_category,
             {age_band_sql("pm.date_of_birth", settings)} AS age_band,
             COALESCE(c.conditions, 0) AS conditions, COALESCE(g.gaps, 0) AS gaps
      FROM plan_members pm
      LEFT JOIN (SELECT member_id, COUNT(*) AS conditions FROM member_chronic_conditions GROUP BY member_id) c
             ON c.member_id = pm.member_id
      LEFT JOIN (SELECT member_id, COUNT(*) AS gaps FROM member_gaps GROUP BY member_id) g
             ON g.member_id = pm.member_id) m
JOIN ma_plans p ON p.plan_id = m.plan_id
JOIN zip_code_reference z ON z.zip_code = m.zip_code
GROUP BY m.plan_id, p.plan_name, z.region_type, m.risk_category, m.age_band, m.gender"""


TABLE = Table(
    dataset="quality",
    name="vw_member_segmentation",
    grain="One row per plan, kind of region, risk category, age band and sex that has members",
    key=_KEY,
    csv_stem="vw_member_segmentation",
    documented_rows="-",
    build=vw_member_segmentation,
    spine=WHOLE,
    view=sql,
    columns=(
        Column("plan_id", "varchar(20)", "Plan", pattern=PLAN_ID),
        Column("plan_name", "varchar(200)", "Name of the plan"),
        Column("region_type", "varchar(20)", "Kind of region", domain=tuple(DENSITIES)),
        Column(
            "risk_category",
            "varchar(20)",
            "Risk score: below 1, 2, 3, or above",
            domain=(*RISK_CATEGORIES.values(), HIGHEST_CATEGORY),
        ),
        Column("age_band", "varchar(10)", "Age at the end of the year", domain=(*AGE_BANDS.values(), OLDEST_BAND)),
        Column("gender", "char(1)", "Sex", domain=("F", "M", "U")),
        Column("member_count", "bigint", "Members", low=1),
        Column("avg_risk_score", "decimal(5,3)", "Mean risk score", low=0),
        Column("avg_conditions_per_member", "decimal(5,2)", "Chronic conditions a member", low=0),
        Column("total_care_gaps", "bigint", "Care gaps", low=0),
        Column("gaps_per_member", "decimal(5,2)", "Care gaps a member", low=0),
    ),
)
