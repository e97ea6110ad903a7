"""DuckDB, polars, pandas, pyarrow and deltalake read what was written: every row, typed, without Spark."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

import payerlake
from payerlake import registry
from payerlake.contract.schema import Table
from tests.engines import golden_size
from tests.engines.plain import fingerprint
from tests.engines.readers import Reader, arrow_schema, csv_files, readers

pytestmark = pytest.mark.thorough

FORMATS = ("delta", "csv", "parquet")
TABLES = [table for name in golden_size.DATASETS for table in registry.dataset(name).tables]
WAYS = [(form, reader) for form in ("parquet", "csv") for reader in ("pyarrow", "pandas", "polars", "duckdb")]
WAYS += [("delta", reader) for reader in ("deltalake", "pandas", "polars", "duckdb")]

# What a table asks of whoever opens it as Delta: readers that know this much of the protocol, writers that know that.
PLAIN_READER, WITH_TIMESTAMPS = 1, 3
READER_FEATURES = {"timestampNtz"}
WRITER_FEATURES = {"appendOnly", "invariants", "checkConstraints", "timestampNtz"}

every_table = pytest.mark.parametrize("table", TABLES, ids=lambda table: table.full_name)
every_way = pytest.mark.parametrize("way", WAYS, ids="-by-".join)


@pytest.fixture(scope="module")
def published(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A dataset's folder, published once in all formats, its long tables in two files."""
    out = tmp_path_factory.mktemp("readers")

    @cache
    def publish(dataset: str) -> Path:
        payerlake.generate(spark, dataset, out, format=FORMATS, validate=False, **golden_size.options(dataset, 2))
        return out / dataset

    return publish


@pytest.fixture(scope="module")
def read(published: Callable[[str], Path]) -> Callable[[Table, tuple[str, str]], pa.Table]:
    """What a reader makes of a table in a format."""
    by_way: dict[tuple[str, str], Reader] = readers()
    seen: dict[tuple[str, tuple[str, str]], pa.Table] = {}

    def read_once(table: Table, way: tuple[str, str]) -> pa.Table:
        if (table.full_name, way) not in seen:
            seen[table.full_name, way] = by_way[way](published(table.dataset), table)
        return seen[table.full_name, way]

    return read_once


def manifest(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "manifest.json").read_text())


def rows(stored: pa.Table) -> Counter:
    """The rows and how often each occurs, as Python's own values."""
    return Counter(zip(*(column.to_pylist() for column in stored.columns), strict=True))


def plainly(kind: pa.DataType) -> pa.DataType:
    """The type without the ways in which readers lay texts out in memory."""
    return pa.string() if pa.types.is_large_string(kind) or pa.types.is_string_view(kind) else kind


@every_way
def test_a_reader_finds_the_contracts_columns_and_types(way: tuple[str, str], read: Callable) -> None:
    for table in TABLES:
        found = [(field.name, plainly(field.type)) for field in read(table, way).schema]
        assert found == [(field.name, field.type) for field in arrow_schema(table)], table.full_name


@every_table
def test_a_reader_that_is_not_spark_computes_the_fingerprint_of_the_manifest(
    table: Table, published: Callable, read: Callable
) -> None:
    found = fingerprint(read(table, WAYS[0]))
    assert (found.rows, found.digest) == golden_size.expected(table)
    records = manifest(published(table.dataset))["tables"][table.name]
    assert {name: (record["rows"], record["fingerprint"]) for name, record in records.items()} == dict.fromkeys(
        FORMATS, (found.rows, found.digest)
    )


@every_way
def test_every_reader_sees_the_same_rows(way: tuple[str, str], read: Callable) -> None:
    differ = [table.full_name for table in TABLES if rows(read(table, way)) != rows(read(table, WAYS[0]))]
    assert differ == []


@every_way
def test_no_text_is_empty_so_none_is_taken_for_a_null(way: tuple[str, str], read: Callable) -> None:
    texts = [(table, field.name) for table in TABLES for field in arrow_schema(table) if field.type == pa.string()]
    assert [(table.full_name, name) for table, name in texts if "" in read(table, way)[name].to_pylist()] == []


@pytest.mark.parametrize("column", ["members.zip_code", "households.person_code", "claims.PlaceOfService"])
@every_way
def test_leading_zeros_are_kept(column: str, way: tuple[str, str], read: Callable) -> None:
    name, _, field = column.partition(".")
    table = registry.dataset("finance" if name == "claims" else "pharmacy").table(name)
    values = read(table, way)[field].to_pylist()
    assert len({len(value) for value in values}) == 1
    assert any(value.startswith("0") for value in values)


@every_table
def test_delta_asks_readers_for_no_more_than_the_table_needs(table: Table, published: Callable) -> None:
    asked = protocol(published(table.dataset) / "delta" / table.name)
    has_timestamps = any(column.type == "timestamp" for column in table.columns)
    assert asked["minReaderVersion"] == (WITH_TIMESTAMPS if has_timestamps else PLAIN_READER)
    assert set(asked.get("readerFeatures", ())) == (READER_FEATURES if has_timestamps else set())
    assert set(asked.get("writerFeatures", ())) <= WRITER_FEATURES


def protocol(folder: Path) -> dict[str, Any]:
    """The last protocol in a table's log."""
    logs = sorted((folder / "_delta_log").glob("*.json"))
    actions = [json.loads(line) for log in logs for line in log.read_text().splitlines()]
    return [action["protocol"] for action in actions if "protocol" in action][-1]


@every_table
def test_a_csv_file_has_a_header_of_the_contracts_names_and_no_quoted_nothing(
    table: Table, published: Callable
) -> None:
    files = csv_files(published(table.dataset), table)
    assert files
    for file in files:
        first, *lines = Path(file).read_text(encoding="utf-8").splitlines()
        assert first.replace('"', "") == ",".join(column.header for column in table.columns)
        assert not any(line == '""' or line.startswith('"",') or ',"",' in line for line in lines)
