"""Real places: ZIP code, city, county, state and area code as they belong together, from the `zipcodes` package."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cache

import zipcodes
from pyspark.sql import Column
from pyspark.sql import functions as F

from payerlake.distributions import constant_array, integer


@dataclass(frozen=True)
class Zip:
    """One standard (street delivery) ZIP code."""

    zip_code: str
    city: str
    county: str
    state: str
    area_code: str


@cache
def zips(state: str) -> tuple[Zip, ...]:
    """The active standard ZIP codes of a state in rising order; one of several area codes is its first.

    A few ZIP codes belong to a prefix of the neighbouring state, whose post office serves them; they are left out, so
    that the first three digits tell the state.
    """
    return tuple(
        place for place in _standard() if place.state == state and _prefix_states()[place.zip_code[:3]] == state
    )


@cache
def _standard() -> tuple[Zip, ...]:
    return tuple(
        Zip(row["zip_code"], row["city"], row["county"], row["state"], row["area_codes"][0])
        for row in sorted(zipcodes.list_all(), key=lambda row: row["zip_code"])
        if row["active"] and row["zip_code_type"] == "STANDARD" and row["area_codes"] and row["county"]
    )


@cache
def _prefix_states() -> dict[str, str]:
    """The state that most ZIP codes of a three-digit prefix are in."""
    counts: dict[str, Counter[str]] = {}
    for place in _standard():
        counts.setdefault(place.zip_code[:3], Counter())[place.state] += 1
    return {prefix: states.most_common(1)[0][0] for prefix, states in counts.items()}


class Places:
    """The ZIP codes of some states as constant columns, which a position in them reads."""

    def __init__(self, states: list[str]) -> None:
        """states: postal codes; their order is that of `state_index`."""
        self._zips = [place for state in states for place in zips(state)]
        counts = [len(zips(state)) for state in states]
        self._first = [sum(counts[:i]) for i in range(len(counts))]
        self._counts = counts

    def position(self, u: Column, state_index: Column) -> Column:
        """The position (int) of a ZIP code of this state, all of the state's alike likely."""
        first = F.get(constant_array(self._first, "int"), state_index)
        count = F.get(constant_array(self._counts, "int"), state_index)
        return (first + integer(u, 0, count - 1)).cast("int")

    def read(self, field: str, position: Column) -> Column:
        """`zip_code`, `city`, `county`, `state` or `area_code` of the ZIP code at this position."""
        return F.get(constant_array([getattr(place, field) for place in self._zips], "string"), position)
