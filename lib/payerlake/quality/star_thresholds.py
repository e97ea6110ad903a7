"""star_thresholds: from which rate a plan has how many stars."""

from __future__ import annotations

from decimal import Decimal

from pyspark.sql import DataFrame

from payerlake import reference
from payerlake.contract.schema import Column, Reference, Table
from payerlake.person.world import World
from payerlake.quality.columns import CREATED, created
from payerlake.quality.settings import QualitySettings
from payerlake.sampling.frames import listed

STARS = ("2.0", "2.5", "3.0", "3.5", "4.0", "4.5", "5.0")
_PERCENTILES = ("20th", "30th", "40th", "50th", "60th", "70th", "80th")


def thresholds(measure_id: str) -> dict[Decimal, Decimal]:
    """Percent from which there are so many stars, fewest first."""
    row = next(row for row in reference.rows("star_thresholds") if row["measure_id"] == measure_id)
    return {Decimal(stars): Decimal(row[stars]) for stars in STARS}


def star_thresholds(world: World[QualitySettings]) -> DataFrame:
    """One row per measure and star rating; key threshold_id. From conf/reference/star_thresholds.csv."""
    rows = [
        (world.settings.year, row["measure_id"], Decimal(stars), Decimal(row[stars]), f"{percentile} percentile")
        for row in reference.rows("star_thresholds")
        for stars, percentile in zip(STARS, _PERCENTILES, strict=True)
    ]
    numbered = [
        (i, measure_id, year, stars, percent, label, created(world))
        for i, (year, measure_id, stars, percent, label) in enumerate(rows, start=1)
    ]
    return listed(world.spark, numbered, TABLE.schema())


TABLE = Table(
    dataset="quality",
    name="star_thresholds",
    grain="One row per measure and star rating",
    key=("threshold_id",),
    csv_stem="star_thresholds",
    documented_rows="84",
    build=star_thresholds,
    unique=(("measure_id", "measurement_year", "star_rating"),),
    references=(Reference(("measure_id",), "hedis_measures", ("measure_id",)),),
    columns=(
        Column("threshold_id", "bigint", "Threshold, from 1", low=1),
        Column("measure_id", "varchar(20)", "Measure"),
        Column("measurement_year", "int", "Measurement year", low=2000),
        Column("star_rating", "decimal(2,1)", "Stars from this rate on", low=2, high=5),
        Column("threshold_pct", "decimal(5,2)", "Rate from which on", low=0, high=100, unit="percent"),
        Column("cut_point_type", "varchar(20)", "Percentile of the plans that the rate stands for"),
        CREATED,
    ),
)
