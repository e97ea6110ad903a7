"""hedis_measures: what quality is measured by."""

from __future__ import annotations

from decimal import Decimal

from pyspark.sql import DataFrame

from payerlake import reference
from payerlake.contract.schema import Column, Table
from payerlake.person.world import World
from payerlake.quality.columns import CREATED, created
from payerlake.quality.settings import QualitySettings
from payerlake.sampling.frames import listed

DOMAINS = ("Diabetes", "Cardiovascular", "Cancer Screening", "Care Coordination", "Health Equity")
TYPES = ("Process", "Intermediate Outcome", "Outcome", "Composite")


def hedis_measures(world: World[QualitySettings]) -> DataFrame:
    """One row per quality measure; key measure_id. From conf/reference/hedis_measures.csv."""
    rows = [
        (
            row["measure_id"],
            row["measure_name"],
            row["measure_description"],
            row["domain"],
            row["measure_type"],
            Decimal(row["star_weight"]),
            Decimal(row["revenue_per_point"]),
            row["data_collection"],
            created(world),
        )
        for row in reference.rows("hedis_measures")
    ]
    return listed(world.spark, rows, TABLE.schema())


TABLE = Table(
    dataset="quality",
    name="hedis_measures",
    grain="One row per quality measure",
    key=("measure_id",),
    csv_stem="hedis_measures",
    documented_rows="12",
    build=hedis_measures,
    columns=(
        Column("measure_id", "varchar(20)", "Measure, by its usual abbreviation"),
        Column("measure_name", "varchar(200)", "Name of the measure"),
        Column("measure_description", "varchar(500)", "What it looks at, in short"),
        Column("domain", "varchar(50)", "Field of care", domain=DOMAINS),
        Column("measure_type", "varchar(50)", "What is measured: process or outcome", domain=TYPES),
        Column("star_weight", "decimal(3,2)", "Weight in the star rating", low=0),
        Column("revenue_per_point", "decimal(10,2)", "Worth of a whole star to a plan", low=0, unit="USD"),
        Column("data_collection", "varchar(50)", "Where the data come from", domain=("Administrative", "Hybrid")),
        CREATED,
    ),
)
