"""plan_members: who is in the plans."""

from __future__ import annotations

import datetime

from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from payerlake import reference
from payerlake.contract.schema import Column, Index, Known, Reference, Table
from payerlake.person.world import MEMBERS, World
from payerlake.quality.columns import CREATED, MEMBER_ID, PLAN_ID, created_column, member_id
from payerlake.quality.member_chronic_conditions import found
from payerlake.quality.roster import Roster
from payerlake.quality.settings import QualitySettings
from payerlake.sampling.distributions import string_at
from payerlake.sampling.numbers import decimal

RISK_DIGITS = 3


def risk_units(risk: SparkColumn) -> SparkColumn:
    """The risk score in thousandths (bigint): rounded down, or it would reach the next band."""
    return F.floor(risk * 10**RISK_DIGITS)


def plan_members(world: World[QualitySettings]) -> DataFrame:
    """One row per member; key member_id. Plans, homes, ages and risk: the settings' parts of these names."""
    roster, settings = Roster(world), world.settings
    members = found(world, roster.diagnosed(world.member_keys(settings.members_per_file.plan_members)))
    zips = [row["zip_code"] for row in reference.rows("pittsburgh_zip_codes")]
    codes = [F.when(roster.has_any((code,)), code) for code in settings.conditions.codes]
    return members.select(
        member_id(F.col("id")).alias("member_id"),
        string_at(settings.plans, F.col("plan")).alias("plan_id"),
        F.col("birth_date").alias("date_of_birth"),
        F.col("sex").alias("gender"),
        string_at(zips, F.col("zip")).alias("zip_code"),
        F.lit(datetime.date(settings.year, 1, 1)).alias("enrollment_date"),
        F.lit(None).cast("date").alias("disenrollment_date"),
        F.lit(True).alias("is_active"),
        decimal(risk_units(F.col("risk")) / 10**RISK_DIGITS, 5, RISK_DIGITS).alias("risk_score"),
        F.when(F.col("conditions") != 0, F.concat_ws(",", *codes)).alias("chronic_conditions"),
        created_column(world),
    )


TABLE = Table(
    dataset="quality",
    name="plan_members",
    grain="One row per member",
    key=("member_id",),
    csv_stem="plan_members",
    documented_rows="10,000",
    build=plan_members,
    spine=MEMBERS,
    expected_rows=lambda settings: settings.members,
    known=Known(since="enrollment_date", later={"chronic_conditions": "", CREATED.name: ""}),
    references=(
        Reference(("plan_id",), "ma_plans", ("plan_id",)),
        Reference(("zip_code",), "zip_code_reference", ("zip_code",)),
    ),
    indexes=(
        Index(("plan_id", "zip_code"), name="idx_members_plan_zip", where="is_active"),
        Index(("plan_id", "is_active"), name="idx_plan_members_active"),
    ),
    rules={"born_before_enrollment": "date_of_birth < enrollment_date"},
    columns=(
        Column(
            "member_id", "varchar(50)", "Member: M and at least eight digits", pattern=MEMBER_ID, high_cardinality=True
        ),
        Column("plan_id", "varchar(20)", "Plan", pattern=PLAN_ID),
        Column("date_of_birth", "date", "Birth date"),
        Column("gender", "char(1)", "Sex", domain=("F", "M", "U")),
        Column("zip_code", "varchar(10)", "ZIP code of the home", pattern=r"^\d{5}$"),
        Column("enrollment_date", "date", "First day of cover in the measurement year"),
        Column("disenrollment_date", "date", "Last day of cover; null: goes on, as it does for all", nullable=True),
        Column("is_active", "boolean", "Whether cover goes on"),
        Column("risk_score", "decimal(5,3)", "Risk score; 1 is an average member of Medicare", low=0),
        Column(
            "chronic_conditions",
            "varchar(500)",
            "Codes of the chronic conditions, with commas, in the catalogue's order; null: none",
            nullable=True,
        ),
        CREATED,
    ),
)
