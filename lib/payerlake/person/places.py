"""Real places: ZIP code, city, county, state and area code as they belong together, from the `zipcodes` package."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache

import zipcodes
from pyspark.sql import Column
from pyspark.sql import functions as F

from payerlake.errors import BadInput
from payerlake.sampling.distributions import constant_array, integer, string_at


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
    """The ZIP codes of some states as constant columns: one look-up finds a record, from which the fields are cut.

    A record is `ZZZZZAAASSCity|County`: ZIP code, area code, state, then what has no fixed length. Tens of thousands of
    strings do not fit a processor's caches; a look-up for each field would cost as much as all else of an address.
    """

    def __init__(self, states: list[str], only: Collection[str] | None = None) -> None:
        """states: postal codes; their order is that of `state_index`. only: of their ZIP codes these.

        Raises BadInput for a state in which none of them is.
        """
        found = [[place for place in zips(state) if only is None or place.zip_code in only] for state in states]
        without = [state for state, places in zip(states, found, strict=True) if not places]
        if without:
            raise BadInput(f"population.zip_codes: none is a ZIP code of {', '.join(without)}, which states names")
        self._zips = [place for places in found for place in places]
        counts = [len(places) for places in found]
        self._first = [sum(counts[:i]) for i in range(len(counts))]
        self._counts = counts

    def record(self, u: Column, state_index: Column) -> Column:
        """The record of a ZIP code of this state, all of the state's alike likely."""
        first = F.get(constant_array(self._first, "int"), state_index)
        count = F.get(constant_array(self._counts, "int"), state_index)
        records = [f"{p.zip_code}{p.area_code}{p.state}{p.city}|{p.county}" for p in self._zips]
        return string_at(records, (first + integer(u, 0, count - 1)).cast("int"))


_FIELDS = {
    "zip_code": lambda record: F.substring(record, 1, 5),
    "area_code": lambda record: F.substring(record, 6, 3),
    "state": lambda record: F.substring(record, 9, 2),
    "city": lambda record: F.substring_index(F.substring(record, 11, 200), "|", 1),
    "county": lambda record: F.substring_index(record, "|", -1),
}


def field(name: str, record: Column) -> Column:
    """`zip_code`, `area_code`, `state`, `city` or `county` of a record."""
    return _FIELDS[name](record)
