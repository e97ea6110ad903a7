"""The fingerprint of a table without Spark, by the definition in `payerlake.publish.fingerprint`, of Arrow tables."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa

from payerlake.publish.fingerprint import Fingerprint
from tests.publish.test_fingerprint import xxh64

_EPOCH, _MIDNIGHT = date(1970, 1, 1), datetime(1970, 1, 1)
_BLOCK = 60  # columns whose nulls share one number
_SHORT_DECIMAL = 18  # digits up to which a decimal is a 64-bit number
_NUMBERS = {pa.bool_(): "<i", pa.int8(): "<i", pa.int16(): "<i", pa.int32(): "<i", pa.int64(): "<q"}


def fingerprint(stored: pa.Table) -> Fingerprint:
    """The fingerprint of the rows, their columns in the contract's order."""
    columns = [_hashed(column) for column in stored.columns]
    total = sum(_row(values) for values in zip(*columns, strict=True)) % 2**64
    return Fingerprint(stored.num_rows, f"{total:016x}")


def _hashed(column: pa.ChunkedArray) -> Iterator[bytes | None]:
    to_bytes = _bytes(column.type)
    return (None if value is None else to_bytes(value) for value in column.to_pylist())


def _row(values: Iterable[bytes | None]) -> int:
    values = list(values)
    h = 42
    for value in values:
        h = h if value is None else xxh64(value, h)
    for start in range(0, len(values), _BLOCK):
        nulls = sum(1 << i for i, value in enumerate(values[start : start + _BLOCK]) if value is None)
        h = xxh64(struct.pack("<q", nulls), h)
    return h


def _bytes(kind: pa.DataType) -> Callable[[Any], bytes]:
    """How a value of the type is hashed."""
    if kind in _NUMBERS:
        return struct.Struct(_NUMBERS[kind]).pack
    if pa.types.is_decimal(kind):
        return lambda value: _decimal(value, kind.scale, kind.precision)
    return {
        pa.string(): str.encode,
        pa.date32(): lambda value: struct.pack("<i", (value - _EPOCH).days),
        pa.float64(): lambda value: struct.pack("<d", value + 0.0),  # -0.0 becomes 0.0
        pa.timestamp("us"): lambda value: struct.pack("<q", (value - _MIDNIGHT) // timedelta(microseconds=1)),
    }[kind]


def _decimal(value: Decimal, scale: int, precision: int) -> bytes:
    unscaled = int(value.scaleb(scale))
    if precision <= _SHORT_DECIMAL:
        return struct.pack("<q", unscaled)
    return unscaled.to_bytes((unscaled + (unscaled < 0)).bit_length() // 8 + 1, "big", signed=True)
