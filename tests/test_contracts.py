"""Every table of every dataset against its contract: a new table is tested here without a new line.

A table's rows are made twice: whole in seven partitions, by a compiled query; and in two parts of one partition each,
by an interpreted one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.testing import assertSchemaEqual

from payerlake import registry
from payerlake.contract import settings
from payerlake.contract.schema import Table
from payerlake.contract.spine import REFERENCE
from payerlake.person import world as worlds
from payerlake.person.world import World
from payerlake.publish import fingerprint
from tests import golden
from tests.conftest import compiled

MEMBERS = 300
FORMULARIES = 6
CUT = 293  # the last seven members are made apart from the others; it may cut a household in two
TABLES = [table for name in registry.datasets() for table in registry.dataset(name).tables]
OF_MEMBERS = [table for table in TABLES if table.spine is worlds.MEMBERS]
OTHERS = [table for table in TABLES if table.spine is not worlds.MEMBERS]

every_table = pytest.mark.parametrize("table", TABLES, ids=lambda table: table.full_name)
every_table_of_members = pytest.mark.parametrize("table", OF_MEMBERS, ids=lambda table: table.full_name)
every_other_table = pytest.mark.parametrize("table", OTHERS, ids=lambda table: table.full_name)


@cache
def world(spark: SparkSession, dataset: str, first: int = 0, last: int = MEMBERS, files: int = 1) -> World:
    """A dataset of few members, of which the keys first … last − 1 are made, in so many files a table."""
    model = registry.dataset(dataset).settings
    options: dict[str, Any] = {"members": MEMBERS}
    if "members_per_file" in model.model_fields:
        each = settings.load(model).members_per_file
        whole = dict.fromkeys(type(each).model_fields, -(-MEMBERS // files))
        options["members_per_file"] = whole
    if "formularies" in model.model_fields:
        options["formularies"] = {"count": FORMULARIES, "per_file": -(-FORMULARIES // files)}
    return World(spark, settings.load(model, options=options), first, last)


def digest(frame: DataFrame) -> tuple[int, int]:
    """Rows, and the sum of a 64-bit hash of every column as text, modulo 2^64."""
    texts = [F.coalesce(F.col(name).cast("string"), F.lit("␀")) for name in frame.columns]
    total = F.sum(F.xxhash64(*texts).cast("decimal(38,0)"))
    count, total = frame.agg(F.count("*"), total).first()
    return count, int(total or 0) % 2**64


@dataclass(frozen=True)
class Stored:
    """The rows of a table, held in memory, where nulls are let through, and in how many partitions they were made."""

    rows: pa.Table
    partitions: int
    frame: DataFrame

    def keys(self, names: Iterable[str]) -> Counter:
        """How often each combination of values occurs."""
        columns = [self.rows.column(name).to_pylist() for name in names]
        return Counter(zip(*columns, strict=True))


def once(make: Callable[[Table], Any]) -> Callable[[Table], Any]:
    """What is made of each table, made when it is first asked for."""
    made: dict[str, Any] = {}

    def get(table: Table) -> Any:
        if table.full_name not in made:
            made[table.full_name] = make(table)
        return made[table.full_name]

    return get


@pytest.fixture(scope="module")
def built(spark: SparkSession) -> Callable[[Table], DataFrame]:
    """Each table as its contract's function builds it, in up to seven partitions."""
    return once(lambda table: table.build(world(spark, table.dataset, files=7)))


@pytest.fixture(scope="module")
def stored(spark: SparkSession, built: Callable[[Table], DataFrame]) -> Callable[[Table], Stored]:
    """Each table's rows, computed once."""

    def store(table: Table) -> Stored:
        with compiled(spark):
            made = built(table).withColumn("partition", F.spark_partition_id()).toArrow()
        rows = made.drop_columns(["partition"])
        partitions = len(made.column("partition").unique())
        return Stored(rows, partitions, spark.createDataFrame(rows).coalesce(1))

    return once(store)


