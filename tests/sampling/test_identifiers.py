"""Identifiers: numbers, phones, e-mail addresses and UUIDs that are valid and point at nobody."""

from __future__ import annotations

import re
import uuid

import pandas as pd
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from payerlake.sampling import identifiers
from payerlake.sampling.draws import Draws

LARGEST = 1.0 - 2.0**-53
ROWS = 20_000


def first_column(frame) -> list:
    return [row[0] for row in frame.collect()]


def test_member_numbers_have_six_digits_and_more_where_six_do_not_do(spark: SparkSession) -> None:
    keys = [1, 42, 999_999, 1_000_000, 10**12]
    frame = spark.createDataFrame([(key,) for key in keys], "key bigint").coalesce(1)
    numbers = first_column(frame.select(identifiers.numbered("M", F.col("key"))))
    assert numbers == ["M000001", "M000042", "M999999", "M1000000", "M1000000000000"]


def test_the_digits_of_a_number_are_at_the_callers_choice(spark: SparkSession) -> None:
    one, none = F.lit(1).cast("bigint"), F.lit(None).cast("bigint")
    row = spark.range(1).select(
        identifiers.numbered("C", one, 9), identifiers.numbered("", one, 1), identifiers.numbered("M", none)
    )
    assert tuple(row.first()) == ("C000000001", "1", None)


def test_phone_numbers_are_of_the_block_kept_for_fiction(spark: SparkSession) -> None:
    frame = spark.range(0, 1_000, 1, 1).select(identifiers.phone(F.lit("212"), (F.col("id") + 0.5) / 1_000))
    phones = pd.Series(first_column(frame))
    assert sorted(phones.unique()) == [f"212-555-01{i:02}" for i in range(100)]
    assert phones.value_counts().eq(10).all()


def test_phone_numbers_keep_to_the_block_at_the_edges(spark: SparkSession) -> None:
    frame = spark.createDataFrame([("907", 0.0), ("907", LARGEST), (None, 0.5)], "area string, u double").coalesce(1)
    phones = first_column(frame.select(identifiers.phone(F.col("area"), F.col("u"))))
    assert phones == ["907-555-0100", "907-555-0199", None]


def test_email_addresses_are_lower_case_and_of_reserved_domains(spark: SparkSession) -> None:
    rows = [("Ann", "Lee", 0.0), ("ANN", "Lee", LARGEST), ("Ann", None, 0.5)]
    frame = spark.createDataFrame(rows, "first string, last string, u double").coalesce(1)
    addresses = first_column(frame.select(identifiers.email(F.col("first"), F.col("last"), F.col("u"))))
    assert addresses == ["ann.lee1@example.com", "ann.lee999@example.net", None]


def test_people_of_one_name_have_2997_addresses(spark: SparkSession) -> None:
    u = (F.col("id") + 0.5) / 2_997
    frame = spark.range(0, 2_997, 1, 1).select(identifiers.email(F.lit("Ann"), F.lit("Lee"), u))
    addresses = first_column(frame)
    assert len(set(addresses)) == 2_997
    assert all(re.fullmatch(r"ann\.lee[1-9]\d{0,2}@example\.(com|org|net)", a) for a in addresses)


@pytest.fixture(scope="module")
def uuids(spark: SparkSession) -> list[str]:
    draws, key = Draws(42, "test"), F.col("id")
    high, low = draws.bits("test", "uuid", key, draw="high"), draws.bits("test", "uuid", key, draw="low")
    return first_column(spark.range(0, ROWS, 1, 1).select(identifiers.uuid4(high, low)))


def test_uuids_are_valid_version_4_and_distinct(uuids: list[str]) -> None:
    parsed = [uuid.UUID(text) for text in uuids]
    assert [str(value) for value in parsed] == uuids
    assert {(value.version, value.variant) for value in parsed} == {(4, uuid.RFC_4122)}
    assert len(set(parsed)) == ROWS


def test_all_122_free_bits_of_a_uuid_vary(uuids: list[str]) -> None:
    numbers = [uuid.UUID(text).int for text in uuids]
    shares = [sum(number >> bit & 1 for number in numbers) / ROWS for bit in range(128)]
    fixed = {bit: share for bit, share in enumerate(shares) if share in (0.0, 1.0)}
    assert fixed == {79: 0.0, 78: 1.0, 77: 0.0, 76: 0.0, 63: 1.0, 62: 0.0}
    assert all(abs(share - 0.5) < 4.5 * 0.5 / ROWS**0.5 for bit, share in enumerate(shares) if bit not in fixed)


@pytest.mark.parametrize(
    ("high", "low", "text"),
    [
        (0, 0, "00000000-0000-4000-8000-000000000000"),
        (-1, -1, "ffffffff-ffff-4fff-bfff-ffffffffffff"),
        (1, -(2**63), "00000000-0000-4001-a000-000000000000"),
    ],
)
def test_small_and_negative_bits_make_whole_uuids(spark: SparkSession, high: int, low: int, text: str) -> None:
    column = identifiers.uuid4(F.lit(high).cast("bigint"), F.lit(low).cast("bigint"))
    assert spark.range(1).select(column).first()[0] == text


def test_an_npi_has_the_check_digit_of_the_published_example(spark: SparkSession) -> None:
    # 45 CFR 162.406's check digit as CMS explains it: 123456789 has the check digit 3.
    assert spark.range(1).select(identifiers.npi(F.lit(23_456_789), first=F.lit(1))).first()[0] == "1234567893"


def test_npis_pass_luhns_check_with_their_prefix_and_begin_as_asked(spark: SparkSession) -> None:
    numbers = first_column(spark.range(0, 2_000, 1, 1).select(identifiers.npi(F.col("id") * 49_999, first=F.lit(9))))
    assert all(re.fullmatch(r"9\d{9}", number) for number in numbers)
    assert all(_luhn(f"80840{number}") for number in numbers)


def _luhn(number: str) -> bool:
    digits = [int(digit) for digit in reversed(number)]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0


def test_hexadecimal_ids_have_twelve_digits_and_differ_for_every_key(spark: SparkSession) -> None:
    streams = [Draws(42, "test").stream("test", "id", draw=str(turn)) for turn in range(4)]
    keys = spark.range(0, ROWS, 1, 1).unionAll(spark.range(2**48 - ROWS, 2**48, 1, 1))
    ids = first_column(keys.select(identifiers.hexadecimal(F.col("id"), streams)))
    assert len(set(ids)) == 2 * ROWS
    assert all(re.fullmatch("[0-9A-F]{12}", text) for text in ids)
    for place in range(12):
        assert len({text[place] for text in ids[:ROWS]}) == 16
