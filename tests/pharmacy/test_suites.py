"""The hand-written pharmacy suites: correct data pass, and each rule reports the data that break it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from tests.conftest import compiled
from tests.edits import Frames
from tests.handwritten import HandWritten, failing, power_tests, reported_by, rows_of
from tests.lake import Lake, frames
from tests.pharmacy.breaks import Break
from tests.pharmacy.families import Families
from tests.pharmacy.formulary_breaks import BREAKS
from tests.pharmacy.listings import Drugs, Listings
from tests.pharmacy.power import POWER
from tests.pharmacy.shifts import SHIFTS, Shift

OURS = HandWritten("pharmacy")
SUITES = OURS.suites

# What an edit is of, where it is not of a family.
UNITS = {"drugs": Drugs, "formularies": Listings, "formulary_drugs": partial(Listings, of_a_type=4)}


@pytest.fixture(scope="module")
def few(spark: SparkSession, lake: Lake) -> Frames:
    return frames(spark, lake("pharmacy"), "pharmacy")


@pytest.fixture(scope="module")
def listed(spark: SparkSession, few: Frames, tmp_path_factory: pytest.TempPathFactory) -> Frames:
    """With a hundred formularies, so that each edit finds one of its kind."""
    names = ("plans", "drugs", "formularies", "formulary_drugs")
    with compiled(spark):
        return {**few, **OURS.written(spark, tmp_path_factory.mktemp("listed"), 10_000, 42, *names)}


@pytest.fixture(scope="module")
def ten_thousand(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Frames:
    return OURS.written(spark, tmp_path_factory.mktemp("ten_thousand"), 10_000, 42)


@pytest.fixture(autouse=True)
def nothing_left(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "spark" in request.fixturenames:
        OURS.forget(request.getfixturevalue("spark"))


TestPower = power_tests("pharmacy", POWER)


def test_every_row_rule_has_data_that_break_it() -> None:
    assert {(one.suite, one.column) for one in BREAKS} == OURS.rules(of_rows=True)


def test_queries_are_shown_to_measure_by_rules_that_there_are() -> None:
    assert {(shift.suite, column) for shift in SHIFTS for column in shift.columns} <= OURS.rules(of_rows=False)


@pytest.mark.thorough
def test_many_correct_members_of_another_seed_pass(spark: SparkSession, tmp_path: Path) -> None:
    OURS.holds(spark, OURS.written(spark, tmp_path / "data", 50_000, 2), tmp_path / "docs", OURS.tables)


def _break_all(units: Families | Listings | Drugs, of_suite: list[Break]) -> dict[str, tuple[Break, set[str]]]:
    """Each edit on a unit of its own; by name of the edit, the edit and the names of whom it broke."""
    broken: dict[str, tuple[Break, set[str]]] = {}
    taken: set[str] = set()
    for one in of_suite:
        unit = _first_free(units, one, taken)
        taken |= unit.marks()
        one.edit(unit)
        taken |= unit.marks()
        broken[one.name] = one, unit.names()
    return broken


def _first_free(units: Families | Listings | Drugs, one: Break, taken: set[str]) -> Any:
    """The first unit that the edit fits, and that shares nothing with a unit already broken."""
    for unit in units:
        if taken.isdisjoint(unit.marks()) and one.fits(unit):
            return unit
    raise LookupError(f"{one.name}: nothing here fits it")


@pytest.mark.parametrize("name", SUITES)
def test_each_row_rule_reports_whom_breaks_it(spark: SparkSession, name: str, request: pytest.FixtureRequest) -> None:
    whole = request.getfixturevalue("listed" if UNITS.get(name) is Listings else "few")
    units = UNITS.get(name, Families)(whole)
    broken = _break_all(units, [one for one in BREAKS if one.suite == name])
    rules = sorted({one.column for one, _ in broken.values()})
    batch = rows_of(spark, SUITES[name], whole | units.frames(spark)).select(*rules)
    reported = reported_by(batch, rules)
    assert [edit for edit, (one, names) in broken.items() if not names & reported[one.column]] == []


@pytest.mark.thorough
@pytest.mark.parametrize("shift", SHIFTS, ids=lambda shift: f"{shift.suite}-{shift.columns[0]}")
def test_a_query_measures_what_its_rule_says(spark: SparkSession, ten_thousand: Frames, shift: Shift) -> None:
    suite = SUITES[shift.suite]
    asked = replace(suite, checks=tuple(c for c in suite.checks if c.kwargs["column"] in shift.columns))
    with compiled(spark):
        batch = rows_of(spark, suite, shift.frames(spark, ten_thousand)).select(*shift.columns)
        assert failing(asked, batch) == set(shift.columns)
