"""Every table of every dataset against its contract: a new table is tested here without a new line.

A table's rows are made once by compiled queries; the same rows made otherwise are made by interpreted ones.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from functools import cache

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.testing import assertSchemaEqual

from payerlake import fingerprint, registry, settings
from payerlake.schema import Table
from payerlake.world import World
from tests import golden
from tests.conftest import compiled

MEMBERS = 300
FORMULARIES = 6
CUT = 293  # the last seven members are made apart from the others; it may cut a household in two
TABLES = [table for name in registry.datasets() for table in registry.dataset(name).tables]
OF_MEMBERS = [table for table in TABLES if table.spine == "members"]
REFERENCE = [table for table in TABLES if table.spine == "reference"]

every_table = pytest.mark.parametrize("table", TABLES, ids=lambda table: table.full_name)
every_table_of_members = pytest.mark.parametrize("table", OF_MEMBERS, ids=lambda table: table.full_name)
every_reference_table = pytest.mark.parametrize("table", REFERENCE, ids=lambda table: table.full_name)


@cache
def world(spark: SparkSession, dataset: str, first: int = 0, last: int = MEMBERS, files: int = 1) -> World:
    """A dataset of few members, of which the keys first … last − 1 are made, in so many files a table."""
    model = registry.dataset(dataset).settings
    overrides = [settings.option("members", MEMBERS)]
    if "members_per_file" in model.model_fields:
        each = settings.load(dataset, model).members_per_file
        whole = dict.fromkeys(type(each).model_fields, -(-MEMBERS // files))
        overrides.append(settings.option("members_per_file", whole))
    if "formularies" in model.model_fields:
        overrides.append(settings.option("formularies", {"count": FORMULARIES, "per_file": -(-FORMULARIES // files)}))
    return World(spark, settings.load(dataset, model, overrides=overrides), first, last)


def rows(frame: DataFrame) -> Counter:
    """The rows and how often each occurs."""
    return Counter(map(tuple, frame.collect()))


def digest(frame: DataFrame) -> tuple[int, int, int]:
    """Rows, the sum of a 64-bit hash of every column as text, modulo 2^64, and how many partitions have rows."""
    texts = [F.coalesce(F.col(name).cast("string"), F.lit("␀")) for name in frame.columns]
    hashed = frame.select(F.xxhash64(*texts).alias("hash"), F.spark_partition_id().alias("partition"))
    total = F.sum(F.col("hash").cast("decimal(38,0)"))
    count, total, files = hashed.agg(F.count("*"), total, F.size(F.collect_set("partition"))).first()
    return count, int(total) % 2**64, files


@pytest.fixture(scope="module")
def built(spark: SparkSession) -> Callable[[Table], DataFrame]:
    """Each table, built once as its contract's function builds it."""
    frames: dict[str, DataFrame] = {}

    def build(table: Table) -> DataFrame:
        if table.full_name not in frames:
            frames[table.full_name] = table.build(world(spark, table.dataset))
        return frames[table.full_name]

    return build


@pytest.fixture(scope="module")
def stored(spark: SparkSession, built: Callable[[Table], DataFrame]) -> Callable[[Table], DataFrame]:
    """Each table's rows, computed once, by compiled queries, and held in memory; nulls are let through."""
    frames: dict[str, DataFrame] = {}

    def store(table: Table) -> DataFrame:
        if table.full_name not in frames:
            with compiled(spark):
                made = built(table).toArrow()
            frames[table.full_name] = spark.createDataFrame(made).coalesce(1)
        return frames[table.full_name]

    return store


# the contract


def test_every_table_and_column_says_what_it_is() -> None:
    """As `describe`, the pages and the comments of databases show it."""
    silent = [table.full_name for table in TABLES if not re.match(r"One row per \w", table.grain)]
    silent += [f"{table.full_name}.{c.name}" for table in TABLES for c in table.columns if len(c.meaning.strip()) < 3]
    assert silent == []


@every_table
def test_key_and_references_are_columns_of_the_table(table: Table) -> None:
    named = [*table.key, *(name for reference in table.references for name in reference.columns)]
    assert table.key
    assert set(named) <= set(table.column_names)
    assert len(set(table.column_names)) == len(table.column_names)
    assert not any(column.nullable for column in table.columns if column.name in table.key)


# the rows


@every_table
def test_the_table_has_the_columns_and_types_of_its_contract(table: Table, built: Callable) -> None:
    assertSchemaEqual(built(table).schema, table.schema(), ignoreNullable=True)


