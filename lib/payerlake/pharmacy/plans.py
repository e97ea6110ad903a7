"""plans: the 29 plan codes with every attribute of the plan that they denote."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from payerlake import reference
from payerlake.contract.schema import Column, Table
from payerlake.person.world import World
from payerlake.pharmacy.settings import PharmacySettings
from payerlake.sampling.frames import listed

PLAN_CODE = r"^[A-Z]+-[A-Z]+-\d{3}$"
PLAN_TYPES = (
    "COMMERCIAL", "MEDICARE", "MEDICAID", "EXCHANGE", "EMPLOYER", "UNION", "VA", "TRICARE", "FEHB", "CHIP",
    "INDIVIDUAL",
)  # fmt: skip  # a list of names fills its lines
PLAN_CATEGORIES = (
    "PLATINUM", "GOLD", "SILVER", "BRONZE", "HDHP", "PART_D_BASIC", "PART_D_ENHANCED", "MAPD", "MEDIGAP", "STANDARD",
    "EXPANSION", "TRADITIONAL", "PREMIUM", "CATASTROPHIC",
)  # fmt: skip  # a list of names fills its lines


def plans(world: World[PharmacySettings]) -> DataFrame:
    """One row per plan code; key plan_code. Figures: `conf/reference/pharmacy_plans.csv`, which names their source."""
    rows = [row | {"effective_date": f"{world.settings.plan_year}-01-01"} for row in reference.rows("pharmacy_plans")]
    names = TABLE.column_names
    text = listed(world.spark, [[row[name] for name in names] for row in rows], ", ".join(f"{n} string" for n in names))
    return text.select(*(F.col(c.name).cast(c.spark_type).alias(c.name) for c in TABLE.columns))


def _copay(tier: int) -> Column:
    return Column(
        f"tier{tier}_copay", "decimal(10,2)", f"Copay of tier {tier}; 0: the coinsurance holds", low=0, unit="USD"
    )


def _coinsurance(tier: int) -> Column:
    name = f"tier{tier}_coinsurance"
    return Column(
        name, "decimal(5,2)", f"Member's share of the cost in tier {tier}, where there is no copay", low=0, high=1
    )


TABLE = Table(
    dataset="pharmacy",
    name="plans",
    grain="One row per plan code",
    key=("plan_code",),
    csv_stem="us_pharmacy_plans",
    documented_rows="29",
    build=plans,
    columns=(
        Column("plan_code", "varchar(50)", "Plan: family, category, number", pattern=PLAN_CODE),
        Column("plan_name", "varchar(200)", "Name of the plan"),
        Column("plan_type", "varchar(20)", "Line of business", domain=PLAN_TYPES),
        Column("plan_category", "varchar(20)", "Metal level or kind of benefit", domain=PLAN_CATEGORIES),
        Column("effective_date", "date", "First day of the benefits shown here: 1 January of the plan year"),
        Column("annual_deductible", "decimal(10,2)", "Deductible a year", low=0, unit="USD"),
        Column(
            "out_of_pocket_max",
            "decimal(10,2)",
            "Most that a member pays a year; 0: no such limit applies",
            low=0,
            unit="USD",
        ),
        *(_copay(tier) for tier in range(1, 6)),
        *(_coinsurance(tier) for tier in range(1, 6)),
        Column("mail_order_available", "boolean", "Whether drugs come by mail"),
        Column("specialty_pharmacy_required", "boolean", "Whether specialty drugs come from specialty pharmacies only"),
        Column("description", "varchar(255)", "What kind of cover it is"),
    ),
)
