"""Our expectations beside Great Expectations' own engine, on the same rows: every type, met and not met."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import great_expectations as gx
import great_expectations.expectations as gxe
import pytest
from great_expectations.expectations.registry import get_expectation_impl
from pyspark.sql import DataFrame, SparkSession

from payerlake.checks import runner
from payerlake.checks.expectations import EXPECTATIONS
from payerlake.checks.suites import Check, Suite
from payerlake.sampling.identifiers import UUID4

ROWS = [(1, "a", 1.0, 1.5), (2, None, 0.0, 2.5), (300, "c", None, None), (2, "b\\'s", 1.0, -7.0)]
KINDS = "number int, word string, share double, value double"
HALVES = {"values": ["a", "c"], "weights": [0.5, 0.5]}
THIRDS = {"values": ["a", "b\\'s", "c"], "weights": [0.34, 0.33, 0.33]}

# type, arguments: first those that are met, then those that are not
CASES: list[tuple[str, Mapping[str, Any], bool]] = [
    ("expect_column_values_to_not_be_null", {"column": "number"}, True),
    ("expect_column_values_to_not_be_null", {"column": "word"}, False),
    ("expect_column_values_to_be_null", {"column": "nothing"}, True),
    ("expect_column_values_to_be_null", {"column": "word"}, False),
    ("expect_column_values_to_be_in_set", {"column": "word", "value_set": ["a", "b\\'s", "c"]}, True),
    ("expect_column_values_to_be_in_set", {"column": "word", "value_set": ["a"]}, False),
    ("expect_column_values_to_be_in_set", {"column": "number", "value_set": [1, 2]}, False),
    ("expect_column_values_to_match_regex", {"column": "word", "regex": r"^(?:[a-c].*)$"}, True),
    ("expect_column_values_to_match_regex", {"column": "word", "regex": r"^\w$"}, False),
    ("expect_column_values_to_be_between", {"column": "number", "min_value": 1, "max_value": 300}, True),
    ("expect_column_values_to_be_between", {"column": "number", "min_value": 1, "strict_min": True}, False),
    ("expect_column_values_to_be_between", {"column": "value", "max_value": 2}, False),
    ("expect_column_mean_to_be_between", {"column": "share", "min_value": 0.6, "max_value": 0.7}, True),
    ("expect_column_mean_to_be_between", {"column": "share", "max_value": 0.6}, False),
    ("expect_column_stdev_to_be_between", {"column": "value", "min_value": 5.22, "max_value": 5.23}, True),
    ("expect_column_stdev_to_be_between", {"column": "value", "max_value": 5}, False),
    ("expect_column_min_to_be_between", {"column": "value", "min_value": -7, "max_value": -7}, True),
    ("expect_column_min_to_be_between", {"column": "value", "min_value": -7, "strict_min": True}, False),
    ("expect_column_max_to_be_between", {"column": "number", "max_value": 300}, True),
    ("expect_column_max_to_be_between", {"column": "number", "max_value": 300, "strict_max": True}, False),
    (
        "expect_column_kl_divergence_to_be_less_than",
        {"column": "word", "partition_object": THIRDS, "threshold": 0.01},
        True,
    ),
    (
        "expect_column_kl_divergence_to_be_less_than",
        {"column": "word", "partition_object": THIRDS, "threshold": 1e-7},
        False,
    ),
    (
        "expect_column_kl_divergence_to_be_less_than",
        {"column": "word", "partition_object": HALVES, "threshold": 9},
        False,
    ),
    ("expect_table_row_count_to_be_between", {"min_value": 4}, True),
    ("expect_table_row_count_to_be_between", {"max_value": 3}, False),
    (
        "expect_table_columns_to_match_ordered_list",
        {"column_list": ["number", "word", "share", "value", "nothing"]},
        True,
    ),
    ("expect_table_columns_to_match_ordered_list", {"column_list": ["word", "number", "more"]}, False),
]


@pytest.fixture(scope="module")
def rows(spark: SparkSession) -> DataFrame:
    return spark.createDataFrame(ROWS, KINDS).selectExpr("*", "cast(null AS string) AS nothing").persist()


@pytest.fixture(scope="module")
def ours(rows: DataFrame) -> list[runner.Result]:
    """Of all cases, as one suite."""
    checks = [Check(type_, kwargs, {"rule": type_, "source": "a test"}) for type_, kwargs, _ in CASES]
    suite = Suite("toy.rows", "a test", ("rows",), {"rows": "SELECT * FROM rows"}, tuple(checks))
    evaluation = runner.evaluate(suite, {"rows": rows})
    assert (evaluation.rows, evaluation.skipped) == (4, ())
    return list(evaluation.results)


@pytest.fixture(scope="module")
def theirs(rows: DataFrame) -> list[Any]:
    """The same by Great Expectations' engine for Spark, as it comes."""
    context = gx.get_context(mode="ephemeral")
    asset = context.data_sources.add_spark("rows").add_dataframe_asset("rows")
    batch = asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": rows})
    stated = [get_expectation_impl(type_)(**kwargs, meta={"place": i}) for i, (type_, kwargs, _) in enumerate(CASES)]
    suite = gx.ExpectationSuite("rows", stated)
    found = batch.validate(suite, result_format={"result_format": "BASIC", "partial_unexpected_count": 5})
    return sorted(found.results, key=lambda one: one.expectation_config.meta["place"])


