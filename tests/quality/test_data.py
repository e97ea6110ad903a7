"""The quality tables: settings move them."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

import payerlake
from payerlake.resources import resource

MEMBERS = 2_000


def tables(spark: SparkSession, *names: str, **options: object) -> list[DataFrame]:
    made = payerlake.tables(spark, "quality", names, **({"members": MEMBERS} | options))
    return [made[name] for name in names]


def shares(frame: DataFrame, column: str) -> dict[str, float]:
    counts = {row[0]: row["count"] for row in frame.groupBy(column).count().collect()}
    return {name: count / sum(counts.values()) for name, count in counts.items()}


def test_plans_regions_and_risk_follow_their_settings(spark: SparkSession) -> None:
    plans = {"plans.H1234-001.share": 0.2, "plans.H5678-002.share": 0.3, "plans.H9012-003.share": 0.5}
    bands = {"risk.bands.Low.share": 0.6, "risk.bands.Medium.share": 0.15}
    members, zips = tables(
        spark, "plan_members", "zip_code_reference",
        regions={"shares": {"Urban": 0.1, "Suburban": 0.1, "Rural": 0.8}}, **plans, **bands,
    )  # fmt: skip
    assert shares(members, "plan_id") == {"H1234-001": 0.2, "H5678-002": 0.3, "H9012-003": 0.5}
    low = members.where("risk_score < 1").count() / MEMBERS
    assert low == pytest.approx(0.6, abs=0.06)
    homes = shares(members.join(zips, on="zip_code", how="inner"), "region_type")
    assert homes["Rural"] == pytest.approx(0.8, abs=0.05)


def test_gaps_follow_their_settings(spark: SparkSession) -> None:
    gaps = {"status": {"Open": 0.2, "Closed": 0.7, "Excluded": 0.1}, "opened_within": 10}
    (found,) = tables(spark, "member_gaps", **{"gaps": gaps, "gaps.measures.COL": 3000})
    statuses = shares(found, "gap_status")
    assert statuses["Closed"] == pytest.approx(0.7, abs=0.05)
    assert shares(found, "measure_id")["COL"] == pytest.approx(3000 / (13150 + 1350), abs=0.04)
    assert str(found.agg(F.max("gap_opened_date")).first()[0]) <= "2024-01-11"


def test_prevalence_that_a_user_edits_moves_the_data(spark: SparkSession, tmp_path: Path) -> None:
    edited = tmp_path / "conditions.csv"
    text = resource("conf", "reference", "chronic_conditions.csv").read_text(encoding="utf-8")
    (line,) = [line for line in text.splitlines() if line.startswith("J45,")]
    edited.write_text(text.replace(line, line.replace("6.5", "40", 1)), encoding="utf-8")
    members, had = tables(spark, "plan_members", "member_chronic_conditions", conditions={"catalogue": str(edited)})
    assert had.where("condition_code = 'J45'").count() / members.count() == pytest.approx(0.4, abs=0.06)
