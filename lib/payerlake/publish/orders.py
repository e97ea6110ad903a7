"""What is to be made: an order, and everything that can be refused of it before Spark starts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from payerlake import registry
from payerlake.contract import settings
from payerlake.contract.dataset import Dataset
from payerlake.contract.schema import Table
from payerlake.contract.settings import S
from payerlake.contract.slices import Slice
from payerlake.errors import BadInput, unknown
from payerlake.person.world import MEMBERS, World


@dataclass(frozen=True)
class Order(Generic[S]):
    """What is to be made: a dataset, its effective settings, its tables in order, and which part of it."""

    dataset: Dataset[S]
    settings: S
    tables: tuple[Table, ...]
    part: Slice = Slice()


def order(
    dataset: str,
    tables: Iterable[str] = (),
    part: str = "1/1",
    scale: str | None = None,
    config: str | Path | None = None,
    options: Mapping[str, Any] | None = None,
) -> Order[Any]:
    """Everything that can be refused before Spark starts: names, settings, slice. Raises BadInput."""
    known, slice_, named = registry.dataset(dataset), Slice.parse(part), tuple(tables)
    effective = settings.load(known.settings, scale, config, options)
    _check_partition_columns(known, effective.partition_by)
    made = Order(known, effective, tuple(_of_part(known.in_order(named), named, slice_)), slice_)
    _check_parts(made)
    known.solve(effective)
    return made


def _of_part(tables: list[Table], named: Sequence[str], part: Slice) -> list[Table]:
    """The tables that a part of the dataset has: none that sums up the whole. Raises BadInput where one is named."""
    if part.is_whole:
        return tables
    summing = [table.name for table in tables if not table.spine.in_parts]
    if set(named) & set(summing):
        raise BadInput(
            f"--slice {part}: {', '.join(summing)}: sums up the whole dataset, so no slice has it; "
            f"leave it out of --tables, or generate the whole"
        )
    return [table for table in tables if table.name not in summing]


def _check_parts(made: Order[Any]) -> None:
    """Raises BadInput where a part would hold nothing of what some of its tables are counted by."""
    parts = made.part.parts
    for spine in dict.fromkeys(table.spine for table in made.tables):
        count = spine.number(made.settings) if spine.number else parts
        if 1 < parts > count // spine.smallest:
            sliced = ", ".join(table.name for table in made.tables if table.spine is spine)
            why = f" and {spine.undivided}" if spine.undivided else ""
            raise BadInput(
                f"--slice {made.part}: there are {count:,} {spine.name}{why}, so N is at most "
                f"{max(1, count // spine.smallest):,}; give fewer parts, raise {spine.setting}, or leave out of "
                f"--tables: {sliced}"
            )


def _check_partition_columns(dataset: Dataset[Any], partition_by: Mapping[str, Iterable[str]]) -> None:
    for name, columns in partition_by.items():
        table, named = dataset.table(name), list(columns)
        for column in named:
            if column not in table.column_names:
                raise unknown(f"partition_by.{name}", "a column", column, table.column_names)
        if len(set(named)) < len(named):
            raise BadInput(f"partition_by.{name}: {', '.join(named)}: a column is named twice; name each once")
        if len(named) == len(table.columns):
            raise BadInput(f"partition_by.{name}: all columns of {table.full_name}, so files would be empty; leave one")


def most_rows(made: Order[Any]) -> float:
    """The rows of the largest table, about; the tables that do not say how many they expect have few."""
    whole = [table.expected_rows(made.settings) for table in made.tables if table.expected_rows]
    return max(whole, default=0.0) / made.part.parts


def world(spark: SparkSession, made: Order[S]) -> World[S]:
    """The world of an order: its part of the members, cut where households begin."""
    whole = World(spark, made.settings, 0, made.settings.members)
    if made.part.is_whole:
        return whole
    first, last = (_household_start(whole, key) for key in made.part.cut(made.settings.members))
    return World(spark, made.settings, first, last, made.part)


def _household_start(whole: World[Any], key: int) -> int:
    """The key itself at either end, else that of the head of its household: no slice cuts a household."""
    if key in (0, whole.settings.members):
        return key
    head = whole.spark.range(key, key + 1).select(whole.people.household(F.col("id")).alias("head")).first()
    assert head is not None
    return int(head["head"])


def require_member(made: Order[Any], number: int) -> None:
    """Raises BadInput where the dataset has no person of this number, from 1."""
    if not 1 <= number <= made.settings.members:
        raise BadInput(
            f"{number}: {made.dataset.name} has {made.settings.members:,} members, numbered from 1; give one of them, "
            "or --members"
        )


def rows_of(spark: SparkSession, made: Order[Any], number: int) -> dict[str, DataFrame]:
    """The rows of the person of this number, from 1, as lazy DataFrames by table, made from the key alone: of the
    tables that follow the members."""
    here = World(spark, made.settings, number - 1, number)
    return {table.name: here.rows(table) for table in made.tables if table.spine is MEMBERS}


def frames(spark: SparkSession, made: Order[Any]) -> dict[str, DataFrame]:
    """The tables as lazy DataFrames, by name; nothing runs and nothing is written."""
    here = world(spark, made)
    return {table.name: here.rows(table) for table in made.tables}
