"""Doubles to a few decimals."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from payerlake.sampling.numbers import decimal, rounded

VALUES = [0.0, 0.004, 0.0051, 1.25, 99.99, 123.456, 5_865.444, 74_999.996, 75_000.0]


def test_doubles_become_the_nearest_cents(spark: SparkSession) -> None:
    frame = spark.createDataFrame([(value,) for value in VALUES], "value double")
    made = frame.select(decimal(F.col("value"), 12, 2).alias("money"), rounded(F.col("value"), 1).alias("tenths"))
    assert made.schema["money"].dataType.simpleString() == "decimal(12,2)"
    found = made.collect()
    assert [row["money"] for row in found] == [_cents(value) for value in VALUES]
    assert [row["tenths"] for row in found] == [float(_to(value, "0.1")) for value in VALUES]


def test_a_null_stays_null(spark: SparkSession) -> None:
    frame = spark.createDataFrame([(None,)], "value double")
    assert frame.select(decimal(F.col("value"), 12, 2), rounded(F.col("value"), 1)).first() == (None, None)


def _cents(value: float) -> Decimal:
    return _to(value, "0.01")


def _to(value: float, unit: str) -> Decimal:
    return Decimal(str(value)).quantize(Decimal(unit), ROUND_HALF_UP)