@every_table
def test_the_key_tells_the_rows_apart(table: Table, stored: Callable) -> None:
    frame = stored(table)
    repeated = frame.groupBy(*table.key).count().where("count > 1").limit(3).collect()
    assert frame.count() > 0
    assert repeated == []


@every_table
def test_nulls_stand_only_where_the_contract_allows_them(table: Table, stored: Callable) -> None:
    required = [column.name for column in table.columns if not column.nullable]
    counts = stored(table).agg(*(F.count_if(F.col(name).isNull()).alias(name) for name in required)).first().asDict()
    assert {name: count for name, count in counts.items() if count} == {}


@every_table
def test_domains_patterns_ranges_and_rules_hold(table: Table, stored: Callable) -> None:
    conditions = table.constraints()
    if not conditions:
        pytest.skip("the contract has no condition")
    broken = [F.count_if(~F.coalesce(F.expr(sql), F.lit(True))).alias(name) for name, sql in conditions.items()]
    counts = stored(table).agg(*broken).first().asDict()
    assert {f"{name}: {conditions[name]}": count for name, count in counts.items() if count} == {}


@every_table
def test_texts_fit_their_columns(table: Table, stored: Callable) -> None:
    lengths = {c.name: int(c.type.partition("(")[2][:-1]) for c in table.columns if "char(" in c.type}
    if not lengths:
        pytest.skip("no column has a length")
    longest = stored(table).agg(*(F.max(F.length(name)).alias(name) for name in lengths)).first().asDict()
    assert {name: n for name, n in longest.items() if n is not None and n > lengths[name]} == {}
    exact = {c.name for c in table.columns if c.type.startswith("char(")}
    assert {name: n for name, n in longest.items() if name in exact and n not in (None, lengths[name])} == {}


@every_table
def test_references_resolve(table: Table, stored: Callable) -> None:
    dataset = registry.dataset(table.dataset)
    for reference in table.references:
        known = {tuple(row) for row in stored(dataset.table(reference.table)).select(*reference.to_columns).collect()}
        used = {tuple(row) for row in stored(table).select(*reference.columns).distinct().collect()}
        lost = {key for key in used if None not in key} - known
        assert not lost, (reference.columns, sorted(lost)[:3])


# pinned


@every_table
def test_the_rows_are_the_golden_ones(table: Table, stored: Callable, pytestconfig: pytest.Config) -> None:
    found = fingerprint.measure(stored(table))
    if pytestconfig.getoption("golden"):
        golden.keep(table, found)
    pinned = golden.read().get(table.dataset, {}).get(table.name)
    assert golden.text(found.rows, found.digest) == pinned, (
        f"{table.full_name}: not the data that tests/golden.json has. If they were to change, by a new table, by a "
        "change of one or by new lists of Faker or zipcodes, run `make golden` and commit the file; else find out why"
    )


def test_only_tables_that_there_are_have_golden_rows() -> None:
    assert {name: set(tables) for name, tables in golden.read().items()} == {
        name: {table.name for table in registry.dataset(name).tables} for name in registry.datasets()
    }, "run `make golden`"


# pure functions of the key


@every_table
def test_the_rows_are_the_same_in_one_and_in_seven_partitions(
    spark: SparkSession, table: Table, stored: Callable
) -> None:
    *whole, _ = digest(stored(table))
    *made, partitions = digest(table.build(world(spark, table.dataset, files=7)))
    assert made == whole
    assert 1 <= partitions <= 7
    assert partitions == 1 or table.spine != "reference"
    assert partitions > 1 or table.spine != "members"


@every_table_of_members
def test_any_members_rows_are_made_without_the_others(spark: SparkSession, table: Table, stored: Callable) -> None:
    """The rows of the last few members, made alone, and those of the others are the rows of all."""
    parts = [rows(table.build(world(spark, table.dataset, first, last))) for first, last in ((0, CUT), (CUT, MEMBERS))]
    assert parts[0] + parts[1] == rows(stored(table))


@every_table_of_members
def test_no_shuffle_and_no_python_in_the_plan_of_a_long_table(table: Table, built: Callable) -> None:
    plan = built(table)._jdf.queryExecution().executedPlan().toString()
    assert "Python" not in plan
    assert plan.count("Exchange") == plan.count("BroadcastExchange")


@every_reference_table
def test_reference_tables_are_whole_in_every_slice(spark: SparkSession, table: Table, stored: Callable) -> None:
    assert rows(table.build(world(spark, table.dataset, CUT, MEMBERS))) == rows(stored(table))
