"""Ways to break the rules of the insurance suites. ROWS change one row each, which the rule must report; TABLES
change a table so that a rule about it fails; QUERIES show that what a query works out is what its rule says."""

from __future__ import annotations

from collections.abc import Iterable

from tests.edits import Break

# rows


def _of_member(column: str, where: str, **changes: str) -> Break:
    return Break("members", (column,), "members", changes, where, "member_id")


def _of_diagnosis(column: str, where: str, **changes: str) -> Break:
    return Break("diagnoses", (column,), "member_condition", changes, where, "member_id")


def _of_enrollment(column: str, where: str, **changes: str) -> Break:
    return Break("enrollment", (column,), "enrollment", changes, where, "enrollment_id")


def _of_claim(column: str, where: str, **changes: str) -> Break:
    return Break("claims", (column,), "claims", changes, where, "member_id")


def _of_premium(column: str, where: str, **changes: str) -> Break:
    return Break("premiums", (column,), "enrollment", changes, where, "concat_ws(' ', plan_id, state, coverage_tier)")


def _of_plan(column: str, where: str, **changes: str) -> Break:
    return Break("plan", (column,), "plan", changes, where, "plan_id")


def _of_facility(column: str, where: str, **changes: str) -> Break:
    return Break("facility", (column,), "facility", changes, where, "facility_id")


def _condition(name: str) -> str:
    return f"(SELECT condition_id FROM condition WHERE condition_name = '{name}')"


def _members(where: str) -> str:
    return f"member_id IN (SELECT member_id FROM members WHERE {where})"


def _enrolled(where: str) -> str:
    return f"enrollment_id IN (SELECT enrollment_id FROM members WHERE {where})"


def _covered(where: str) -> str:
    joined = "members m JOIN enrollment e ON m.enrollment_id = e.enrollment_id"
    return f"member_id IN (SELECT m.member_id FROM {joined} WHERE {where})"


_CHILD = "dob > DATE'2006-01-01'"
_ADULT = "dob < DATE'1990-01-01'"
_RATED_TOGETHER = (
    "(plan_id, state, coverage_tier) IN (SELECT e.plan_id, e.state, e.coverage_tier FROM enrollment e "
    "JOIN members m ON e.enrollment_id = m.enrollment_id WHERE m.dob < DATE'1990-01-01' "
    "GROUP BY e.plan_id, e.state, e.coverage_tier HAVING count(*) > 2)"
)
_CONTACT = "to_json(named_struct('phone', {}, 'fax', {}))"
_PHONE, _FAX = "get_json_object(contact_info, '$.phone')", "get_json_object(contact_info, '$.fax')"