@pytest.fixture(scope="module")
def counted(stored: Callable[[Table], Stored]) -> Callable[[Table], Mapping[str, int]]:
    """What one query counts of each table: nulls, rows that break a condition, the longest texts."""

    def count(table: Table) -> Mapping[str, int]:
        nulls = {f"null {c.name}": F.count_if(F.col(c.name).isNull()) for c in table.columns}
        broken = {
            f"broken {name}": F.count_if(~F.coalesce(F.expr(sql), F.lit(True)))
            for name, sql in table.constraints().items()
        }
        longest = {f"longest {name}": F.max(F.length(name)) for name in _lengths(table)}
        asked = nulls | broken | longest
        return stored(table).frame.agg(*(found.alias(name) for name, found in asked.items())).first().asDict()

    return once(count)


def _lengths(table: Table) -> dict[str, int]:
    """The most characters of each column that has such."""
    return {c.name: int(c.type.partition("(")[2][:-1]) for c in table.columns if "char(" in c.type}


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
    keys = stored(table).keys(table.key)
    assert len(keys) > 0
    assert {key: times for key, times in keys.items() if times > 1} == {}


@every_table
def test_nulls_stand_only_where_the_contract_allows_them(table: Table, counted: Callable) -> None:
    required = [column.name for column in table.columns if not column.nullable]
    assert {name: counted(table)[f"null {name}"] for name in required if counted(table)[f"null {name}"]} == {}


@every_table
def test_domains_patterns_ranges_and_rules_hold(table: Table, counted: Callable) -> None:
    conditions = table.constraints()
    counts = {f"{name}: {sql}": counted(table)[f"broken {name}"] for name, sql in conditions.items()}
    assert {name: count for name, count in counts.items() if count} == {}


@every_table
def test_texts_fit_their_columns(table: Table, counted: Callable) -> None:
    lengths = _lengths(table)
    longest = {name: counted(table)[f"longest {name}"] for name in lengths}
    assert {name: n for name, n in longest.items() if n is not None and n > lengths[name]} == {}
    exact = {c.name for c in table.columns if c.type.startswith("char(")}
    assert {name: n for name, n in longest.items() if name in exact and n not in (None, lengths[name])} == {}


@every_table
def test_references_resolve(table: Table, stored: Callable) -> None:
    dataset = registry.dataset(table.dataset)
    for reference in table.references:
        known = stored(dataset.table(reference.table)).keys(reference.to_columns)
        used = stored(table).keys(reference.columns)
        lost = {key for key in used if None not in key} - known.keys()
        assert not lost, (reference.columns, sorted(lost)[:3])


# pinned


@every_table
def test_the_rows_are_the_golden_ones(table: Table, stored: Callable, pytestconfig: pytest.Config) -> None:
    found = fingerprint.measure(stored(table).frame)
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
def test_partitions_are_of_what_the_table_is_made_of(table: Table, stored: Callable) -> None:
    made = stored(table).partitions
    assert 1 <= made <= 7
    assert made == 1 or table.spine is not REFERENCE
    assert made > 1 or table.spine is not worlds.MEMBERS


@every_table_of_members
def test_any_members_rows_are_made_without_the_others(spark: SparkSession, table: Table, stored: Callable) -> None:
    """The rows of the last few members, made alone, and those of the others, in a partition each, are those of all."""
    parts = [table.build(world(spark, table.dataset, first, last)) for first, last in ((0, CUT), (CUT, MEMBERS))]
    assert digest(parts[0].unionAll(parts[1])) == digest(stored(table).frame)


@every_other_table
def test_tables_without_members_are_the_same_in_one_partition_and_in_every_slice(
    spark: SparkSession, table: Table, stored: Callable
) -> None:
    first = CUT if table.spine is REFERENCE else 0
    assert digest(table.build(world(spark, table.dataset, first, MEMBERS))) == digest(stored(table).frame)


@every_table_of_members
def test_no_shuffle_and_no_python_in_the_plan_of_a_long_table(table: Table, built: Callable) -> None:
    plan = built(table)._jdf.queryExecution().executedPlan().toString()
    assert "Python" not in plan
    assert plan.count("Exchange") == plan.count("BroadcastExchange")
