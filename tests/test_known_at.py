"""The setting `known_at`: who looks on an earlier day sees less of the same world, and nothing else."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from payerlake import cli, registry
from payerlake.contract.schema import Table
from payerlake.publish import orders
from payerlake.quality.columns import CREATED

# A day, an earlier one, and the last of the data, on which everything is known.
DAYS = {
    "pharmacy": ("2021-06-30", "2020-06-30", "2024-12-31"),
    "insurance": ("2023-06-30", "2022-06-30", "2024-01-01"),
    "quality": ("2024-06-30", "2024-03-31", "2024-12-31"),
    "finance": ("2024-06-15", "2023-06-15", "2024-12-31"),
}
OPTIONS: dict[str, dict[str, Any]] = {"finance": {"months_back": 24}, "insurance": {"claims.lookback_years": 3}}
MEMBERS = 400
TABLES = [table for name in registry.datasets() for table in registry.dataset(name).tables]
DATED = [table for table in TABLES if table.known]
SUMS = [table for table in TABLES if not table.spine.in_parts]
NOT_DATED = {
    "pharmacy.plans": "the benefits of the plan year, which are announced before it",
    "pharmacy.plan_states": "says itself from which day a plan is sold, also one to come",
    "pharmacy.drugs": "what formularies of the plan year choose from",
    "pharmacy.formularies": "those of the plan year, which are announced before it",
    "quality.activity_cost_standards": "the standards of the measurement year, all from its first day",
}
IN_THE_FUTURE = {"next_due_date"}  # told beforehand

Rows = dict[tuple[Any, ...], dict[str, Any]]
Known = Callable[[Table, str | None], Rows]


@pytest.fixture(scope="module")
def known(spark: SparkSession) -> Known:
    """A table's rows by their keys, as who looks on a day has them."""

    @cache
    def frames(dataset: str, day: str | None) -> dict[str, Any]:
        options = {"members": MEMBERS, **OPTIONS.get(dataset, {}), "known_at": day}
        return orders.frames(spark, orders.order(dataset, options=options))

    @cache
    def rows(full_name: str, day: str | None) -> Rows:
        dataset, _, name = full_name.partition(".")
        key = registry.dataset(dataset).table(name).key
        found = frames(dataset, day)[name].toArrow().to_pylist()
        return {tuple(row[column] for column in key): row for row in found}

    return lambda table, day: rows(table.full_name, day)


every_dated_table = pytest.mark.parametrize("table", DATED, ids=lambda table: table.full_name)


def test_tables_with_days_are_dated_or_have_a_reason() -> None:
    with_days = {
        table.full_name
        for table in TABLES
        if any(column.type in ("date", "timestamp") and column != CREATED for column in table.columns)
    }
    assert with_days - {table.full_name for table in DATED} == NOT_DATED.keys()


@every_dated_table
def test_what_changes_later_are_columns_beside_the_key(table: Table) -> None:
    assert table.known
    assert set(table.known.later) <= set(table.column_names) - set(table.key)


@every_dated_table
def test_what_is_known_on_a_day_is_known_ever_after(table: Table, known: Known) -> None:
    day, earlier, _ = DAYS[table.dataset]
    views = [known(table, at) for at in (earlier, day, None)]
    lasting = [name for name in table.column_names if name not in table.known.later]
    for before, after in pairwise(views):
        assert before.keys() <= after.keys()
        changed = [name for key in before for name in lasting if before[key][name] != after[key][name]]
        assert changed == []
    assert len(views[1]) > 0
    assert views[1] != views[2]


@every_dated_table
def test_nothing_that_is_shown_is_of_a_later_day(table: Table, known: Known) -> None:
    for text in DAYS[table.dataset][:2]:
        day = datetime.date.fromisoformat(text)
        shown = [v for row in known(table, text).values() for n, v in row.items() if n not in IN_THE_FUTURE]
        days = [v.date() if isinstance(v, datetime.datetime) else v for v in shown if isinstance(v, datetime.date)]
        assert [later for later in days if later > day] == []


@every_dated_table
def test_who_is_shown_refers_to_who_is_shown(table: Table, known: Known) -> None:
    day = DAYS[table.dataset][0]
    for reference in table.references:
        parent = registry.dataset(table.dataset).table(reference.table)
        there = {tuple(row[name] for name in reference.to_columns) for row in known(parent, day).values()}
        used = {tuple(row[name] for name in reference.columns) for row in known(table, day).values()}
        assert {key for key in used if None not in key} <= there


@pytest.mark.parametrize("table", [*DATED, *SUMS], ids=lambda table: table.full_name)
def test_on_the_last_day_everything_is_known(table: Table, known: Known) -> None:
    assert known(table, DAYS[table.dataset][2]) == known(table, None)


@pytest.mark.parametrize("dataset", registry.datasets())
def test_what_is_known_on_a_day_is_coherent_and_published(spark: SparkSession, tmp_path: Path, dataset: str) -> None:
    """Sums are those of the rows that are shown; of the rules only those about all that there is are not asked."""
    day = DAYS[dataset][0]
    options = ("--members", "600", "--format", "parquet", "--set", f"known_at={day}")
    assert cli.run(["generate", dataset, *options, "--out", str(tmp_path)]) == 0
    assert json.loads((tmp_path / dataset / "manifest.json").read_text())["settings"]["known_at"] == day
    results = json.loads((tmp_path / dataset / "validation/results.json").read_text())
    skipped = [text for suite in results["suites"] for text in suite["skipped"] if "known_at" in text]
    assert any("on average" in text for text in skipped)
    assert not any("differs" in text or "exists in" in text for text in skipped)
    assert sum(len(suite["rules"]) for suite in results["suites"]) > 2 * len(skipped) / 3
