"""Correct data are never refused: datasets of very few members, of any seed and day, keep every rule."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

import payerlake
from payerlake import registry
from payerlake.errors import DataFailed

SIZES = (1, 2, 3, 7, 30, 60, 199, 1_000)
SEEDS = (0, 1, 42, 303, 2**63)
DAYS = ("2023-12-31", "2024-02-29", "2025-12-31")
AFTER: Mapping[str, Mapping[str, Any]] = {  # a plan year does not begin before the youngest are born
    "2024-02-29": {"plan_year": 2025},
    "2025-12-31": {"plan_year": 2026},
}


def refused(spark: SparkSession, out: Path, dataset: str, members: int, **others: Any) -> str:
    """What the rules say against the data; empty where they are published."""
    options = {"format": "parquet", "mode": "overwrite", **others}
    try:
        payerlake.generate(spark, dataset, out, members=members, **options)
    except DataFailed as error:
        return str(error)
    assert (out / dataset / "manifest.json").exists()
    return ""


def all_refused(spark: SparkSession, out: Path, dataset: str, members: int, seeds: Iterable[int]) -> dict[int, str]:
    found = {seed: refused(spark, out, dataset, members, seed=seed) for seed in seeds}
    return {seed: said for seed, said in found.items() if said}


@pytest.mark.parametrize(
    ("dataset", "members", "seed"),
    [
        ("insurance", 3, 0),
        pytest.param("finance", 1, 303, marks=pytest.mark.thorough),
        pytest.param("quality", 7, -1, marks=pytest.mark.thorough),
    ],
)
def test_data_of_a_few_members_are_published(
    spark: SparkSession, tmp_path: Path, dataset: str, members: int, seed: int
) -> None:
    assert refused(spark, tmp_path, dataset, members, seed=seed) == ""


@pytest.mark.thorough
@pytest.mark.parametrize("members", SIZES)
@pytest.mark.parametrize("dataset", registry.datasets())
def test_data_of_any_size_and_seed_are_published(
    spark: SparkSession, tmp_path: Path, dataset: str, members: int
) -> None:
    assert all_refused(spark, tmp_path, dataset, members, SEEDS) == {}


@pytest.mark.thorough
def test_data_of_sixty_members_of_many_seeds_are_published(spark: SparkSession, tmp_path: Path) -> None:
    """Where somebody of every kind is missing for some seed."""
    assert all_refused(spark, tmp_path, "insurance", 60, range(2, 20)) == {}


@pytest.mark.thorough
@pytest.mark.parametrize("day", DAYS)
@pytest.mark.parametrize("dataset", registry.datasets())
def test_data_of_another_day_are_published(spark: SparkSession, tmp_path: Path, dataset: str, day: str) -> None:
    """By the same rules, which read the day from the settings."""
    years = AFTER.get(day, {}) if dataset == "pharmacy" else {}
    assert refused(spark, tmp_path, dataset, 199, seed=42, population={"as_of": day}, **years) == ""


@pytest.mark.thorough
@pytest.mark.parametrize("format", ["csv", "delta"])
@pytest.mark.parametrize("dataset", registry.datasets())
def test_tables_without_rows_are_published_in_every_format(
    spark: SparkSession, tmp_path: Path, dataset: str, format: str
) -> None:
    assert refused(spark, tmp_path, dataset, 1, seed=42, format=format) == ""
    payerlake.verify(spark, dataset, tmp_path)


@pytest.mark.thorough
def test_settings_for_many_do_for_few_too(spark: SparkSession, tmp_path: Path) -> None:
    """More providers than patients, one formulary, no facility but those that states need."""
    assert refused(spark, tmp_path, "finance", 2, providers_per_clinic=24, patients_per_provider=1) == ""
    assert refused(spark, tmp_path, "pharmacy", 2, formularies={"count": 1}) == ""
    assert refused(spark, tmp_path, "insurance", 2, facilities={"least": 1}) == ""
