"""Checks on a dataset of a few rows: what passes, what fails and how it says so."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyspark.sql import DataFrame, SparkSession
from scipy.special import rel_entr
from scipy.stats import binom, gamma, multinomial, norm

from payerlake.checks import Report, SuiteReport, tolerances, validate
from payerlake.checks.suites import load
from payerlake.contract.schema import Column, Reference, Table
from payerlake.errors import BadInput
from payerlake.person import world
from payerlake.resources import resource

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
    spine=world.MEMBERS,
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
        Column("subscriber", "string", "Member who pays", nullable=True, pattern=MEMBER),
        Column("note", "string", "What else is known", nullable=True),
    ),
    csv_stem="spans",
    documented_rows="80",
    build=lambda world: world,
    spine=world.MEMBERS,
    references=(
        Reference(("member_number",), "members", ("member_number",)),
        Reference(("plan_code",), "plans", ("plan_code",)),
        Reference(("subscriber",), "members", ("member_number",)),
    ),
    rules={"ends_after_start": "last_day >= first_day"},
    may_be_empty=True,
)
CONTRACTS = (PLANS, MEMBERS, SPANS)
TYPES = {
    "plans": "plan_code string",
    "members": "member_number string, gender string, age int",
    "spans": "member_number string, plan_code string, first_day date, last_day date, subscriber string, note string",
}
SETTINGS = {"seed": 42, "name": "it's", "population": {"as_of": "2024-01-01"}}
Rows = dict[str, list[tuple[Any, ...]]]


def rows() -> Rows:
    """Forty members, of whom each has two spans that follow each other; the last is open."""
    members = [f"M{i:06d}" for i in range(1, 41)]
    first = [(m, "P1", date(2023, 1, 1), date(2023, 12, 31), None, "by mail") for m in members]
    second = [(m, "P2", date(2024, 1, 1), None, "M000001", None) for m in members]
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
        settings: Mapping[str, Any] = SETTINGS,
        **changed: DataFrame,
    ) -> Report:
        written = self.folder / "expectations" / "toy"
        written.mkdir(parents=True, exist_ok=True)
        for i, suite in enumerate(suites):
            (written / f"{i}.json").write_text(json.dumps(suite), encoding="utf-8")
        frames = {name: self.spark.createDataFrame(made[name], TYPES[name]) for name in made} | changed
        contracts = [table for table in CONTRACTS if table.name in frames]
        docs, folder = self.folder / "docs", written.parent
        return validate(
            "toy",
            contracts,
            frames,
            docs,
            settings=settings,
            suites=folder,
            rows=counted,
            whole=whole,
            departed=departed,
        )


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
    ("spans", ("M000001", "P1", DAY, date(2024, 1, 1), None, None), "1 unexpected of 81, e.g. M000001|P1|2025-01-01"),
]
BROKEN_KEYS = [
    ("members", ("M000007", "F", 30), "(member_number): 2 unexpected of 41, e.g. M000007", "M000007 × 2"),
    (
        "spans",
        ("M000001", "P1", date(2023, 1, 1), None, None, None),
        "2 unexpected of 81, e.g. M000001|P1",
        "M000001|P1|2023-01-01 × 2",
    ),
    (
        "spans",
        ("M000999", "P1", DAY, None, None, None),
        "exists in members (member_number): 1 unexpected of 81, e.g. M000999",
        "exists in members (member_number): 1 unexpected of 41, e.g. M000999",
    ),
    (
        "spans",
        ("M000001", "P9", DAY, None, None, None),
        "exists in plans (plan_code): 1 unexpected of 81, e.g. P9",
        "exists in plans (plan_code): 1 unexpected of 81, e.g. P9",
    ),
    (
        "spans",
        ("M000001", "P1", DAY, None, "M000888", None),
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
    made["spans"] = [("M000001", f"P{i % 2 + 1}", date.fromordinal(730_000 + i), None, None, None) for i in range(400)]
    assert run(made, counted=spread).failures == ()
    made["spans"] += made["spans"][:3]
    (repeated,) = run(made, counted=spread).failures
    assert "no two rows have the same key" in repeated
    assert ": 3 unexpected of " in repeated
    made["spans"][0] = ("M000999", "P1", DAY, None, None, None)
    lost = [failure for failure in run(made, counted=spread).failures if "exists in members" in failure]
    assert len(lost) == 1
    assert "M000999" in lost[0]


def test_every_repeated_key_of_many_rows_is_found(run: Run) -> None:
    """A member of two hundred rows has more than a word has bits, so its place has no proof and is read again."""
    made = rows()
    made["spans"] = [("M000001", "P1", date.fromordinal(730_000 + i), None, None, None) for i in range(200)]
    assert run(made, counted=MANY).success
    made["spans"] += made["spans"][:3]
    report = run(made, counted=MANY)
    assert [failure.partition(": ")[2][:90] for failure in report.failures] == [
        "no two rows have the same key (member_number, plan_code, first_day): 3 unexpected of 200, "
    ]


def test_columns_in_another_order_fail_and_what_cannot_be_read_is_listed(run: Run, spark: SparkSession) -> None:
    frame = spark.createDataFrame(rows()["members"], TYPES["members"]).select("gender", "member_number")
    members = named(run(rows(), members=frame), "toy.members.contract")
    assert members.rules[0].failure.startswith("columns are the contract's, in its order: found")
    assert members.skipped == ("rules, key and references: the columns are not the contract's",)


def test_an_empty_table_fails(run: Run, spark: SparkSession) -> None:
    report = run(
        rows(), plans=spark.createDataFrame([], TYPES["plans"]), spans=spark.createDataFrame([], TYPES["spans"])
    )
    assert report.failures == ("toy.plans.contract: the table has rows: found 0, allowed 1 to any",)


@pytest.mark.parametrize("word", ["", "NA", "null", "<NA>"])
def test_a_text_that_is_empty_or_reads_as_a_null_fails(run: Run, word: str) -> None:
    """Only where neither domain nor pattern says so already."""
    made = rows()
    made["spans"][0] = (*made["spans"][0][:4], "M000002", word)
    _fails_alone(run(made), "spans", "no text is empty or a word for a null: note: 1 unexpected of 80, e.g. M000001|P1")


@pytest.mark.parametrize("text", [None, "Null", "NAN", " ", "none", "no"])
def test_a_text_that_no_reader_takes_for_a_null_passes(run: Run, text: str | None) -> None:
    made = rows()
    made["spans"][0] = (*made["spans"][0][:5], text)
    assert run(made).success


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
    assert (histories.success, histories.rows, len(histories.rules)) == (True, 40, 1)


def test_a_suite_that_needs_an_absent_table_is_not_run_and_says_so(run: Run) -> None:
    report = run(rows(), [suite(in_set("gender", "F"), name="toy.claims")])
    assert report.not_run == ("toy.claims: needs claims",)
    assert report.success


def test_a_query_that_names_a_table_it_does_not_declare_is_refused(run: Run) -> None:
    with pytest.raises(BadInput, match=r"0\.json: its query cannot be run .*spans.*meta\.tables"):
        run(rows(), [suite(in_set("gender", "F"), query="SELECT gender FROM members JOIN spans USING (member_number)")])


def test_an_unknown_expectation_is_refused(run: Run) -> None:
    with pytest.raises(
        BadInput, match=r"0\.json: expectation 1 .*: 'expect_sun' is not an expectation that suites may use"
    ):
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
        load(tmp_path, "toy", SETTINGS)


# tolerances


@pytest.mark.parametrize("share", [0.02, 0.5, 0.9])
def test_a_share_of_many_may_lie_as_far_off_as_one_in_millions_does_and_its_slack(share: float) -> None:
    """By the binomial distribution itself: without slack a true share is refused about once in 3.5 million times."""
    n, meta = 1_000_000, {"share": share, "slack": 0.0}
    bounds, wider = tolerances.share_bounds(meta, n), tolerances.share_bounds(meta | {"slack": 0.01}, n)
    assert wider["max_value"] - bounds["max_value"] == pytest.approx(0.01, rel=0.05)
    rounded = 0.0025 * min(share, 1 - share)
    refused = binom.sf(n * (bounds["max_value"] - rounded), n, share)
    assert 1 / 10_000_000 < refused < 1 / 2_000_000


def test_bounds_of_a_share_stay_within_0_and_1() -> None:
    assert tolerances.share_bounds({"share": 0.5}, 4) == {"min_value": 0.0, "max_value": 1.0}


@pytest.mark.parametrize("share", [0.0, 0.0001, 0.004, 0.03, 0.2, 0.5, 0.85, 0.99, 1.0])
@pytest.mark.parametrize("n", [1, 2, 3, 7, 30, 60, 199, 1_000, 30_000])
def test_a_true_share_is_hardly_ever_refused_whatever_it_is_and_of_however_few(share: float, n: int) -> None:
    """By the binomial distribution itself: in one of 270,000 samples at most on either side."""
    bounds = tolerances.share_bounds({"share": share}, n)
    counts = np.arange(n + 1)
    refused = (counts / n < bounds["min_value"]) | (counts / n > bounds["max_value"])
    assert binom.pmf(counts[refused], n, share).sum() <= 2 / 268_000


def test_a_wrong_share_of_enough_is_refused() -> None:
    assert tolerances.share_bounds({"share": 0.02}, 200)["max_value"] < 0.1
    assert tolerances.share_bounds({"share": 0.0}, 1)["max_value"] == 0.0
    assert tolerances.share_bounds({"share": 1.0}, 1)["min_value"] == 1.0


def test_a_figure_of_many_may_lie_as_far_off_as_one_in_millions_does() -> None:
    """By the normal distribution, beside what the document allows."""
    meta = {"figure": 10.0, "relative_tolerance": 0.01, "standard_deviation": 3.0}
    bounds = tolerances.figure_bounds(meta, 1_000_000)
    refused = norm.sf(bounds["max_value"], 10.1, 3.0 / 1_000) + norm.cdf(bounds["min_value"], 9.9, 3.0 / 1_000)
    assert 1 / 10_000_000 < refused < 1 / 1_000_000


def test_clustered_rows_tell_as_much_as_fewer() -> None:
    """Of households of five alike, a fifth: their shares vary as those of so many independent ones."""
    bounds = tolerances.share_bounds({"share": 0.5, "design_effect": 5}, 1_000_000)
    refused = binom.sf(200_000 * (bounds["max_value"] - 0.00125), 200_000, 0.5)
    assert 1 / 10_000_000 < refused < 1 / 2_000_000


@pytest.mark.parametrize("n", [1, 2, 7, 60, 1_000])
def test_a_true_mean_of_skewed_values_is_hardly_ever_refused_of_however_few(n: int) -> None:
    """Of exponential values, whose sum has a gamma distribution: by the normal one alone, one in a hundred of one."""
    bounds = tolerances.figure_bounds({"figure": 1.0, "standard_deviation": 1.0}, n)
    refused = gamma.sf(n * bounds["max_value"], n) + gamma.cdf(n * max(bounds["min_value"], 0), n)
    assert refused <= 2 / 268_000


def test_a_divergence_of_many_may_be_what_one_in_ten_million_samples_has() -> None:
    """By the binomial distribution itself, as two values have it: summed over all samples."""
    n, share = 5_000, 0.3
    threshold = tolerances.divergence_threshold([share, 1 - share], {}, n)
    counts = np.arange(n + 1)
    found = np.column_stack([counts, n - counts]) / n
    far = rel_entr(found, [share, 1 - share]).sum(axis=1) > threshold - 0.0025**2 / 2
    assert 1e-8 < binom.pmf(counts[far], n, share).sum() < 2e-7


@pytest.mark.parametrize("n", [1, 2, 3, 7, 12])
@pytest.mark.parametrize("weights", [[0.5, 0.5], [0.999, 0.001], [0.9, 0.09, 0.01], [0.25, 0.25, 0.25, 0.25]])
def test_a_true_distribution_is_hardly_ever_refused_of_however_few(weights: list[float], n: int) -> None:
    """By the multinomial distribution itself, summed over all samples there are."""
    threshold = tolerances.divergence_threshold(weights, {}, n)
    samples = [np.array(s) for s in itertools.product(range(n + 1), repeat=len(weights)) if sum(s) == n]
    far = [s for s in samples if rel_entr(s / n, weights).sum() > threshold]
    assert sum(multinomial.pmf(s, n, weights) for s in far) <= 1e-7


def test_a_rule_of_a_mean_says_from_how_many_values_it_means_something(tmp_path: Path) -> None:
    fixed = suite(expectation(tolerances.MEAN, {"column": "age", "min_value": 20}))
    (tmp_path / "toy").mkdir()
    (tmp_path / "toy" / "bad.json").write_text(json.dumps(fixed), encoding="utf-8")
    with pytest.raises(BadInput, match=r"bad\.json: expectation 1 \(the rule\): .*meta\.minimum_rows"):
        load(tmp_path, "toy", SETTINGS)


def test_a_rounded_figure_is_no_difference_at_a_billion() -> None:
    """0.185 in a document is from 0.1845 to 0.1855."""
    bounds = tolerances.share_bounds({"share": 0.185}, 10**9)
    assert bounds == pytest.approx({"min_value": 0.1845, "max_value": 0.1855}, abs=0.00005)
    figure = tolerances.figure_bounds({"figure": 1040.0, "standard_deviation": 2660.0}, 10**9)
    assert figure == pytest.approx({"min_value": 1037.4, "max_value": 1042.6}, abs=1)
    rounded = rel_entr([0.1846, 0.8154], [0.185, 0.815]).sum()
    assert rounded < tolerances.divergence_threshold([0.185, 0.815], {}, 10**9) < 1e-5


def test_a_share_far_from_the_documented_one_fails_and_shows_the_bounds(run: Run) -> None:
    """Half of forty are women; of 0.95 the bounds reach down to 0.705."""
    report = run(rows(), [share_of_women(0.95)])
    assert report.failures == ("toy.members: the rule: found 0.5, allowed 0.705092 to 1",)
    assert run(rows(), [share_of_women(0.505)]).success


def test_an_expectation_below_its_minimum_rows_is_listed_as_skipped(run: Run) -> None:
    members = named(run(rows(), [share_of_women(0.95, minimum_rows=1_000)]), "toy.members")
    assert (members.success, len(members.rules)) == (True, 0)
    assert members.skipped == ("the rule: 40 values, stated for 1,000 or more",)


NOBODY = "SELECT gender, cast(gender = 'F' AS int) AS is_female, double(age) AS age FROM members WHERE age > 200"


@pytest.mark.parametrize(
    "asked",
    [
        share_of_women(0.5)["expectations"][0],
        genders(F=0.5, M=0.5),
        expectation(tolerances.MEAN, {"column": "age"}, figure=40, standard_deviation=10),
        expectation(tolerances.MEAN, {"column": "age", "min_value": 20}, minimum_rows=0),
        expectation("expect_column_stdev_to_be_between", {"column": "age", "max_value": 20}, minimum_rows=0),
        expectation("expect_column_max_to_be_between", {"column": "age", "max_value": 20}, minimum_rows=0),
        expectation(tolerances.DIVERGENCE, genders(F=0.5, M=0.5)["kwargs"] | {"threshold": 0.1}, minimum_rows=0),
    ],
    ids=lambda asked: asked["type"],
)
def test_a_rule_that_has_nothing_to_look_at_is_skipped_and_says_so(run: Run, asked: dict[str, Any]) -> None:
    members = named(run(rows(), [suite(asked, query=NOBODY)]), "toy.members")
    assert (members.success, len(members.rules)) == (True, 0)
    assert members.skipped[0].startswith("the rule: 0 values, nothing to look at or too little to tell")


def test_a_rule_that_so_few_values_cannot_break_is_skipped_and_says_so(run: Run) -> None:
    of_one = share_of_women(0.5) | {"meta": {"query": "SELECT 1 AS is_female FROM members LIMIT 1"}}
    assert named(run(rows(), [of_one]), "toy.members").skipped == ("the rule: 1 values, too few to tell",)


def test_a_rule_whose_values_cannot_be_counted_fails(run: Run) -> None:
    """Unlike one that has none."""
    mean = expectation(tolerances.MEAN, {"column": "absent"}, share=0.5)
    assert "absent" in run(rows(), [suite(mean)]).failures[0]


def test_what_holds_in_the_whole_only_is_listed_as_skipped_on_a_part(run: Run) -> None:
    stated = [share_of_women(0.95, whole=True)]
    assert not run(rows(), stated).success
    part = run(rows(), stated, whole=False)
    assert (part.success, named(part, "toy.members").rules) == (True, ())
    assert named(part, "toy.members").skipped == ("the rule: stated for a whole dataset",)


@pytest.mark.parametrize("departed", ["population.sex", "population.sex.F", "population"])
def test_what_rests_on_a_setting_is_listed_as_skipped_where_data_have_another(run: Run, departed: str) -> None:
    stated = [share_of_women(0.95, settings=["members", "population.sex"])]
    other = run(rows(), stated, departed={departed, "seed"})
    assert (other.success, named(other, "toy.members").rules) == (True, ())
    assert named(other, "toy.members").skipped == ("the rule: stated for other settings: population.sex",)


AS_OF = "SELECT cast(DATE'{population.as_of}' = DATE'2024-01-01' AS int) AS is_female FROM members"


def test_a_query_reads_the_settings_that_the_data_were_made_with(run: Run) -> None:
    """So that data of another day are asked the same."""
    stated = suite(share_of_women(1.0, settings=["population"])["expectations"][0], query=AS_OF)
    assert run(rows(), [stated]).success
    other = SETTINGS | {"population": {"as_of": "2024-02-29"}}
    failure = run(rows(), [stated], settings=other, departed={"population.as_of"}).failures[0]
    assert "found 0" in failure


@pytest.mark.parametrize(
    ("departed", "rests_on"), [("population.sex", "population"), ("population.as_of", "population.as_of")]
)
def test_a_query_that_reads_a_setting_is_not_asked_of_others_for_that(run: Run, departed: str, rests_on: str) -> None:
    stated = suite(share_of_women(0.0, settings=[rests_on])["expectations"][0], query=AS_OF)
    assert named(run(rows(), [stated], departed={departed}), "toy.members").rules == ()


@pytest.mark.parametrize("file", sorted(resource("expectations").glob("*/*.json")), ids=lambda file: file.stem)
def test_no_query_holds_a_day_that_the_settings_tell(file: Path) -> None:
    """Data of another day are asked the same: 2023 to 2025 are what the documents are about, and settings of ours."""
    query = json.loads(file.read_text(encoding="utf-8"))["meta"]["query"]
    days = re.findall(
        r"\b(?:2023|2024|2025)\b(?! OR approved)", " ".join(query)
    )  # the last year that the drugs' document has
    assert days == []


@pytest.mark.parametrize(
    ("name", "said"), [("members", r"\{members\} is None"), ("population", r"is \{'as_of'"), ("name", "it's")]
)
def test_a_query_that_reads_what_is_no_plain_setting_is_refused(run: Run, name: str, said: str) -> None:
    with pytest.raises(BadInput, match=rf"0\.json: meta\.query: .*{said}.*name a setting"):
        run(rows(), [suite(in_set("gender", "F"), query=f"SELECT {{{name}}} FROM members")])


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
    pages = docs / "data_docs"
    results = json.loads((pages / "suites" / "toy.members.json").read_text(encoding="utf-8"))
    assert results["results"][0]["result"]["unexpected_count"] == 20
    assert "suites/toy.members.html" in (pages / "index.html").read_text(encoding="utf-8")
    assert "the rule (the document)" in (pages / "suites" / "toy.members.html").read_text(encoding="utf-8")


def test_data_docs_show_how_far_a_distribution_is_off(run: Run) -> None:
    run(rows(), [suite(genders(F=0.05, M=0.95))])
    page = (run.folder / "docs" / "data_docs" / "suites" / "toy.members.html").read_text(encoding="utf-8")
    assert "KL Divergence" in page


def test_the_users_session_is_left_as_it_was(run: Run, spark: SparkSession) -> None:
    spark.range(1).createOrReplaceTempView("members")
    run(rows())
    assert spark.table("members").columns == ["id"]
    spark.catalog.dropTempView("members")
    assert [table.name for table in spark.catalog.listTables() if table.name.startswith("payerlake_")] == []


def test_all_expectations_of_a_suite_are_one_spark_query(run: Run, spark: SparkSession) -> None:
    """Counted on the user's session, which the library itself must not look into."""
    all_kinds = [in_set("gender", "F", "M"), share_of_women(0.5)["expectations"][0], genders(F=0.5, M=0.5)]
    query = "SELECT *, cast(gender = 'F' AS int) AS is_female FROM members"
    before = _executions(spark)
    run({"members": rows()["members"]}, [suite(*all_kinds, query=query)], {"members": 40})
    store = spark._jsparkSession.sharedState().statusStore()
    later = [store.execution(number).get() for number in range(before, _executions(spark))]
    aggregations = [one for one in later if "Aggregate" in one.physicalPlanDescription()]
    assert len(aggregations) == 2  # the contract's rows with its key, and the suite; other queries make views


def _executions(spark: SparkSession) -> int:
    """One more than the number of the latest query that Spark has executed."""
    listed = spark._jsparkSession.sharedState().statusStore().executionsList()
    return (
        max((listed.apply(i).executionId() for i in range(max(listed.size() - 20, 0), listed.size())), default=-1) + 1
    )
