"""activity_cost_standards: what activities to close care gaps cost."""

from __future__ import annotations

import datetime
from decimal import Decimal

from pyspark.sql import DataFrame

from payerlake import reference
from payerlake.contract.schema import Column, Table
from payerlake.person.world import World
from payerlake.quality.columns import CREATED, created
from payerlake.quality.settings import QualitySettings
from payerlake.sampling.frames import listed

CATEGORIES = ("Labor", "Administrative", "Technology", "Vendor")


def activity_cost_standards(world: World[QualitySettings]) -> DataFrame:
    """One row per kind of activity; key cost_standard_id. From conf/reference/activity_costs.csv."""
    since, made = datetime.date(world.settings.year, 1, 1), created(world)
    rows = [
        (i, row["activity_type"], Decimal(row["unit_cost"]), row["cost_category"], row["description"], since, made)
        for i, row in enumerate(reference.rows("activity_costs"), start=1)
    ]
    return listed(world.spark, rows, TABLE.schema())


TABLE = Table(
    dataset="quality",
    name="activity_cost_standards",
    grain="One row per kind of activity",
    key=("cost_standard_id",),
    csv_stem="activity_cost_standards",
    documented_rows="23",
    build=activity_cost_standards,
    unique=(("activity_type",),),
    columns=(
        Column("cost_standard_id", "bigint", "Standard, from 1", low=1),
        Column("activity_type", "varchar(50)", "Kind of activity"),
        Column("unit_cost", "decimal(8,2)", "Standard cost of one", low=0, unit="USD"),
        Column("cost_category", "varchar(50)", "Category of the cost", domain=CATEGORIES),
        Column("description", "varchar(500)", "What is done, in short"),
        Column("effective_date", "date", "Day from which it holds"),
        CREATED,
    ),
)
