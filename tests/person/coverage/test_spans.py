"""Coverage on a day is what the rows of enrollments say, and the same whatever dataset asks."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from payerlake.contract import settings
from payerlake.person.coverage.plans import LINES_OF_BUSINESS, family, lines_of_business, plan_codes
from payerlake.person.coverage.settings import CoverageSettings, stated
from payerlake.person.coverage.spans import Coverage
from payerlake.person.world import World
from payerlake.pharmacy.enrollments import enrollments
from payerlake.pharmacy.households import households
from payerlake.pharmacy.members import member_number
from payerlake.pharmacy.settings import PharmacySettings
from payerlake.quality.settings import QualitySettings
from tests.conftest import compiled

MEMBERS = 400
FIRSTS = [datetime.date(year, month, 1) for year in (2023, 2024) for month in range(1, 13)]
ODD = [datetime.date.fromisoformat(day) for day in (
    "2005-12-31", "2006-01-01", "2008-03-03", "2015-07-17", "2021-12-31", "2022-12-31", "2023-02-28", "2023-12-31",
    "2024-02-29", "2024-12-31", "2030-06-15",
)]  # fmt: skip  # before all cover, within it, at the ends of years, and after the plan year
FOUND = ("line_of_business", "plan", "second_plan", "group_number", "subscriber")


def world_of(spark: SparkSession, model: type, *options: str) -> World:
    given = dict(settings.set_option(model, option) for option in (f"members={MEMBERS}", *options))
    return World(spark, settings.load(model, options=given), 0, MEMBERS)


def on_days(world: World, rules: CoverageSettings, days: list[datetime.date]) -> DataFrame:
    """Member, day, and what covers the member on it."""
    coverage = Coverage(world, rules)
    asked = coverage.members(MEMBERS).select("*", F.explode(F.array(*map(F.lit, days))).alias("asked"))
    return coverage.on(asked, F.col("asked")).select("id", "asked", *FOUND)


@pytest.fixture(scope="module")
def world(spark: SparkSession) -> World:
    return world_of(spark, PharmacySettings)


def open_on(rows: list[dict], day: datetime.date) -> Iterator[dict]:
    for row in rows:
        if row["effective_date"] <= day and (row["termination_date"] is None or day <= row["termination_date"]):
            yield row


def test_on_every_day_a_member_is_covered_by_the_open_rows_of_enrollments(spark: SparkSession, world: World) -> None:
    days = [*FIRSTS, *ODD]
    with compiled(spark):
        rows = enrollments(world).toArrow().to_pylist()
        subscribers = dict(households(world).select("member_number", "subscriber_number").toArrow().to_pandas().values)
        numbered = on_days(world, world.settings, days).select(
            "*", member_number(F.col("id")).alias("member"), member_number(F.col("subscriber")).alias("holder")
        )
        found = numbered.toArrow().to_pylist()
    by_member: dict[str, list[dict]] = {}
    for row in rows:
        by_member.setdefault(row["member_number"], []).append(row)
    assert len(found) == MEMBERS * len(days)
    seen = set()
    for answer in found:
        expected = list(open_on(by_member[answer["member"]], answer["asked"]))
        plans = [answer["plan"], answer["second_plan"]][: len(expected)]
        assert [plan_codes()[p] for p in plans] == [row["plan_code"] for row in expected], (answer, expected)
        assert {answer["group_number"]} == ({row["group_number"] for row in expected} or {None})
        assert answer["holder"] == (subscribers[answer["member"]] if expected else None)
        assert answer["line_of_business"] == (lines_of_business()[answer["plan"]] if expected else None)
        assert len(expected) == 2 or answer["second_plan"] is None
        seen.add(len(expected))
    assert seen == {0, 1, 2}


def test_a_member_has_the_same_cover_whatever_dataset_asks(spark: SparkSession) -> None:
    """Of one population, plan year and number of members."""
    pharmacy = world_of(spark, PharmacySettings, "population=medicare_advantage")
    quality = world_of(spark, QualitySettings)
    with compiled(spark):
        one, other = (
            coverage.on(coverage.members(MEMBERS), datetime.date(2024, 8, 1)).select("id", *FOUND).toArrow().to_pandas()
            for coverage in (Coverage(pharmacy, pharmacy.settings), Coverage(quality, stated(quality.settings)))
        )
    assert one.equals(other)
    assert {"MEDICARE", "MEDICARE_ADVANTAGE"} < set(one["line_of_business"].dropna())


def test_every_plan_has_one_line_of_business_and_each_line_a_plan() -> None:
    lines = dict(zip(plan_codes(), lines_of_business(), strict=True))
    assert set(lines.values()) == set(LINES_OF_BUSINESS)
    assert {line for plan, line in lines.items() if family(plan) == "MCARE"} == {"MEDICARE", "MEDICARE_ADVANTAGE"}
    assert {lines["MCARE-MAPD-001"], lines["GOV-FEHB-001"], lines["GOV-VA-001"]} == {
        "MEDICARE_ADVANTAGE", "COMMERCIAL", "FEDERAL",
    }  # fmt: skip


def test_a_dataset_without_settings_of_coverage_has_those_that_are_stated() -> None:
    of_quality, of_pharmacy = settings.load(QualitySettings), settings.load(PharmacySettings)
    rules = stated(of_quality)
    assert (rules.plan_year, rules.population, rules.seed) == (2024, of_quality.population, of_quality.seed)
    assert (rules.plan_weights, rules.seasons) == (of_pharmacy.plan_weights, of_pharmacy.seasons)
