"""members: who is insured or was, with size, vital signs, lifestyle and social determinants."""

from __future__ import annotations

import math
from functools import partial
from itertools import product

from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from payerlake.contract.schema import Column, Index, Known, Reference, Table
from payerlake.insurance.coverage import Coverage
from payerlake.insurance.enrollment import enrollment_id
from payerlake.insurance.facility import facility_in_state
from payerlake.insurance.health import Health
from payerlake.insurance.settings import SEXES, InsuranceSettings
from payerlake.person.world import MEMBERS, World
from payerlake.sampling.distributions import number_at, with_normals
from payerlake.sampling.frames import in_a_new_method
from payerlake.sampling.numbers import decimal

BLOOD_PRESSURE = r"^\d{2,3}/\d{2,3}$"


def members(world: World[InsuranceSettings]) -> DataFrame:
    """One row per member; key member_id. Shares of age, sex and state: the settings' `population`; the rest: `body`,
    `vitals`, `lifestyle`, `conditions`, `enrollment` and `nulls`."""
    health, key = Health(world), F.col("id")
    people = health.people(world.member_keys(world.settings.members_per_file.members))
    profiled = in_a_new_method(health.profiled(people, all_traits=True))
    diagnosed = in_a_new_method(health.diagnosed(profiled))
    measured = in_a_new_method(_measured(world, health, Coverage(world, health).covered(diagnosed)))
    or_null = partial(_or_null, world)
    is_enrolled = F.col("is_covered") & world.is_known(F.col("start_date"))
    pressure = F.concat(F.col("systolic").cast("string"), F.lit("/"), F.col("diastolic").cast("string"))
    return measured.select(
        (key + 1).alias("member_id"),
        F.col("birth_date").alias("dob"),
        F.col("sex"),
        or_null("primary_care_facility_id", F.col("facility")),
        world.people.state_at(F.col("state_index")).alias("state"),
        or_null("weight", decimal(F.col("weight"), 6, 2)),
        or_null("height", decimal(F.col("height"), 5, 2)),
        or_null("heart_rate", F.col("heart_rate").cast("smallint")),
        or_null("blood_pressure", pressure),
        or_null("blood_oxygen", F.col("blood_oxygen").cast("tinyint")),
        or_null("smoker", F.col("smoker")),
        or_null("drinker", F.col("drinker")),
        or_null("housing_insecurity", F.col("housing_insecure")),
        or_null("employment_status", health.has_trait("employed")),
        or_null("hours_sleep_per_day", decimal(_sleep(world, health), 4, 1)),
        or_null("minutes_exercise_per_week", _exercise(world, health).cast("smallint")),
        F.when(is_enrolled, F.col("insurance_id")).alias("insurance_id"),
        F.when(is_enrolled, enrollment_id(key)).alias("enrollment_id"),
    )


def _or_null(world: World[InsuranceSettings], name: str, value: SparkColumn) -> SparkColumn:
    """The value, or null for the settings' share of the members, under this name."""
    share = getattr(world.settings.nulls, name)
    u = world.draws.uniform("members", name, F.col("id"), draw="known")
    return (F.when(u >= share, value) if share else value).alias(name)


def _measured(world: World[InsuranceSettings], health: Health, people: DataFrame) -> DataFrame:
    """Adds state, facility and vital signs."""
    vitals, key = world.settings.vitals, F.col("id")
    years = F.col("days") * (1 / 365.25)
    names = ("systolic", "diastolic", "heart_rate", "blood_oxygen")
    with_z = with_normals(people, **{f"z_{name}": world.draws.uniform("members", name, key) for name in names})
    state_index = world.people.state_index(world.people.household(key, F.col("slot")))
    with_state = with_z.select("*", state_index.alias("state_index"))
    r = vitals.pressure_correlation
    z_diastolic = F.lit(r) * F.col("z_systolic") + math.sqrt(1 - r * r) * F.col("z_diastolic")
    pulse = health.by_age(vitals.heart_rate.by_age)
    facility = facility_in_state(
        world.settings, world.draws.uniform("members", "primary_care_facility_id", key), F.col("state_index")
    )
    with_vitals = with_state.select(
        "*",
        facility.alias("facility"),
        _vital(world, health, "systolic", F.col("z_systolic"), vitals.systolic.per_year * years).alias("systolic"),
        _vital(world, health, "diastolic", z_diastolic, vitals.diastolic.per_year * years).alias("diastolic_alone"),
        _vital(world, health, "heart_rate", F.col("z_heart_rate"), pulse).alias("heart_rate"),
        _vital(world, health, "blood_oxygen", F.col("z_blood_oxygen"), F.lit(0.0)).alias("blood_oxygen"),
    )
    diastolic = F.least(F.col("diastolic_alone"), F.col("systolic") - vitals.pulse_pressure)
    return with_vitals.select("*", diastolic.alias("diastolic"))


