"""What the tests of a dataset's hand-written suites share: data written once, rules evaluated, what they report."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from payerlake import checks, registry
from payerlake.checks import runner, suites
from payerlake.checks.suites import Check, Suite
from payerlake.contract import settings
from payerlake.contract.schema import Table
from payerlake.person.world import MEMBERS, World
from payerlake.resources import resource
from tests.conftest import compiled
from tests.edits import Break, Frames, changed, first_free, fitting_rows
from tests.lake import Lake, frames
from tests.power import TOLD, Power, at_documented_scale, blind, has_figure, holds

_FEW = 10_000
NULL = "expect_column_values_to_be_null"  # of row rules: a column that names who breaks them


class HandWritten:
    """The hand-written suites of a dataset, by name without the dataset's."""

    def __init__(self, dataset: str) -> None:
        self.dataset = dataset
        self.tables = registry.dataset(dataset).in_order()
        self.settings = settings.effective(settings.load(registry.dataset(dataset).settings))
        read = suites.load(resource("expectations"), dataset, self.settings)
        self.suites = {suite.name.removeprefix(f"{dataset}."): suite for suite in read}

    def written(self, spark: SparkSession, folder: Path, members: int, seed: int, *names: str) -> Frames:
        """A dataset, or these tables of it, written once and read back, so that no test computes it again."""
        tables = [table for table in self.tables if not names or table.name in names]
        options = {"members": members, "seed": seed}
        model = registry.dataset(self.dataset).settings
        world = World(spark, settings.load(model, options=options), 0, members)
        with (
            _compiled_from(members, spark),
            ThreadPoolExecutor(2) as pool,
        ):  # planning takes one core, and most of the time
            list(pool.map(lambda table: table.build(world).write.parquet(str(folder / table.name)), tables))
        return {t.name: spark.read.schema(t.schema()).parquet(str(folder / t.name)) for t in tables}

    def forget(self, spark: SparkSession) -> None:
        """Drop the views of the tables and what is held in memory."""
        spark.catalog.clearCache()
        for table in self.tables:
            spark.catalog.dropTempView(table.name)

    def rules(self, of_rows: bool) -> set[tuple[str, str]]:
        """(suite, column) of the rules that name rows, or of the others."""
        return {
            (name, check.kwargs["column"])
            for name, suite in self.suites.items()
            for check in suite.checks
            if (check.type == NULL) == of_rows
        }

    def unbroken(self, breaks: Iterable[Break]) -> set[tuple[str, str]]:
        """(suite, column) of the row rules that no break is about, and of the breaks that are about none."""
        return self.rules(of_rows=True) ^ {(one.suite, column) for one in breaks for column in one.columns}

    def holds(self, spark: SparkSession, frames: Frames, docs: Path, contracts: Sequence[Table] = ()) -> None:
        """Every rule of every suite, hand-written and of these contracts."""
        members = next(frames[table.name] for table in self.tables if table.spine is MEMBERS).count()
        with _compiled_from(members, spark):
            report = checks.validate(self.dataset, contracts, frames, docs, settings=self.settings)
        assert report.failures == ()
        assert report.not_run == ()
        assert len(report.suites) == len(self.suites) + len(contracts)

    def passed(self, out: Path) -> list[str]:
        """The suites that all rules held of, when these data were published."""
        results = json.loads((out / self.dataset / "validation" / "results.json").read_text(encoding="utf-8"))
        assert results["not_run"] == []
        held = {suite["name"] for suite in results["suites"] if all(rule["success"] for rule in suite["rules"])}
        return [name for name in self.suites if f"{self.dataset}.{name}" in held]

    # what the statistical rules tell

    def statistical(self) -> Iterator[tuple[str, Suite, Check]]:
        """The rules that name no rows, each by SUITE.COLUMN."""
        for name, suite in self.suites.items():
            for check in suite.checks:
                if check.type != NULL:
                    yield f"{name}.{check.kwargs['column']}", suite, check

    def unpowered(self, power: Power) -> set[str]:
        """The rules that refuse nothing by statement; and the statements that are about no rule of their kind."""
        fixed = {rule for rule, _, check in self.statistical() if not has_figure(check)}
        others = {rule for rule, _, check in self.statistical() if has_figure(check)}
        return (fixed ^ power.wrong.keys()) | (power.told.keys() - others)

    def let_through(self, power: Power) -> list[tuple[str, float]]:
        """The wrong figures that fixed bounds let through."""
        fixed = ((rule, check) for rule, _, check in self.statistical() if rule in power.wrong)
        return [(rule, figure) for rule, check in fixed for figure in power.wrong[rule] if holds(check, 1, figure)]

    def blind(self, out: Path, power: Power) -> dict[str, list[Any]]:
        """By rule with a figure, the departures that it does not refuse."""
        found = {rule: blind(check, n, power.told.get(rule, TOLD)) for rule, check, n in self._documented(out)}
        return {rule: missed for rule, missed in found.items() if missed}

    def sharper(self, out: Path, power: Power) -> set[str]:
        """The rules that tell a tenth though they are listed with those that do not."""
        return {rule for rule, check, n in self._documented(out) if rule in power.told and not blind(check, n, TOLD)}

    def _documented(self, out: Path) -> Iterator[tuple[str, Check, int]]:
        """The rules with a figure, and on how many values each is held at the documented scale."""
        counted = {suite.name: at_documented_scale(suite, out) for suite in self.suites.values()}
        for rule, suite, check in self.statistical():
            if has_figure(check):
                yield rule, check, counted[suite.name][check.kwargs["column"]]

    # what breaks them

    def unseen(self, spark: SparkSession, frames: Frames, name: str, breaks: Sequence[Break]) -> list[str]:
        """The breaks of one row each whose rules do not report the row."""
        suite, edits, taken = self.suites[name], [], set[str]()
        _view(frames)
        for one, fitting in zip(breaks, fitting_rows(spark, self.dataset, breaks), strict=True):
            edits.append((one, first_free(one, fitting, taken)))
            taken.add(edits[-1][1].who)
        edited = dict(frames) | changed(spark, self.dataset, [(one, row.row) for one, row in edits])
        asked = sorted({column for one in breaks for column in one.columns})
        reported = reported_by(rows_of(spark, suite, edited).select(*asked), asked)
        return [one.name for one, row in edits if any(row.who not in reported[column] for column in one.columns)]

    def unnoticed(self, spark: SparkSession, frames: Frames, breaks: Sequence[Break]) -> set[str]:
        """Of breaks of whole tables of one suite, made all at once, the columns whose rule holds all the same."""
        _view(frames)
        edited = dict(frames) | changed(spark, self.dataset, [(one, one.where) for one in breaks])
        suite, broken = self.suites[breaks[0].suite], {column for one in breaks for column in one.columns}
        asked = replace(suite, checks=tuple(c for c in suite.checks if c.kwargs["column"] in broken))
        batch = rows_of(spark, suite, edited).select(*sorted(broken))
        with compiled(spark):
            return broken - failing(asked, batch.persist())


