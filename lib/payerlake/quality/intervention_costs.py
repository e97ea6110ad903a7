"""intervention_costs: what was paid to close care gaps."""

from __future__ import annotations

from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from payerlake.contract.schema import Column, Index, Known, Reference, Table
from payerlake.person.world import MEMBERS, World
from payerlake.quality.activity_cost_standards import CATEGORIES
from payerlake.quality.care_gaps import FOLLOW_UP, CareGaps, standard_cost
from payerlake.quality.columns import CREATED, created_column
from payerlake.quality.gap_closure_tracking import expected_activities
from payerlake.quality.measures import LAB_RESULT, RECORD_REVIEW
from payerlake.quality.settings import QualitySettings
from payerlake.sampling.distributions import number_at, string_at
from payerlake.sampling.numbers import decimal

VENDOR_TEAM, VENDOR = "Vendor Team", "Kestrelrun Outreach"  # who works for whom; invented
_REVIEWS = {RECORD_REVIEW: "Medical Record Review", LAB_RESULT: "Lab Result Review"}  # paid for, by method of closure
_PER_GAP = 4  # two activities, two reviews


def intervention_costs(world: World[QualitySettings]) -> DataFrame:
    """One row per cost: of each tracked activity, and of the review by which a gap was closed; key cost_id."""
    care = CareGaps(world)
    kinds = [*care.activities, *_REVIEWS.values()]
    gaps = care.closed(care.opened(world.settings.members_per_file.intervention_costs))
    tracked = care.tracked(world.known(gaps, F.col("closed")))
    by_method = {name: care.methods.index(name) for name in _REVIEWS if name in care.methods}
    rows = tracked.select(
        "gap_id", F.explode(F.filter(F.array(*_costs(care, kinds, by_method)), lambda cost: cost["due"])).alias("cost")
    )
    costs = [standard_cost(kind) for kind in kinds]
    unit = number_at([cost for cost, _ in costs], F.col("cost.kind"))
    return rows.select(
        (F.col("gap_id") * _PER_GAP - _PER_GAP + 1 + F.col("cost.place")).alias("cost_id"),
        "gap_id",
        F.when(F.col("cost.place") < 2, care.activity_id(F.col("cost.place"))).alias("activity_id"),
        F.col("cost.date").alias("cost_date"),
        string_at(kinds, F.col("cost.kind")).alias("activity_type"),
        decimal(unit, 8, 2).alias("unit_cost"),
        F.lit(1).alias("quantity"),
        decimal(unit, 10, 2).alias("total_cost"),
        string_at([category for _, category in costs], F.col("cost.kind")).alias("cost_category"),
        F.when(F.col("cost.assignee") == VENDOR_TEAM, VENDOR).alias("vendor_name"),
        F.when(F.col("cost.place") < 2, "Tracked activity")
        .otherwise("Review by which the gap was closed")
        .alias("notes"),
        created_column(world),
    )


def _costs(care: CareGaps, kinds: list[str], by_method: dict[str, int]) -> list[SparkColumn]:
    """What a gap may cost: two activities and two reviews, of which those are due that took place."""

    def cost(place: int, due: SparkColumn, date: SparkColumn, kind: SparkColumn, assignee: SparkColumn) -> SparkColumn:
        parts = {"place": F.lit(place), "due": due, "date": date, "kind": kind, "assignee": assignee}
        return F.struct(*[part.alias(name) for name, part in parts.items()])

    nobody = F.lit(None).cast("string")
    costs = [
        cost(0, F.col("has_first"), F.col("activity_date"), F.col("activity"), F.col("assignee")),
        cost(
            1,
            F.col("has_second"),
            care.activity_date(F.lit(1)),
            F.lit(kinds.index(FOLLOW_UP)),
            F.lit(care.second_assignee),
        ),
    ]
    for place, method in enumerate(_REVIEWS, start=2):
        if method in by_method:
            due = F.coalesce(F.col("method") == by_method[method], F.lit(False))
            paid = care.record_reviewed() if method == RECORD_REVIEW else F.lit(True)
            costs.append(cost(place, due & paid, F.col("closed"), F.lit(len(care.activities) + place - 2), nobody))
    return costs


TABLE = Table(
    dataset="quality",
    name="intervention_costs",
    grain="One row per cost of closing a care gap",
    key=("cost_id",),
    csv_stem="intervention_costs",
    documented_rows="about 4,300",
    may_be_empty=True,
    build=intervention_costs,
    spine=MEMBERS,
    expected_rows=expected_activities,
    known=Known(later={CREATED.name: ""}),
    references=(
        Reference(("gap_id",), "member_gaps", ("gap_id",)),
        Reference(("activity_id",), "gap_closure_tracking", ("activity_id",)),
        Reference(("activity_type",), "activity_cost_standards", ("activity_type",)),
    ),
    indexes=(Index(("gap_id", "cost_date"), name="idx_intervention_costs_gap"),),
    rules={"total_is_unit_times_quantity": "total_cost = unit_cost * quantity"},
    columns=(
        Column("cost_id", "bigint", "Cost", low=1, high_cardinality=True),
        Column("gap_id", "bigint", "Care gap", low=1, high_cardinality=True),
        Column(
            "activity_id",
            "bigint",
            "Tracked activity; null: a review by which the gap was closed",
            nullable=True,
            low=1,
            high_cardinality=True,
        ),
        Column("cost_date", "date", "Day of the activity or of the closure"),
        Column("activity_type", "varchar(50)", "Kind of activity"),
        Column("unit_cost", "decimal(8,2)", "Standard cost of one", low=0, unit="USD"),
        Column("quantity", "int", "How many", low=1),
        Column("total_cost", "decimal(10,2)", "Unit cost times quantity", low=0, unit="USD"),
        Column("cost_category", "varchar(50)", "Category of the cost", domain=CATEGORIES),
        Column("vendor_name", "varchar(100)", "Contractor; null: none; invented", nullable=True),
        Column("notes", "varchar(500)", "What the cost is for"),
        CREATED,
    ),
)
