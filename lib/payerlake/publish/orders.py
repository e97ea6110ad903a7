"""What is to be made: an order, and everything that can be refused of it before Spark starts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from payerlake import registry
from payerlake.contract import settings
from payerlake.contract.schema import Table
from payerlake.errors import BadInput, unknown
from payerlake.person.world import World
from payerlake.registry import Dataset
from payerlake.writers import WRITERS

_SLICE = re.compile(r"(\d+)/(\d+)")


@dataclass(frozen=True)
class Order:
    """What is to be made: a dataset, its effective settings, its tables in order, part I of N (from 1)."""

    dataset: Dataset
    settings: Any
    tables: tuple[Table, ...]
    part: tuple[int, int] = (1, 1)


def order(
    dataset: str,
    tables: Iterable[str] = (),
    part: str = "1/1",
    scale: str | None = None,
    config: str | Path | None = None,
    overrides: Iterable[settings.Layer] = (),
) -> Order:
    """Everything that can be refused before Spark starts: names, settings, slice. Raises BadInput."""
    known = registry.dataset(dataset)
    effective = settings.load(dataset, known.settings, scale, config, overrides)
    _check_partition_columns(known, effective.partition_by)
    named = tuple(tables)
    made = Order(known, effective, tuple(_of_part(known.in_order(named), named, _part(part))), _part(part))
    _check_parts(made)
    for examine in dict.fromkeys(table.examine for table in made.tables if table.examine):
        examine(effective)
    return made


def _part(text: str) -> tuple[int, int]:
    match = _SLICE.fullmatch(text)
    part, parts = (int(match[1]), int(match[2])) if match else (0, 0)
    if not 1 <= part <= parts:
        raise BadInput(f"--slice {text}: not I/N with I from 1 to N, for example --slice 1/10")
    return part, parts


def _of_part(tables: list[Table], named: Sequence[str], part: tuple[int, int]) -> list[Table]:
    """The tables that a part of the dataset has: none that sums up the whole. Raises BadInput where one is named."""
    if part[1] == 1:
        return tables
    summing = [table.name for table in tables if not table.spine.in_parts]
    if set(named) & set(summing):
        raise BadInput(
            f"--slice {part[0]}/{part[1]}: {', '.join(summing)}: sums up the whole dataset, so no slice has it; "
            f"leave it out of --tables, or generate the whole"
        )
    return [table for table in tables if table.name not in summing]


def _check_parts(made: Order) -> None:
    """Raises BadInput where a part would hold nothing of what some of its tables are counted by."""
    part, parts = made.part
    for spine in dict.fromkeys(table.spine for table in made.tables):
        count = spine.number(made.settings) if spine.number else parts
        if 1 < parts > count // spine.smallest:
            sliced = ", ".join(table.name for table in made.tables if table.spine is spine)
            why = f" and {spine.undivided}" if spine.undivided else ""
            raise BadInput(
                f"--slice {part}/{parts}: there are {count:,} {spine.name}{why}, so N is at most "
                f"{max(1, count // spine.smallest):,}; give fewer parts, raise {spine.setting}, or leave out of "
                f"--tables: {sliced}"
            )


def _check_partition_columns(dataset: Dataset, partition_by: Mapping[str, Iterable[str]]) -> None:
    for name, columns in partition_by.items():
        table, named = dataset.table(name), list(columns)
        for column in named:
            if column not in table.column_names:
                raise unknown(f"partition_by.{name}", "a column", column, table.column_names)
        if len(set(named)) < len(named):
            raise BadInput(f"partition_by.{name}: {', '.join(named)}: a column is named twice; name each once")
        if len(named) == len(table.columns):
            raise BadInput(f"partition_by.{name}: all columns of {table.full_name}, so files would be empty; leave one")


def most_rows(made: Order) -> float:
    """The rows of the largest table, about; the tables that do not say how many they expect have few."""
    whole = [table.expected_rows(made.settings) for table in made.tables if table.expected_rows]
    return max(whole, default=0.0) / made.part[1]


def formats(names: Iterable[str], catalog: str | None = None) -> tuple[str, ...]:
    """The formats of these names, without repeats. Raises BadInput for one that does not exist, or not in a catalog."""
    chosen = tuple(dict.fromkeys(names)) or ("delta",)
    for name in chosen:
        if name not in WRITERS:
            raise unknown("--format", "a format", name, WRITERS)
        if catalog is not None and name != "delta":
            raise BadInput(
                f"--format {name}: the tables of --catalog {catalog} are Delta; leave --format out, or give --out "
                f"instead of a catalog"
            )
    return chosen


def world(spark: SparkSession, made: Order) -> World:
    """The world of an order: its part of the members, cut where households begin."""
    part, parts = made.part
    members = made.settings.members
    whole = World(spark, made.settings, 0, members)
    if parts == 1:
        return whole
    first, last = (_household_start(whole, members * place // parts) for place in (part - 1, part))
    return World(spark, made.settings, first, last, made.part)


def _household_start(whole: World, key: int) -> int:
    """The key itself at either end, else that of the head of its household: no slice cuts a household."""
    if key in (0, whole.settings.members):
        return key
    head = whole.spark.range(key, key + 1).select(whole.people.household(F.col("id")).alias("head")).first()
    assert head is not None
    return int(head["head"])


def frames(spark: SparkSession, made: Order) -> dict[str, DataFrame]:
    """The tables as lazy DataFrames, by name; nothing runs and nothing is written."""
    here = world(spark, made)
    return {table.name: table.build(here) for table in made.tables}