def power_tests(dataset: str, power: Power) -> type:
    """The tests of a dataset's suites that read what their run on the published data of few members has found."""
    ours = HandWritten(dataset)

    class Tests:
        @pytest.mark.parametrize("suite", ours.suites.values(), ids=ours.suites)
        def test_every_rule_has_a_column_of_its_own(self, suite: Suite) -> None:
            assert len(columns(suite)) == len(set(columns(suite)))

        def test_correct_data_pass(self, lake: Lake) -> None:
            assert ours.passed(lake(dataset)) == list(ours.suites)

        def test_every_other_rule_has_a_wrong_figure_to_refuse(self) -> None:
            assert ours.unpowered(power) == set()

        def test_each_rule_with_a_figure_refuses_another(self, lake: Lake) -> None:
            assert ours.blind(lake(dataset), power) == {}

        def test_no_rule_is_called_duller_than_it_is(self, lake: Lake) -> None:
            assert ours.sharper(lake(dataset), power) == set()

        def test_each_rule_with_fixed_bounds_refuses_a_wrong_figure(self) -> None:
            assert ours.let_through(power) == []

    return Tests


def suite_tests(
    dataset: str, rows: Sequence[Break], tables: Sequence[Break], queries: Sequence[Break], many: int
) -> type:
    """The tests of a dataset's suites, as a class, on the published data of few members.

    rows: breaks of one row each; tables: of a table, which a row rule reports; queries: of tables, which show that what
    a query works out is what the rule says. many: enough for every rule.
    """
    ours = HandWritten(dataset)

    class Tests:
        @pytest.fixture(scope="class")
        @classmethod
        def few(cls, spark: SparkSession, lake: Lake) -> Frames:
            return frames(spark, lake(dataset), dataset)

        @pytest.fixture(scope="class")
        @classmethod
        def many(cls, spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Frames:
            return ours.written(spark, tmp_path_factory.mktemp("many"), many, 42)

        @pytest.fixture(autouse=True)
        def nothing_left(self, request: pytest.FixtureRequest) -> Iterator[None]:
            yield
            if "spark" in request.fixturenames:
                ours.forget(request.getfixturevalue("spark"))

        def test_every_row_rule_has_data_that_break_it(self) -> None:
            assert ours.unbroken((*rows, *tables)) == set()

        def test_queries_are_shown_to_measure_by_rules_that_there_are(self) -> None:
            assert {(one.suite, column) for one in queries for column in one.columns} <= ours.rules(of_rows=False)

        @pytest.mark.parametrize("name", dict.fromkeys(one.suite for one in rows))
        def test_each_row_rule_reports_whom_breaks_it(self, spark: SparkSession, few: Frames, name: str) -> None:
            assert ours.unseen(spark, few, name, [one for one in rows if one.suite == name]) == []

        @pytest.mark.parametrize("name", dict.fromkeys(one.suite for one in tables))
        def test_each_rule_about_a_table_fails_on_another(self, spark: SparkSession, few: Frames, name: str) -> None:
            assert ours.unnoticed(spark, few, [one for one in tables if one.suite == name]) == set()

        @pytest.mark.thorough
        def test_many_correct_members_pass_and_are_enough_for_every_rule(
            self, spark: SparkSession, many: Frames, tmp_path: Path
        ) -> None:
            ours.holds(spark, many, tmp_path, ours.tables)
            assert '"skipped": []' in (tmp_path / "results.json").read_text()

        @pytest.mark.thorough
        @pytest.mark.parametrize("one", queries, ids=lambda one: f"{one.suite}-{one.columns[0]}")
        def test_a_query_measures_what_its_rule_says(self, spark: SparkSession, many: Frames, one: Break) -> None:
            assert ours.unnoticed(spark, many, [one]) == set()

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
