"""Health: what a person has and how early it was found, whatever dataset asks.

A dataset knows a condition by its ICD-10-CM code and says how likely it is for whom; the draw is the person's own, one
a condition of `conf/reference/health.csv`. So with equal rates the same people have it in every dataset, and with other
rates those of the lower rate are among those of the higher.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from payerlake import reference
from payerlake.contract.settings import DatasetSettings
from payerlake.person.people import PERSON
from payerlake.sampling.draws import Draws
from payerlake.sampling.frames import in_a_new_method
from payerlake.sampling.packing import bits_of

_AT_ONCE = 10  # conditions in a method of Java: all in one would be more than it compiles


class Way(NamedTuple):
    """One way to have a condition: of those who are open to it and came to it on no way before, this share (double).

    position: of the dataset's condition, whose bit is set. is_open: None for everybody.
    """

    position: int
    rate: Column
    is_open: Column | None = None


@cache
def condition_of(icd10_code: str) -> str:
    """The person's condition that this code is about; the code itself where the list has none."""
    matches = [(len(start), name) for start, name in _starts() if icd10_code.startswith(start)]
    return max(matches)[1] if matches else icd10_code


@cache
def _starts() -> list[tuple[str, str]]:
    return [(start, row["condition"]) for row in reference.rows("health") for start in row["icd10"].split("|")]


class Health:
    """The health of the people of one seed. A member's key is in column `id`."""

    def __init__(self, settings: DatasetSettings) -> None:
        self._draws = Draws(settings.seed, PERSON)

    def diagnosed(self, people: DataFrame, ways: Sequence[tuple[str, Sequence[Way]]]) -> DataFrame:
        """Adds to the set `conditions` (bits, bigint) of each person what these ways, by condition, lead to.

        Rates and who is open may look at the conditions that stand there already.
        """
        columns = people.columns
        groups = [ways[start : start + _AT_ONCE] for start in range(0, len(ways), _AT_ONCE)]
        for i, group in enumerate(groups):
            drawn = [self._drawn(*one) for one in group]
            people = in_a_new_method(people.select("*", _union(drawn).alias(f"_drawn_{i}")))
        found = _union([F.col("conditions"), *[F.col(f"_drawn_{i}") for i in range(len(groups))]])
        return people.select(*[column for column in columns if column != "conditions"], found.alias("conditions"))

    def leads(self, condition: str, ways: Sequence[Way]) -> list[Column]:
        """Whether the person's draw is within these ways, up to each."""
        return [self._beyond(condition) > left for left in _left(ways)]

    def earliness(self, condition: str) -> Column:
        """How early in life or in time a condition was found: a uniform, the higher the earlier."""
        return self._draws.uniform("health", "found", F.col("id"), draw=condition)

    def earliness_of(self, conditions: Sequence[str], place: Column) -> Column:
        """The same for one of these conditions, by its position (int)."""
        return self._draws.uniform_of("health", "found", conditions, place, F.col("id"))

    def _drawn(self, condition: str, ways: Sequence[Way]) -> Column:
        """The bit of the first of the ways that the draw is within, else 0."""
        found, after = F.lit(0).cast("bigint"), None
        for way, leads in reversed(list(zip(ways, self.leads(condition, ways), strict=True))):
            if way.position != after:  # of neighbours that lead to the same condition the last says it all
                found = F.when(leads, F.lit(bits_of([way.position])).cast("bigint")).otherwise(found)
            after = way.position
        return found

    def _beyond(self, condition: str) -> Column:
        """What the person's draw for a condition leaves to 1: exact, and above 0."""
        return F.lit(1.0) - self._draws.uniform("health", "has", F.col("id"), draw=condition)


def _left(ways: Sequence[Way]) -> Iterator[Column]:
    """The share that has come to the condition on none of the ways up to each."""
    left: Column | None = None
    for way in ways:
        rest = F.lit(1.0) - way.rate
        of_way = rest if way.is_open is None else F.when(way.is_open, rest).otherwise(1.0)
        left = of_way if left is None else left * of_way
        yield left


def _union(sets: Sequence[Column]) -> Column:
    union = sets[0]
    for other in sets[1:]:
        union = union.bitwiseOR(other)
    return union
