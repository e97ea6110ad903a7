"""What a table is made from: a session, the settings, the part of the members that this run makes, and the draws."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, wraps
from threading import RLock
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from payerlake.person.people import PERSON, People
from payerlake.sampling.draws import Draws


@dataclass(frozen=True)
class World:
    """One dataset of one seed, as far as this run makes it.

    first, last: the range of member keys, last excluded. The whole dataset has keys 0 … settings.members.
    part: I of N, for what the settings count by itself.
    """

    spark: SparkSession
    settings: Any
    first: int
    last: int
    part: tuple[int, int] = (1, 1)
    _planned: dict[tuple[str, int], tuple[DataFrame, DataFrame | None]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    _planning: Any = field(default_factory=RLock, init=False, repr=False, compare=False)  # tables are built by threads

    @cached_property
    def draws(self) -> Draws:
        """The random streams of the dataset."""
        return Draws(self.settings.seed, self.settings.dataset)

    @cached_property
    def people(self) -> People:
        """The people behind the members."""
        return People(self.settings.population, Draws(self.settings.seed, PERSON))

    def member_keys(self, members_per_file: int) -> DataFrame:
        """Member keys in column `id`: so many in each partition, hence file; the last has what is left."""
        files = max(1, math.ceil((self.last - self.first) / members_per_file))
        # Beyond one file partitions are equal, and go beyond the last member; the rest is cut off.
        each = members_per_file if files > 1 else self.last - self.first
        return self.once(("member_keys", each), lambda: self._keys(each, files))

    def _keys(self, each: int, files: int) -> DataFrame:
        keys = self.spark.range(self.first, self.first + files * each, 1, files)
        return keys.where(F.col("id") < self.last) if files > 1 else keys

    def once(self, key: tuple[str, int], make: Callable[[], DataFrame], of: DataFrame | None = None) -> DataFrame:
        """What `make` gives, or gave before for this key. of: a frame whose id is in the key, kept so that it stays."""
        with self._planning:
            if key not in self._planned:
                self._planned[key] = (make(), of)
            return self._planned[key][0]

    def own_keys(self, spine: str) -> DataFrame:
        """Keys of this part of what the settings count as this spine (`formularies`, `facilities`), from 0, in column
        `id`, evenly in as many partitions as there are files."""
        return self.spark.range(*self._own(spine), 1, self.own_files(spine))

    def own_files(self, spine: str) -> int:
        """Files of the tables that follow this spine."""
        first, last = self._own(spine)
        return max(1, math.ceil((last - first) / self.settings.counted[spine].per_file))

    def _own(self, spine: str) -> tuple[int, int]:
        (part, parts), count = self.part, self.settings.counted[spine].number
        return count * (part - 1) // parts, count * part // parts


Step = Callable[[Any, DataFrame], DataFrame]


def planned_once(step: Step) -> Step:
    """A method of a class with a `_world`, frame in, frame out, that gives of the same frame what it gave before.

    Tables that begin alike are planned once so far: Spark analyzes a plan step by step, which takes longer than to run
    it where rows are few.
    """

    @wraps(step)
    def once(self: Any, frame: DataFrame) -> DataFrame:
        return self._world.once((step.__qualname__, id(frame)), lambda: step(self, frame), of=frame)

    return once
