"""The fingerprint of a table: which rows it holds, whatever their order, partitions, files and format.

Definition, for a table of n columns in the order of its schema:

- A value's bytes: string: its UTF-8 bytes · date: days since 1970-01-01 as int32 · timestamp: microseconds since
  1970-01-01 00:00 as int64 · boolean: 1 or 0 as int32 · int: int32 · bigint: int64 · double: its IEEE 754 bits as
  int64, with -0.0 as 0.0 · decimal of at most 18 digits: the unscaled number as int64 (12.50 of scale 2 is 1250) ·
  wider decimal: the unscaled number as the shortest big-endian two's complement. All other integers are little-endian.
- The nulls of each block of 60 columns, as an int64: bit i is set where column i of the block is null.
- A row's hash: h = 42; for each column that is not null, then for each block's nulls, h = XXH64(bytes, seed=h).
- The fingerprint: the sum of the rows' hashes modulo 2^64, as 16 hex digits.

So a null, an empty string and a value in the neighbouring column all differ, and fingerprints of slices add up.
Typed values are hashed rather than their text: under the contract's schema each determines the other, and to make
dates and numbers into text only to hash it takes two and a half times as long.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any

from pyspark.sql import Column, DataFrame, Observation
from pyspark.sql import functions as F

from payerlake.errors import EngineFailed

_MODULUS = 1 << 64
_LOW_WORD = (1 << 32) - 1
_HALF_WORD = 1 << 31
_BLOCK = 60  # columns whose nulls share one bigint
_ROWS, _HIGH, _LOW = "rows", "high", "low"


@dataclass(frozen=True)
class Fingerprint:
    """Rows of a table and the sum of their hashes, 16 hex digits."""

    rows: int
    digest: str


def observed(df: DataFrame, name: str) -> tuple[DataFrame, Observation]:
    """`df` unchanged, and what its fingerprint is read from once one action over it has finished."""
    observation = Observation(name)
    return df.observe(observation, *_metrics(df)), observation


def from_observation(metrics: Mapping[str, Any]) -> Fingerprint:
    """The fingerprint of `observation.get`. Raises EngineFailed where Spark delivered no metrics."""
    if _ROWS not in metrics:
        raise EngineFailed(f"fingerprint: Spark observed nothing, but {_ROWS}, {_HIGH} and {_LOW} are due; run again")
    rows = int(metrics[_ROWS])
    high, low = int(metrics[_HIGH] or 0), int(metrics[_LOW] or 0)
    return Fingerprint(rows, _digest((high << 32) + low + rows * _HALF_WORD))


def measure(df: DataFrame) -> Fingerprint:
    """The fingerprint of the DataFrame, by one aggregation over it."""
    return from_observation(df.agg(*_metrics(df)).collect()[0].asDict())


def add(*digests: str) -> str:
    """The digest of the union of disjoint slices from the slices' digests."""
    return _digest(sum(int(digest, 16) for digest in digests))


def row_hash(df: DataFrame) -> Column:
    """The hash of a row of `df` as a signed bigint."""
    blocks = [df.columns[start : start + _BLOCK] for start in range(0, len(df.columns), _BLOCK)]
    return F.xxhash64(*[_column(name) for name in df.columns], *[_nulls(block) for block in blocks])


def _metrics(df: DataFrame) -> list[Column]:
    """Count and two sums of half hashes, each half within 2^31 of zero.

    Spark's ANSI mode raises where a sum overflows. Distinct rows' halves cancel out: the sum over 10^12 of them stays
    near 2^51. Only four billion equal rows could reach 2^63.
    """
    row = row_hash(df)
    high = F.sum(F.shiftright(row, 32))
    low = F.sum(row.bitwiseAND(F.lit(_LOW_WORD)) - F.lit(_HALF_WORD))
    return [F.count(F.lit(1)).alias(_ROWS), high.alias(_HIGH), low.alias(_LOW)]


def _nulls(columns: list[str]) -> Column:
    bits = [F.when(_column(name).isNull(), F.lit(1 << i)).otherwise(F.lit(0)) for i, name in enumerate(columns)]
    return reduce(Column.bitwiseOR, [bit.cast("bigint") for bit in bits])


def _column(name: str) -> Column:
    return F.col(f"`{name}`")


def _digest(total: int) -> str:
    return f"{total % _MODULUS:016x}"
