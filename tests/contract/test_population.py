"""Population settings: bands, ranks and ages, leap days, and shares that are refused."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from pydantic import ValidationError

from payerlake.contract.population import Population, years_before

BANDS = {"0-17": 0.25, "18-44": 0.0, "45-64": 0.5, "65-99": 0.25}


def population(**changes: Any) -> Population:
    """A small population with these fields changed."""
    fields = {
        "as_of": datetime.date(2024, 1, 1),
        "sex": {"F": 0.5, "M": 0.5},
        "age_bands": BANDS,
        "states": {"CA": 3.0, "NY": 1.0},
        "households": {
            "roles": {"SELF": 0.6, "SPOUSE": 0.25, "DEPENDENT": 0.15},
            "dependents_per_family": {1: 0.5, 2: 0.5},
        },
    }
    return Population(**(fields | changes))


def test_bands_are_read_from_their_names() -> None:
    assert population().bands == [(0, 17), (18, 44), (45, 64), (65, 99)]


def test_a_band_may_be_one_year() -> None:
    assert population(age_bands={"0-0": 0.5, "1-1": 0.5}).bands == [(0, 0), (1, 1)]


@pytest.mark.parametrize(
    ("bands", "message"),
    [
        ({"0-17": 0.5, "19-64": 0.5}, "19 does not follow 17"),
        ({"0-17": 0.5, "17-64": 0.5}, "17 does not follow 17"),
        ({"18-64": 0.5, "0-17": 0.5}, "0 does not follow 64"),
        ({"0-17": 0.5, "65+": 0.5}, r"'65\+' is not FROM-TO in whole years up to 120"),
        ({"17-0": 1.0}, "'17-0' is not FROM-TO"),
        ({"0-121": 1.0}, "'0-121' is not FROM-TO"),
        ({"-1-17": 1.0}, "'-1-17' is not FROM-TO"),
        ({"old": 1.0}, "'old' is not FROM-TO"),
        ({}, "sum to 1"),
    ],
)
def test_bands_that_do_not_follow_each_other_are_refused(bands: dict[str, float], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        population(age_bands=bands)


@pytest.mark.parametrize("years", [0.0, 0.5, 9.0, 17.99, 46.0, 55.5, 64.9, 65.0, 82.5, 100.0])
def test_rank_of_age_and_age_of_rank_are_inverse(years: float) -> None:
    people = population()
    assert people.age_of_rank(people.rank_of_age(years)) == pytest.approx(years, abs=1e-9)


@pytest.mark.parametrize(
    ("years", "rank"), [(0, 0.0), (9, 0.125), (18, 0.25), (30, 0.25), (45, 0.25), (55, 0.5), (65, 0.75), (100, 1.0)]
)
def test_the_rank_of_an_age_is_the_share_of_younger_people(years: float, rank: float) -> None:
    assert population().rank_of_age(years) == pytest.approx(rank)


def test_nobody_is_of_an_age_whose_band_is_empty() -> None:
    assert population().age_of_rank(0.25) == 45.0


def test_ranks_beyond_the_ends_give_the_ends() -> None:
    people = population()
    assert (people.rank_of_age(-3), people.rank_of_age(130), people.age_of_rank(1.0)) == (0.0, 1.0, 100.0)


@pytest.mark.parametrize(
    ("day", "years", "expected"),
    [
        (datetime.date(2024, 2, 29), 1, datetime.date(2023, 2, 28)),
        (datetime.date(2024, 2, 29), 4, datetime.date(2020, 2, 29)),
        (datetime.date(2024, 2, 29), 124, datetime.date(1900, 2, 28)),
        (datetime.date(2024, 3, 1), 1, datetime.date(2023, 3, 1)),
        (datetime.date(2024, 1, 1), 0, datetime.date(2024, 1, 1)),
    ],
)
def test_the_29th_of_february_is_the_28th_where_there_is_none(
    day: datetime.date, years: int, expected: datetime.date
) -> None:
    assert years_before(day, years) == expected


@pytest.mark.parametrize("as_of", [datetime.date(2024, 1, 1), datetime.date(2024, 2, 29), datetime.date(2023, 12, 31)])
def test_bands_begin_and_end_on_birthdays(as_of: datetime.date) -> None:
    days = population(as_of=as_of).age_edges_in_days
    birthdays = [as_of - datetime.timedelta(int(edge)) for edge in days]
    yesterday = as_of - datetime.timedelta(1)  # the youngest are born the day before
    assert birthdays == [yesterday, *(years_before(as_of, years) for years in (18, 45, 65, 100))]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sex": {"F": 0.5, "M": 0.4}}, "shares must be 0 or more and sum to 1, these sum to 0.9"),
        ({"sex": {"F": 1.5, "M": -0.5}}, "shares must be 0 or more"),
        ({"sex": {}}, "shares must be 0 or more and sum to 1"),
        ({"sex": {"F": float("nan"), "M": 0.5}}, "finite"),
        ({"states": {"CA": 0.0}}, "weights must be 0 or more, and one of them more"),
        ({"states": {"CA": -1.0, "NY": 2.0}}, "weights must be 0 or more"),
        ({"states": {}}, "weights must be 0 or more"),
        ({"states": {"CA": float("inf")}}, "finite"),
        ({"states": {"CA": 1.0, "ZZ": 1.0, "ca": 1.0}}, "not postal codes of one of the 50 states, such as CA: ZZ, ca"),
        ({"sex": {"F": "half", "M": 0.5}}, "valid number"),
        ({"as_of": "2024-02-30"}, "valid date"),
    ],
)
def test_wrong_shares_and_weights_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        population(**changes)


@pytest.mark.parametrize(
    ("households", "message"),
    [
        ({"roles": {"SELF": 1.0}, "dependents_per_family": {1: 1.0}}, "roles must be SELF, SPOUSE and DEPENDENT"),
        (
            {"roles": {"SELF": 0.6, "SPOUSE": 0.4, "DEPENDENT": 0}, "dependents_per_family": {5: 1.0}},
            "dependents_per_family must be numbers from 1 to 4",
        ),
    ],
)
def test_households_of_unknown_roles_or_sizes_are_refused(households: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        population(households=households)


def test_shares_may_miss_1_by_what_decimals_lose() -> None:
    assert population(sex={"F": 1 / 3, "M": 1 / 3, "U": 0.3333333}).sex["U"] == 0.3333333


def test_a_population_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        population().as_of = datetime.date(2025, 1, 1)
