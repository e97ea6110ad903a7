"""Packing: what goes into one number comes out of it, and what has no room in it is refused."""

from __future__ import annotations

import pytest
from pyspark.sql import functions as F

from payerlake.sampling.packing import BYTE, Fields, bits_of, byte, each, has_any

FIELDS = Fields(low=1, middle=5, high=25)


@pytest.mark.parametrize(("low", "middle", "high"), [(0, 0, 0), (1, 31, 2**25 - 1), (1, 0, 5), (0, 17, 1)])
def test_packed_fields_come_out_as_they_went_in(spark, low: int, middle: int, high: int) -> None:
    packed = F.lit(FIELDS.pack(low=low, middle=middle, high=high))
    row = spark.range(1).select(*(FIELDS.unpack(name, packed) for name in ("low", "middle", "high"))).first()
    assert tuple(row) == (low, middle, high)


@pytest.mark.parametrize("value", [-1, 32])
def test_a_value_that_its_field_cannot_hold_is_refused(value: int) -> None:
    with pytest.raises(ValueError, match=rf"middle: {value} does not fit into its field; allowed: 0 to 31"):
        FIELDS.pack(low=0, middle=value, high=0)


def test_a_set_tells_its_elements(spark) -> None:
    frame = spark.createDataFrame([(1, bits_of([0, 2])), (2, bits_of([62])), (3, 0)], "id int, members bigint")
    rows = each(frame, "members", "position", 63).select("id", "position").collect()
    assert {tuple(row) for row in rows} == {(1, 0), (1, 2), (2, 62)}


def test_a_set_has_any_of_another_where_they_share_an_element(spark) -> None:
    answers = [has_any(F.lit(bits_of([0, 2])), those) for those in (bits_of([2, 3]), bits_of([1]), 0, F.lit(1))]
    assert tuple(spark.range(1).select(*answers).first()) == (True, False, False, True)


def test_a_byte_begins_at_any_bit_up_to_the_last(spark) -> None:
    bits = F.lit(-1).cast("bigint")
    row = spark.range(1).select(byte(bits, 3), byte(bits, F.lit(64 - BYTE)), byte(bits, 60)).first()
    assert tuple(row) == (255, 255, 15)