ROWS = (
    _of_member("born_after_the_day", "true", dob="DATE'2024-01-01'"),
    _of_member("aged_96", "true", dob="DATE'1927-06-01'"),
    _of_member(
        "facility_elsewhere",
        "state = 'TX' AND primary_care_facility_id IS NOT NULL",
        primary_care_facility_id="(SELECT min(facility_id) FROM facility WHERE state = 'CA')",
    ),
    _of_member("smokes_under_18", _CHILD, smoker="true"),
    _of_member("drinks_under_18", _CHILD, drinker="true"),
    _of_member("employed_under_18", _CHILD, employment_status="true"),
    _of_member("heart_rate_out_of_range", "true", heart_rate="39"),
    _of_member("heart_rate_out_of_range", "true", heart_rate="121"),
    _of_member("blood_oxygen_out_of_range", "true", blood_oxygen="87"),
    _of_member("systolic_out_of_range", "true", blood_pressure="'89/70'"),
    _of_member("systolic_out_of_range", "true", blood_pressure="'251/90'"),
    _of_member("diastolic_out_of_range", "true", blood_pressure="'120/59'"),
    _of_member("diastolic_out_of_range", "true", blood_pressure="'200/151'"),
    _of_member("systolic_not_above", "true", blood_pressure="'100/100'"),
    _of_member("adult_of_other_height", _ADULT, height="139.9"),
    _of_member("adult_of_other_height", _ADULT, height="210.1"),
    _of_member("adult_of_other_weight", _ADULT, weight="39.9"),
    _of_member("adult_of_other_weight", _ADULT, weight="200.1"),
    _of_member("toddler_of_adult_height", "dob > DATE'2020-01-01'", height="140"),
    _of_member("toddler_of_adult_weight", "dob > DATE'2022-01-01'", weight="40"),
    _of_diagnosis("found_before_birth", "true", diagnostic_date="DATE'1900-01-01'"),
    _of_diagnosis("found_after_the_day", "true", diagnostic_date="DATE'2024-01-02'"),
    _of_diagnosis(
        "condition_twice",
        f"condition_id = {_condition('Hyperlipidemia')} AND member_id IN "
        f"(SELECT member_id FROM member_condition WHERE condition_id = {_condition('Hypertension')})",
        condition_id=_condition("Hypertension"),
    ),
    _of_diagnosis("breast_cancer_of_other_sex", _members("sex = 'M'"), condition_id=_condition("Breast Cancer")),
    _of_diagnosis("prostate_disease_of_other_sex", _members("sex = 'F'"), condition_id=_condition("Prostate Cancer")),
    _of_diagnosis(
        "prostate_disease_of_other_sex",
        _members("sex = 'F'"),
        condition_id=_condition("Benign Prostatic Hyperplasia"),
    ),
    _of_diagnosis(
        "obesity_of_the_lean",
        _members(f"{_ADULT} AND weight * 10000 / (height * height) < 29"),
        condition_id=_condition("Obesity"),
    ),
    Break("enrollment", ("of_nobody",), "members", {}, "enrollment_id IS NOT NULL", "enrollment_id"),
    _of_enrollment("of_other_insurer", "true", plan_id="(plan_id + 4) % 40 + 1"),
    _of_enrollment("in_other_state", "state = 'CA'", state="'NY'"),
    _of_enrollment("begins_before_birth", "true", start_date="DATE'1900-01-01'"),
    _of_enrollment("begins_after_the_day", "true", start_date="DATE'2024-01-01'"),
    _of_enrollment("ended_in_other_year", "true", end_date="DATE'2022-12-31'"),
    _of_enrollment("ended_in_other_year", "true", end_date="DATE'2024-01-01'"),
    _of_enrollment("catastrophic_from_65", _enrolled("dob < DATE'1959-01-01'"), plan_id="1"),
    _of_enrollment("premium_out_of_range", "true", premium="premium / 10"),
    _of_enrollment("premium_out_of_range", "true", premium="premium * 20"),
    _of_enrollment("state_factor_out_of_range", "state = 'TX'", premium="premium * 0.9"),
    _of_enrollment("state_factor_out_of_range", "state = 'CA'", premium="premium / 1.2"),
    _of_premium("adults_over_3_to_1", f"{_enrolled(_ADULT)} AND {_RATED_TOGETHER}", premium="premium * 4"),
    _of_premium("child_dearer_than_adult", f"{_enrolled(_CHILD)} AND {_RATED_TOGETHER}", premium="premium * 10"),
    Break(
        "claims",
        ("claims_without_cover",),
        "members",
        {"insurance_id": "NULL", "enrollment_id": "NULL"},
        "member_id IN (SELECT member_id FROM claims)",
        "member_id",
    ),
    _of_claim("claim_outside_cover", _covered("e.start_date > DATE'2023-03-01'"), date="DATE'2023-01-01'"),
    _of_claim("claim_outside_cover", _covered("e.end_date < DATE'2023-11-01'"), date="DATE'2023-12-31'"),
    _of_claim("claim_outside_year", "true", date="DATE'2022-12-31'"),
    _of_claim("claim_outside_year", "true", date="DATE'2024-01-01'"),
    _of_claim("claim_of_other_insurer", "true", insurance_id="insurance_id % 8 + 1"),
    _of_claim("amount_out_of_range", "true", amount="99.99"),
    _of_claim("amount_out_of_range", "true", amount="75000.01"),
    _of_plan("tier_unknown", "true", name="concat(name, ' Plus')"),
    _of_plan("named_after_another", "true", name="concat('New ', name)"),
    _of_plan("base_rate_of_other_tier", "true", base_rate="base_rate * 1.3"),
    _of_plan("base_rate_of_other_tier", "true", base_rate="base_rate / 1.3"),
    _of_plan("deductible_of_other_tier", "true", deductable="deductable + 1"),
    _of_facility("npi_fails_its_check", "npi IS NOT NULL", npi="concat(left(npi, 9), (right(npi, 1) + 1) % 10)"),
    _of_facility("npi_of_issued_range", "npi IS NOT NULL", npi="'1234567893'"),
    _of_facility("phone_not_fictional", "true", contact_info=_CONTACT.format("'212-555-0200'", _FAX)),
    _of_facility("phone_not_fictional", "true", contact_info="NULL"),
    _of_facility("fax_not_fictional", "true", contact_info=_CONTACT.format(_PHONE, "'212-556-0100'")),
)

