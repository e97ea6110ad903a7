"""What the tests of a dataset's hand-written suites share: data written once, rules evaluated, what they report."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from payerlake import checks, registry, settings
from payerlake.checks import runner, suites
from payerlake.checks.suites import Suite
from payerlake.resources import resource
from payerlake.schema import Table
from payerlake.world import World
from tests.conftest import compiled
from tests.edits import Break, Frames, changed, found

_FEW = 10_000
NULL = "expect_column_values_to_be_null"  # of row rules: a column that names who breaks them


class HandWritten:
    """The hand-written suites of a dataset, by name without the dataset's."""

    def __init__(self, dataset: str) -> None:
        self.dataset = dataset
        self.tables = registry.dataset(dataset).in_order()
        self.settings = settings.effective(settings.load(dataset, registry.dataset(dataset).settings))
        read = suites.load(resource("expectations"), dataset, self.settings)
        self.suites = {suite.name.removeprefix(f"{dataset}."): suite for suite in read}

    def written(self, spark: SparkSession, folder: Path, members: int, seed: int) -> Frames:
        """A dataset, written once and read back, so that no test computes it again."""
        layers = [settings.option("members", members), settings.option("seed", seed)]
        model = registry.dataset(self.dataset).settings
        world = World(spark, settings.load(self.dataset, model, overrides=layers), 0, members)
        with (
            _compiled_from(members, spark),
            ThreadPoolExecutor(2) as pool,
        ):  # planning takes one core, and most of the time
            list(pool.map(lambda table: table.build(world).write.parquet(str(folder / table.name)), self.tables))
        return {t.name: spark.read.schema(t.schema()).parquet(str(folder / t.name)) for t in self.tables}

    def forget(self, spark: SparkSession) -> None:
        """Drop the views of the tables and what is held in memory."""
        spark.catalog.clearCache()
        for table in self.tables:
            spark.catalog.dropTempView(table.name)

    def unbroken(self, breaks: Iterable[Break]) -> set[tuple[str, str]]:
        """(suite, column) of the rules that no break is about, and of the breaks that are about no rule."""
        rules = {(name, column) for name, suite in self.suites.items() for column in columns(suite)}
        return rules ^ {(one.suite, column) for one in breaks for column in one.columns}

    def holds(self, spark: SparkSession, frames: Frames, docs: Path, contracts: Sequence[Table] = ()) -> None:
        """Every rule of every suite, hand-written and of these contracts."""
        members = next(frames[table.name] for table in self.tables if table.spine == "members").count()
        with _compiled_from(members, spark):
            report = checks.validate(self.dataset, contracts, frames, docs, settings=self.settings)
        assert report.failures == ()
        assert report.not_run == ()
        assert len(report.suites) == len(self.suites) + len(contracts)

    def unseen(self, spark: SparkSession, frames: Frames, name: str, breaks: Iterable[Break]) -> list[str]:
        """The breaks of one row each whose rule does not report the row, or does not fail."""
        suite, edits, taken = self.suites[name], [], set[str]()
        _view(frames)
        for one in breaks:
            edits.append((one, found(spark, self.dataset, one, taken)))
            taken.add(edits[-1][1].who)
        edited = dict(frames) | changed(spark, self.dataset, [(one, row.row) for one, row in edits])
        batch = rows_of(spark, suite, edited).persist()  # every broken rule asks for samples of it
        reported = reported_by(batch, [check.kwargs["column"] for check in suite.checks if check.type == NULL])
        failed = failing(suite, batch)
        return [
            one.name for one, row in edits if row.who not in reported[one.columns[0]] or not set(one.columns) <= failed
        ]

    def unnoticed(self, spark: SparkSession, frames: Frames, one: Break) -> set[str]:
        """Of a break of the whole table, the columns whose rule holds all the same."""
        _view(frames)
        edited = dict(frames) | changed(spark, self.dataset, [(one, one.where)])
        suite = self.suites[one.suite]
        asked = replace(suite, checks=tuple(c for c in suite.checks if c.kwargs["column"] in one.columns))
        batch = rows_of(spark, suite, edited).select(*one.columns)
        with compiled(spark):
            return set(one.columns) - failing(asked, batch.persist())


