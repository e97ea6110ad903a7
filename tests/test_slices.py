"""Slices of worlds of any size: what of a billion members is made, at what cost to the driver, and that parts fit."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

import payerlake
from payerlake import registry
from payerlake.checks.structure import structural
from payerlake.checks.suites import of_a_part
from payerlake.contract import settings
from payerlake.contract.spine import REFERENCE
from payerlake.databases.load import _contracts, _settings
from payerlake.errors import BadInput
from payerlake.insurance import facility
from payerlake.person.world import World
from payerlake.pharmacy import segments
from payerlake.publish import fingerprint, orders
from payerlake.storage.manifest import Manifest, TableRecord
from tests.conftest import compiled

BILLION, TEN_BILLION = 10**9, 10**10
EACH = 1_000  # members of a slice
HUGE = [(size, part) for size in (BILLION, TEN_BILLION) for part in ("first", "middle", "last")]
NAMES = {  # the ids of the last member of ten billion
    "pharmacy": ("members", "member_number", "M10000000000"),
    "insurance": ("enrollment", "enrollment_id", TEN_BILLION),
    "quality": ("plan_members", "member_id", "M10000000000"),
    "finance": ("patients", "patient_id_str", "PAT10000000000"),
}

every_dataset = pytest.mark.parametrize("dataset", registry.datasets())


def order(dataset: str, members: int, part: str = "1/1", only: tuple[str, ...] = (), **options: Any) -> orders.Order:
    return orders.order(dataset, only, part, options={"members": members, **options})


def parts(members: int, each: int = EACH) -> dict[str, str]:
    """The first, a middle and the last of the slices of so many members each."""
    count = members // each
    return {name: f"{i}/{count}" for name, i in (("first", 1), ("middle", count // 2), ("last", count))}


def whole(dataset: str) -> tuple[str, ...]:
    """The tables that slices have."""
    return tuple(table.name for table in registry.dataset(dataset).tables if table.spine.in_parts)


# what it costs the driver


@every_dataset
def test_a_slice_of_ten_billion_is_ordered_in_no_time(dataset: str) -> None:
    order(dataset, EACH)  # reads the lists that all sizes have
    began = time.process_time()
    for part in parts(TEN_BILLION).values():
        assert order(dataset, TEN_BILLION, part).tables
    assert time.process_time() - began < 1


@dataclass
class Lists:
    """The longest text of a literal, and the most rows of a frame, that the driver has made."""

    text: list[int] = field(default_factory=lambda: [0])
    rows: list[int] = field(default_factory=lambda: [0])


@pytest.fixture
def lists(monkeypatch: pytest.MonkeyPatch) -> Lists:
    made, lit, create = Lists(), F.lit, SparkSession.createDataFrame

    def noted_lit(value: Any) -> Any:
        made.text.append(len(value) if isinstance(value, str) else 0)
        return lit(value)

    def noted_create(self: SparkSession, data: Any, *more: Any, **options: Any) -> DataFrame:
        made.rows.append(len(data) if isinstance(data, list) else 0)
        return create(self, data, *more, **options)

    monkeypatch.setattr(F, "lit", noted_lit)
    monkeypatch.setattr(SparkSession, "createDataFrame", noted_create)
    return made


@pytest.mark.parametrize(
    ("dataset", "only"),
    [
        ("pharmacy", ("employer_groups", "formularies")),
        ("insurance", ("facility",)),
        *(pytest.param(name, (), marks=pytest.mark.thorough) for name in registry.datasets()),
    ],
)
def test_no_list_on_the_driver_grows_with_the_members(
    spark: SparkSession, lists: Lists, dataset: str, only: tuple[str, ...]
) -> None:
    """The longest that all sizes have is that of the ZIP codes."""
    assert orders.frames(spark, order(dataset, TEN_BILLION, f"1/{TEN_BILLION // EACH}", only))
    assert 0 < max(lists.text) < 2_000_000
    assert max(lists.rows) < 10_000


# what is in it


@every_dataset
def test_ids_grow_wider_beyond_the_digits_that_they_have(spark: SparkSession, dataset: str) -> None:
    table, column, last = NAMES[dataset]
    part = parts(TEN_BILLION, each=10)["last"]
    rows = payerlake.tables(spark, dataset, [table], slice=part, members=TEN_BILLION)[table].select(column).collect()
    assert 5 <= len({row[0] for row in rows}) == len(rows) <= 15
    assert last in [row[0] for row in rows] or dataset == "insurance"  # the last member may have no cover
    contract = registry.dataset(dataset).table(table)
    pattern = next(c.pattern for c in contract.columns if c.name == column)
    assert pattern == "" or pattern.endswith(",}$")


def test_facilities_are_cut_and_the_parts_make_the_whole(spark: SparkSession) -> None:
    """Of 62 facilities, which four does not divide."""
    rows, *cut = (
        [tuple(row) for row in tables["facility"].select("facility_id", "npi").collect()]
        for tables in (
            payerlake.tables(spark, "insurance", ["facility"], slice=part, members=31_000)
            for part in ("1/1", "1/4", "2/4", "3/4", "4/4")
        )
    )
    assert [row for part in cut for row in part] == rows
    assert [len(part) for part in cut] == [15, 16, 15, 16]
    assert [row[0] for row in rows] == list(range(1, 63))


@pytest.mark.thorough
def test_a_member_goes_to_a_facility_of_the_state_that_another_slice_has(spark: SparkSession) -> None:
    part = parts(TEN_BILLION, each=100)["middle"]
    made = order("insurance", TEN_BILLION, part, ("members",))
    members = orders.frames(spark, made)["members"].where("primary_care_facility_id IS NOT NULL")
    number = F.col("primary_care_facility_id")
    states = list(made.settings.population.states)
    rows = members.select("state", number, facility._state_index(made.settings, number).alias("at")).collect()
    assert len(rows) > 40
    assert all(states[row["at"]] == row["state"] for row in rows)
    assert all(1 <= row["primary_care_facility_id"] <= made.settings.facility_count for row in rows)
    assert max(row["primary_care_facility_id"] for row in rows) > 10**7


@pytest.mark.parametrize("issued", [False, True])
def test_every_facility_has_an_npi_of_its_own(spark: SparkSession, issued: bool) -> None:
    """The first and last of each hundred million, as far as there are numbers."""
    made = order("insurance", 5 * TEN_BILLION, facilities={"issued_npi_range": issued})
    digits = made.settings.facilities.npi_digits
    ids = [id_ for i in range(len(digits)) for id_ in (i * 10**8 + 1, (i + 1) * 10**8)]
    here = World(spark, made.settings, 0, 1)
    frame = spark.createDataFrame([(id_,) for id_ in ids], "id bigint").coalesce(1)
    numbers = [row[0] for row in frame.select(facility._npi(here, F.col("id"))).collect()]
    assert [int(number[0]) for number in numbers] == [digit for digit in digits for _ in range(2)]
    assert len(set(numbers)) == len(ids)
    assert {len(number) for number in numbers} == {10}


def test_formularies_beyond_what_is_listed_have_their_shares_exactly(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segments, "_LISTED", 599)
    made = order("pharmacy", 120_000)
    keys = spark.range(0, 600, 1, 1)
    cells = [row[0] for row in keys.select(segments.cell(F.col("id"), made.settings)).collect()]
    wanted = {cell: count for cell, count in enumerate(segments._cells(made.settings)) if count}
    assert Counter(cells) == wanted
    assert cells != sorted(cells)


@pytest.mark.parametrize("members", [10**9, 10**12])
def test_shares_of_formularies_are_whole_numbers_however_many_there_are(members: int) -> None:
    made = order("pharmacy", members)
    counts = segments._cells(made.settings)
    assert sum(counts) == made.settings.formulary_count == members // 200
    assert min(counts) >= 0


# what is refused, and what is not asked


@pytest.mark.parametrize(
    ("dataset", "members"),
    [("pharmacy", 10**12), ("quality", 10**12), ("finance", 10**12), ("insurance", 35 * 10**10)],
)
def test_as_many_members_as_may_be(dataset: str, members: int) -> None:
    assert order(dataset, members, f"{members // EACH}/{members // EACH}").settings.members == members


@every_dataset
def test_more_members_than_ids_have_room_for_are_refused(dataset: str) -> None:
    with pytest.raises(BadInput, match=r"^--members: 1000000000001: must be less than or equal to 1000000000000$"):
        order(dataset, 10**12 + 1)


def test_more_facilities_than_have_numbers_are_refused() -> None:
    with pytest.raises(BadInput, match=r"800,000,000 facilities; at most 700,000,000 have an NPI of their own"):
        order("insurance", 4 * 10**11)
    with pytest.raises(BadInput, match=r"at most 200,000,000 have an NPI of their own, so lower one of the two"):
        order("insurance", 10**11 + 1000, facilities={"issued_npi_range": True})


def test_more_parts_than_there_are_facilities_are_refused() -> None:
    assert order("insurance", TEN_BILLION, "1/20000000")
    with pytest.raises(
        BadInput, match=r"20,000,000 facilities, so N is at most 20,000,000; .* out of --tables: facility"
    ):
        order("insurance", TEN_BILLION, "1/20000001")
    assert order("insurance", TEN_BILLION, "1/20000001", ("members",))


def test_a_reference_to_what_is_cut_otherwise_is_asked_of_whole_datasets_alone() -> None:
    dataset = registry.dataset("insurance")
    there = {table.name: table for table in dataset.tables}
    members = there["members"]
    suite = structural(members, there, members.column_names, dict.fromkeys(there, 100))
    rules = {check.rule for check in suite.checks}
    asked = {check.rule for check in of_a_part(suite).checks}
    rule = "(primary_care_facility_id) exists in facility (facility_id)"
    assert rules - asked == {rule}
    assert of_a_part(suite).skipped == (f"{rule}: stated for a whole dataset",)


@every_dataset
def test_a_slice_in_a_database_refers_to_nothing_that_it_has_not(dataset: str) -> None:
    record = {"csv": TableRecord(1, 1, 1, "0" * 16, ())}
    effective = settings.effective(order(dataset, EACH).settings)
    made = {part: Manifest("", dataset, 42, part, effective, dict.fromkeys(whole(dataset), record))
            for part in ("1/1", "2/3")}  # fmt: skip
    known = registry.dataset(dataset)
    of_whole, of_part = (
        {(t.name, r.table) for t in _contracts(known, manifest, _settings(known, manifest)) for r in t.references}
        for manifest in made.values()
    )
    assert of_whole - of_part == ({("members", "facility")} if dataset == "insurance" else set())


# of all tables, written and checked


@pytest.mark.thorough
@every_dataset
@pytest.mark.parametrize(("members", "part"), HUGE)
def test_a_slice_of_a_billion_is_published(
    spark: SparkSession, tmp_path: Path, dataset: str, members: int, part: str
) -> None:
    made = payerlake.generate(spark, dataset, tmp_path, format="parquet", slice=parts(members)[part], members=members)
    assert set(made.manifest.tables) == set(whole(dataset))
    assert all(record.rows for formats in made.manifest.tables.values() for record in formats.values())
    assert made.validation is not None
    assert made.validation.report.success


@pytest.mark.thorough
@every_dataset
@pytest.mark.parametrize("members", [BILLION, TEN_BILLION])
def test_neighbouring_slices_share_no_key(spark: SparkSession, dataset: str, members: int) -> None:
    count = members // EACH
    names = [table.name for table in registry.dataset(dataset).tables if table.spine.number]
    both = [payerlake.tables(spark, dataset, names, slice=f"{i}/{count}", members=members)
            for i in (count // 2, count // 2 + 1)]  # fmt: skip
    with compiled(spark):
        for name in names:
            key = registry.dataset(dataset).table(name).key
            keys = both[0][name].select(*key).unionAll(both[1][name].select(*key))
            found = keys.agg(F.count("*").alias("rows"), F.count_distinct(*key).alias("keys")).first()
            assert found["rows"] == found["keys"] > 0, name


@pytest.mark.thorough
@every_dataset
def test_uneven_slices_sum_to_the_whole(spark: SparkSession, dataset: str) -> None:
    """Three parts of 1,000 members, which three does not divide."""
    made = [
        {name: fingerprint.measure(frame) for name, frame in tables.items()}
        for tables in (
            payerlake.tables(spark, dataset, whole(dataset), slice=part, members=EACH)
            for part in ("1/1", "1/3", "2/3", "3/3")
        )
    ]
    of_all, *of_parts = made
    for table in registry.dataset(dataset).tables:
        if table.spine is REFERENCE:
            assert all(part[table.name] == of_all[table.name] for part in of_parts), table.name
        elif table.spine.in_parts:
            assert fingerprint.add(*(part[table.name].digest for part in of_parts)) == of_all[table.name].digest
            assert sum(part[table.name].rows for part in of_parts) == of_all[table.name].rows, table.name
