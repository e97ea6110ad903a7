"""Health: what a person has and when it was found, whatever dataset asks.

A dataset knows a condition by its ICD-10-CM code and says how likely it is for whom; the draw is the person's own, one
a condition of `conf/reference/health.csv`. So with equal rates the same people have it in every dataset, and with other
rates those of the lower rate are among those of the higher. In a population whose conditions are in common, every
dataset takes the rates, and when conditions are found, from that list.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import reduce
from typing import Literal, NamedTuple

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from payerlake.contract.settings import DatasetSettings
from payerlake.person.conditions import BANDS, SEXES, Onset, listed, onsets, prevalence
from payerlake.person.people import PERSON, place_among
from payerlake.sampling.distributions import integer_at, number_at
from payerlake.sampling.draws import Draws
from payerlake.sampling.frames import in_a_new_method
from payerlake.sampling.packing import bits_of, has_any

_AT_ONCE = 10  # conditions in a method of Java: all in one would be more than it compiles
_YEAR = 365.25
_EVER = 200  # years


Draw = Literal["has", "code"]


class Way(NamedTuple):
    """One way to have a condition: of those who are open to it and came to it on no way before, this share (double).

    position: of the dataset's condition, whose bit is set. is_open: None for everybody.
    """

    position: int
    rate: Column
    is_open: Column | None = None


class Health:
    """The health of the people of one seed and population. A member's key is in column `id`."""

    def __init__(self, settings: DatasetSettings) -> None:
        self._draws, self._population = Draws(settings.seed, PERSON), settings.population

    # by rates of the dataset's own

    def diagnosed(
        self,
        people: DataFrame,
        ways: Sequence[tuple[str, Sequence[Way]]],
        bits: str = "conditions",
        draw: Draw = "has",
    ) -> DataFrame:
        """Adds to a set (column `bits`, bigint) of each person what these ways, by condition, lead to.

        Rates and who is open may look at what stands in the set already. draw: that of having the condition, or of the
        code by which it is known.
        """
        columns = people.columns
        groups = [ways[start : start + _AT_ONCE] for start in range(0, len(ways), _AT_ONCE)]
        for i, group in enumerate(groups):
            drawn = reduce(Column.bitwiseOR, [self._drawn(draw, *one) for one in group])
            people = in_a_new_method(people.select("*", drawn.alias(f"_drawn_{i}")))
        found = reduce(Column.bitwiseOR, [F.col(f"_drawn_{i}") for i in range(len(groups))], F.col(bits))
        return people.select(*[column for column in columns if column != bits], found.alias(bits))

    def leads(self, condition: str, ways: Sequence[Way]) -> list[Column]:
        """Whether the person's draw is within these ways, up to each."""
        return self._within("has", condition, ways)

    def _drawn(self, draw: Draw, condition: str, ways: Sequence[Way]) -> Column:
        """The bit of the first of the ways that the draw is within, else 0."""
        found, after = _bits(), None
        for way, leads in reversed(list(zip(ways, self._within(draw, condition, ways), strict=True))):
            if way.position != after:  # of neighbours that lead to the same condition the last says it all
                found = F.when(leads, _bits(way.position)).otherwise(found)
            after = way.position
        return found

    def _within(self, draw: Draw, condition: str, ways: Sequence[Way]) -> list[Column]:
        # What the draw leaves to 1, which is exact and above 0, against what the ways leave.
        beyond = F.lit(1.0) - self._draws.uniform("health", draw, F.col("id"), draw=condition)
        return [beyond > left for left in _left(ways)]

    # by the rates of the list

    @property
    def is_in_common(self) -> bool:
        """Whether all datasets have these people's conditions by the list, instead of by rates of their own."""
        return self._population.in_common

    def with_own(self, people: DataFrame) -> DataFrame:
        """Adds `own`, the bits (bigint) of the listed conditions that people of `age` and `sex` have."""
        law = prevalence()
        sex = F.when(F.col("sex") == SEXES[0], 0).when(F.col("sex") == SEXES[1], 1).otherwise(2)
        cell = place_among(list(BANDS.values()), F.col("age")) * len(SEXES) + sex
        frame = people.select("*", cell.alias("_cell"), _bits().alias("own"))
        for level in law.dependence.levels:
            frame = self.diagnosed(frame, [(name, [self._listed_way(name)]) for name in level], "own")
        return frame.drop("_cell")

    def has_own(self, condition: str) -> Column:
        """Whether the person has a listed condition, by the bits in `own`."""
        return has_any(F.col("own"), bits_of([listed().index(condition)]))

    def of_own(self, conditions: Sequence[str]) -> Column:
        """The bits (bigint) of a dataset's conditions, by what each is to the person: those that people have."""
        bits = [
            F.when(self.has_own(condition), _bits(i)).otherwise(_bits())
            for i, condition in enumerate(conditions)
            if condition in listed()
        ]
        return reduce(Column.bitwiseOR, bits, _bits())

    def _listed_way(self, name: str) -> Way:
        law = prevalence()
        rate = number_at(law.rates(name, False), F.col("_cell"))
        if given := law.given(name):
            some = has_any(F.col("own"), bits_of(map(listed().index, given)))
            rate = F.when(some, number_at(law.rates(name, True), F.col("_cell"))).otherwise(rate)
        return Way(listed().index(name), rate)

    # when it was found

    def found_own(self, conditions: Sequence[str], place: Column) -> Column:
        """The date on which one of these listed conditions, by its position (int), was found in who was born on
        `birth_date`."""
        own = [listed().index(name) if name in listed() else 0 for name in conditions]
        return self.found(onsets(), integer_at(own, place), "own")

    def found(self, when: Sequence[Onset], place: Column, bits: str) -> Column:
        """The date on which one of these conditions, by its position (int), was found in who was born on `birth_date`:
        between its usual ages, at most on the day of the population.

        bits: the column of the set of those that the person has.
        """
        cause = F.lit(-1)
        for i, onset in enumerate(when):
            if onset.causes:
                cause = F.when(place == i, _first_of(onset.causes, bits)).otherwise(cause)
        follows = cause >= 0
        cause_first, cause_last = self._usual(when, cause)
        own_first, own_last = self._usual(when, place)
        as_of = F.lit(self._population.as_of)
        early = self.earliness_of([onset.condition for onset in when], cause)
        first = F.when(follows, _between(cause_first, cause_last, early)).otherwise(own_first)
        last = F.when(follows, as_of).otherwise(own_last)
        return _between(first, last, self.earliness_of([onset.condition for onset in when], place))

    def earliness(self, condition: str) -> Column:
        """How early in life or in time a condition was found: a uniform, the higher the earlier."""
        return self._draws.uniform("health", "found", F.col("id"), draw=condition)

    def earliness_of(self, conditions: Sequence[str], place: Column) -> Column:
        """The same for one of these conditions, by its position (int)."""
        return self._draws.uniform_of("health", "found", conditions, place, F.col("id"))

    def _usual(self, when: Sequence[Onset], place: Column) -> tuple[Column, Column]:
        """The first and the last day on which a condition is usually found in this person; at any age in one who has
        it before the usual one."""
        as_of = F.lit(self._population.as_of)

        def after(years: list[int]) -> Column:
            return integer_at([round(of * _YEAR) for of in years], place)

        usual = F.date_add("birth_date", after([onset.first_age for onset in when]))
        first = F.greatest(
            F.when(usual > as_of, F.col("birth_date")).otherwise(usual),
            F.date_sub(as_of, after([onset.within_years or _EVER for onset in when])),
        )
        return first, F.least(F.date_add("birth_date", after([onset.last_age for onset in when])), as_of)


def _bits(*positions: int) -> Column:
    """The set (bigint) of these positions."""
    return F.lit(bits_of(positions)).cast("bigint")


def _left(ways: Sequence[Way]) -> Iterator[Column]:
    """The share that has come to the condition on none of the ways up to each."""
    left: Column | None = None
    for way in ways:
        rest = F.lit(1.0) - way.rate
        of_way = rest if way.is_open is None else F.when(way.is_open, rest).otherwise(1.0)
        left = of_way if left is None else left * of_way
        yield left


def _first_of(positions: Sequence[int], bits: str) -> Column:
    """The first of these positions (int) that the set has, else -1."""
    first = F.lit(-1)
    for position in reversed(positions):
        first = F.when(has_any(F.col(bits), bits_of([position])), position).otherwise(first)
    return first


def _between(first: Column, last: Column, earliness: Column) -> Column:
    """A day from the first to the last, all alike likely; the first where the last is before it."""
    days = F.greatest(F.datediff(last, first), F.lit(0))
    return F.date_add(first, days - F.floor(earliness * (days + 1)).cast("int"))
