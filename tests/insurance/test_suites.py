"""The hand-written insurance suites: correct data pass, and each rule reports the data that break it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from payerlake import checks, registry, settings
from payerlake.checks import runner, suites
from payerlake.checks.suites import Suite
from payerlake.resources import resource
from payerlake.world import World
from tests.insurance.breaks import ROWS, WHOLE
from tests.insurance.edits import Break, Frames, changed, found

SUITES = {suite.name.removeprefix("insurance."): suite for suite in suites.load(resource("expectations"), "insurance")}
NULL = "expect_column_values_to_be_null"  # of row rules: a column that names who breaks them
SEEDS = (1, 2, 42)


def _columns(suite: Suite) -> list[str]:
    return [check.kwargs["column"] for check in suite.checks]


def _written(spark: SparkSession, folder: Path, members: int, seed: int) -> Frames:
    """A dataset, written once and read back, so that no test computes it again."""
    dataset = registry.dataset("insurance")
    layers = [settings.option("members", members), settings.option("seed", seed)]
    world = World(spark, settings.load("insurance", dataset.settings, overrides=layers), 0, members)
    with ThreadPoolExecutor(2) as pool:  # planning takes one core and most of the time
        list(pool.map(lambda table: table.build(world).write.parquet(str(folder / table.name)), dataset.in_order()))
    return {table.name: spark.read.schema(table.schema()).parquet(str(folder / table.name)) for table in dataset.tables}


@pytest.fixture(scope="module")
def ten_thousand(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Frames:
    return _written(spark, tmp_path_factory.mktemp("ten_thousand"), 10_000, 42)


@pytest.fixture(scope="module")
def hundred_thousand(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Frames:
    return _written(spark, tmp_path_factory.mktemp("hundred_thousand"), 100_000, 42)


@pytest.fixture(autouse=True)
def nothing_left(spark: SparkSession) -> Iterator[None]:
    yield
    spark.catalog.clearCache()
    for table in registry.dataset("insurance").tables:
        spark.catalog.dropTempView(table.name)


@pytest.mark.parametrize("suite", SUITES.values(), ids=SUITES)
def test_every_rule_has_a_column_of_its_own(suite: Suite) -> None:
    assert len(_columns(suite)) == len(set(_columns(suite)))


def test_every_rule_has_data_that_break_it() -> None:
    broken = {(one.suite, column) for one in (*ROWS, *WHOLE) for column in one.columns}
    assert broken == {(name, column) for name, suite in SUITES.items() for column in _columns(suite)}


def _holds(frames: Frames, docs: Path) -> None:
    """Every rule of every suite, hand-written and from the contracts."""
    contracts = registry.dataset("insurance").in_order()
    report = checks.validate("insurance", contracts, frames, docs)
    assert report.failures == ()
    assert report.not_run == ()
    assert len(report.suites) == len(SUITES) + len(contracts)


@pytest.mark.parametrize("seed", SEEDS)
def test_two_hundred_correct_members_pass(spark: SparkSession, tmp_path: Path, seed: int) -> None:
    _holds(_written(spark, tmp_path / "data", 200, seed), tmp_path / "docs")


@pytest.mark.parametrize(("members", "seed"), [(members, seed) for members in (10_000, 100_000) for seed in SEEDS[:2]])
def test_correct_data_of_other_seeds_pass(spark: SparkSession, tmp_path: Path, members: int, seed: int) -> None:
    _holds(_written(spark, tmp_path / "data", members, seed), tmp_path / "docs")


def test_ten_thousand_correct_members_pass(ten_thousand: Frames, tmp_path: Path) -> None:
    _holds(ten_thousand, tmp_path)


def test_a_hundred_thousand_correct_members_pass_and_are_enough_for_every_rule(
    hundred_thousand: Frames, tmp_path: Path
) -> None:
    _holds(hundred_thousand, tmp_path)
    assert '"skipped": []' in (tmp_path / "results.json").read_text()


def _view(frames: Frames) -> None:
    for name, frame in frames.items():
        frame.createOrReplaceTempView(name)


def _batch(spark: SparkSession, suite: Suite, frames: Frames) -> DataFrame:
    """The suite's rows, computed once: every broken rule asks for samples of them."""
    _view(frames)
    return spark.sql(suite.batches["rows"]).persist()


def _failed(suite: Suite, batch: DataFrame) -> set[str]:
    """The columns whose expectations fail."""
    results = runner.evaluate(suite, {"rows": batch}).result.results
    return {result.expectation_config.kwargs["column"] for result in results if not result.success}


def _reported(batch: DataFrame, columns: list[str]) -> Mapping[str, set[str]]:
    """Whom each row rule reports."""
    pairs = F.array(*(F.struct(F.lit(c).alias("rule"), F.col(c).cast("string").alias("who")) for c in columns))
    named = batch.select(F.explode(pairs).alias("one")).where("one.who IS NOT NULL").select("one.*")
    reported: dict[str, set[str]] = {column: set() for column in columns}
    for row in named.collect():
        reported[row["rule"]].add(row["who"])
    return reported


@pytest.mark.parametrize("name", dict.fromkeys(one.suite for one in ROWS))
def test_each_row_rule_reports_whom_breaks_it(spark: SparkSession, ten_thousand: Frames, name: str) -> None:
    suite, edits, taken = SUITES[name], [], set[str]()
    _view(ten_thousand)
    for one in (one for one in ROWS if one.suite == name):
        edits.append((one, found(spark, one, taken)))
        taken.add(edits[-1][1].who)
    frames = dict(ten_thousand) | changed(spark, [(one, row.row) for one, row in edits])
    batch = _batch(spark, suite, frames)
    rules = [check.kwargs["column"] for check in suite.checks if check.type == NULL]
    reported = _reported(batch, rules)
    unseen = [one.name for one, row in edits if row.who not in reported[one.columns[0]]]
    assert unseen == []
    assert {column for one, _ in edits for column in one.columns} <= _failed(suite, batch)


@pytest.mark.parametrize("one", WHOLE, ids=lambda one: f"{one.suite}-{one.columns[0]}")
def test_each_statistical_rule_fails_on_other_figures(
    spark: SparkSession, hundred_thousand: Frames, one: Break
) -> None:
    _view(hundred_thousand)
    suite, frames = SUITES[one.suite], dict(hundred_thousand) | changed(spark, [(one, one.where)])
    assert set(one.columns) - _failed(suite, _batch(spark, suite, frames)) == set()


def test_every_rule_can_be_computed_of_ten_members(spark: SparkSession, tmp_path: Path) -> None:
    """Where nobody smokes, or all do, no rule divides by 0. What ten happen to be like is another matter."""
    frames = _written(spark, tmp_path / "data", 10, 42)
    report = checks.validate("insurance", registry.dataset("insurance").in_order(), frames, tmp_path / "docs")
    assert [failure for failure in report.failures if "could not be computed" in failure] == []
