"""Population settings: who the people of a dataset are. The people layer draws from these, tables never do."""

from __future__ import annotations

import datetime
from itertools import pairwise
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from payerlake import reference
from payerlake.contract.setting_types import Frozen, Shares, SharesByNumber, Weights


def _postal_codes(weights: dict[str, float]) -> dict[str, float]:
    unknown = set(weights) - {row["state"] for row in reference.rows("us_states")}
    if unknown:
        raise ValueError(f"not postal codes of one of the 50 states, such as CA: {', '.join(sorted(unknown))}")
    return weights


def _from_state_file(weights: Any) -> Any:
    """The weights themselves, or the populations that a list of `conf/reference` or a CSV file gives the states."""
    if not isinstance(weights, str):
        return weights
    rows = reference.rows_of(weights)
    try:
        return {row["state"]: float(row["population"]) for row in rows}
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError("a file of states has the columns state (postal code) and population (a number)") from error


States = Annotated[Weights, BeforeValidator(_from_state_file), AfterValidator(_postal_codes)]
"""Weights of states by postal code, or the name of a file that has them: state, population."""


def _from_zip_code_file(codes: Any) -> Any:
    """The codes themselves, or the zip_code column of a list of `conf/reference` or a CSV file."""
    if not isinstance(codes, str):
        return codes
    try:
        return tuple(row["zip_code"] for row in reference.rows_of(codes))
    except KeyError as error:
        raise ValueError("a file of ZIP codes has the column zip_code") from error


ZipCodes = Annotated[tuple[str, ...] | None, BeforeValidator(_from_zip_code_file)]
"""ZIP codes, or the name of a file that has them: zip_code."""


class HouseholdMix(Frozen):
    """How members form households: the shares of the three roles, and how many dependents a family with any has."""

    roles: Shares
    dependents_per_family: SharesByNumber

    @model_validator(mode="after")
    def _known(self) -> HouseholdMix:
        if set(self.roles) != {"SELF", "SPOUSE", "DEPENDENT"}:
            raise ValueError("roles must be SELF, SPOUSE and DEPENDENT")
        if not set(self.dependents_per_family) <= {1, 2, 3, 4}:
            raise ValueError("dependents_per_family must be numbers from 1 to 4")
        return self


class Population(Frozen):
    """Shares of sex, age and state, and the households, of one population.

    `age_bands` are whole years at `as_of`, written `from-to` inclusive, without gaps; ages are uniform inside a band.
    in_common: every dataset tells of the same health and cover of these people, instead of each by its own document.
    zip_codes: the ZIP codes in which they live, all alike likely within a state; None for all of the states'.
    """

    as_of: datetime.date = Field(ge=datetime.date(1900, 1, 1), le=datetime.date(2200, 12, 31))
    sex: Shares
    age_bands: Shares
    states: States
    households: HouseholdMix = Field(description="roles and family sizes")
    in_common: bool = False
    zip_codes: ZipCodes = None

    @model_validator(mode="after")
    def _bands_touch(self) -> Population:
        bands = self.bands
        for (_, last), (first, _) in pairwise(bands):
            if first != last + 1:
                raise ValueError(f"age_bands must follow each other: {first} does not follow {last}")
        return self

    @property
    def bands(self) -> list[tuple[int, int]]:
        """First and last whole year of each age band."""
        bands = []
        for name in self.age_bands:
            first, _, last = name.partition("-")
            if not (first.isdigit() and last.isdigit() and int(first) <= int(last) <= 120):
                raise ValueError(f"age_bands: {name!r} is not FROM-TO in whole years up to 120")
            bands.append((int(first), int(last)))
        return bands

    @property
    def age_edges_in_days(self) -> list[float]:
        """Days before `as_of` at which the bands begin and end: a birthday today is the first day of an age."""
        bands = self.bands
        years = [first for first, _ in bands] + [bands[-1][1] + 1]
        days = [float(self.days_of_age(year)) for year in years]
        return [max(days[0], 1.0), *days[1:]]  # nobody is born on `as_of` itself, when cover of the past has ended

    def days_of_age(self, years: int) -> int:
        """The days of age at `as_of` of those whose birthday of so many years is that day."""
        return (self.as_of - years_before(self.as_of, years)).days

    def rank_of_age(self, years: float) -> float:
        """The share of people younger than this many years (a fraction of a band is taken linearly)."""
        below = 0.0
        for share, (first, last) in zip(self.age_bands.values(), self.bands, strict=True):
            below += share * min(1.0, max(0.0, (years - first) / (last + 1 - first)))
        return below

    def age_of_rank(self, rank: float) -> float:
        """The age in years that this share of people does not reach: the inverse of `rank_of_age`."""
        below = 0.0
        for share, (first, last) in zip(self.age_bands.values(), self.bands, strict=True):
            if share > 0 and rank < below + share:
                return first + (rank - below) / share * (last + 1 - first)
            below += share
        return float(self.bands[-1][1] + 1)


def years_before(day: datetime.date, years: int) -> datetime.date:
    """The same calendar day so many years earlier; 29 February becomes 28 February where there is none."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)
