"""ma_plans: the Medicare Advantage plans of the portfolio."""

from __future__ import annotations

from decimal import Decimal

from pyspark.sql import DataFrame

from payerlake import reference
from payerlake.contract.schema import Column, Table
from payerlake.person.world import World
from payerlake.quality.columns import CREATED, PLAN_ID, created
from payerlake.quality.settings import QualitySettings
from payerlake.sampling.frames import listed


def ma_plans(world: World[QualitySettings]) -> DataFrame:
    """One row per plan; key plan_id. From conf/reference/ma_plans.csv."""
    rows = [
        (
            row["plan_id"],
            row["plan_name"],
            row["parent_organization"],
            row["state"],
            int(row["total_enrollment"]),
            Decimal(row["current_star_rating"]),
            Decimal(row["prior_year_star_rating"]),
            Decimal(row["quality_bonus_pct"]),
            Decimal(row["monthly_premium_avg"]),
            True,
            created(world),
        )
        for row in reference.rows("ma_plans")
    ]
    return listed(world.spark, rows, TABLE.schema())


TABLE = Table(
    dataset="quality",
    name="ma_plans",
    grain="One row per Medicare Advantage plan",
    key=("plan_id",),
    csv_stem="ma_plans",
    documented_rows="3",
    build=ma_plans,
    columns=(
        Column("plan_id", "varchar(20)", "Plan: contract and number", pattern=PLAN_ID),
        Column("plan_name", "varchar(200)", "Name of the plan; invented"),
        Column("parent_organization", "varchar(200)", "Who offers it; invented"),
        Column("state", "varchar(2)", "State in which the plan is registered", pattern="^[A-Z]{2}$"),
        Column("total_enrollment", "int", "Members of the whole plan, of whom the dataset has some", low=1),
        Column("current_star_rating", "decimal(2,1)", "Overall stars", low=1, high=5),
        Column("prior_year_star_rating", "decimal(2,1)", "Overall stars of the year before", low=1, high=5),
        Column("quality_bonus_pct", "decimal(4,2)", "Quality bonus", low=0, high=100, unit="percent"),
        Column("monthly_premium_avg", "decimal(8,2)", "Mean premium", low=0, unit="USD a month"),
        Column("is_active", "boolean", "Whether it is offered"),
        CREATED,
    ),
)
