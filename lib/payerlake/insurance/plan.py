"""plan: what the insurers sell, five tiers each."""

from __future__ import annotations

from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from payerlake import reference
from payerlake.contract.schema import Column, Reference, Table
from payerlake.insurance.insurance import insurers
from payerlake.insurance.settings import PLAN_TIERS, InsuranceSettings, Plans
from payerlake.person.world import World
from payerlake.sampling.distributions import constant_array, string_at
from payerlake.sampling.draws import Draws
from payerlake.sampling.numbers import decimal


def plan_id(insurance_id: SparkColumn, tier: SparkColumn) -> SparkColumn:
    """The plan (bigint, from 1) of an insurer and the position of a tier."""
    return ((insurance_id - 1) * PLAN_TIERS + tier + 1).cast("bigint")


def base_rate(draws: Draws, plans: Plans, plan: SparkColumn) -> SparkColumn:
    """USD a month before age, state and coverage tier (decimal): the tier's, more or less by the insurer's own draw."""
    rates = constant_array([tier.base_rate for tier in plans.tiers.values()], "double")
    spread = 1 + plans.base_rate_spread * (2 * draws.uniform("plan", "base_rate", plan) - 1)
    tier = ((plan - 1) % PLAN_TIERS).cast("int")
    return decimal(F.get(rates, tier) * spread, 12, 2)


def plan(world: World[InsuranceSettings]) -> DataFrame:
    """One row per plan; key plan_id: five tiers of each insurer. Rates and deductibles: the settings' `plans`."""
    plans = world.settings.plans
    names = [row["insurance_name"] for row in reference.rows("insurers")]
    deductibles = constant_array([tier.deductible for tier in plans.tiers.values()], "double")
    keys = world.spark.range(1, insurers() * PLAN_TIERS + 1, 1, 1)
    place = ((F.col("id") - 1) % PLAN_TIERS).cast("int")
    insurer = F.floor((F.col("id") - 1) / PLAN_TIERS)
    return keys.select(
        F.col("id").alias("plan_id"),
        F.concat_ws(" ", string_at(names, insurer.cast("int")), string_at(plans.tiers, place)).alias("name"),
        (insurer + 1).alias("insurance_id"),
        base_rate(world.draws, plans, F.col("id")).alias("base_rate"),
        decimal(F.get(deductibles, place), 12, 2).alias("deductable"),
    )


TABLE = Table(
    dataset="insurance",
    name="plan",
    sql_name="PLAN",
    grain="One row per plan of an insurer",
    key=("plan_id",),
    csv_stem="plan",
    documented_rows="40",
    build=plan,
    unique=(("insurance_id", "name"),),
    references=(Reference(("insurance_id",), "insurance", ("insurance_id",)),),
    columns=(
        Column("plan_id", "bigint", "Plan, from 1: five an insurer, from catastrophic to platinum", low=1),
        Column("name", "varchar(255)", "Insurer and metal tier"),
        Column("insurance_id", "bigint", "Insurer", low=1),
        Column("base_rate", "decimal(12,2)", "Premium before age, state and coverage tier", low=0, unit="USD a month"),
        Column("deductable", "decimal(12,2)", "Deductible; the schema spells it so", low=0, unit="USD a year"),
    ),
)
