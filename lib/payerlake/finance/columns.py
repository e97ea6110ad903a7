"""What the tables of the finance dataset have in common: a patient's columns, and money."""

from __future__ import annotations

from pyspark.sql import Column as SparkColumn
from pyspark.sql import functions as F

from payerlake.contract.schema import Column
from payerlake.finance.catalogue import SEXES
from payerlake.sampling.numbers import exact

PATIENT_ID = r"^PAT\d{6,}$"
MEMBER_ID = "^[0-9A-F]{12}$"

PATIENT_COLUMNS = {
    "patient_id": "PatientID",
    "name": "PatientName",
    "member_id": "MemberID",
    "age": "Age",
    "sex": "Sex",
    "health_plan": "HealthPlan",
    "product_code": "ProductCode",
}
"""What the rows of capitation and claims repeat of a patient: by the roster's names."""


def patient_columns() -> tuple[Column, ...]:
    """The contracts of these columns."""
    return (
        Column("PatientID", "varchar(20)", "Patient: PAT000001", pattern=PATIENT_ID, high_cardinality=True),
        Column("PatientName", "varchar(100)", "First and last name; invented", high_cardinality=True),
        Column("MemberID", "char(12)", "Number at the plan", pattern=MEMBER_ID, high_cardinality=True),
        Column("Age", "int", "Age on the day of the dataset", low=0, high=120, unit="years"),
        Column("Sex", "char(1)", "F woman, M man", domain=SEXES),
        Column("HealthPlan", "varchar(60)", "Health plan, or Self Pay"),
        Column("ProductCode", "varchar(60)", "Product of the plan"),
    )


def place_of(age_place: SparkColumn, sex: SparkColumn) -> SparkColumn:
    """The position (int) of an age and a sex in a table that has a value for both sexes at each of its ages."""
    return age_place * len(SEXES) + (sex == SEXES[1]).cast("int")


def dollars(cents: SparkColumn, precision: int = 12) -> SparkColumn:
    """Whole cents as decimal(precision, 2)."""
    return exact(cents, precision, 2)


def cents(value: SparkColumn) -> SparkColumn:
    """An amount (double, cents, 0 or more) in whole cents (bigint), halves up."""
    return F.floor(value + 0.5)
