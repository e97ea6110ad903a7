"""From settings to a published dataset: slices, formats, catalogs, interrupted and failed runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, Observation, SparkSession
from pyspark.sql import functions as F

import payerlake
from payerlake import registry
from payerlake.contract import settings
from payerlake.contract.spine import REFERENCE
from payerlake.errors import BadInput, DataFailed, EngineFailed
from payerlake.person.coverage.settings import SCENARIOS
from payerlake.publish import fingerprint, orders, run
from payerlake.publish.destinations import FolderDestination
from payerlake.publish.progress import Progress
from payerlake.writers import WRITERS, Stored, Writer
from tests.conftest import compiled
from tests.lake import Lake, frames

MEMBERS = 600
LAKE = 2_000
OWN: dict[str, dict[str, Any]] = {  # settings that no document has
    "pharmacy": {
        "members": 400,
        "population": "shared",
        "enrollments": {"scenarios": dict(zip(SCENARIOS, (0.2, 0.5, 0.1, 0.2), strict=True)), "rows_per_member": 5},
        "formularies": {"tier_counts": {3: 1, 4: 0, 5: 0, 6: 0}, "active_share": 0.5},
    },
    "insurance": {"only": ["plan", "insurance"], "members": 500, "plans": {"base_rate_spread": 0.5}},
    "finance": {
        "members": 400,
        "patients_per_provider": 50,
        "plans.Own": {"products": {"BASIC": {"copay": 15, "weight": 80}, "PREMIUM": {"copay": 35, "weight": 20}}},
        "diagnosis_procedures.I10": ["99213", "99214", "93000"],
        'diagnosis_procedures."Z00.00"': ["99213", "99214", "99396"],
        "risk": {"low": 0.3, "high": 5, "drift": 0.2},
    },
}
SPINED = [table.name for table in registry.dataset("pharmacy").tables if table.spine is not REFERENCE]


def _digests(tables: dict[str, DataFrame]) -> dict[str, fingerprint.Fingerprint]:
    return {name: fingerprint.measure(frame) for name, frame in tables.items()}


@pytest.fixture(scope="module")
def whole(lake: Lake) -> dict[str, fingerprint.Fingerprint]:
    """What the manifest of published data has, of as many members as `LAKE`."""
    made = json.loads((lake("pharmacy") / "pharmacy/manifest.json").read_text())
    assert made["settings"]["members"] == LAKE
    found = {name: next(iter(formats.values())) for name, formats in made["tables"].items()}
    return {name: fingerprint.Fingerprint(one["rows"], one["fingerprint"]) for name, one in found.items()}


@pytest.mark.thorough
def test_the_slices_make_the_whole(spark: SparkSession, whole: dict[str, fingerprint.Fingerprint]) -> None:
    some = ["members", "enrollments", "formulary_drugs"]
    slices = [_digests(payerlake.tables(spark, "pharmacy", some, slice=f"{i}/3", members=LAKE)) for i in (1, 2, 3)]
    for name in some:
        assert fingerprint.add(*(part[name].digest for part in slices)) == whole[name].digest
        assert sum(part[name].rows for part in slices) == whole[name].rows


def test_a_slice_has_reference_tables_whole(spark: SparkSession, whole: dict[str, fingerprint.Fingerprint]) -> None:
    tables = payerlake.tables(spark, "pharmacy", slice="2/3", members=LAKE)
    for name in tables.keys() - set(SPINED):
        assert fingerprint.measure(tables[name]) == whole[name]


def test_no_slice_cuts_a_household(spark: SparkSession) -> None:
    for i in range(1, 8):
        households = payerlake.tables(spark, "pharmacy", ["households"], slice=f"{i}/7", members=MEMBERS)["households"]
        sizes = households.groupBy("household_id").agg(
            F.count("*").alias("found"), F.max("household_size").alias("size")
        )
        assert sizes.where("found <> size").count() == 0


@pytest.mark.parametrize(
    ("dataset", "tables", "options", "most"),
    [
        ("pharmacy", ["formulary_drugs"], {"formularies": {"count": 50}}, 50),
        ("pharmacy", ["formularies", "plans"], {}, 5),
        ("pharmacy", ["members"], {}, 100),
        ("insurance", ["claims"], {}, 100),
        ("pharmacy", [], {}, 5),
    ],
)
def test_more_parts_than_can_hold_something_are_refused_before_spark_starts(
    dataset: str, tables: list[str], options: dict[str, Any], most: int
) -> None:
    """A part of the members holds a household at least, which is of six or fewer."""
    options = {"members": MEMBERS, **options}
    assert orders.order(dataset, tables, f"{most}/{most}", options=options)
    with pytest.raises(BadInput, match=f"^--slice 1/{most + 1}: .* N is at most {most};"):
        orders.order(dataset, tables, f"1/{most + 1}", options=options)


def test_reference_tables_may_be_had_in_any_part() -> None:
    assert orders.order("pharmacy", ["plans", "drugs"], "7/5000", options={"members": MEMBERS})


def test_as_many_parts_as_there_may_be_all_have_members(spark: SparkSession) -> None:
    for i in range(1, 8):
        made = orders.order("pharmacy", ["members"], f"{i}/7", options={"members": 42})
        here = orders.world(spark, made)
        assert here.first < here.last


@pytest.mark.thorough
def test_a_part_of_the_formularies_passes_though_only_the_whole_has_exact_shares(
    spark: SparkSession, tmp_path: Path
) -> None:
    """The shares of its segments are too far off for the whole, and what a part of it may have."""
    tables = ["plans", "plan_states", "drugs", "formularies", "formulary_drugs"]
    with compiled(spark):
        payerlake.generate(
            spark, "pharmacy", tmp_path, tables, format="parquet", slice="3/3", formularies={"count": 150}
        )
    results = json.loads((tmp_path / "pharmacy/validation/results.json").read_text())
    (suite,) = [suite for suite in results["suites"] if suite["name"] == "pharmacy.formularies"]
    assert suite["success"]
    assert sum("stated for a whole dataset" in reason for reason in suite["skipped"]) == 3


def test_another_seed_makes_other_people(spark: SparkSession, whole: dict[str, fingerprint.Fingerprint]) -> None:
    other = payerlake.tables(spark, "pharmacy", ["members", "plans"], members=LAKE, seed=43)
    assert fingerprint.measure(other["members"]).digest != whole["members"].digest
    assert fingerprint.measure(other["plans"]) == whole["plans"]


def test_the_manifest_agrees_with_the_lazy_tables(
    spark: SparkSession, whole: dict[str, fingerprint.Fingerprint], lake: Lake
) -> None:
    with compiled(spark):
        assert _digests(payerlake.tables(spark, "pharmacy", members=LAKE)) == whole
    for formats in json.loads((lake("pharmacy") / "pharmacy/manifest.json").read_text())["tables"].values():
        assert formats["csv"]["fingerprint"] == formats["parquet"]["fingerprint"]


class ObservedTwice:
    """What Spark tells of a stage that it ran again after it lost an executor."""

    def __init__(self, observation: Observation) -> None:
        self._observation = observation

    @property
    def get(self) -> dict[str, int]:
        return {name: 2 * value for name, value in self._observation.get.items()}


@pytest.mark.parametrize("kind", ["delta", "csv"])
def test_the_manifest_has_what_stands_where_a_stage_ran_twice(
    spark: SparkSession,
    whole: dict[str, fingerprint.Fingerprint],
    tmp_path: Path,
    kind: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    observed = fingerprint.observed

    def twice(frame: DataFrame, name: str) -> tuple[DataFrame, ObservedTwice]:
        frame, observation = observed(frame, name)
        return frame, ObservedTwice(observation)

    monkeypatch.setattr(fingerprint, "observed", twice)
    made = payerlake.generate(spark, "pharmacy", tmp_path, ["members"], format=kind, members=LAKE, validate=False)
    record = made.manifest.tables["members"][kind]
    assert (record.rows, record.fingerprint) == (whole["members"].rows, whole["members"].digest)
    assert payerlake.verify(spark, "pharmacy", tmp_path)


@pytest.mark.parametrize("kind", WRITERS)
def test_rows_that_do_not_stand_are_not_published(
    spark: SparkSession, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = type(WRITERS[kind])
    write = writer.write

    def half(self: Writer, frame: DataFrame, *rest: Any) -> Stored:
        return write(self, frame.where("gender = 'F'"), *rest)

    monkeypatch.setattr(writer, "write", half)
    with pytest.raises(EngineFailed, match=rf"pharmacy.members as {kind}: 600 rows were made, \d+ stand there"):
        payerlake.generate(spark, "pharmacy", tmp_path, ["members"], format=kind, members=MEMBERS, validate=False)
    assert list(tmp_path.iterdir()) == []


def test_two_runs_leave_the_same_manifest_and_files(spark: SparkSession, tmp_path: Path) -> None:
    for name in ("one", "two"):
        payerlake.generate(
            spark, "pharmacy", tmp_path / name, ["members"], format="csv", members=MEMBERS, validate=False
        )
    for file in ("manifest.json", "csv/us_pharmacy_members.csv"):
        assert (tmp_path / "one/pharmacy" / file).read_bytes() == (tmp_path / "two/pharmacy" / file).read_bytes()


def test_member_files_have_exactly_their_rows(spark: SparkSession, tmp_path: Path) -> None:
    files = {"members": 250, "households": 250, "enrollments": 200, "special_enrollments": 600}
    payerlake.generate(
        spark, "pharmacy", tmp_path, ["members"], format="csv", members=MEMBERS, members_per_file=files, validate=False
    )
    lines = {p.name: p.read_text().count("\n") - 1 for p in sorted((tmp_path / "pharmacy/csv").iterdir())}
    assert lines == {
        "us_pharmacy_members_01.csv": 250,
        "us_pharmacy_members_02.csv": 250,
        "us_pharmacy_members_03.csv": 100,
    }


def test_tables_are_split_into_folders_by_partition_columns(spark: SparkSession, tmp_path: Path) -> None:
    payerlake.generate(
        spark, "pharmacy", tmp_path, ["members"], members=MEMBERS, partition_by={"members": ["gender"]}, validate=False
    )
    folders = {p.name for p in (tmp_path / "pharmacy/delta/members").iterdir() if "=" in p.name}
    assert folders >= {"gender=F", "gender=M"}


def test_data_that_break_a_rule_are_not_published(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "departures", lambda *_: frozenset())  # as if the documents had such plans
    made = orders.order("insurance", ["plan", "insurance"], options={"plans": {"base_rate_spread": 0.5}})
    to = FolderDestination(str(tmp_path), made.dataset)
    with to.reserved("error", lambda *_: spark), pytest.raises(DataFailed, match="not published"):
        run.generate(spark, made, to, ("parquet",), validate=True, progress=Progress(quiet=True))
    assert [path.name for path in tmp_path.iterdir()] == ["insurance.rejected"]
    results = json.loads((tmp_path / "insurance.rejected/validation/results.json").read_text())
    assert not results["success"]


@pytest.mark.parametrize(
    "dataset", ["insurance", *(pytest.param(name, marks=pytest.mark.thorough) for name in ("pharmacy", "finance"))]
)
def test_data_of_other_settings_than_the_documents_are_checked_without_their_figures(
    spark: SparkSession, tmp_path: Path, dataset: str
) -> None:
    """What the documents state of these settings would refuse the data; all else holds."""
    made = payerlake.generate(spark, dataset, tmp_path, format="parquet", **OWN[dataset])
    report = made.validation.report
    assert any(": stated for other settings: " in rule for rule in report.skipped)
    assert report.evaluated > len(report.skipped)


def test_a_failing_run_leaves_the_old_data(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    payerlake.generate(spark, "pharmacy", tmp_path, ["plans"], members=MEMBERS, format="csv", validate=False)
    before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(FolderDestination, "publish", interrupted)
    with pytest.raises(KeyboardInterrupt):
        payerlake.generate(
            spark, "pharmacy", tmp_path, ["plans"], members=MEMBERS, format="csv", validate=False, mode="overwrite"
        )
    assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before


def test_a_catalog_takes_the_tables(spark: SparkSession) -> None:
    spark.sql("CREATE SCHEMA IF NOT EXISTS lake")
    where = {"catalog": "spark_catalog", "schema": "lake"}
    outcome = payerlake.generate(spark, "pharmacy", only=["plans", "plan_states"], members=MEMBERS, **where)
    assert outcome.place == "spark_catalog.lake"
    assert spark.table("lake.plans").count() == 29
    assert payerlake.verify(spark, "pharmacy", **where)
    with pytest.raises(BadInput, match="overwrite"):
        payerlake.generate(spark, "pharmacy", only=["plans"], members=MEMBERS, **where)
    spark.sql("DROP SCHEMA lake CASCADE")


@pytest.mark.parametrize("formats", ["csv", "parquet", ("delta", "csv")])
def test_a_catalog_takes_delta_alone(spark: SparkSession, formats: str | tuple[str, ...]) -> None:
    with pytest.raises(BadInput, match=r"^--format (csv|parquet): the tables of --catalog spark_catalog are Delta;"):
        payerlake.generate(spark, "pharmacy", catalog="spark_catalog", schema="default", format=formats)


def test_a_catalog_without_the_schema_is_refused(spark: SparkSession) -> None:
    with pytest.raises(BadInput, match="no such schema"):
        payerlake.generate(spark, "pharmacy", catalog="spark_catalog", schema="nowhere", members=MEMBERS)


def test_either_a_folder_or_a_catalog_is_needed(spark: SparkSession) -> None:
    with pytest.raises(BadInput, match="--catalog and --schema"):
        payerlake.generate(spark, "pharmacy", members=MEMBERS)
    with pytest.raises(BadInput, match=r"^--schema: missing"):
        payerlake.generate(spark, "pharmacy", catalog="spark_catalog", members=MEMBERS)


def test_the_notebook_runs(
    spark: SparkSession, lake: Lake, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the members that it asks for, as they are published."""
    source = Path(__file__).parents[2] / "jobs" / "notebooks" / "quickstart.py"
    assert f'payerlake.tables(spark, "pharmacy", members={LAKE:_})' in source.read_text()
    stored = frames(spark, lake("pharmacy"), "pharmacy")
    monkeypatch.setattr(payerlake, "tables", lambda *_, **__: stored)
    exec(compile(source.read_text(), str(source), "exec"), {"spark": spark})
    assert "MEDICARE" in capsys.readouterr().out


def test_no_slice_has_what_sums_up_the_whole() -> None:
    views = {"vw_member_segmentation", "vw_geographic_performance", "vw_condition_impact"}
    whole, part = (orders.order("quality", part=text) for text in ("1/1", "2/5"))
    assert {table.name for table in whole.tables} - {table.name for table in part.tables} == views
    with pytest.raises(BadInput, match=r"--slice 2/5: vw_condition_impact: sums up the whole dataset"):
        orders.order("quality", ["plan_members", "vw_condition_impact"], part="2/5")