@pytest.mark.parametrize("place", range(len(CASES)), ids=lambda place: f"{CASES[place][0]}-{CASES[place][2]}")
def test_a_result_is_that_of_great_expectations(ours: list[runner.Result], theirs: list[Any], place: int) -> None:
    mine, stock = ours[place], theirs[place]
    assert mine.success == stock.success == CASES[place][2]
    assert mine.found is not None
    for name in ("element_count", "unexpected_count", "missing_count", "unexpected_percent"):
        assert mine.found.get(name) == pytest.approx(stock.result.get(name))
    if "observed_value" in stock.result:
        assert mine.found["observed_value"] == pytest.approx(stock.result["observed_value"])
    examples = stock.result.get("partial_unexpected_list", [])
    if "unexpected_count" in stock.result:
        assert set(mine.found["partial_unexpected_list"]) == set(examples)


def test_there_is_a_case_of_every_type_that_is_met_and_one_that_is_not() -> None:
    assert {(type_, met) for type_, _, met in CASES} == {
        (type_, met) for type_ in EXPECTATIONS for met in (True, False)
    }


def test_every_type_is_one_of_great_expectations() -> None:
    names = {get_expectation_impl(type_).__name__ for type_ in EXPECTATIONS}
    assert names <= set(dir(gxe))


def test_a_uuid_is_told_as_the_regular_expression_tells_it(spark: SparkSession) -> None:
    """Of each place of one, every kind of character that may stand there or not; and other lengths."""
    uuid, others = "0f8fad5b-d9cb-469f-a165-70867728950e", "09afgF-48bcé _"
    texts = {uuid[:i] + other + uuid[i + 1 :] for i in range(len(uuid)) for other in others}
    texts |= {uuid, "", uuid[:-1], uuid + "0", uuid.upper(), uuid.replace("-", ""), f" {uuid[1:]}", f"{uuid}\n"}
    regex = f"^(?:{UUID4})$"
    broken = EXPECTATIONS["expect_column_values_to_match_regex"].broken
    assert broken is not None
    sql = broken({"column": "value", "regex": regex})
    assert "RLIKE" not in sql
    frame = spark.createDataFrame([(text,) for text in [*texts, None]], "value string")
    told = {row["value"] for row in frame.where(f"value IS NOT NULL AND NOT ({sql})").collect()}
    assert told == {text for text in texts if re.fullmatch(UUID4.strip("^$"), text)}
    assert frame.where(sql).count() == len(texts) - len(told)
