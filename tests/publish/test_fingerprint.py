"""The fingerprint of a table: equal for equal rows however they lie, different for any other row."""

from __future__ import annotations

import datetime as dt
import struct
from decimal import Decimal

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from payerlake.errors import EngineFailed
from payerlake.publish.fingerprint import Fingerprint, add, from_observation, measure, observed, row_hash

MASK = (1 << 64) - 1
P1, P2, P3 = 0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9
P4, P5 = 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5


PINNED = [4605553969846301992, 5732275876403278615, 5898472662255399406]


def _left(x: int, bits: int) -> int:
    return ((x << bits) | (x >> (64 - bits))) & MASK


def _round(lane: int, word: int) -> int:
    return _left((lane + word * P2) & MASK, 31) * P1 & MASK


def _stripes(data: bytes, seed: int) -> int:
    lanes = [(seed + P1 + P2) & MASK, (seed + P2) & MASK, seed, (seed - P1) & MASK]
    for start in range(0, len(data) - 31, 32):
        words = struct.unpack_from("<4Q", data, start)
        lanes = [_round(lane, word) for lane, word in zip(lanes, words, strict=True)]
    h = sum(_left(lane, bits) for lane, bits in zip(lanes, (1, 7, 12, 18), strict=True)) & MASK
    for lane in lanes:
        h = ((h ^ _round(0, lane)) * P1 + P4) & MASK
    return h


def xxh64(data: bytes, seed: int) -> int:
    """XXH64 after its specification, to recompute fingerprints without Spark."""
    h = _stripes(data, seed) if len(data) >= 32 else (seed + P5) & MASK
    h = (h + len(data)) & MASK
    rest = data[len(data) // 32 * 32 :]
    while len(rest) >= 8:
        h = (_left(h ^ _round(0, struct.unpack("<Q", rest[:8])[0]), 27) * P1 + P4) & MASK
        rest = rest[8:]
    if len(rest) >= 4:
        h = (_left(h ^ (struct.unpack("<I", rest[:4])[0] * P1 & MASK), 23) * P2 + P3) & MASK
        rest = rest[4:]
    for byte in rest:
        h = _left(h ^ (byte * P5 & MASK), 11) * P1 & MASK
    h = (h ^ (h >> 33)) * P2 & MASK
    h = (h ^ (h >> 29)) * P3 & MASK
    return h ^ (h >> 32)


def claims(spark: SparkSession, rows: int = 1000, first: int = 0) -> DataFrame:
    """One row per claim: text, date, money, flag, some nulls."""
    day = F.date_add(F.lit("2024-01-01").cast("date"), (F.col("id") % 366).cast("int"))
    return spark.range(first, first + rows).select(
        F.concat(F.lit("C"), F.col("id")).alias("claim id"),
        F.when(F.col("id") % 3 > 0, day).alias("paid"),
        (F.col("id") % 997).cast("decimal(10,2)").alias("amount"),
        (F.col("id") % 2 == 0).alias("open"),
    )


def one_row(spark: SparkSession, *values: str | None) -> str:
    names = [f"c{i}" for i in range(len(values))]
    return measure(spark.createDataFrame([values], ", ".join(f"{name} string" for name in names))).digest


@pytest.mark.parametrize("partitions", [1, 2, 7, 64])
def test_partitions_and_row_order_do_not_change_a_fingerprint(spark, partitions):
    whole = claims(spark)
    assert measure(whole.repartition(partitions, F.rand(partitions))) == measure(whole)


def test_slices_add_up_to_the_whole(spark):
    slices = [measure(claims(spark, 250, first)) for first in (0, 250, 500, 750)]
    whole = measure(claims(spark, 1000))
    assert add(*[part.digest for part in slices]) == whole.digest
    assert sum(part.rows for part in slices) == whole.rows


def test_one_changed_cell_changes_the_fingerprint(spark):
    changed = F.when(F.col("claim id") == "C500", F.lit(Decimal("0.01"))).otherwise(F.col("amount"))
    assert measure(claims(spark).withColumn("amount", changed)).digest != measure(claims(spark)).digest


def test_a_row_that_occurs_twice_changes_the_fingerprint(spark):
    twice = claims(spark).union(claims(spark, 1))
    assert measure(twice).digest != measure(claims(spark)).digest


def test_null_empty_and_shifted_values_all_differ(spark):
    rows = [
        (None, None, None),
        ("", None, None),
        (None, "", None),
        ("", "", ""),
        ("a", None, None),
        (None, "a", None),
        (None, None, "a"),
        ("a", "", ""),
        ("", "a", ""),
        ("ab", "c", ""),
        ("a", "bc", ""),
        ("null", None, None),
    ]
    assert len({one_row(spark, *row) for row in rows}) == len(rows)


def test_a_null_in_the_hundredth_column_counts(spark):
    assert one_row(spark, *["a"] * 99, None) != one_row(spark, *["a"] * 99, "")
    assert one_row(spark, *["a"] * 39, None, *["a"] * 60) != one_row(spark, *["a"] * 99, None)


def test_the_row_hash_is_pinned(spark):
    hashes = [row[0] for row in claims(spark, 3).select(row_hash(claims(spark, 3))).collect()]
    assert hashes == PINNED


def test_a_fingerprint_can_be_recomputed_without_spark(spark):
    rows = [
        (
            "a member's rather long street address, 42 bytes",
            dt.date(2024, 2, 29),
            True,
            7,
            1 << 40,
            2.5,
            Decimal("12.50"),
        ),
        ("Île", None, False, -7, None, -0.0, None),
        (None, dt.date(1931, 5, 1), None, None, -1, None, Decimal("-0.01")),
    ]
    df = spark.createDataFrame(rows, "a string, b date, c boolean, d int, e bigint, f double, g decimal(10,2)")
    assert measure(df).digest == f"{sum(_recomputed(row) for row in rows) & MASK:016x}"


def _recomputed(row: tuple) -> int:
    forms = (
        str.encode,
        lambda day: struct.pack("<i", (day - dt.date(1970, 1, 1)).days),
        lambda flag: struct.pack("<i", flag),
        lambda number: struct.pack("<i", number),
        lambda number: struct.pack("<q", number),
        lambda number: struct.pack("<d", number + 0.0),  # -0.0 + 0.0 is 0.0
        lambda money: struct.pack("<q", int(money * 100)),
    )
    h = 42
    for form, value in zip(forms, row, strict=True):
        h = h if value is None else xxh64(form(value), h)
    return xxh64(struct.pack("<q", sum((value is None) << i for i, value in enumerate(row))), h)


def test_an_observed_write_has_the_measured_fingerprint(spark, tmp_path):
    df, observation = observed(claims(spark), "claims")
    df.write.parquet(str(tmp_path / "claims"))
    assert from_observation(observation.get) == measure(claims(spark))


def test_a_delta_write_is_observed_twice_in_one_session(spark, tmp_path):
    for rows in (1000, 10):
        df, observation = observed(claims(spark, rows).withColumnRenamed("claim id", "claim_id"), "claims")
        df.write.format("delta").save(str(tmp_path / str(rows)))
        assert from_observation(observation.get) == measure(claims(spark, rows))


def test_an_empty_table_has_no_rows_and_the_fingerprint_zero(spark, tmp_path):
    df, observation = observed(claims(spark, 0), "claims")
    df.write.parquet(str(tmp_path / "claims"))
    assert from_observation(observation.get) == Fingerprint(0, "0" * 16) == measure(claims(spark, 0))


def test_metrics_that_spark_did_not_deliver_are_an_error_of_the_engine():
    with pytest.raises(EngineFailed, match="observed nothing"):
        from_observation({})
