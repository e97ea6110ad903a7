"""special_enrollments: why cover began on another day than 1 January."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from payerlake.contract.schema import Column, Known, Reference, Table
from payerlake.person.coverage.spans import Coverage
from payerlake.person.world import MEMBERS, World
from payerlake.pharmacy.members import MEMBER_NUMBER, member_number
from payerlake.pharmacy.settings import PharmacySettings


def special_enrollments(world: World[PharmacySettings]) -> DataFrame:
    """One row per enrollment that began outside open enrollment; key (member_number, effective_date).

    Events and days: those of `person/coverage`.
    """
    coverage = Coverage(world, world.settings)
    members = coverage.members(world.settings.members_per_file.special_enrollments)
    return coverage.special_enrollments(members).select(
        member_number(F.col("id")).alias("member_number"), "event_type", "event_date", "effective_date"
    )


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
