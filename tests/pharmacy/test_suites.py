"""The hand-written pharmacy suites: correct data pass, and each rule reports the data that break it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from payerlake.checks.suites import Suite
from tests.conftest import compiled
from tests.edits import Frames
from tests.handwritten import NULL, HandWritten, failing, reported_by, rows_of
from tests.pharmacy.breaks import Break
from tests.pharmacy.families import Families
from tests.pharmacy.formulary_breaks import BREAKS
from tests.pharmacy.listings import Drugs, Listings
from tests.pharmacy.shifts import SHIFTS, Shift

OURS = HandWritten("pharmacy")
SUITES = OURS.suites

# What an edit is of, where it is not of a family.
UNITS = {"drugs": Drugs, "formularies": Listings, "formulary_drugs": partial(Listings, of_a_type=3)}
PEOPLE = {table.name for table in OURS.tables if table.spine == "members"}


def _columns(suite: Suite, of_rows: bool) -> list[str]:
    return [check.kwargs["column"] for check in suite.checks if (check.type == NULL) == of_rows]


@pytest.fixture(scope="module")
def ten_thousand(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Frames:
    return OURS.written(spark, tmp_path_factory.mktemp("ten_thousand"), 10_000, 42)


@pytest.fixture(scope="module")
def two_thousand(ten_thousand: Frames) -> Frames:
    """The first 2,000 members, and all formularies; their households are whole, for blocks of 200 members are."""
    first = F.col("member_number") <= "M002000"
    return {name: frame.where(first) if name in PEOPLE else frame for name, frame in ten_thousand.items()}


@pytest.fixture(autouse=True)
def nothing_left(spark: SparkSession) -> Iterator[None]:
    yield
    OURS.forget(spark)


@pytest.mark.parametrize("suite", SUITES.values(), ids=SUITES)
def test_every_rule_has_a_column_of_its_own(suite: Suite) -> None:
    columns = _columns(suite, of_rows=True) + _columns(suite, of_rows=False)
    assert len(columns) == len(set(columns))


def test_every_rule_has_data_that_break_it() -> None:
    broken = {(one.suite, one.column) for one in BREAKS}
    broken |= {(shift.suite, column) for shift in SHIFTS for column in shift.columns}
    stated = {(name, check.kwargs["column"]) for name, suite in SUITES.items() for check in suite.checks}
    assert broken == stated


def test_many_correct_members_of_another_seed_pass(spark: SparkSession, tmp_path: Path) -> None:
    OURS.holds(spark, OURS.written(spark, tmp_path / "data", 50_000, 2), tmp_path / "docs", OURS.tables)


def test_ten_thousand_correct_members_pass(spark: SparkSession, ten_thousand: Frames, tmp_path: Path) -> None:
    with compiled(spark):  # formularies have lines by the hundred thousand
        OURS.holds(spark, ten_thousand, tmp_path)


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
def test_each_row_rule_reports_whom_breaks_it(spark: SparkSession, two_thousand: Frames, name: str) -> None:
    suite, units = SUITES[name], UNITS.get(name, Families)(two_thousand)
    broken = _break_all(units, [one for one in BREAKS if one.suite == name])
    frames = two_thousand | units.frames(spark)
    rules = _columns(suite, of_rows=True)
    batch = rows_of(spark, suite, frames).persist()  # every broken rule asks for samples of it
    reported = reported_by(batch, rules)
    unseen = [edit for edit, (one, names) in broken.items() if not names & reported[one.column]]
    assert unseen == []
    assert set(rules) <= failing(suite, batch)


@pytest.mark.parametrize("shift", SHIFTS, ids=lambda shift: f"{shift.suite}-{shift.columns[0]}")
def test_each_statistical_rule_fails_on_other_shares(spark: SparkSession, ten_thousand: Frames, shift: Shift) -> None:
    suite = SUITES[shift.suite]
    asked = replace(suite, checks=tuple(c for c in suite.checks if c.kwargs["column"] in shift.columns))
    with compiled(spark):
        batch = rows_of(spark, suite, shift.frames(spark, ten_thousand)).select(*shift.columns)
        assert failing(asked, batch) == set(shift.columns)
