"""gap_closure_tracking: what was done to close care gaps."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from payerlake.contract.schema import Column, Known, Reference, Table
from payerlake.person.world import MEMBERS, World
from payerlake.quality.care_gaps import CareGaps
from payerlake.quality.columns import CREATED, created_column
from payerlake.quality.member_gaps import expected_gaps
from payerlake.quality.settings import QualitySettings
from payerlake.sampling.distributions import string_at


def expected_activities(settings: QualitySettings) -> float:
    """About how many activities are tracked: for progress alone."""
    gaps = settings.gaps
    return expected_gaps(settings) * gaps.status["Closed"] * gaps.tracked * (1 + gaps.followed_up)


def gap_closure_tracking(world: World[QualitySettings]) -> DataFrame:
    """One row per tracked activity for a closed gap; key activity_id. The settings' `gaps`."""
    care = CareGaps(world)
    gaps = care.closed(care.opened(world.settings.members_per_file.gap_closure_tracking))
    known = world.known(gaps, F.col("closed"))
    rows = care.activities_of(care.tracked(known))
    after = f"Follow-up after {world.settings.gaps.follow_up_after} days"
    return rows.select(
        "activity_id",
        "gap_id",
        F.col("date").alias("activity_date"),
        string_at(care.activities, F.col("type")).alias("activity_type"),
        "outcome",
        F.col("assignee").alias("assigned_to"),
        F.when(F.col("is_second"), after).otherwise("First contact").alias("notes"),
        created_column(world),
    )


TABLE = Table(
    dataset="quality",
    name="gap_closure_tracking",
    grain="One row per tracked activity for a closed care gap",
    key=("activity_id",),
    csv_stem="gap_closure_tracking",
    documented_rows="about 3,200",
    may_be_empty=True,
    build=gap_closure_tracking,
    spine=MEMBERS,
    expected_rows=expected_activities,
    known=Known(later={CREATED.name: ""}),
    references=(
        Reference(("gap_id",), "member_gaps", ("gap_id",)),
        Reference(("activity_type",), "activity_cost_standards", ("activity_type",)),
    ),
    columns=(
        Column("activity_id", "bigint", "Activity", low=1, high_cardinality=True),
        Column("gap_id", "bigint", "Care gap", low=1, high_cardinality=True),
        Column("activity_date", "date", "Day of the activity"),
        Column("activity_type", "varchar(50)", "Kind of activity"),
        Column("outcome", "varchar(100)", "What came of it"),
        Column("assigned_to", "varchar(100)", "Who did it; invented"),
        Column("notes", "varchar(500)", "First contact or follow-up"),
        CREATED,
    ),
)
