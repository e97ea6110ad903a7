"""The finance tables: settings move them, stated prevalences and shares come out, plans stay lean."""

from __future__ import annotations

from collections import Counter
from math import sqrt

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

import payerlake
from payerlake.errors import BadInput
from payerlake.finance.roster import Roster
from payerlake.person.world import World
from payerlake.publish import orders

MANY = 60_000


def tables(spark: SparkSession, *names: str, **options: object) -> list[DataFrame]:
    made = payerlake.tables(spark, "finance", names, **options)
    return [made[name] for name in names]


def refusal(**options: object) -> str:
    with pytest.raises(BadInput) as caught:
        orders.order("finance", options=options)
    return str(caught.value)


def test_every_diagnosis_has_its_stated_prevalence_by_age_and_sex(spark: SparkSession) -> None:
    """Whatever it requires and excludes."""
    settings = orders.order("finance", options={"members": MANY}).settings
    here = World(spark, settings, 0, MANY)
    roster = Roster(here)
    chronic = roster.morbidity.chronic
    flags = [
        F.sum(F.col("conditions").bitwiseAND(F.lit(1 << i)).cast("boolean").cast("int")) for i in range(len(chronic))
    ]
    found = roster.patients(here.member_keys(MANY)).groupBy("cell").agg(F.count("*"), *flags).collect()
    assert len(found) == len(roster.morbidity.cells)
    for cell, count, *has in found:
        age, sex = roster.morbidity.cells[cell]
        for diagnosis, number in zip(chronic, has, strict=True):
            expected = diagnosis.at(sex, age) / 100
            assert abs(number / count - expected) <= 5 * sqrt(expected * (1 - expected) / count), (age, sex, diagnosis)


def test_the_plans_have_equal_shares_although_two_of_them_have_their_ages(spark: SparkSession) -> None:
    (patients,) = tables(spark, "patients", members=MANY)
    counts = {
        (row[0], row[1]): row["count"] for row in patients.groupBy("health_plan", F.col("age") >= 65).count().collect()
    }
    total = Counter()
    for (plan, _), count in counts.items():
        total[plan] += count
    assert {plan: round(count / MANY, 2) for plan, count in total.items()} == {
        "Universal Health": pytest.approx(0.245, abs=0.01),
        "BlueDot Health": pytest.approx(0.245, abs=0.01),
        "Medicare": pytest.approx(0.245, abs=0.01),
        "Medicaid": pytest.approx(0.245, abs=0.01),
        "Self Pay": pytest.approx(0.02, abs=0.005),
    }
    assert ("Medicaid", True) not in counts
    assert counts["Medicare", False] / total["Medicare"] < 0.2


def test_risk_scores_have_the_mean_of_the_documents_and_pile_up_nowhere(spark: SparkSession) -> None:
    """At no bound, nor at any other score."""
    (patients,) = tables(spark, "patients", members=MANY)
    counts = {float(row["base_raf"]): row["count"] for row in patients.groupBy("base_raf").count().collect()}
    assert 0.5 <= min(counts) <= 0.7
    assert counts.get(0.5, 0) + counts[3.5] <= 0.1 * MANY
    assert max(count for raf, count in counts.items() if raf < 3.5) <= 0.02 * MANY
    assert sum(raf * count for raf, count in counts.items()) / MANY == pytest.approx(1.67, rel=0.02)


def test_clinics_beyond_those_with_names_open_and_the_last_provider_has_the_rest(spark: SparkSession) -> None:
    options = {"members": 1_010, "clinics": ["Mill Clinic"], "providers_per_clinic": 2, "patients_per_provider": 100}
    (patients,) = tables(spark, "patients", **options)
    panels = patients.groupBy("clinic", "provider").count().collect()
    clinics = Counter()
    for clinic, _, count in panels:
        clinics[clinic] += count
    assert clinics == {
        "Mill Clinic": 200,
        "Clinic 2": 200,
        "Clinic 3": 200,
        "Clinic 4": 200,
        "Clinic 5": 200,
        "Clinic 6": 10,
    }
    assert sorted(count for _, _, count in panels) == [10] + [100] * 10


def test_months_are_calendar_months_before_the_day_of_the_data(spark: SparkSession) -> None:
    (capitation,) = tables(spark, "capitation", members=30, months_back=14)
    months = sorted(row[0] for row in capitation.select("MonthYear").distinct().collect())
    assert months == ["2023-11", "2023-12", *[f"2024-{month:02d}" for month in range(1, 13)]]


def test_without_insurance_there_is_no_capitation_and_only_the_office(spark: SparkSession) -> None:
    alone = {"self_pay": {"share": 1.0}, "members": 60}
    capitation, claims, summary = tables(spark, "capitation", "claims", "provider_summary", **alone)
    assert capitation.count() == 0
    assert {tuple(row) for row in claims.select("PlaceOfService", "PatientResponsibility").distinct().collect()} == {
        ("11", 0)
    }
    (row,) = summary.collect()
    assert (row["CapitatedPatients"], row["RevenuePerPatient"], row["RevenuePMPM"]) == (0, None, None)
    assert row["TotalRevenue"] == row["PaidAmount"] > 0


def test_a_provider_without_claims_is_in_the_summary(spark: SparkSession) -> None:
    (summary,) = tables(spark, "provider_summary", members=1, claims={"per_year": 0.01})
    assert [(row["TotalClaims"], row["CollectionRate"]) for row in summary.collect()] == [(0, None)]


def test_what_cannot_be_is_refused_before_spark_starts() -> None:
    assert refusal(plans={"Self Pay": {"products": {"A": {"copay": 1, "weight": 1}}}}) == (
        "--set plans: Self Pay is no plan; its settings are self_pay"
    )
    assert refusal(**{"plans.Other": {"products": {"UH-GOLD": {"copay": 1, "weight": 1}}}}).endswith(
        "a product stands there twice"
    )
    assert "did you mean 'plans.Medicare.capitation'" in refusal(plans={"Medicare": {"capitaton": 2}})
    assert "procedure 99999 is not in the list of procedures" in refusal(**{"diagnosis_procedures.I10": ["99999"]})
    assert "clinics: a name stands there twice" in refusal(clinics=["A", "A"])
    assert "population.sex: must be of F and M alone" in refusal(population="pharmacy")
    assert refusal(**{"risk.normalization": 0}) == "--set risk.normalization: 0: must be greater than 0"
    assert refusal(providers_per_clinic=0).startswith("--set providers_per_clinic: 0: must be greater than 0")
    only_old = {f"plans.{name}.weight": 0 for name in ("Universal Health", "BlueDot Health", "Medicaid")}
    assert refusal(**only_old, **{"plans.Medicare.outside": 0}) == (
        "plans: none covers patients of 18 years; let one, or set its outside"
    )
    assert refusal(**{"diagnosis_procedures.I10": ["99284"]}) == (
        "diagnoses: I10: none of its procedures can be billed for patients of 18 years and sex F in the office, where "
        "those without insurance are seen; add one"
    )
