"""The hand-written insurance suites: correct data pass, and each rule reports the data that break it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from payerlake import checks
from payerlake.checks.suites import Suite
from tests.edits import Break, Frames
from tests.handwritten import HandWritten, columns
from tests.insurance.breaks import ROWS, WHOLE

OURS = HandWritten("insurance")


@pytest.fixture(scope="module")
def ten_thousand(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Frames:
    return OURS.written(spark, tmp_path_factory.mktemp("ten_thousand"), 10_000, 42)


@pytest.fixture(scope="module")
def hundred_thousand(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Frames:
    return OURS.written(spark, tmp_path_factory.mktemp("hundred_thousand"), 100_000, 42)


@pytest.fixture(autouse=True)
def nothing_left(spark: SparkSession) -> Iterator[None]:
    yield
    OURS.forget(spark)


@pytest.mark.parametrize("suite", OURS.suites.values(), ids=OURS.suites)
def test_every_rule_has_a_column_of_its_own(suite: Suite) -> None:
    assert len(columns(suite)) == len(set(columns(suite)))


def test_every_rule_has_data_that_break_it() -> None:
    assert OURS.unbroken((*ROWS, *WHOLE)) == set()


def test_two_hundred_correct_members_of_another_seed_pass(spark: SparkSession, tmp_path: Path) -> None:
    OURS.holds(spark, OURS.written(spark, tmp_path / "data", 200, seed=1), tmp_path / "docs")


def test_ten_thousand_correct_members_pass(spark: SparkSession, ten_thousand: Frames, tmp_path: Path) -> None:
    OURS.holds(spark, ten_thousand, tmp_path)


def test_a_hundred_thousand_correct_members_pass_and_are_enough_for_every_rule(
    spark: SparkSession, hundred_thousand: Frames, tmp_path: Path
) -> None:
    OURS.holds(spark, hundred_thousand, tmp_path)
    assert '"skipped": []' in (tmp_path / "results.json").read_text()


@pytest.mark.parametrize("name", dict.fromkeys(one.suite for one in ROWS))
def test_each_row_rule_reports_whom_breaks_it(spark: SparkSession, ten_thousand: Frames, name: str) -> None:
    assert OURS.unseen(spark, ten_thousand, name, [one for one in ROWS if one.suite == name]) == []


@pytest.mark.parametrize("one", WHOLE, ids=lambda one: f"{one.suite}-{one.columns[0]}")
def test_each_statistical_rule_fails_on_other_figures(
    spark: SparkSession, hundred_thousand: Frames, one: Break
) -> None:
    assert OURS.unnoticed(spark, hundred_thousand, one) == set()


def test_every_rule_can_be_computed_of_ten_members(spark: SparkSession, tmp_path: Path) -> None:
    """Where nobody smokes, or all do, no rule divides by 0. What ten happen to be like is another matter."""
    frames = OURS.written(spark, tmp_path / "data", 10, 42)
    report = checks.validate("insurance", OURS.tables, frames, tmp_path / "docs")
    assert [failure for failure in report.failures if "could not be computed" in failure] == []
