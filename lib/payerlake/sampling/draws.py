"""Streams and uniforms: the only source of randomness.

A value is a pure function of (seed, dataset, table, column, row key): one keyed hash a cell, `xxhash64(key…, stream)`,
where the stream is a 64-bit BLAKE2b of (seed, dataset, table, column, draw). What is a person's own, whatever dataset
asks, has `person` for a dataset. Partitions, order, batches and clocks have no part in it, and a new column, table or
dataset changes no other value.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

from pyspark.sql import Column
from pyspark.sql import functions as F

from payerlake.sampling.distributions import constant_array

_UNIT = 2.0**-53
_SEPARATOR = b"\x1f"


@dataclass(frozen=True)
class Draws:
    """The named random streams of one seed and dataset."""

    seed: int
    dataset: str

    def stream(self, table: str, column: str, draw: str = "") -> int:
        """The signed 64-bit id of the stream `table.column`, or of one of several draws that the column needs."""
        name = _SEPARATOR.join(part.encode() for part in (str(self.seed), self.dataset, table, column, draw))
        return int.from_bytes(blake2b(name, digest_size=8).digest(), "big", signed=True)

    def bits(self, table: str, column: str, *key: Column, draw: str = "") -> Column:
        """64 random bits, as a bigint, for the row of this key."""
        return F.xxhash64(*key, F.lit(self.stream(table, column, draw)))

    def uniform(self, table: str, column: str, *key: Column, draw: str = "") -> Column:
        """A uniform of 53 bits in [0, 1) for the row of this key."""
        return _unit(self.bits(table, column, *key, draw=draw))

    def uniform_of(self, table: str, column: str, draws: Sequence[str], place: Column, *key: Column) -> Column:
        """The uniform of one of several draws, by its position (int)."""
        streams = constant_array([self.stream(table, column, draw) for draw in draws], "bigint")
        return _unit(F.xxhash64(*key, F.get(streams, place)))

    def on_driver(self, table: str, purpose: str, draw: str = "") -> random.Random:
        """A generator for small constants made once on the driver, such as the patterns of a block of households."""
        return random.Random(self.stream(table, purpose, draw))


def _unit(bits: Column) -> Column:
    return F.shiftrightunsigned(bits, 11).cast("double") * F.lit(_UNIT)
