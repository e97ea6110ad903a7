"""What the tables of the finance dataset have in common: a patient's columns, and money."""

from __future__ import annotations

from decimal import Decimal

from pyspark.sql import Column as SparkColumn
from pyspark.sql import functions as F

from payerlake.schema import Column

PATIENT_ID = r"^PAT\d{6,}$"
MEMBER_ID = "^[0-9A-F]{12}$"
SEXES = ("F", "M")

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


def dollars(cents: SparkColumn, precision: int = 12) -> SparkColumn:
    """Whole cents as decimal(precision, 2), exactly."""
    return (cents.cast(f"decimal({precision},0)") * F.lit(Decimal("0.01"))).cast(f"decimal({precision},2)")


def hundredths(value: SparkColumn) -> SparkColumn:
    """Whole hundredths as decimal(4, 2), exactly."""
    return dollars(value, 4)


def thousandths(value: SparkColumn) -> SparkColumn:
    """Whole thousandths as decimal(5, 3), exactly."""
    return (value.cast("decimal(5,0)") * F.lit(Decimal("0.001"))).cast("decimal(5,3)")


def cents(value: SparkColumn) -> SparkColumn:
    """An amount (double, cents, 0 or more) in whole cents (bigint), halves up."""
    return F.floor(value + 0.5)
