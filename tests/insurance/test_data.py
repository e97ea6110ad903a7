"""The insurance tables: settings move them, a shared population joins them to the other datasets."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

import payerlake
from payerlake.resources import resource

MEMBERS = 1_500


def tables(spark: SparkSession, *names: str, **options: object) -> list[DataFrame]:
    made = payerlake.tables(spark, "insurance", names, **({"members": MEMBERS} | options))
    return [made[name] for name in names]


def test_members_of_a_shared_population_are_the_same_people_in_both_datasets(spark: SparkSession) -> None:
    (ours,) = tables(spark, "members", population="shared", members=300)
    theirs = payerlake.tables(spark, "pharmacy", ["members"], population="shared", members=300)["members"]
    number = F.substring("member_number", 2, 20).cast("bigint")
    joined = ours.join(
        theirs.select(number.alias("member_id"), "date_of_birth", "gender", F.col("state").alias("home")),
        on="member_id",
        how="inner",
    )
    same = (
        (F.col("dob") == F.col("date_of_birth")) & (F.col("sex") == F.col("gender")) & (F.col("state") == F.col("home"))
    )
    assert joined.count() == 300
    assert joined.where(~same).count() == 0


def test_prevalence_that_a_user_edits_moves_the_data(spark: SparkSession, tmp_path: Path) -> None:
    edited = tmp_path / "conditions.csv"
    lines = resource("conf", "reference", "conditions.csv").read_text(encoding="utf-8").splitlines()
    edited.write_text("\n".join(map(_half_with_asthma, lines)) + "\n", encoding="utf-8")
    catalogue = {"conditions": {"catalogue": str(edited)}}
    members, had = tables(spark, "members", "member_condition", **catalogue)
    with_asthma = had.where("condition_id = 9").count()
    assert with_asthma / members.count() == pytest.approx(0.5, abs=0.07)
    assert had.where("condition_id = 1").count() > 0


def _half_with_asthma(line: str) -> str:
    return "9,Asthma,J45.909,Respiratory,,50,50,50,50,50,50" if line.startswith("9,Asthma") else line


def test_members_live_in_the_states_of_a_users_file(spark: SparkSession, tmp_path: Path) -> None:
    states = tmp_path / "states.csv"
    states.write_text("state,population\nVT,300\nWY,100\n", encoding="utf-8")
    members, enrollments, facilities = tables(
        spark, "members", "enrollment", "facility", population={"states": str(states)}
    )
    shares = {row["state"]: row["count"] / MEMBERS for row in members.groupBy("state").count().collect()}
    assert shares == {"VT": pytest.approx(0.75, abs=0.08), "WY": pytest.approx(0.25, abs=0.08)}
    for table in (enrollments, facilities):
        assert {row["state"] for row in table.select("state").distinct().collect()} == {"VT", "WY"}


def test_sixty_conditions_are_a_setting(spark: SparkSession) -> None:
    conditions, had = tables(spark, "condition", "member_condition", conditions={"count": 60}, members=600)
    assert conditions.count() == 60
    assert had.where("condition_id > 50").count() > 0


def test_more_years_of_claims_are_a_setting(spark: SparkSession) -> None:
    one, three = (
        tables(spark, "claims", claims={"lookback_years": years}, members=300)[0]
        .agg(F.min("date"), F.count("*"))
        .first()
        for years in (1, 3)
    )
    assert str(one[0]) >= "2023-01-01"
    assert "2021-01-01" <= str(three[0]) < "2021-03-01"
    assert three[1] > 1.5 * one[1]
