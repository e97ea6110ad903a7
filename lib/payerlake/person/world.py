"""What a table is made from: a session, the settings, the part of the members that this run makes, and the draws."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, wraps
from threading import RLock
from typing import Any, Generic, cast

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from payerlake.contract.schema import Table
from payerlake.contract.settings import S
from payerlake.contract.slices import Slice
from payerlake.contract.spine import Spine, files_for
from payerlake.person.households import LARGEST
from payerlake.person.people import People
from payerlake.sampling.draws import Draws
from payerlake.sampling.frames import filtered

MEMBERS = Spine(
    "members",
    number=lambda settings: settings.members,
    per_file=lambda settings, table: getattr(settings.members_per_file, table),
    setting="members",
    smallest=LARGEST,
    undivided=f"no part cuts a household, which may be of {LARGEST}",
)


@dataclass(frozen=True)
class World(Generic[S]):
    """One dataset of one seed, as far as this run makes it.

    first, last: the range of member keys, last excluded. The whole dataset has keys 0 … settings.members.
    part: of the dataset, for the other spines.
    """

    spark: SparkSession
    settings: S
    first: int
    last: int
    part: Slice = Slice()
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
        return People(self.settings)

    def rows(self, table: Table) -> DataFrame:
        """The rows of a table that are known on the day of `known_at`, as they were known then; all without it."""
        rows, day = table.build(self), self.settings.known_at
        return rows if day is None or table.known is None else table.known.on(day, rows)

    def is_known(self, since: Column) -> Column:
        """Whether something is known that is so from a day on; null where that is null."""
        day = self.settings.known_at
        return F.lit(True) if day is None else since <= F.lit(day)

    def known(self, frame: DataFrame, since: Column) -> DataFrame:
        """The rows that are known, which each is from a day on."""
        return frame if self.settings.known_at is None else filtered(frame, self.is_known(since))

    def member_keys(self, members_per_file: int) -> DataFrame:
        """Member keys in column `id`: so many in each partition, hence file; the last has what is left."""
        files = files_for(self.last - self.first, members_per_file)
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

    def keys(self, spine: Spine) -> DataFrame:
        """Keys of this part of a spine that the members are not, in column `id`, evenly in as many partitions as there
        are files."""
        first, last = self.range(spine)
        return self.spark.range(first, last, 1, spine.files(self.settings, "", last - first))

    def files(self, table: Table) -> int:
        """How many files the table is laid into."""
        first, last = self.range(table.spine)
        return table.spine.files(self.settings, table.name, last - first)

    def range(self, spine: Spine) -> tuple[int, int]:
        """The first key of this run, and the first beyond it."""
        return (self.first, self.last) if spine is MEMBERS else spine.part(self.settings, self.part)


Step = Callable[[Any, DataFrame], DataFrame]


def planned_once(step: Step) -> Step:
    """A method of a class with a `_world`, frame in, frame out, that gives of the same frame what it gave before.

    Tables that begin alike are planned once so far: Spark analyzes a plan step by step, which takes longer than to run
    it where rows are few.
    """

    @wraps(step)
    def once(self: Any, frame: DataFrame) -> DataFrame:
        world = cast(World[Any], self._world)
        return world.once((step.__qualname__, id(frame)), lambda: step(self, frame), of=frame)

    return once
