"""Checks on a dataset of a few rows: what passes, what fails and how it says so."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import sqrt
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from scipy.stats import chi2

from payerlake.checks import Report, SuiteReport, tolerances, validate
from payerlake.checks.suites import load
from payerlake.errors import BadInput
from payerlake.schema import Column, Reference, Table

MEMBER = r"^M\d{6,}$"

PLANS = Table(
    dataset="toy",
    name="plans",
    grain="One row per plan",
    key=("plan_code",),
    columns=(Column("plan_code", "string", "Plan", pattern="^P[0-9]$"),),
    csv_stem="plans",
    documented_rows="2",
    build=lambda world: world,
)
MEMBERS = Table(
    dataset="toy",
    name="members",
    grain="One row per member",
    key=("member_number",),
    columns=(
        Column("member_number", "string", "Member", pattern=MEMBER),
        Column("gender", "string", "Gender", domain=("F", "M")),
        Column("age", "int", "Age", low=0, high=110, unit="years"),
    ),
    csv_stem="members",
    documented_rows="40",
    build=lambda world: world,
    spine="members",
)
SPANS = Table(
    dataset="toy",
    name="spans",
    grain="One row per member, plan and first day",
    key=("member_number", "plan_code", "first_day"),
    columns=(
        Column("member_number", "string", "Member", pattern=MEMBER),
        Column("plan_code", "string", "Plan", pattern="^P[0-9]$"),
        Column("first_day", "date", "First day"),
        Column("last_day", "date", "Last day", nullable=True),
        Column("subscriber", "string", "Member who pays", nullable=True),
    ),
    csv_stem="spans",
    documented_rows="80",
    build=lambda world: world,
    spine="members",
    references=(
        Reference(("member_number",), "members", ("member_number",)),
        Reference(("plan_code",), "plans", ("plan_code",)),
        Reference(("subscriber",), "members", ("member_number",)),
    ),
    rules={"ends_after_start": "last_day >= first_day"},
)
CONTRACTS = (PLANS, MEMBERS, SPANS)
TYPES = {
    "plans": "plan_code string",
    "members": "member_number string, gender string, age int",
    "spans": "member_number string, plan_code string, first_day date, last_day date, subscriber string",
}
Rows = dict[str, list[tuple[Any, ...]]]


def rows() -> Rows:
    """Forty members, of whom each has two spans that follow each other; the last is open."""
    members = [f"M{i:06d}" for i in range(1, 41)]
    first = [(m, "P1", date(2023, 1, 1), date(2023, 12, 31), None) for m in members]
    second = [(m, "P2", date(2024, 1, 1), None, "M000001") for m in members]
    return {
        "plans": [("P1",), ("P2",)],
        "members": [(m, "F" if i % 2 else "M", 20 + i) for i, m in enumerate(members)],
        "spans": first + second,
    }


@dataclass(frozen=True)
class Run:
    """Validates made-up rows into a temporary folder, with the hand-written suites given."""

    spark: SparkSession
    folder: Path

    def __call__(
        self,
        made: Rows,
        suites: Sequence[Mapping[str, Any]] = (),
        counted: dict[str, int] | None = None,
        whole: bool = True,
        departed: Collection[str] = (),
        **changed: DataFrame,
    ) -> Report:
        written = self.folder / "expectations" / "toy"
        written.mkdir(parents=True, exist_ok=True)
        for i, suite in enumerate(suites):
            (written / f"{i}.json").write_text(json.dumps(suite), encoding="utf-8")
        frames = {name: self.spark.createDataFrame(made[name], TYPES[name]) for name in made} | changed
        contracts = [table for table in CONTRACTS if table.name in frames]
        docs, folder = self.folder / "docs", written.parent
        return validate("toy", contracts, frames, docs, suites=folder, rows=counted, whole=whole, departed=departed)


@pytest.fixture
def run(spark: SparkSession, tmp_path: Path) -> Run:
    return Run(spark, tmp_path)


def suite(*expectations: dict[str, Any], name: str = "toy.members", **meta: Any) -> dict[str, Any]:
    return {"name": name, "meta": meta, "expectations": list(expectations)}


def expectation(type_: str, kwargs: dict[str, Any], **meta: Any) -> dict[str, Any]:
    return {"type": type_, "kwargs": kwargs, "meta": {"rule": "the rule", "source": "the document"} | meta}


def in_set(column: str, *values: Any) -> dict[str, Any]:
    return expectation("expect_column_values_to_be_in_set", {"column": column, "value_set": list(values)})


def share_of_women(share: float, **meta: Any) -> dict[str, Any]:
    mean = expectation("expect_column_mean_to_be_between", {"column": "is_female"}, share=share, **meta)
    return suite(mean, query="SELECT cast(gender = 'F' AS int) AS is_female FROM members")


def shares(column: str, **weights: float) -> dict[str, Any]:
    partition = {"values": list(weights), "weights": list(weights.values())}
    return expectation(tolerances.DIVERGENCE, {"column": column, "partition_object": partition})


def genders(**weights: float) -> dict[str, Any]:
    return shares("gender", **weights)


def named(report: Report, name: str) -> SuiteReport:
    return next(suite for suite in report.suites if suite.name == name)


# contracts


def test_rows_that_keep_the_contract_pass(run: Run) -> None:
    report = run(rows())
    assert (report.success, report.failures, report.skipped, report.not_run) == (True, (), (), ())
    assert [(suite.name, suite.rows) for suite in report.suites] == [
        ("toy.plans.contract", 2),
        ("toy.members.contract", 40),
        ("toy.spans.contract", 80),
    ]


DAY = date(2025, 1, 1)
BROKEN = [
    ("members", (None, "F", 30), "member_number is never null: 1 unexpected of 41"),
    ("members", ("M000099", "X", 30), "gender is one of its 2 values: 1 unexpected of 41, e.g. X"),
    ("members", ("99", "F", 30), r"member_number matches ^M\d{6,}$: 1 unexpected of 41, e.g. 99"),
    ("members", ("M000099", "F", 130), "age lies in its range: 1 unexpected of 41, e.g. 130"),
    ("spans", ("M000001", "P1", DAY, date(2024, 1, 1), None), "1 unexpected of 81, e.g. M000001|P1|2025-01-01"),
]
BROKEN_KEYS = [
    ("members", ("M000007", "F", 30), "(member_number): 2 unexpected of 41, e.g. M000007", "M000007 × 2"),
    (
        "spans",
        ("M000001", "P1", date(2023, 1, 1), None, None),
        "2 unexpected of 81, e.g. M000001|P1",
        "M000001|P1|2023-01-01 × 2",
    ),
    (
        "spans",
        ("M000999", "P1", DAY, None, None),
        "exists in members (member_number): 1 unexpected of 81, e.g. M000999",
        "exists in members (member_number): 1 unexpected of 41, e.g. M000999",
    ),
    (
        "spans",
        ("M000001", "P9", DAY, None, None),
        "exists in plans (plan_code): 1 unexpected of 81, e.g. P9",
        "exists in plans (plan_code): 1 unexpected of 81, e.g. P9",
    ),
    (
        "spans",
        ("M000001", "P1", DAY, None, "M000888"),
        "(subscriber) exists in members (member_number): 1 unexpected of 81",
        "(subscriber) exists in members (member_number): 1 unexpected of 3",
    ),
]
MANY = {"members": 10**7, "spans": 10**8, "plans": 2}


@pytest.mark.parametrize(("table", "row", "said"), BROKEN, ids=lambda value: str(value)[-40:])
def test_a_broken_rule_fails_alone_and_says_how_many_rows(
    run: Run, table: str, row: tuple[Any, ...], said: str
) -> None:
    made = rows()
    made[table].append(row)
    _fails_alone(run(made), table, said)


@pytest.mark.parametrize("counted", [None, MANY], ids=["small", "large"])
@pytest.mark.parametrize(("table", "row", "small", "large"), BROKEN_KEYS)
def test_a_broken_key_or_reference_fails_alone_at_any_size(
    run: Run, table: str, row: tuple[Any, ...], small: str, large: str, counted: dict[str, int] | None
) -> None:
    """Large tables are examined by another query, whatever rows they really have."""
    made = rows()
    made[table].append(row)
    _fails_alone(run(made, counted=counted), table, large if counted else small)


def _fails_alone(report: Report, table: str, said: str) -> None:
    assert not report.success
    assert len(report.failures) == 1
    assert report.failures[0].startswith(f"toy.{table}.contract: ")
    assert said in report.failures[0]


def test_rows_that_keep_the_contract_pass_in_large_tables_too(run: Run) -> None:
    assert run(rows(), counted=MANY).failures == ()


def test_a_null_that_a_rule_meets_passes_as_in_a_check_constraint(run: Run) -> None:
    """`last_day >= first_day` is null for an open span."""
    assert run(rows()).success


def test_repeated_keys_and_lost_parents_are_found_where_the_first_column_has_many_rows(run: Run) -> None:
    """Where a parent has two thousand rows on average, its rows are spread over many places."""
    spread = MANY | {"members": 50_000 * 10, "spans": 10**9}
    made = rows()
    made["spans"] = [("M000001", f"P{i % 2 + 1}", date.fromordinal(730_000 + i), None, None) for i in range(400)]
    assert run(made, counted=spread).failures == ()
    made["spans"] += made["spans"][:3]
    (repeated,) = run(made, counted=spread).failures
    assert "no two rows have the same key" in repeated
    assert ": 3 unexpected of " in repeated
    made["spans"][0] = ("M000999", "P1", DAY, None, None)
    lost = [failure for failure in run(made, counted=spread).failures if "exists in members" in failure]
    assert len(lost) == 1
    assert "M000999" in lost[0]


def test_every_repeated_key_of_many_rows_is_found(run: Run) -> None:
    """A member of two hundred rows has more than a word has bits, so its place has no proof and is read again."""
    made = rows()
    made["spans"] = [("M000001", "P1", date.fromordinal(730_000 + i), None, None) for i in range(200)]
    assert run(made, counted=MANY).success
    made["spans"] += made["spans"][:3]
    report = run(made, counted=MANY)
    assert [failure.partition(": ")[2][:90] for failure in report.failures] == [
        "no two rows have the same key (member_number, plan_code, first_day): 3 unexpected of 200, "
    ]


def test_columns_in_another_order_fail_and_what_cannot_be_read_is_listed(run: Run, spark: SparkSession) -> None:
    frame = spark.createDataFrame(rows()["members"], TYPES["members"]).select("gender", "member_number")
    members = named(run(rows(), members=frame), "toy.members.contract")
    assert members.failures[0].startswith("toy.members.contract: columns are the contract's, in its order: found")
    assert members.skipped == ("rules, key and references: the columns are not the contract's",)


def test_an_empty_table_fails(run: Run, spark: SparkSession) -> None:
    report = run(rows(), spans=spark.createDataFrame([], TYPES["spans"]))
    assert report.failures == ("toy.spans.contract: the table has rows: found 0, allowed 1 to any",)


def test_a_reference_to_a_table_that_is_not_there_is_listed_as_skipped(run: Run) -> None:
    made = rows()
    del made["plans"]
    assert run(made).skipped == ("toy.spans.contract: reference (plan_code): needs plans",)


# hand-written suites


def test_a_suite_without_a_query_reads_the_table_it_names(run: Run) -> None:
    assert named(run(rows(), [suite(in_set("gender", "F", "M"))]), "toy.members").rows == 40


def test_a_query_may_group_and_join(run: Run) -> None:
    query = ["SELECT count(*) AS spans, any_value(gender) AS gender", "FROM spans JOIN members USING (member_number)"]
    grouped = suite(
        in_set("spans", 2), name="toy.histories", query=[*query, "GROUP BY member_number"], tables=["spans", "members"]
    )
    histories = named(run(rows(), [grouped]), "toy.histories")
    assert (histories.success, histories.rows, histories.evaluated) == (True, 40, 1)


def test_a_suite_that_needs_an_absent_table_is_not_run_and_says_so(run: Run) -> None:
    report = run(rows(), [suite(in_set("gender", "F"), name="toy.claims")])
    assert report.not_run == ("toy.claims: needs claims",)
    assert report.success


def test_a_query_that_names_a_table_it_does_not_declare_is_refused(run: Run) -> None:
    with pytest.raises(BadInput, match=r"0\.json: its query cannot be run .*spans.*meta\.tables"):
        run(rows(), [suite(in_set("gender", "F"), query="SELECT gender FROM members JOIN spans USING (member_number)")])


def test_an_unknown_expectation_is_refused(run: Run) -> None:
    with pytest.raises(BadInput, match=r"0\.json: expectation 1 \(the rule\): 'expect_sun' is not an expectation"):
        run(rows(), [suite(expectation("expect_sun", {}))])


def test_wrong_arguments_of_an_expectation_are_refused(run: Run) -> None:
    with pytest.raises(
        BadInput, match=r"0\.json: expectation 1 \(the rule\): expect_column_values_to_be_in_set: .*colum"
    ):
        run(rows(), [suite(expectation("expect_column_values_to_be_in_set", {"colum": "gender", "value_set": ["F"]}))])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "not JSON"),
        ('{"name": "other.members"}', "a suite here is named toy.TABLE"),
        ('{"name": "toy.members", "expectations": []}', "list at least one expectation"),
        ('{"name": "toy.members", "expectation": []}', "did you mean 'expectations'"),
        (
            json.dumps(suite({"type": "t", "kwargs": {}, "meta": {"rule": "r"}})),
            r"expectation 1 \(t\): meta.source is missing",
        ),
        (json.dumps(suite(expectation("t", {}, shar=0.5))), "did you mean 'share'"),
        (json.dumps(suite(expectation("t", {}, share=0.5))), "figures of expect_column_mean_to_be_between"),
        (json.dumps(suite(expectation(tolerances.MEAN, {}, figure=5))), "without meta.standard_deviation"),
        (json.dumps(suite(expectation(tolerances.MEAN, {"min_value": 0}, share=0.5))), "drop one of the two"),
        (json.dumps(suite(genders(F=0.5, M=0.4))), "weights that sum to 1"),
        (json.dumps(suite(expectation("t", {}, settings="seed"))), "list the names of settings"),
    ],
)
def test_a_wrong_file_is_refused_by_name_and_place(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "toy").mkdir()
    (tmp_path / "toy" / "bad.json").write_text(content, encoding="utf-8")
    with pytest.raises(BadInput, match=rf"bad\.json: .*{said}"):
        load(tmp_path, "toy")


# tolerances


def test_a_share_may_lie_five_standard_errors_off_and_its_slack() -> None:
    reach = 5 * sqrt(0.5 * 0.5 * 2.5 / 10_000) + 0.002
    bounds = tolerances.share_bounds({"share": 0.5, "design_effect": 2.5, "slack": 0.002}, 10_000)
    assert bounds == pytest.approx({"min_value": 0.5 - reach, "max_value": 0.5 + reach})


def test_bounds_of_a_share_stay_within_0_and_1() -> None:
    assert tolerances.share_bounds({"share": 0.5}, 4) == {"min_value": 0.0, "max_value": 1.0}


def test_a_figure_may_lie_its_relative_tolerance_and_five_standard_errors_off() -> None:
    meta = {"figure": 10.0, "relative_tolerance": 0.01, "standard_deviation": 3.0}
    reach = 0.1 + 5 * 3.0 / sqrt(900)
    assert tolerances.figure_bounds(meta, 900) == pytest.approx({"min_value": 10 - reach, "max_value": 10 + reach})


def test_a_divergence_may_be_what_the_g_test_allows() -> None:
    allowed = chi2.ppf(1 - 1e-7, 2) / (2 * 500)
    assert tolerances.divergence_threshold([0.5, 0.3, 0.2], {}, 500) == pytest.approx(allowed)


def test_a_share_far_from_the_documented_one_fails_and_shows_the_bounds(run: Run) -> None:
    """Half of forty are women; of 0.95 the bounds reach down to 0.778."""
    report = run(rows(), [share_of_women(0.95)])
    assert report.failures == ("toy.members: the rule: found 0.5, allowed 0.777699 to 1",)
    assert run(rows(), [share_of_women(0.505)]).success


def test_an_expectation_below_its_minimum_rows_is_listed_as_skipped(run: Run) -> None:
    members = named(run(rows(), [share_of_women(0.95, minimum_rows=1_000)]), "toy.members")
    assert (members.success, members.evaluated) == (True, 0)
    assert members.skipped == ("the rule: 40 values, stated for 1,000 or more",)


def test_what_holds_in_the_whole_only_is_listed_as_skipped_on_a_part(run: Run) -> None:
    stated = [share_of_women(0.95, whole=True)]
    assert not run(rows(), stated).success
    part = run(rows(), stated, whole=False)
    assert (part.success, named(part, "toy.members").evaluated) == (True, 0)
    assert named(part, "toy.members").skipped == ("the rule: stated for a whole dataset",)


@pytest.mark.parametrize("departed", ["population.sex", "population.sex.F", "population"])
def test_what_rests_on_a_setting_is_listed_as_skipped_where_data_have_another(run: Run, departed: str) -> None:
    stated = [share_of_women(0.95, settings=["members", "population.sex"])]
    other = run(rows(), stated, departed={departed, "seed"})
    assert (other.success, named(other, "toy.members").evaluated) == (True, 0)
    assert named(other, "toy.members").skipped == ("the rule: stated for other settings: population.sex",)


def test_what_rests_on_no_other_setting_is_asked(run: Run) -> None:
    stated = [share_of_women(0.95, settings=["population.sex"])]
    assert not run(rows(), stated, departed={"population.sexes", "seed"}).success
    assert run(rows(), [stated[0] | {"meta": stated[0]["meta"] | {"settings": ["seed"]}}], departed={"seed"}).success


def test_n_is_the_number_of_values_that_are_not_null(run: Run) -> None:
    """Subscribers stand in 40 of 80 rows."""
    days = expectation(tolerances.MEAN, {"column": "paid"}, share=1.0, minimum_rows=41)
    query = "SELECT cast(subscriber IS NOT NULL AS int) AS all, if(subscriber IS NULL, NULL, 1) AS paid FROM spans"
    report = run(rows(), [suite(days, name="toy.spans", query=query)])
    assert named(report, "toy.spans").skipped == ("the rule: 40 values, stated for 41 or more",)


# distributions


def test_a_distribution_near_the_documented_one_passes(run: Run) -> None:
    assert run(rows(), [suite(genders(F=0.48, M=0.52))]).success


def test_a_rare_value_that_a_small_sample_lacks_passes(run: Run) -> None:
    assert run(rows(), [suite(genders(F=0.49, M=0.5, U=0.01))]).success


def test_a_distribution_far_from_the_documented_one_fails_with_both(run: Run) -> None:
    failure = run(rows(), [suite(genders(F=0.05, M=0.95))]).failures[0]
    assert "F 0.5000 (documented 0.0500), M 0.5000 (documented 0.9500)" in failure


def test_a_value_that_is_not_documented_fails_by_name(run: Run) -> None:
    assert run(rows(), [suite(genders(F=1.0))]).failures == ("toy.members: the rule: undocumented values: M",)


def test_each_of_several_distributions_counts_its_own_values_and_no_nulls(run: Run) -> None:
    query = "SELECT gender, if(age <= 40, 'young', NULL) AS youth, if(age % 4 = 0, 'F', 'M') AS other FROM members"
    two_hold = [genders(F=0.5, M=0.5), shares("youth", young=1.0)]
    failures = run(rows(), [suite(*two_hold, shares("other", F=0.99, M=0.01), query=query)]).failures
    assert len(failures) == 1
    assert "F 0.2500 (documented 0.9900), M 0.7500 (documented 0.0100)" in failures[0]


def test_a_distribution_of_a_column_that_is_not_there_fails_by_its_name(run: Run) -> None:
    failures = run(rows(), [suite(genders(F=0.5, M=0.5), shares("sex", F=0.5, M=0.5))]).failures
    assert len(failures) == 1
    assert "sex" in failures[0]


# what is written, and what it costs


def test_results_and_data_docs_are_written(run: Run) -> None:
    report = run(rows(), [suite(in_set("gender", "F"))])
    docs = run.folder / "docs"
    summary = json.loads((docs / "results.json").read_text(encoding="utf-8"))
    assert [entry["name"] for entry in summary["suites"]] == [entry.name for entry in report.suites]
    results = json.loads((docs / "suites" / "toy.members.json").read_text(encoding="utf-8"))
    assert results["results"][0]["result"]["unexpected_count"] == 20
    assert "suites/toy.members.html" in (docs / "index.html").read_text(encoding="utf-8")
    assert "the rule (the document)" in (docs / "suites" / "toy.members.html").read_text(encoding="utf-8")


def test_data_docs_show_how_far_a_distribution_is_off(run: Run) -> None:
    run(rows(), [suite(genders(F=0.05, M=0.95))])
    page = (run.folder / "docs" / "suites" / "toy.members.html").read_text(encoding="utf-8")
    assert "KL Divergence" in page


def test_the_users_session_is_left_as_it_was(run: Run, spark: SparkSession) -> None:
    spark.range(1).createOrReplaceTempView("members")
    run(rows())
    assert spark.table("members").columns == ["id"]
    spark.catalog.dropTempView("members")
    assert [table.name for table in spark.catalog.listTables() if table.name.startswith("payerlake_")] == []


def test_all_expectations_of_a_suite_are_one_spark_query(run: Run, spark: SparkSession) -> None:
    """Counted on the user's session, which the library itself must not look into."""
    three = [in_set("gender", "F", "M"), in_set("age", *range(200)), share_of_women(0.5)["expectations"][0]]
    query = "SELECT *, cast(gender = 'F' AS int) AS is_female FROM members"
    before = max(_queries(spark), default=-1)
    run({"members": rows()["members"]}, [suite(*three, query=query)], {"members": 40})
    aggregations = [plan for number, plan in _queries(spark).items() if number > before and "Aggregate" in plan]
    assert len(aggregations) == 2  # the contract's rows with its key, and the suite; other queries make views


def test_all_distributions_of_a_suite_are_one_spark_query_more(run: Run, spark: SparkSession) -> None:
    query = "SELECT gender, gender AS again FROM members"
    before = max(_queries(spark), default=-1)
    two = [genders(F=0.5, M=0.5), shares("again", F=0.5, M=0.5)]
    run({"members": rows()["members"]}, [suite(*two, query=query)], {"members": 40})
    aggregations = [plan for number, plan in _queries(spark).items() if number > before and "Aggregate" in plan]
    assert len(aggregations) == 3


def _queries(spark: SparkSession) -> dict[int, str]:
    """The plans of the latest thousand queries that Spark has executed, by their numbers."""
    executions = spark._jsparkSession.sharedState().statusStore().executionsList()  # type: ignore[attr-defined]
    listed = [executions.apply(i) for i in range(executions.size())]
    return {execution.executionId(): execution.physicalPlanDescription() for execution in listed}
