"""special_enrollments: why cover began on another day than 1 January."""

from __future__ import annotations

from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from payerlake.contract.schema import Column, Known, Reference, Table
from payerlake.person.world import MEMBERS, World
from payerlake.pharmacy.coverage import HISTORICAL, TRANSITION, TURNED_65, Coverage
from payerlake.pharmacy.members import MEMBER_NUMBER, member_number
from payerlake.pharmacy.settings import PharmacySettings
from payerlake.sampling.distributions import integer

BIRTH = "BIRTH"
_WINDOW = 60  # days after the event in which one may enroll: 45 CFR 155.420(c)


def special_enrollments(world: World[PharmacySettings]) -> DataFrame:
    """One row per enrollment that began outside open enrollment; key (member_number, effective_date).

    Newborns are covered from birth; whoever turned 65 from the first of the next month; the rest from a first of the
    month at most 60 days after the event. A household shares event and day.
    """
    coverage = Coverage(world)
    members = coverage.members(world.settings.members_per_file.special_enrollments)
    occasions = members.select(
        "id", "household", "birth_date", "all_are_65", F.explode(_occasions(coverage)).alias("occasion")
    ).select("id", "household", "birth_date", "all_are_65", "occasion.*")
    event, effective = F.col("event_type"), F.col("effective_date")
    before = world.draws.uniform("special_enrollments", "event_date", F.col("household"), effective)
    earlier = F.date_sub(effective, integer(before, 1, _WINDOW).cast("int"))
    return occasions.select(
        member_number(F.col("id")).alias("member_number"),
        event,
        F.when(event == BIRTH, F.col("birth_date"))
        .when(event == TURNED_65, F.col("all_are_65"))
        .otherwise(earlier)
        .alias("event_date"),
        effective,
    )


def _occasions(coverage: Coverage) -> SparkColumn:
    """The member's special enrollments as an array of (event_type, effective_date)."""
    has_past = F.col("past_rows") > 0
    first_day = (
        F.when(has_past, F.col("first_day"))
        .when(F.col("scenario").isin(TRANSITION, HISTORICAL), F.col("last_start"))
        .otherwise(F.col("this_start"))
    )
    born = first_day == F.col("birth_date")
    first = F.when(born, BIRTH).when(
        has_past & F.col("first_event").isNotNull(), coverage.event_name(F.col("first_event"))
    )
    changed = F.when(F.col("scenario") == TRANSITION, coverage.event_name(F.col("transition_event")))
    occasions = F.array(_occasion(first, first_day), _occasion(changed, F.col("new_start")))
    return F.filter(occasions, lambda occasion: occasion["event_type"].isNotNull())


def _occasion(event: SparkColumn, day: SparkColumn) -> SparkColumn:
    return F.struct(event.alias("event_type"), day.alias("effective_date"))


TABLE = Table(
    dataset="pharmacy",
    name="special_enrollments",
    grain="One row per enrollment that began outside open enrollment",
    key=("member_number", "effective_date"),
    csv_stem="us_pharmacy_special_enrollments",
    documented_rows="about 420,000",
    may_be_empty=True,
    build=special_enrollments,
    spine=MEMBERS,
    expected_rows=lambda settings: settings.members * 0.4,
    known=Known(since="effective_date"),
    references=(Reference(("member_number",), "members", ("member_number",)),),
    rules={"event_comes_first": "event_date <= effective_date AND datediff(effective_date, event_date) <= 60"},
    columns=(
        Column("member_number", "varchar(50)", "Member", pattern=MEMBER_NUMBER, high_cardinality=True),
        Column("event_type", "varchar(30)", "Qualifying event"),
        Column("event_date", "date", "Day of the event"),
        Column("effective_date", "date", "First day of the cover that it opened"),
    ),
)
