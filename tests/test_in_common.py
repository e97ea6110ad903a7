"""A population in common: the tables of all datasets tell of the same people."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping

import pandas as pd
import pytest
from pyspark.sql import SparkSession

import payerlake
from payerlake import cli, reference
from payerlake.errors import BadInput
from payerlake.person.conditions import condition_of, listed

MEMBERS = 3_000
AS_OF = datetime.date(2024, 1, 1)
PAYER = {"Medicare": "Medicare", "Medicaid": "Medicaid", "Self Pay": "none"}
PAYERS = {"MCARE": "Medicare", "MCAID": "Medicaid", "CHIP": "Medicaid", "NONE": "none"} | dict.fromkeys(
    ("COMM", "EMP", "UNION", "GOV", "EXCH", "IND"), "other"
)
NEEDED: Mapping[str, tuple[str, ...]] = {
    "pharmacy": ("members", "enrollments"),
    "insurance": ("members", "enrollment", "member_condition", "condition"),
    "quality": ("plan_members", "member_chronic_conditions"),
    "finance": ("patients", "claims"),
}


@pytest.fixture(scope="module")
def made(spark: SparkSession) -> dict[str, pd.DataFrame]:
    """The tables by name, with the person's number in a column of its own."""
    tables = {}
    for dataset, names in NEEDED.items():
        frames = payerlake.tables(spark, dataset, names, population="shared", members=MEMBERS)
        tables |= {f"{dataset}.{name}": frame.toPandas() for name, frame in frames.items()}
    numbers = {
        "pharmacy.members": "member_number", "insurance.members": "member_id", "quality.plan_members": "member_id",
        "pharmacy.enrollments": "member_number", "insurance.enrollment": "enrollment_id",
        "finance.patients": "patient_id_str", "insurance.member_condition": "member_id",
        "quality.member_chronic_conditions": "member_id", "finance.claims": "PatientID",
    }  # fmt: skip  # a pair of table and column after the other
    for name, column in numbers.items():
        digits = tables[name][column].astype(str).str.extract(r"(\d+)$")[0]
        tables[name] = tables[name].assign(person=digits.astype(int))
    return tables


def conditions(table: pd.DataFrame, codes: pd.Series, dates: str) -> dict[tuple[int, str], object]:
    """When each person's listed conditions were found."""
    named = table.assign(condition=codes.map(condition_of))
    ours = named[named["condition"].isin(listed())]
    return dict(zip(zip(ours["person"], ours["condition"], strict=True), ours[dates], strict=True))


@pytest.fixture(scope="module")
def of_insurance(made: dict[str, pd.DataFrame]) -> dict[tuple[int, str], object]:
    names = made["insurance.condition"].set_index("condition_id")["condition_name"]
    codes = {row["name"]: row["icd10"] for row in reference.rows("conditions")}
    table = made["insurance.member_condition"]
    return conditions(table, table["condition_id"].map(names).map(codes), "diagnostic_date")


def test_everybody_is_the_same_person_in_every_dataset(made: dict[str, pd.DataFrame]) -> None:
    people = made["pharmacy.members"].set_index("person")
    assert set(people.index) == set(made["insurance.members"]["person"]) == set(range(1, MEMBERS + 1))
    for name, born, sex in (
        ("insurance.members", "dob", "sex"),
        ("quality.plan_members", "date_of_birth", "gender"),
        ("finance.patients", None, "sex"),
    ):
        theirs = made[name].set_index("person")
        ours = people.loc[theirs.index]
        assert len(theirs) > 100
        assert (theirs[sex] == ours["gender"]).all()
        if born:
            assert (theirs[born] == ours["date_of_birth"]).all()
    patients = made["finance.patients"].set_index("person")
    names = people.loc[patients.index]
    assert (patients["patient_name"] == names["first_name"] + " " + names["last_name"]).all()


def test_everybody_has_one_home(made: dict[str, pd.DataFrame]) -> None:
    people = made["pharmacy.members"].set_index("person")
    members = made["quality.plan_members"].set_index("person")
    assert (members["zip_code"] == people.loc[members.index, "zip_code"]).all()
    assert (made["insurance.members"].set_index("person")["state"] == people["state"]).all()


def covered(spans: pd.DataFrame, day: datetime.date, first: str, last: str) -> pd.DataFrame:
    """The spans that are open on a day."""
    return spans[(spans[first] <= day) & (spans[last].isna() | (spans[last] >= day))]