# whole tables

_AGES = ("18_24", "25_34", "35_44", "45_54", "55_64", "65_74", "75_95")
_BANDS = ("0_17", "18_34", "35_44", "45_54", "55_64", "65_95")
_HOUSED = ("0_17", "18_29", "30_44", "45_64", "65_95")
_BILLED = ("0_4", "5_17", "18_34", "35_44", "45_54", "55_64", "65_74", "75_95")
_SIZES = ("height_of_men", "height_of_women", "weight_of_men", "weight_of_women")


def _by(prefix: str, ages: Iterable[str]) -> tuple[str, ...]:
    return tuple(f"{prefix}_{age}" for age in ages)


def _drawn(column: str, values: int) -> str:
    """Evenly drawn, whatever the member is like."""
    return f"pmod(xxhash64(member_id, '{column}'), {values})"


def _renamed(*pairs: tuple[str, str]) -> dict[str, str]:
    """The catalogue with conditions under other names."""
    cases = " ".join(f"WHEN '{old}' THEN '{new}'" for old, new in pairs)
    return {"condition_name": f"CASE condition_name {cases} ELSE condition_name END"}


def _swapped(*pairs: tuple[str, str]) -> dict[str, str]:
    return _renamed(*pairs, *((new, old) for old, new in pairs))


def _without(*names: str) -> dict[str, str]:
    return _renamed(*((name, f"Another {name}") for name in names))


TABLES = (
    Break("plan", ("plans_not_40", "plans_of_insurer_not_5"), "plan", where="plan_id = 1"),
    Break("plan", ("insurers_not_8",), "insurance", where="insurance_id = 8"),
    Break("facility", ("states_without_facility", "facilities_too_few"), "facility", where="state = 'WY'"),
)