def _vital(
    world: World[InsuranceSettings], health: Health, name: str, z: SparkColumn, shift: SparkColumn
) -> SparkColumn:
    """A vital sign (int): normal, its mean and variance raised by the member's conditions, within its range."""
    law = getattr(world.settings.vitals, name)
    effects = {
        condition: getattr(effect, name)
        for condition, effect in world.settings.conditions.effects.items()
        if getattr(effect, name) != (0.0, 0.0) and health.bit(condition)
    }
    subsets = list(product(*[(0, 1)] * len(effects)))
    means = [law.mean + sum(h * mean for h, (mean, _) in zip(has, effects.values(), strict=True)) for has in subsets]
    sds = [math.hypot(law.sd, *(h * sd for h, (_, sd) in zip(has, effects.values(), strict=True))) for has in subsets]
    those = health.which(*effects)
    value = F.floor(number_at(means, those) + shift + number_at(sds, those) * z).cast("int")
    low, high = (int(bound) for bound in law.range)
    return F.least(F.greatest(value, F.lit(low)), F.lit(high))


def _sleep(world: World[InsuranceSettings], health: Health) -> SparkColumn:
    """Hours a day."""
    sleep = world.settings.lifestyle.sleep
    hours = health.by_age(sleep.mean) + health.by_age(sleep.sd) * health.latent("sleep")
    low, high = sleep.range
    return F.least(F.greatest(hours, F.lit(low)), F.lit(high))


def _exercise(world: World[InsuranceSettings], health: Health) -> SparkColumn:
    """Whole minutes a week."""
    exercise = world.settings.lifestyle.exercise
    minutes = exercise.median * F.exp(exercise.sigma * health.latent("exercise"))
    low, high = exercise.range
    return F.floor(F.least(F.greatest(minutes, F.lit(low)), F.lit(high)))


TABLE = Table(
    dataset="insurance",
    name="members",
    sql_name="MEMBERS",
    grain="One row per member",
    key=("member_id",),
    csv_stem="members",
    documented_rows="100,000",
    build=members,
    spine=MEMBERS,
    expected_rows=lambda settings: settings.members,
    known=Known(since="dob", later={"insurance_id": "", "enrollment_id": ""}),
    numeric_booleans=True,
    references=(
        Reference(("primary_care_facility_id",), "facility", ("facility_id",), on_delete="SET NULL"),
        Reference(("insurance_id",), "insurance", ("insurance_id",), on_delete="SET NULL"),
        Reference(("enrollment_id",), "enrollment", ("enrollment_id",), on_delete="SET NULL"),
    ),
    indexes=(Index(("state",)),),
    rules={"enrollment_with_insurer": "(insurance_id IS NULL) = (enrollment_id IS NULL)"},
    columns=(
        Column("member_id", "bigint", "Member, from 1", low=1, high_cardinality=True),
        Column("dob", "date", "Birth date", sql_name="DOB"),
        Column("sex", "enum", "F woman, M man, O other", domain=SEXES, sql_name="Sex"),
        Column(
            "primary_care_facility_id",
            "bigint",
            "Facility of primary care, in the member's state",
            nullable=True,
            low=1,
            sql_name="Primary_Care_Facility_ID",
        ),
        Column("state", "char(2)", "State, postal code", pattern="^[A-Z]{2}$", sql_name="State"),
        Column("weight", "decimal(6,2)", "Weight", nullable=True, low=1, high=400, unit="kg", sql_name="Weight"),
        Column("height", "decimal(5,2)", "Height", nullable=True, low=30, high=250, unit="cm", sql_name="Height"),
        Column("heart_rate", "smallint", "Heart rate", nullable=True, low=20, high=300, unit="beats a minute"),
        Column(
            "blood_pressure", "varchar(15)", "Systolic/diastolic", nullable=True, pattern=BLOOD_PRESSURE, unit="mmHg"
        ),
        Column("blood_oxygen", "tinyint", "Oxygen saturation", nullable=True, low=0, high=100, unit="%"),
        Column("smoker", "boolean", "Whether the member smokes", nullable=True),
        Column("drinker", "boolean", "Whether the member drinks heavily", nullable=True),
        Column(
            "housing_insecurity", "boolean", "Whether housing is insecure", nullable=True, sql_name="housing insecurity"
        ),
        Column(
            "employment_status",
            "boolean",
            "Whether the member is employed",
            nullable=True,
            sql_name="employment status",
        ),
        Column("hours_sleep_per_day", "decimal(4,1)", "Sleep", nullable=True, low=0, high=24, unit="hours a day"),
        Column(
            "minutes_exercise_per_week", "smallint", "Exercise", nullable=True, low=0, high=10080, unit="minutes a week"
        ),
        Column(
            "insurance_id", "bigint", "Insurer of the enrollment's plan", nullable=True, low=1, sql_name="Insurance ID"
        ),
        Column(
            "enrollment_id",
            "bigint",
            "Enrollment",
            nullable=True,
            low=1,
            sql_name="Enrollment ID",
            high_cardinality=True,
        ),
    ),
)
