"""member_chronic_conditions: which member has which condition, and since when."""

from __future__ import annotations

from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from payerlake.contract.schema import Column, Index, Known, Reference, Table
from payerlake.person.health import Health, condition_of
from payerlake.person.world import MEMBERS, World
from payerlake.quality.chronic_conditions_reference import CONDITION_CODE
from payerlake.quality.columns import CREATED, MEMBER_ID, created_column, member_id
from payerlake.quality.measures import OLDEST
from payerlake.quality.roster import Roster
from payerlake.quality.settings import QualitySettings
from payerlake.sampling.distributions import integer_at, string_at
from payerlake.sampling.frames import in_a_new_method
from payerlake.sampling.packing import bits_of, each, has_any, keeping

_YEAR = 365.25
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
    conditions = with_conditions(world, diagnosed.select("id", "birth_date", "conditions"))
    with_dates = conditions.select("*", *_dates(world, F.col("condition")))
    return with_dates.select(
        (F.col("id") * _PER_MEMBER + F.col("condition") + 1).alias("member_condition_id"),
        member_id(F.col("id")).alias("member_id"),
        string_at(settings.conditions.codes, F.col("condition")).alias("condition_code"),
        _date(world, F.col("condition"), F.col("own_date"), F.col("cause_date")).alias("diagnosis_date"),
        F.lit(True).alias("is_active"),
        created_column(world),
    )


def found(world: World[QualitySettings], diagnosed: DataFrame) -> DataFrame:
    """The same members; of their `conditions` those that were found by the day on which somebody looks."""
    if world.settings.known_at is None:
        return diagnosed

    def is_found(condition: SparkColumn) -> SparkColumn:
        return world.is_known(_date(world, condition, *_dates(world, condition)))

    kept = keeping(diagnosed, "conditions", len(world.settings.conditions.catalogue), is_found)
    return in_a_new_method(kept)


def _date(world: World[QualitySettings], condition: SparkColumn, own: SparkColumn, cause: SparkColumn) -> SparkColumn:
    """The day on which a condition (position, int) was found, by its `own_date` and `cause_date`."""
    return F.when(cause.isNull(), own).otherwise(_later(world, condition, cause))


def _dates(world: World[QualitySettings], condition: SparkColumn) -> list[SparkColumn]:
    """Of a condition (position, int) `own_date`, on which it was found at its usual ages; `cause_date`, on which what
    it follows from was.

    Only what nobody has without another condition, as the diabetic retinopathy, follows from it.
    """
    settings: QualitySettings = world.settings
    followers = [i for i, c in enumerate(settings.conditions.catalogue) if c.given and c.times_without == 0]
    cause = F.lit(-1)
    for i in followers:
        first = F.lit(-1)
        for code in reversed(settings.conditions.catalogue[i].given):
            j = settings.conditions.codes.index(code)
            first = F.when(has_any(F.col("conditions"), bits_of([j])), j).otherwise(first)
        cause = F.when(condition == i, first).otherwise(cause)
    own_date = _usual_date(world, condition)
    cause_date = F.when(cause >= 0, _usual_date(world, cause)) if followers else F.lit(None).cast("date")
    return [own_date.alias("own_date"), cause_date.alias("cause_date")]


def _usual_date(world: World[QualitySettings], condition: SparkColumn) -> SparkColumn:
    """The day on which this condition (position, int) was found in the member: between its usual ages, at most on the
    day of the dataset; an active cancer within the last years."""
    settings: QualitySettings = world.settings
    catalogue, as_of = settings.conditions.catalogue, F.lit(settings.population.as_of)

    def after(years: list[int]) -> SparkColumn:
        return integer_at([round(of * _YEAR) for of in years], condition)

    first = F.greatest(
        F.date_add(F.col("birth_date"), after([c.onset_from for c in catalogue])),
        F.date_sub(as_of, after([c.within_years or OLDEST for c in catalogue])),
    )
    last = F.least(F.date_add(F.col("birth_date"), after([c.onset_to for c in catalogue])), as_of)
    span = F.greatest(F.datediff(last, first), F.lit(0))
    early = Health(settings).earliness_of([condition_of(c.condition_code) for c in catalogue], condition)
    return F.date_add(first, span - F.floor(early * (span + 1)).cast("int"))


def _later(world: World[QualitySettings], condition: SparkColumn, cause_date: SparkColumn) -> SparkColumn:
    """A day from the one on which the cause was found to that of the dataset."""
    as_of = F.lit(world.settings.population.as_of)
    u = world.draws.uniform("member_chronic_conditions", "follows_after", F.col("id"), condition)
    return F.date_add(cause_date, F.floor(u * (F.datediff(as_of, cause_date) + 1)).cast("int"))


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
