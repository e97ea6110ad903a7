"""patients: the clinics' registry."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from payerlake.contract.schema import Column, Table
from payerlake.finance.catalogue import SEXES
from payerlake.finance.columns import MEMBER_ID, PATIENT_ID, cents, dollars
from payerlake.finance.roster import Roster
from payerlake.finance.settings import FinanceSettings
from payerlake.person.world import MEMBERS, World
from payerlake.sampling.numbers import exact


def patients(world: World[FinanceSettings]) -> DataFrame:
    """One row per patient; key patient_id_str. Plans by age, risk scores by CMS-HCC V28 and age: the settings' parts of
    these names. Clinic and provider are those whose patient somebody is, also in months with another provider."""
    roster = Roster(world)
    labelled = roster.labelled(roster.patients(world.member_keys(world.settings.members_per_file.patients)))
    return labelled.select(
        F.col("patient_id").alias("patient_id_str"),
        F.col("name").alias("patient_name"),
        "member_id",
        "age",
        "sex",
        "health_plan",
        "product_code",
        dollars(roster.payers.copay_cents(F.col("product")), 7).alias("copay_amount"),
        "clinic",
        F.col("own_name").alias("provider"),
        exact(F.col("raf"), 4, 2).alias("base_raf"),
        dollars(cents(roster.rate() * F.col("raf") / 100), 10).alias("base_cap"),
    )


TABLE = Table(
    dataset="finance",
    name="patients",
    grain="One row per patient",
    key=("patient_id_str",),
    csv_stem="healthcare_patients_registry",
    documented_rows="3,600",
    build=patients,
    spine=MEMBERS,
    expected_rows=lambda settings: settings.members,
    unique=(("member_id",),),
    rules={"self_pay_has_no_capitation": "health_plan <> 'Self Pay' OR (base_cap = 0 AND copay_amount = 0)"},
    columns=(
        Column("patient_id_str", "varchar(20)", "Patient: PAT000001", pattern=PATIENT_ID, high_cardinality=True),
        Column("patient_name", "varchar(100)", "First and last name; invented", high_cardinality=True),
        Column("member_id", "char(12)", "Number at the plan", pattern=MEMBER_ID, high_cardinality=True),
        Column("age", "int", "Age on the day of the dataset", low=0, high=120, unit="years"),
        Column("sex", "char(1)", "F woman, M man", domain=SEXES),
        Column("health_plan", "varchar(60)", "Health plan, or Self Pay"),
        Column("product_code", "varchar(60)", "Product of the plan"),
        Column("copay_amount", "decimal(7,2)", "What the patient pays of a claim", low=0, unit="USD"),
        Column("clinic", "varchar(60)", "Clinic whose patient this is"),
        Column("provider", "varchar(60)", "Provider whose patient this is; invented"),
        Column(
            "base_raf", "decimal(4,2)", "Risk score: CMS-HCC V28, normalized, and age, in equal parts; bounded", low=0
        ),
        Column("base_cap", "decimal(10,2)", "Capitation a month at this risk score; 0 for Self Pay", low=0, unit="USD"),
    ),
)