# What is worked out of other rows or tables; a share of a column itself is left to `power`.
QUERIES = (
    Break(
        "members",
        (
            *_by("height_at", ("2_3", "6_7", "12_13", "16_17")),
            *_SIZES,
            *(f"{size}_spreads" for size in _SIZES),
            *_by("smokers", _AGES),
            *_by("drinkers", _AGES),
            *_by("employed", _AGES),
            *_by("housing_insecure", _HOUSED),
            "exercises_over_20_hours",
            "exercises_under_an_hour",
            "sleep_of_adults",
            "sleep_of_adults_spreads",
        ),
        "members",
        {
            "height": "height * 1.1",
            "weight": "weight * 1.1",
            "smoker": "NOT smoker",
            "drinker": "NOT drinker",
            "employment_status": "NOT employment_status",
            "housing_insecurity": "NOT housing_insecurity",
            "minutes_exercise_per_week": "minutes_exercise_per_week + 1201",
            "hours_sleep_per_day": "hours_sleep_per_day * 1.2",
        },
    ),
    Break(
        "coherence",
        (
            "height_with_weight_of_men",
            "height_with_weight_of_women",
            "systolic_with_diastolic",
            "exercise_with_sleep",
            "smoking_with_drinking",
            "smoking_with_exercise",
            "housing_insecurity_with_work",
            "men_smoking_to_women",
            "men_drinking_to_women",
            "diabetes_of_obese_to_others",
            "systolic_of_hypertensives_above_others",
            "blood_oxygen_of_copd_below_others",
        ),
        "members",
        {
            "height": f"150 + {_drawn('height', 40)}",
            "weight": f"50 + {_drawn('weight', 100)}",
            "blood_pressure": f"concat_ws('/', 130 + {_drawn('systolic', 40)}, 70 + {_drawn('diastolic', 20)})",
            "blood_oxygen": f"90 + {_drawn('blood_oxygen', 10)}",
            "smoker": f"{_drawn('smoker', 4)} = 0",
            "drinker": f"{_drawn('drinker', 4)} = 0",
            "housing_insecurity": f"{_drawn('housing_insecurity', 10)} = 0",
            "minutes_exercise_per_week": _drawn("exercise", 300),
            "hours_sleep_per_day": f"5 + {_drawn('sleep', 4)}",
        },
    ),
    Break("coherence", ("hypertension_of_diabetics",), "condition", _without("Hypertension")),
    Break(
        "diagnoses",
        (
            *_by("hypertension", _BANDS),
            *_by("depression", _BANDS),
            *_by("diabetes", _BANDS),
            *_by("copd", _BANDS),
            *_by("breast_cancer", _BANDS),
        ),
        "condition",
        _swapped(
            ("Hypertension", "Depression"),
            ("Diabetes Type 2", "Hyperlipidemia"),
            ("Asthma", "COPD"),
            ("Chronic Kidney Disease", "Breast Cancer"),
        ),
    ),
    Break(
        "diagnoses", _by("kidney_disease", _BANDS), "condition", _swapped(("Hypertension", "Chronic Kidney Disease"))
    ),
    Break(
        "diagnoses",
        ("conditions_per_member", *_by("conditions", ("0_17", *_AGES))),
        "member_condition",
        where="condition_id % 3 = 1",
    ),
    Break(
        "diagnoses",
        (
            "coronary_disease_given_pressure_and_lipids",
            "coronary_disease_given_copd",
            "sleep_apnea_given_obesity",
            "kidney_disease_given_diabetes",
            "lung_cancer_given_copd",
            "anxiety_given_depression",
        ),
        "condition",
        _without("Coronary Artery Disease", "Sleep Apnea", "Chronic Kidney Disease", "Lung Cancer", "Anxiety"),
    ),
    Break(
        "diagnoses",
        (
            "hyperlipidemia_given_diabetes",
            "heart_failure_given_coronary_disease",
            "depression_given_ptsd",
            "renal_failure_given_kidney_disease",
        ),
        "condition",
        _without("Hyperlipidemia", "Heart Failure", "Depression", "End Stage Renal Disease"),
    ),
    Break(
        "diagnoses",
        ("found_in_last_2_years", "found_2_to_5_years_ago", "found_earlier"),
        "member_condition",
        {"diagnostic_date": "DATE'2023-12-31'"},
    ),
    Break(
        "enrollment",
        (
            *_by("covers", ("one", "spouse", "children", "family")),
            "is_active",
            "begins_a_year_ago",
            *_by("begins", (f"{years}_years_ago" for years in range(2, 7))),
            "begins_on_1_january",
            *_by("catastrophic", _BANDS[:-1]),
            *_by("bronze", _BANDS),
            *_by("silver", _BANDS),
            *_by("gold", _BANDS),
            *_by("platinum", _BANDS),
        ),
        "enrollment",
        {
            "coverage_tier": "'Family'",
            "start_date": "date_sub(start_date, 100)",
            "end_date": "NULL",
            "plan_id": "plan_id - (plan_id - 1) % 5 + 1",
        },
    ),
    Break("claims", ("claims_per_member", *_by("claims", _BILLED)), "claims", where="claim_id % 2 = 0"),
    Break("claims", ("conditions_of_the_frequent",), "member_condition", where="condition_id % 2 = 0"),
    Break(
        "claim_patterns",
        ("mean_amount", "share_at_least_amount", "share_at_most_amount", "claims_in_winter_to_other_months"),
        "claims",
        {
            "amount": "CASE claim_id % 3 WHEN 0 THEN 100 WHEN 1 THEN 75000 ELSE amount END",
            "date": "if(month(date) IN (12, 1, 2), DATE'2023-07-01', date)",
        },
    ),
    Break(
        "claim_patterns",
        ("claims_of_ill_to_healthy",),
        "member_condition",
        {"member_id": "(SELECT max(member_id) + 1 FROM members) - member_id"},
    ),
)
