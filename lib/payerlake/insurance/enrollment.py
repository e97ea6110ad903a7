"""enrollment: the coverage that members have or had."""

from __future__ import annotations

from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from payerlake.contract.schema import Column, Index, Known, Reference, Table, until
from payerlake.insurance.coverage import Coverage
from payerlake.insurance.health import Health
from payerlake.insurance.plan import base_rate
from payerlake.insurance.settings import InsuranceSettings
from payerlake.person.world import MEMBERS, World
from payerlake.sampling.distributions import choice_index, number_at, string_at
from payerlake.sampling.frames import filtered
from payerlake.sampling.numbers import decimal

COVERAGE_TIERS = ("Individual", "Individual + Spouse", "Individual + Children", "Family")


def enrollment(world: World[InsuranceSettings]) -> DataFrame:
    """One row per covered member; key enrollment_id, the member's id. Law of coverage: the settings' `enrollment`.

    The premium is the plan's base rate times the factors of age, state and coverage tier, in USD a month.
    """
    settings, key = world.settings, F.col("id")
    tiers = settings.enrollment.coverage_tiers
    health = Health(world)
    people = health.people(world.member_keys(settings.members_per_file.enrollment))
    covered = filtered(Coverage(world, health).covered(people), F.col("is_covered"))
    with_tier = covered.select(
        "*",
        choice_index(
            world.draws.uniform("enrollment", "coverage_tier", key), [tier.share for tier in tiers.values()]
        ).alias("tier"),
        world.people.state_index(world.people.household(key, F.col("slot"))).alias("state_index"),
    )
    factor = number_at([tier.factor for tier in tiers.values()], F.col("tier"))
    rate = base_rate(world.draws, settings.plans, F.col("plan_id")).cast("double")
    premium = rate * age_factor(world) * state_factor(world, F.col("state_index")) * factor
    return with_tier.select(
        enrollment_id(key).alias("enrollment_id"),
        string_at(tiers, F.col("tier")).alias("coverage_tier"),
        F.col("start_date"),
        F.col("end_date"),
        world.people.state_at(F.col("state_index")).alias("state"),
        F.col("plan_id"),
        decimal(premium, 12, 2).alias("premium"),
    )


def enrollment_id(key: SparkColumn) -> SparkColumn:
    """The enrollment of a member's key: each has one at most."""
    return key + 1


def age_factor(world: World[InsuranceSettings]) -> SparkColumn:
    """1 up to the first age of `premiums.full_rate_ages`, then rising evenly to `age_ratio` at the second."""
    (low, high), ratio = world.settings.premiums.full_rate_ages, world.settings.premiums.age_ratio
    return 1 + (F.least(F.greatest(F.col("age"), F.lit(low)), F.lit(high)) - low) * ((ratio - 1) / (high - low))


def state_factor(world: World[InsuranceSettings], state_index: SparkColumn) -> SparkColumn:
    """What care costs in the state; 1 for states that the settings do not name."""
    factors = world.settings.premiums.states
    return number_at([factors.get(name, 1.0) for name in world.settings.population.states], state_index)


TABLE = Table(
    dataset="insurance",
    name="enrollment",
    sql_name="ENROLLMENT",
    grain="One row per covered member",
    key=("enrollment_id",),
    csv_stem="enrollment",
    documented_rows="about 90,000",
    may_be_empty=True,
    build=enrollment,
    spine=MEMBERS,
    expected_rows=lambda settings: settings.members * settings.enrollment.coverage,
    known=Known(since="start_date", later={"end_date": until("end_date")}),
    references=(Reference(("plan_id",), "plan", ("plan_id",)),),
    indexes=(Index(("state",)),),
    rules={"ends_after_it_begins": "end_date IS NULL OR end_date > start_date"},
    columns=(
        Column("enrollment_id", "bigint", "Enrollment", low=1, sql_name="Enrollment_ID", high_cardinality=True),
        Column("coverage_tier", "varchar(50)", "Who is covered", domain=COVERAGE_TIERS, sql_name="Coverage_tier"),
        Column("start_date", "date", "First day of cover"),
        Column("end_date", "date", "Last day of cover; null where it goes on", nullable=True),
        Column("state", "char(2)", "State of the member, postal code", pattern="^[A-Z]{2}$"),
        Column("plan_id", "bigint", "Plan", low=1),
        Column("premium", "decimal(12,2)", "Premium", low=0, unit="USD a month"),
    ),
)