def test_quality_tells_of_whom_medicare_advantage_covers_and_clinics_are_paid_by_the_same_plan(
    made: dict[str, pd.DataFrame],
) -> None:
    held = covered(made["pharmacy.enrollments"], AS_OF, "effective_date", "termination_date")
    held = held.groupby("person")["plan_code"].first()
    in_plans = set(held[held == "MCARE-MAPD-001"].index)
    members = set(made["quality.plan_members"]["person"])
    assert members <= in_plans
    born = made["pharmacy.members"].set_index("person")["date_of_birth"]
    assert all(born[person] > datetime.date(1959, 1, 1) for person in in_plans - members)  # the disabled below 65
    patients = made["finance.patients"].set_index("person")
    plans = held.reindex(patients.index).fillna("NONE")
    family = plans.str.split("-").str[0].map(PAYERS)
    assert (patients["health_plan"].map(lambda plan: PAYER.get(plan, "other")) == family).all()
    in_advantage = patients["product_code"] == "MEDICARE-ADVANTAGE"
    assert (in_advantage == (plans == "MCARE-MAPD-001")).all()
    assert in_advantage.sum() > 100


@pytest.mark.parametrize("month", range(1, 13))
def test_insurance_and_pharmacy_cover_the_same_people_on_the_same_days(
    made: dict[str, pd.DataFrame], month: int
) -> None:
    day = datetime.date(2023, month, 15)
    ours = covered(made["pharmacy.enrollments"], day, "effective_date", "termination_date")
    theirs = covered(made["insurance.enrollment"], day, "start_date", "end_date")
    assert len(theirs) > 1_000
    assert set(ours["person"]) == set(theirs["person"])


def test_quality_tells_of_the_old_and_finance_of_adults(made: dict[str, pd.DataFrame]) -> None:
    born = pd.to_datetime(made["pharmacy.members"].set_index("person")["date_of_birth"])
    age = (pd.Timestamp("2024-01-01") - born).dt.days // 365.2425
    assert set(made["quality.plan_members"]["person"]) <= set(age[age >= 65].index)
    assert set(made["finance.patients"]["person"]) == set(age[age.between(18, 85)].index)


def test_everybody_has_the_same_conditions_found_on_the_same_day(
    made: dict[str, pd.DataFrame], of_insurance: dict[tuple[int, str], object]
) -> None:
    table = made["quality.member_chronic_conditions"]
    of_quality = conditions(table, table["condition_code"], "diagnosis_date")
    members = set(made["quality.plan_members"]["person"])
    both = {name for _, name in of_insurance} & {name for _, name in of_quality}
    assert len(both) > 12
    ours = {key: day for key, day in of_insurance.items() if key[0] in members and key[1] in both}
    assert {key: day for key, day in of_quality.items() if key[1] in both} == ours


def test_clinics_bill_for_the_conditions_that_people_have(
    made: dict[str, pd.DataFrame], of_insurance: dict[tuple[int, str], object]
) -> None:
    chronic = {row["icd10_code"] for row in reference.rows("clinic_diagnoses") if row["kind"] == "chronic"}
    claims = made["finance.claims"]
    billed = claims[claims["PrimaryDiagnosis"].isin(chronic)]
    known = {name for _, name in of_insurance}
    found = {(p, condition_of(c)) for p, c in zip(billed["person"], billed["PrimaryDiagnosis"], strict=True)}
    told = {key for key in found if key[1] in known}
    assert len(told) > 1_000
    assert told <= set(of_insurance)


def test_one_member_s_life_is_that_of_the_tables_and_of_a_billion_members_as_of_few(
    spark: SparkSession, made: dict[str, pd.DataFrame], capsys: pytest.CaptureFixture[str]
) -> None:
    number = int(made["quality.plan_members"]["person"].iloc[0])
    shown = ["show", f"M{number:06}", "--set", "population=shared", "--format", "json", "--members"]
    assert cli.run([*shown, str(MEMBERS)]) == 0
    life = json.loads(capsys.readouterr().out)
    for name, table in made.items():
        if "person" in table:
            ours = table[table["person"] == number]
            assert len(life[name]) == len(ours), name
            for column in ours.columns.drop("person"):
                if not table[column].isna().any():  # pandas has other types for what may be missing
                    assert sorted(str(row[column]) for row in life[name]) == sorted(map(str, ours[column])), column
    assert cli.run([*shown, "1000000000"]) == 0
    of_a_billion = json.loads(capsys.readouterr().out)
    alike = ("pharmacy.members", "insurance.member_condition", "quality.plan_members", "quality.member_gaps")
    assert {name: of_a_billion[name] for name in alike} == {name: life[name] for name in alike}


def test_who_is_no_member_is_refused_before_spark_starts() -> None:
    for number, said in (
        ("M003001", "has 3,000 members"),
        ("0", "has 3,000 members"),
        ("Smith", "no number of a member"),
    ):
        with pytest.raises(BadInput, match=said):
            payerlake.person(None, number, members=3_000)
