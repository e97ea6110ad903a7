"""member_gaps: what the members lack, by measure."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from payerlake.contract.schema import Column, Index, Known, Reference, Table, until
from payerlake.person.world import MEMBERS, World
from payerlake.quality.care_gaps import STATUSES, CareGaps
from payerlake.quality.columns import CREATED, MEMBER_ID, created_column, member_id
from payerlake.quality.measures import measures
from payerlake.quality.settings import QualitySettings
from payerlake.sampling.distributions import integer_at, string_at

_END = "coalesce(gap_closed_date, make_date(measurement_year, 12, 31))"
_LATER = {
    "gap_status": "IF(gap_closed_date > {day}, 'Open', gap_status)",
    "gap_closed_date": until("gap_closed_date"),
    **{
        name: f"IF(gap_closed_date > {{day}}, NULL, {name})"
        for name in ("closure_method", "last_service_date", "next_due_date")
    },
    # As if they had been made at even distances until the gap was closed, or the year over.
    "outreach_attempts": f"IF({_END} <= {{day}}, outreach_attempts, int(outreach_attempts * "
    f"datediff({{day}}, gap_opened_date) DIV datediff({_END}, gap_opened_date)))",
    CREATED.name: "",
}
"""What is known of a gap before it is closed."""


def expected_gaps(settings: QualitySettings) -> float:
    """About how many gaps there are: for progress alone."""
    return settings.members * sum(plan.share * plan.gaps_per_member for plan in settings.plans.values())


def member_gaps(world: World[QualitySettings]) -> DataFrame:
    """One row per member and measure with a care gap; key gap_id. How many, and their course: the settings' `gaps`."""
    care = CareGaps(world)
    rows = care.closed(care.opened(world.settings.members_per_file.member_gaps)).select(
        "*", care.service_date().alias("service")
    )
    again = integer_at([measure.again_after for measure in measures()], F.col("measure"))
    return rows.select(
        "gap_id",
        member_id(F.col("id")).alias("member_id"),
        string_at([measure.measure_id for measure in measures()], F.col("measure")).alias("measure_id"),
        F.lit(world.settings.year).alias("measurement_year"),
        string_at(STATUSES, F.col("status")).alias("gap_status"),
        F.col("opened").alias("gap_opened_date"),
        F.col("closed").alias("gap_closed_date"),
        string_at(care.methods, F.col("method")).alias("closure_method"),
        F.col("service").alias("last_service_date"),
        F.add_months(F.col("service"), again).alias("next_due_date"),
        F.col("attempts").alias("outreach_attempts"),
        care.barrier().alias("barrier_code"),
        created_column(world),
    )


TABLE = Table(
    dataset="quality",
    name="member_gaps",
    grain="One row per member and measure with a care gap",
    key=("gap_id",),
    csv_stem="member_gaps",
    documented_rows="about 13,150",
    may_be_empty=True,
    build=member_gaps,
    spine=MEMBERS,
    expected_rows=expected_gaps,
    known=Known(since="gap_opened_date", later=_LATER),
    unique=(("member_id", "measure_id", "measurement_year"),),
    references=(
        Reference(("member_id",), "plan_members", ("member_id",)),
        Reference(("measure_id",), "hedis_measures", ("measure_id",)),
    ),
    indexes=(
        Index(("member_id", "measure_id", "measurement_year"), name="idx_gaps_member_measure"),
        Index(("gap_status", "measure_id"), name="idx_gaps_status_measure", where="measurement_year = 2024"),
        Index(("gap_opened_date",), name="idx_gaps_opened_date", where="gap_status = 'Open'"),
        Index(("gap_status", "measurement_year"), name="idx_member_gaps_status"),
        Index(("measure_id", "gap_status"), name="idx_member_gaps_measure"),
    ),
    rules={
        "closed_where_closed": "(gap_status = 'Closed') = (gap_closed_date IS NOT NULL)",
        "method_where_closed": "(gap_status = 'Closed') = (closure_method IS NOT NULL)",
        "service_where_closed": "(gap_status = 'Closed') = (last_service_date IS NOT NULL)",
        "barrier_only_where_open": "barrier_code IS NULL OR gap_status = 'Open'",
        "dates_in_order": "gap_closed_date IS NULL OR "
        "(gap_opened_date <= last_service_date AND last_service_date <= gap_closed_date)",
        "due_after_service": "next_due_date IS NULL OR next_due_date > last_service_date",
    },
    columns=(
        Column("gap_id", "bigint", "Care gap", low=1, high_cardinality=True),
        Column("member_id", "varchar(50)", "Member", pattern=MEMBER_ID, high_cardinality=True),
        Column("measure_id", "varchar(20)", "Measure that the member is eligible for"),
        Column("measurement_year", "int", "Measurement year", low=2000),
        Column("gap_status", "varchar(20)", "What became of it", domain=STATUSES),
        Column("gap_opened_date", "date", "Day on which it was seen"),
        Column("gap_closed_date", "date", "Day on which it was closed; null: it was not", nullable=True),
        Column("closure_method", "varchar(50)", "What proved the service; null: not closed", nullable=True),
        Column("last_service_date", "date", "Day of the service that closed it", nullable=True),
        Column("next_due_date", "date", "Day on which the service is due again", nullable=True),
        Column("outreach_attempts", "int", "How often the member was contacted about it", low=0),
        Column("barrier_code", "varchar(50)", "What keeps the member; null: not known", nullable=True),
        CREATED,
    ),
)
