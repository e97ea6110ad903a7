"""The registry: names, order of dependency, and references that lead somewhere."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from payerlake import registry
from payerlake.contract.dataset import Dataset, dependency_order
from payerlake.contract.schema import Column, Reference, Table
from payerlake.errors import BadInput

DATASETS = [registry.dataset(name) for name in registry.datasets()]
TABLES = [table for dataset in DATASETS for table in dataset.tables]


def named(name: str, *parents: str) -> Table:
    return Table(
        dataset="test",
        name=name,
        grain=f"One row per {name}",
        key=("id",),
        columns=(Column("id", "int", "Key"),),
        csv_stem=name,
        documented_rows="few",
        build=lambda world: world.spark.range(0),
        references=tuple(Reference(("id",), parent, ("id",)) for parent in parents),
    )


def test_an_unknown_dataset_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(BadInput, match=r"^dataset: 'pharmcy' is not a dataset; did you mean 'pharmacy'\? Known: all, "):
        registry.dataset("pharmcy")


def test_an_unknown_table_is_refused_with_the_nearest_name() -> None:
    pharmacy = registry.dataset("pharmacy")
    with pytest.raises(BadInput, match=r"'membres' is not a table of pharmacy; did you mean 'members'\?"):
        pharmacy.table("membres")
    with pytest.raises(BadInput, match="'membres' is not a table of pharmacy"):
        pharmacy.in_order(["plans", "membres"])


@pytest.mark.parametrize("dataset", DATASETS, ids=lambda dataset: dataset.name)
def test_parents_come_before_their_children(dataset: Dataset[Any]) -> None:
    ordered = [table.name for table in dataset.in_order()]
    assert sorted(ordered) == sorted(table.name for table in dataset.tables)
    for table in dataset.tables:
        assert all(ordered.index(parent) < ordered.index(table.name) for parent in table.parents)


def test_named_tables_come_alone_and_in_order() -> None:
    pharmacy = registry.dataset("pharmacy")
    assert [table.name for table in pharmacy.in_order(["enrollments", "members", "members"])] == [
        "members",
        "enrollments",
    ]


def test_the_order_does_not_depend_on_how_tables_are_listed() -> None:
    a, b, c = named("a"), named("b", "a"), named("c", "b", "a")
    for listed in ((a, b, c), (c, b, a), (b, c, a)):
        assert [table.name for table in dependency_order(listed)] == ["a", "b", "c"]


def test_a_table_may_refer_to_itself() -> None:
    assert [table.name for table in dependency_order([named("a", "a")])] == ["a"]


def test_tables_that_refer_to_each_other_in_a_circle_are_refused() -> None:
    with pytest.raises(ValueError, match=r"tables refer to each other in a circle: \w → \w → \w"):
        dependency_order([named("a", "b"), named("b", "a")])


@pytest.mark.parametrize("dataset", DATASETS, ids=lambda dataset: dataset.name)
def test_every_table_has_its_own_name_and_csv_stem(dataset: Dataset[Any]) -> None:
    names = Counter(table.name for table in dataset.tables)
    stems = Counter(table.csv_stem for table in dataset.tables)
    assert max(names.values()) == max(stems.values()) == 1
    assert {table.dataset for table in dataset.tables} == {dataset.name}


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.full_name)
def test_references_lead_to_what_is_unique_in_a_table_of_the_dataset(table: Table) -> None:
    dataset = registry.dataset(table.dataset)
    for reference in table.references:
        parent = dataset.table(reference.table)
        assert reference.to_columns in (parent.key, *parent.unique)
        own = [column for name in reference.columns for column in table.columns if column.name == name]
        its = [column for name in reference.to_columns for column in parent.columns if column.name == name]
        assert [column.spark_type for column in own] == [column.spark_type for column in its]
        assert len(own) == len(reference.columns)
