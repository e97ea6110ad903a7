"""Frames: the rows that are kept, and where."""

from __future__ import annotations

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from payerlake.sampling.frames import filtered, in_a_new_method


def test_the_rows_that_meet_the_condition_are_kept_and_no_others(spark: SparkSession) -> None:
    frame = spark.range(6).select("id", F.when(F.col("id") > 1, F.col("id") % 2 == 0).alias("is_even"))
    found = filtered(frame, F.col("is_even"))
    assert found.columns == ["id", "is_even"]
    assert [row["id"] for row in found.orderBy("id").collect()] == [2, 4]  # of 0 and 1 it is not known


def test_no_condition_moves_below_what_computed_it(spark: SparkSession) -> None:
    frame = spark.range(6).select("id", (F.xxhash64("id") % 2 == 0).alias("is_even"))
    assert "Filter" not in filtered(frame, F.col("is_even"))._jdf.queryExecution().optimizedPlan().toString()


def test_a_new_method_changes_no_row(spark: SparkSession) -> None:
    frame = spark.range(5).select("id", F.lit("a").alias("text"))
    assert sorted(in_a_new_method(frame).collect()) == sorted(frame.collect())
