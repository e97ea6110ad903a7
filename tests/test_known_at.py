"""The setting `known_at`: who looks on an earlier day sees less of the same world, and nothing else."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from pyarrow.parquet import read_table as read
from pyspark.sql import DataFrame, SparkSession

from payerlake import cli, registry
from payerlake.contract.schema import Table
from payerlake.publish import orders
from payerlake.quality.columns import CREATED

# A day, and the last of the data, on which everything is known.
DAYS = {
    "pharmacy": ("2021-06-30", "2024-12-31"),
    "insurance": ("2023-06-30", "2024-01-01"),
    "quality": ("2024-06-30", "2024-12-31"),
    "finance": ("2024-06-15", "2024-12-31"),
}
MEMBERS = 300
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
AS_EVER = {
    "pharmacy": "the household size is the number of its members",
    "insurance": "no claim lies outside the member's cover",
    "quality": "open and closed gaps of the ZIP codes are those of the members",
    "finance": "a provider's payments are the sum of the claims'",
}
IN_THE_FUTURE = {"next_due_date"}  # told beforehand

Rows = dict[tuple[Any, ...], dict[str, Any]]
Known = Callable[[Table, str | None], Rows]


@pytest.fixture(scope="module")
def published(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of each dataset as of its day, made and checked by the command line."""
    out = tmp_path_factory.mktemp("known_at")

    @cache
    def publish(dataset: str) -> Path:
        options = ("--members", str(MEMBERS), "--format", "parquet", "--set", f"known_at={DAYS[dataset][0]}")
        assert cli.run(["generate", dataset, *options, "--out", str(out)]) == 0
        return out / dataset

    return publish


@pytest.fixture(scope="module")
def known(spark: SparkSession, published: Callable[[str], Path]) -> Known:
    """A table's rows by their keys, as who looks on a day has them; on None all of them."""

    @cache
    def frames(dataset: str, day: str | None) -> dict[str, DataFrame]:
        return orders.frames(spark, orders.order(dataset, options={"members": MEMBERS, "known_at": day}))

    @cache
    def rows(dataset: str, name: str, day: str | None) -> Rows:
        is_published = day == DAYS[dataset][0]
        found = read(published(dataset) / "parquet" / name) if is_published else frames(dataset, day)[name].toArrow()
        key = registry.dataset(dataset).table(name).key
        return {tuple(row[column] for column in key): row for row in found.to_pylist()}

    return lambda table, day: rows(table.dataset, table.name, day)


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
    before, after = (known(table, day) for day in DAYS[table.dataset])
    assert table.known
    lasting = [name for name in table.column_names if name not in table.known.later]
    assert before.keys() <= after.keys()
    assert [(key, name) for key in before for name in lasting if before[key][name] != after[key][name]] == []
    assert len(before) > 0
    assert before != after


@pytest.mark.parametrize("table", [*DATED, *SUMS], ids=lambda table: table.full_name)
def test_on_the_last_day_everything_is_known(table: Table, known: Known) -> None:
    assert known(table, DAYS[table.dataset][1]) == known(table, None)


@every_dated_table
def test_nothing_that_is_shown_is_of_a_later_day(table: Table, known: Known) -> None:
    day = datetime.date.fromisoformat(DAYS[table.dataset][0])
    shown = [v for row in known(table, str(day)).values() for n, v in row.items() if n not in IN_THE_FUTURE]
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


@pytest.mark.parametrize("dataset", registry.datasets())
def test_rules_about_all_that_there_is_are_not_asked(dataset: str, published: Callable[[str], Path]) -> None:
    """All others are, and hold: sums are those of the rows that are shown."""
    folder, day = published(dataset), DAYS[dataset][0]
    assert json.loads((folder / "manifest.json").read_text())["settings"]["known_at"] == day
    suites = json.loads((folder / "validation/results.json").read_text())["suites"]
    skipped = [text for suite in suites for text in suite["skipped"] if "known_at" in text]
    assert any("on average" in text for text in skipped)
    assert not any("exists in" in text or "never null" in text for text in skipped)
    held = [rule["rule"] for suite in suites for rule in suite["rules"]]
    assert AS_EVER[dataset] in held