def suite_tests(
    dataset: str, rows: Sequence[Break], whole: Sequence[Break], few: int, many: int, shifted: str = "few"
) -> type:
    """The tests of a dataset's suites, as a class. rows: breaks of one row each; whole: of whole tables.

    few: members that show what breaks a row; many: enough for every rule. shifted: on which of them whole breaks show.
    """
    ours = HandWritten(dataset)

    class Tests:
        @pytest.fixture(scope="class")
        def few(self, spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Frames:
            return ours.written(spark, tmp_path_factory.mktemp("few"), few, 42)

        @pytest.fixture(scope="class")
        def many(self, spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Frames:
            return ours.written(spark, tmp_path_factory.mktemp("many"), many, 42)

        @pytest.fixture(autouse=True)
        def nothing_left(self, spark: SparkSession) -> Iterator[None]:
            yield
            ours.forget(spark)

        @pytest.mark.parametrize("suite", ours.suites.values(), ids=ours.suites)
        def test_every_rule_has_a_column_of_its_own(self, suite: Suite) -> None:
            assert len(columns(suite)) == len(set(columns(suite)))

        def test_every_rule_has_data_that_break_it(self) -> None:
            assert ours.unbroken((*rows, *whole)) == set()

        def test_correct_data_pass(self, spark: SparkSession, few: Frames, tmp_path: Path) -> None:
            ours.holds(spark, few, tmp_path)

        def test_many_correct_members_pass_and_are_enough_for_every_rule(
            self, spark: SparkSession, many: Frames, tmp_path: Path
        ) -> None:
            ours.holds(spark, many, tmp_path, ours.tables)
            assert '"skipped": []' in (tmp_path / "results.json").read_text()

        @pytest.mark.parametrize("name", dict.fromkeys(one.suite for one in rows))
        def test_each_row_rule_reports_whom_breaks_it(self, spark: SparkSession, few: Frames, name: str) -> None:
            assert ours.unseen(spark, few, name, [one for one in rows if one.suite == name]) == []

        @pytest.mark.parametrize("one", whole, ids=lambda one: f"{one.suite}-{one.columns[0]}")
        def test_each_statistical_rule_fails_on_other_figures(
            self, spark: SparkSession, one: Break, request: pytest.FixtureRequest
        ) -> None:
            assert ours.unnoticed(spark, request.getfixturevalue(shifted), one) == set()

    return Tests


def _compiled_from(members: int, spark: SparkSession) -> AbstractContextManager[object]:
    """Queries over few members are quicker interpreted than compiled and run."""
    return nullcontext() if members <= _FEW else compiled(spark)


def columns(suite: Suite) -> list[str]:
    """The column of each rule."""
    return [check.kwargs["column"] for check in suite.checks]


def _view(frames: Frames) -> None:
    for name, frame in frames.items():
        frame.createOrReplaceTempView(name)


def rows_of(spark: SparkSession, suite: Suite, frames: Frames) -> DataFrame:
    """The suite's rows."""
    _view(frames)
    return spark.sql(suite.batches["rows"])


def failing(suite: Suite, batch: DataFrame) -> set[str]:
    """The columns whose expectations fail."""
    results = runner.evaluate(suite, {"rows": batch}).results
    return {result.check.kwargs["column"] for result in results if not result.success}


def reported_by(batch: DataFrame, rules: list[str]) -> Mapping[str, set[str]]:
    """Whom each row rule reports."""
    pairs = F.array(*(F.struct(F.lit(c).alias("rule"), F.col(c).cast("string").alias("who")) for c in rules))
    named = batch.select(F.explode(pairs).alias("one")).where("one.who IS NOT NULL").select("one.*")
    reported: dict[str, set[str]] = {column: set() for column in rules}
    for row in named.collect():
        reported[row["rule"]].add(row["who"])
    return reported
