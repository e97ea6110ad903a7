"""Draws: pinned values, uniformity, independence, and that only the key decides."""

from __future__ import annotations

import struct
from itertools import product

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import Column, SparkSession
from pyspark.sql import functions as F
from scipy import stats

from payerlake.sampling.draws import Draws

# (seed, dataset, table, column, draw), row key, stream id, uniform. Who changes one changes every table of every user.
PINNED = (
    ((42, "person", "people", "sex", ""), (0,), 936578992236521032, 0.5573233078012543),
    ((42, "person", "people", "age", ""), (1,), 7836342798217489057, 0.9325273998917568),
    ((42, "person", "people", "first_name", ""), (2,), 8169671015497550524, 0.7284086295506184),
    ((42, "person", "people", "last_name", ""), (199,), -8015508931552688230, 0.18559249917171627),
    ((42, "person", "people", "street", "number"), (10**12,), 8862759912574451061, 0.9985015842542552),
    ((42, "person", "people", "zip", ""), (0,), 1865466235103060124, 0.5158686223863906),
    ((42, "person", "coverage", "scenario", ""), (123456, 2024), 4365398593655485705, 0.8151389865724228),
    ((42, "person", "coverage", "event", "first"), (5,), -1012166299173546315, 0.521298216311168),
    ((7, "person", "people", "sex", ""), (5,), -6088486081681808410, 0.6050626329446371),
    ((-1, "d", "a", "b", "c"), (-3,), 2736362131209794007, 0.21275664831104857),
)

ROWS = 100_000
CELLS = 1_000
FAR = 10**12
SURE = 1e-3  # the seed is fixed, so a p-value above it stays above it
DRAWS = Draws(42, "test")


# XXH64 by its specification (Y. Collet, xxHash, "XXH64 algorithm description"): what Spark must agree with

_MASK = (1 << 64) - 1
_P1, _P2, _P3 = 0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9
_P4, _P5 = 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5


def _rotated(value: int, bits: int) -> int:
    value &= _MASK
    return (value << bits | value >> (64 - bits)) & _MASK


def _round(accumulator: int, lane: int) -> int:
    return _rotated(accumulator + lane * _P2, 31) * _P1 & _MASK


def xxh64(data: bytes, seed: int) -> int:
    """The 64-bit hash of at most 31 bytes: the specification without its stripes of 32."""
    value, rest = (seed + _P5 + len(data)) & _MASK, data
    while len(rest) >= 8:
        value = _rotated(value ^ _round(0, struct.unpack("<Q", rest[:8])[0]), 27) * _P1 + _P4
        rest = rest[8:]
    if len(rest) >= 4:
        value = _rotated(value ^ struct.unpack("<I", rest[:4])[0] * _P1, 23) * _P2 + _P3
        rest = rest[4:]
    for byte in rest:
        value = _rotated(value ^ byte * _P5, 11) * _P1
    value &= _MASK
    value = (value ^ value >> 33) * _P2 & _MASK
    value = (value ^ value >> 29) * _P3 & _MASK
    return value ^ value >> 32


def expected_bits(*parts: int | str) -> int:
    """The hash of a row as Spark chains it: each part hashed under the hash of the parts before it, from seed 42."""
    value = 42
    for part in parts:
        value = xxh64(part.encode() if isinstance(part, str) else struct.pack("<q", part), value)
    return value


def unit(bits: int) -> float:
    """The top 53 bits as a number in [0, 1)."""
    return (bits >> 11) / 2**53


def evaluated(spark: SparkSession, columns: dict[str, Column], first: int = 0, rows: int = ROWS) -> pd.DataFrame:
    """The columns over the keys first … first + rows − 1, in order."""
    frame = spark.range(first, first + rows, 1, 2).select("id", *(c.alias(name) for name, c in columns.items()))
    return frame.toArrow().to_pandas().sort_values("id", ignore_index=True)


# pins


def test_the_reference_hash_gives_the_published_test_vectors() -> None:
    assert xxh64(b"", 0) == 0xEF46DB3751D8E999
    assert xxh64(b"abc", 0) == 0x44BC2CF5AD770999


@pytest.mark.parametrize(("name", "key", "stream", "value"), PINNED)
def test_stream_ids_and_their_values_are_those_pinned(
    name: tuple[int, str, str, str, str], key: tuple[int, ...], stream: int, value: float
) -> None:
    seed, dataset, table, column, draw = name
    assert Draws(seed, dataset).stream(table, column, draw) == stream
    assert unit(expected_bits(*key, stream)) == value


@pytest.mark.parametrize(("name", "key", "value"), [(n, k, v) for n, k, _, v in PINNED if len(k) == 1])
def test_the_driver_draws_the_pinned_values(
    name: tuple[int, str, str, str, str], key: tuple[int], value: float
) -> None:
    seed, dataset, *column, draw = name
    assert Draws(seed, dataset).uniforms(*column, np.array([*key, 7]), draw)[0] == value


def test_spark_draws_the_pinned_values(spark: SparkSession) -> None:
    columns = [
        Draws(seed, dataset).uniform(table, column, *(F.lit(part).cast("bigint") for part in key), draw=draw)
        for (seed, dataset, table, column, draw), key, _, _ in PINNED
    ]
    (row,) = spark.range(1).select(*(c.alias(f"c{i}") for i, c in enumerate(columns))).collect()
    assert list(row) == [value for _, _, _, value in PINNED]


