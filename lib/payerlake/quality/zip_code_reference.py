"""zip_code_reference: where the members live."""

from __future__ import annotations

from pyspark.sql import DataFrame

from payerlake import reference
from payerlake.contract.schema import Column, Reference, Table
from payerlake.person.world import World
from payerlake.quality.columns import PLAN_ID
from payerlake.quality.settings import QualitySettings
from payerlake.sampling.frames import listed

DENSITIES = {"Urban": "High", "Suburban": "Medium", "Rural": "Low"}


def zip_code_reference(world: World[QualitySettings]) -> DataFrame:
    """One row per ZIP code; key zip_code. From conf/reference/pittsburgh_zip_codes.csv."""
    rows = [
        (
            row["zip_code"],
            row["city"],
            row["county"],
            "PA",
            row["region_type"],
            DENSITIES[row["region_type"]],
            int(row["avg_household_income"]),
            row["primary_plan_id"],
        )
        for row in reference.rows("pittsburgh_zip_codes")
    ]
    return listed(world.spark, rows, TABLE.schema())


TABLE = Table(
    dataset="quality",
    name="zip_code_reference",
    grain="One row per ZIP code",
    key=("zip_code",),
    csv_stem="zip_code_reference",
    documented_rows="30",
    build=zip_code_reference,
    references=(Reference(("primary_plan_id",), "ma_plans", ("plan_id",)),),
    columns=(
        Column("zip_code", "varchar(10)", "ZIP code", pattern=r"^\d{5}$"),
        Column("city", "varchar(100)", "City"),
        Column("county", "varchar(100)", "County"),
        Column("state", "char(2)", "State", domain=("PA",)),
        Column("region_type", "varchar(20)", "Kind of region", domain=tuple(DENSITIES)),
        Column("population_density", "varchar(20)", "Density of population", domain=tuple(DENSITIES.values())),
        Column("avg_household_income", "int", "Mean household income", low=0, unit="USD a year"),
        Column("primary_plan_id", "varchar(20)", "The plan that is strongest there", pattern=PLAN_ID),
    ),
)
