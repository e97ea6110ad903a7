"""member_chronic_conditions: which member has which condition, and since when."""

from __future__ import annotations

from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from payerlake.contract.schema import Column, Index, Known, Reference, Table
from payerlake.person.world import MEMBERS, World
from payerlake.quality.chronic_conditions_reference import CONDITION_CODE
from payerlake.quality.columns import CREATED, MEMBER_ID, created_column, member_id
from payerlake.quality.roster import Roster
from payerlake.quality.settings import QualitySettings
from payerlake.sampling.distributions import string_at
from payerlake.sampling.frames import in_a_new_method
from payerlake.sampling.packing import each, keeping

_PER_MEMBER = 32  # ids


def with_conditions(world: World[QualitySettings], diagnosed: DataFrame) -> DataFrame:
    """A row per member and condition, which adds `condition`, its position (int) in the catalogue."""
    return each(diagnosed, "conditions", "condition", len(world.settings.conditions.catalogue))


def member_chronic_conditions(world: World[QualitySettings]) -> DataFrame:
    """One row per member and condition; key member_condition_id.

    Which and when: the settings' `conditions.catalogue`.
    """
    settings: QualitySettings = world.settings
    roster = Roster(world)
    diagnosed = roster.diagnosed(world.member_keys(settings.members_per_file.member_chronic_conditions))
    conditions = with_conditions(world, diagnosed.drop("plan", "sex", "zip", "risk"))
    return conditions.select(
        (F.col("id") * _PER_MEMBER + F.col("condition") + 1).alias("member_condition_id"),
        member_id(F.col("id")).alias("member_id"),
        string_at(settings.conditions.codes, F.col("condition")).alias("condition_code"),
        roster.diagnosis_date(F.col("condition")).alias("diagnosis_date"),
        F.lit(True).alias("is_active"),
        created_column(world),
    )


def found(world: World[QualitySettings], diagnosed: DataFrame) -> DataFrame:
    """The same members; of their `conditions` those that were found by the day on which somebody looks."""
    if world.settings.known_at is None:
        return diagnosed
    roster = Roster(world)

    def is_found(condition: SparkColumn) -> SparkColumn:
        return world.is_known(roster.diagnosis_date(condition))

    kept = keeping(diagnosed, "conditions", len(world.settings.conditions.catalogue), is_found)
    return in_a_new_method(kept)


TABLE = Table(
    dataset="quality",
    name="member_chronic_conditions",
    grain="One row per member and chronic condition",
    key=("member_condition_id",),
    csv_stem="member_chronic_conditions",
    documented_rows="about 22,000",
    may_be_empty=True,
    build=member_chronic_conditions,
    spine=MEMBERS,
    expected_rows=lambda settings: settings.members * settings.conditions_per_member,
    known=Known(since="diagnosis_date", later={CREATED.name: ""}),
    unique=(("member_id", "condition_code"),),
    indexes=(Index(("member_id", "condition_code"), name="idx_member_conditions_lookup"),),
    references=(
        Reference(("member_id",), "plan_members", ("member_id",)),
        Reference(("condition_code",), "chronic_conditions_reference", ("condition_code",)),
    ),
    columns=(
        Column("member_condition_id", "bigint", "Row", low=1, high_cardinality=True),
        Column("member_id", "varchar(50)", "Member", pattern=MEMBER_ID, high_cardinality=True),
        Column("condition_code", "varchar(20)", "Chronic condition", pattern=CONDITION_CODE),
        Column("diagnosis_date", "date", "Day on which it was found"),
        Column("is_active", "boolean", "Whether it is treated still"),
        CREATED,
    ),
)
