"""plan_performance: how the plans do in each measure, and how far they are from their aims."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal

from pyspark.sql import DataFrame

from payerlake import reference
from payerlake.contract.schema import Column, Index, Reference, Table
from payerlake.person.world import World
from payerlake.quality.columns import CREATED, PLAN_ID, created
from payerlake.quality.settings import QualitySettings
from payerlake.quality.star_thresholds import thresholds
from payerlake.sampling.frames import listed

_NO_STARS = Decimal("1.0")  # below the first threshold


def stars(measure_id: str, rate: Decimal) -> Decimal:
    """The stars that a rate (percent) has in a measure."""
    return max((s for s, percent in thresholds(measure_id).items() if percent <= rate), default=_NO_STARS)


def members_to_go(measure_id: str, denominator: int, numerator: int, target: Decimal) -> int:
    """How many more of those eligible need the service until the plan has the target's stars."""
    needed = (denominator * thresholds(measure_id)[target] / 100).to_integral_value(ROUND_CEILING)
    return max(0, int(needed) - numerator)


def plan_performance(world: World[QualitySettings]) -> DataFrame:
    """One row per plan and measure; key performance_id. Counts and aims from conf/reference/plan_performance.csv; rate,
    stars and members to go follow from them and from the thresholds."""
    rows = []
    for i, row in enumerate(reference.rows("plan_performance"), start=1):
        measure_id, target = row["measure_id"], Decimal(row["target_star_rating"])
        denominator, numerator = int(row["denominator"]), int(row["numerator"])
        exact = Decimal(100 * numerator) / denominator
        rate = exact.quantize(Decimal("0.01"), ROUND_HALF_UP)
        gap = members_to_go(measure_id, denominator, numerator, target)
        counts = (i, row["plan_id"], measure_id, world.settings.year, denominator, numerator, rate)
        rows.append((*counts, stars(measure_id, exact), target, gap, created(world)))
    return listed(world.spark, rows, TABLE.schema())


TABLE = Table(
    dataset="quality",
    name="plan_performance",
    grain="One row per plan and measure",
    key=("performance_id",),
    csv_stem="plan_performance",
    documented_rows="36",
    build=plan_performance,
    unique=(("plan_id", "measure_id", "measurement_year"),),
    indexes=(Index(("plan_id", "measurement_year"), name="idx_plan_perf_plan_year"),),
    references=(
        Reference(("plan_id",), "ma_plans", ("plan_id",)),
        Reference(("measure_id",), "hedis_measures", ("measure_id",)),
    ),
    rules={"numerator_within_denominator": "numerator <= denominator"},
    columns=(
        Column("performance_id", "bigint", "Row, from 1", low=1),
        Column("plan_id", "varchar(20)", "Plan", pattern=PLAN_ID),
        Column("measure_id", "varchar(20)", "Measure"),
        Column("measurement_year", "int", "Measurement year", low=2000),
        Column("denominator", "int", "Members of the whole plan who are eligible", low=1),
        Column("numerator", "int", "Those of them who had the service", low=0),
        Column("performance_rate", "decimal(5,2)", "Numerator of denominator", low=0, high=100, unit="percent"),
        Column("current_star_rating", "decimal(2,1)", "Stars of this rate by the thresholds", low=1, high=5),
        Column("target_star_rating", "decimal(2,1)", "Stars that the plan aims at", low=2, high=5),
        Column("gap_to_target", "int", "Members still to have the service until then", low=0),
        CREATED,
    ),
)
