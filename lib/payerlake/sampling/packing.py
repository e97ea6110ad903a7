"""Small whole numbers in one: fields side by side, and sets as the bits of their elements' positions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import accumulate

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from payerlake.sampling.frames import listed

BYTE = 8


class Fields:
    """Named fields of one int, the first the lowest: looked up together as one number, then read apart."""

    def __init__(self, **bits: int) -> None:
        """bits: the width of each field, 31 at most in all."""
        ends = accumulate(bits.values())
        self._places = {
            name: (end - width, 2**width - 1) for (name, width), end in zip(bits.items(), ends, strict=True)
        }

    def pack(self, **values: int) -> int:
        """These fields as one int. Raises ValueError for a value that its field cannot hold."""
        for name, value in values.items():
            if not 0 <= value <= self._places[name][1]:
                raise ValueError(f"{name}: {value} does not fit into its field; allowed: 0 to {self._places[name][1]}")
        return sum(value << self._places[name][0] for name, value in values.items())

    def unpack(self, name: str, packed: Column) -> Column:
        """One of the fields (int)."""
        start, highest = self._places[name]
        return F.shiftright(packed, start).bitwiseAND(F.lit(highest))


def bits_of(positions: Iterable[int]) -> int:
    """The set of these positions."""
    return sum(1 << position for position in set(positions))


def has_any(bits: Column, those: int | Column) -> Column:
    """Whether a set has one of those."""
    return bits.bitwiseAND(F.lit(those)) != 0


def keeping(frame: DataFrame, bits: str, size: int, is_kept: Callable[[Column], Column]) -> DataFrame:
    """The same rows; in the set of this column (bigint from then on) those positions (int) are left that are kept."""
    one = F.lit(1).cast("bigint")
    kept = F.aggregate(
        F.sequence(F.lit(0), F.lit(size - 1)),
        F.lit(0).cast("bigint"),
        lambda those, i: F.when(is_kept(i), those.bitwiseOR(F.call_function("shiftleft", one, i))).otherwise(those),
    )
    # Never null, which Spark cannot know, and so would look for nulls, below all that the set is made of.
    left = F.col(bits).bitwiseAND(F.coalesce(kept, F.lit(0)))
    return frame.select(*[left.alias(bits) if name == bits else name for name in frame.columns])


def byte(bits: Column, first: int | Column) -> Column:
    """Eight bits (int) of a bigint from a position on."""
    return F.call_function("shiftrightunsigned", bits, F.lit(first)).bitwiseAND(F.lit(2**BYTE - 1)).cast("int")


def each(frame: DataFrame, bits: str, name: str, size: int) -> DataFrame:
    """A row per element of the set in the column `bits`: adds its position (int). By a join, broadcast."""
    positions = listed(frame.sparkSession, [(i, 1 << i) for i in range(size)], f"{name} int, _bit bigint")
    return frame.crossJoin(F.broadcast(positions)).where(has_any(F.col(bits), F.col("_bit"))).drop("_bit")
