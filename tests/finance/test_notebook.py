"""The notebook about the clinics' finances: every answer against what Python reckons from the tables themselves."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pytest
from pyspark.sql import DataFrame, Row, SparkSession

import payerlake
from payerlake.contract import settings
from payerlake.publish import orders
from tests.lake import Lake, frames

SOURCE = Path(__file__).parents[2] / "jobs" / "notebooks" / "finance.py"


@pytest.fixture(scope="module")
def left(spark: SparkSession, lake: Lake) -> Iterator[dict[str, Any]]:
    """What the notebook leaves behind. The documented tables are those that are published, all others are made once."""
    kept: list[DataFrame] = []
    tables, published = (
        payerlake.tables,
        json.loads((lake("finance") / "finance/manifest.json").read_text())["settings"],
    )

    def once(spark: SparkSession, dataset: str, *names: Any, **options: Any) -> dict[str, DataFrame]:
        asked = orders.order(dataset, options=options)
        if settings.effective(asked.settings) == published:
            return frames(spark, lake(dataset), dataset)
        made = {name: frame.cache() for name, frame in tables(spark, dataset, *names, **options).items()}
        kept.extend(made.values())
        return made

    mpl.use("Agg")
    names: dict[str, Any] = {"spark": spark}
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(payerlake, "tables", once)
        exec(compile(SOURCE.read_text(), str(SOURCE), "exec"), names)
    assert len(names["tables"]["claims"].inputFiles()) > 0, "the documented tables were made anew"
    yield names
    for frame in kept:
        frame.unpersist()


def _rows(left: dict[str, Any], table: str) -> list[Row]:
    return left[table].collect()


def test_the_documented_numbers_of_rows(left: dict[str, Any]) -> None:
    assert left["patients"].count() == 3600
    assert left["summary"].count() == 24
    assert left["capitation"].count() > 40_000
    assert left["claims"].count() == pytest.approx(15_000, rel=0.05)


def test_top_providers_have_the_highest_sums_of_capitation_and_claims(left: dict[str, Any]) -> None:
    revenue: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for row in _rows(left, "capitation"):
        revenue[row["Clinic"], row["Provider"]] += row["CapitationAmount"]
    for row in _rows(left, "claims"):
        revenue[row["Clinic"], row["Provider"]] += row["PaidAmount"]
    expected = sorted(revenue.items(), key=lambda item: -item[1])[:5]
    assert [((r["Clinic"], r["Provider"]), r["TotalRevenue"]) for r in _rows(left, "top_providers")] == expected


def test_revenue_is_60_percent_capitation_and_the_clinics_collect_70_to_80_percent(left: dict[str, Any]) -> None:
    capitated = sum(row["CapitationAmount"] for row in _rows(left, "capitation"))
    claims = _rows(left, "claims")
    paid, charged = (sum(row[name] for row in claims) for name in ("PaidAmount", "ChargeAmount"))
    (rates,) = _rows(left, "rates")
    assert float(rates["capitation_pct"]) == pytest.approx(float(100 * capitated / (capitated + paid)), abs=0.051)
    assert float(rates["fee_for_service_pct"]) == pytest.approx(float(100 * paid / (capitated + paid)), abs=0.051)
    assert float(rates["collection_rate_pct"]) == pytest.approx(float(100 * paid / charged), abs=0.051)
    assert 57 <= rates["capitation_pct"] <= 63
    assert 70 <= rates["collection_rate_pct"] <= 80


def test_outcomes_and_payer_mix_count_claims_and_patients(left: dict[str, Any]) -> None:
    statuses = Counter((row["HealthPlan"], row["ClaimStatus"]) for row in _rows(left, "claims"))
    assert {(r["HealthPlan"], r["ClaimStatus"]): r["claims"] for r in _rows(left, "outcomes")} == statuses
    plans = Counter(row["health_plan"] for row in _rows(left, "patients"))
    mix = _rows(left, "payer_mix")
    assert {row["HealthPlan"]: row["patients"] for row in mix} == plans
    assert [row["pmpm"] is None for row in mix] == [row["HealthPlan"] == "Self Pay" for row in mix]


def test_risk_scores_rise_with_age(left: dict[str, Any]) -> None:
    means = [row["mean_raf"] for row in _rows(left, "raf_by_age")]
    assert len(means) == 8  # from 10 to 80 years
    assert means == sorted(means)


def test_the_histograms_have_all_patients(left: dict[str, Any]) -> None:
    for name, axis in zip(left["WIDTHS"], left["axes"], strict=True):
        assert axis.get_xlabel() == name
        assert sum(bar.get_height() for bar in axis.patches) == 3600


def test_plans_and_procedures_of_ones_own_are_in_the_data(left: dict[str, Any]) -> None:
    assert {(r["product_code"], r["copay_amount"]) for r in _rows(left, "custom_members")} == {
        ("CUSTOM-BASIC", Decimal(15)),
        ("CUSTOM-PREMIUM", Decimal(35)),
    }
    codes = defaultdict(set)
    for row in _rows(left, "billed"):
        codes[row["PrimaryDiagnosis"]].add(row["PrimaryProcedure"])
    assert codes["I10"] == {"99213", "99214", "93000"}
    assert codes["Z00.00"] <= {"99213", "99214", "99396"}