def test_text_keys_are_hashed_as_utf8(spark: SparkSession) -> None:
    stream = DRAWS.stream("employer_groups", "group_name")
    numbers = ["GRP-10000", "", "Muñoz"]
    frame = spark.createDataFrame([(n,) for n in numbers], "number string")
    drawn = frame.select(DRAWS.uniform("employer_groups", "group_name", F.col("number"))).collect()
    assert [value for (value,) in drawn] == [unit(expected_bits(n, stream)) for n in numbers]


def test_separators_keep_the_parts_of_a_name_apart() -> None:
    ids = {DRAWS.stream(*parts) for parts in (("ab", "c"), ("a", "bc"), ("", "abc"), ("abc", ""), ("a", "b", "c"))}
    assert len(ids) == 5
    assert Draws(1, "1").stream("a", "b") != Draws(11, "").stream("a", "b")
    assert Draws(1, "ab").stream("c", "d") != Draws(1, "a").stream("bc", "d")


def test_two_hundred_thousand_stream_names_collide_nowhere() -> None:
    names = product(range(5), ("d", "e"), range(10_000), ("", "x"))
    ids = {Draws(seed, dataset).stream("t", f"c{i}", draw) for seed, dataset, i, draw in names}
    assert len(ids) == 200_000


# uniformity


@pytest.mark.parametrize("first", [0, FAR, -ROWS // 2])
def test_draws_fill_the_unit_interval_evenly(spark: SparkSession, first: int) -> None:
    u = evaluated(spark, {"u": DRAWS.uniform("people", "sex", F.col("id"))}, first)["u"].to_numpy()
    assert u.min() >= 0.0
    assert u.max() < 1.0
    counts = np.bincount((u * CELLS).astype(int), minlength=CELLS)
    assert stats.chisquare(counts).pvalue > SURE
    assert stats.kstest(u, "uniform").pvalue > SURE


def test_draws_have_53_bits_and_each_of_them_is_fair(spark: SparkSession) -> None:
    u = evaluated(spark, {"u": DRAWS.uniform("people", "sex", F.col("id"))})["u"].to_numpy()
    grid = u * 2.0**53
    assert (grid == np.floor(grid)).all()
    ones = [(grid.astype("int64") >> bit & 1).mean() for bit in range(53)]
    assert max(abs(share - 0.5) for share in ones) < 4.5 * 0.5 / ROWS**0.5


# independence


@pytest.fixture(scope="module")
def neighbours(spark: SparkSession) -> pd.DataFrame:
    """One draw, and draws that differ from it in one thing each."""
    key = F.col("id")
    return evaluated(
        spark,
        {
            "own": DRAWS.uniform("people", "sex", key),
            "another column": DRAWS.uniform("people", "age", key),
            "another table": DRAWS.uniform("patients", "sex", key),
            "another draw": DRAWS.uniform("people", "sex", key, draw="1"),
            "the next seed": Draws(43, "test").uniform("people", "sex", key),
            "another dataset": Draws(42, "other").uniform("people", "sex", key),
            "the next key": DRAWS.uniform("people", "sex", key + 1),
            "a key a million on": DRAWS.uniform("people", "sex", key + 1_000_000),
            "a second key part": DRAWS.uniform("people", "sex", key, F.lit(-1).cast("bigint")),
            "the parts exchanged": DRAWS.uniform("people", "sex", F.lit(-1).cast("bigint"), key),
        },
    ).drop(columns="id")


def test_a_draw_that_differs_in_one_thing_is_independent(neighbours: pd.DataFrame) -> None:
    own = neighbours["own"].to_numpy()
    for name in neighbours.columns.drop("own"):
        other = neighbours[name].to_numpy()
        pairs = np.histogram2d(own, other, bins=20, range=[[0, 1], [0, 1]])[0]
        assert abs(np.corrcoef(own, other)[0, 1]) < 4 / ROWS**0.5, name
        assert stats.chisquare(pairs.ravel()).pvalue > SURE, name


def test_draws_of_a_key_do_not_repeat_later(neighbours: pd.DataFrame) -> None:
    """Of a hundred thousand draws of 53 bits no two are the same, in nine streams together."""
    assert pd.unique(neighbours.drop(columns="the next key").to_numpy().ravel()).size == 9 * ROWS


# only the key decides


def test_partitions_row_order_and_other_columns_change_no_draw(spark: SparkSession) -> None:
    key = F.col("id")
    drawn, other = DRAWS.uniform("people", "sex", key), DRAWS.uniform("people", "zip", key)
    whole = spark.range(0, 5_000, 1, 1).select("id", drawn.alias("u"))
    variants = [
        spark.range(0, 5_000, 1, 7).select("id", drawn.alias("u")),
        spark.range(4_999, -1, -1, 3).select("id", drawn.alias("u")),
        spark.range(0, 5_000, 1, 2).select(
            other.alias("before"), "id", drawn.alias("u"), (drawn * other).alias("after")
        ),
        spark.range(0, 5_000, 1, 2).repartition(5, "id").where(key % 3 == 0).select("id", drawn.alias("u")),
    ]
    values = {row["id"]: row["u"] for row in whole.collect()}
    for variant in variants:
        rows = variant.collect()
        assert rows
        assert all(values[row["id"]] == row["u"] for row in rows)


def test_generators_on_the_driver_belong_to_their_stream() -> None:
    first = DRAWS.on_driver("people", "households").random()
    assert DRAWS.on_driver("people", "households").random() == first
    assert Draws(43, "test").on_driver("people", "households").random() != first
    assert DRAWS.on_driver("people", "households", "again").random() != first
