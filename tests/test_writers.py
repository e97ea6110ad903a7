"""Formats: what stands on disk, that it reads back as it was, and what its metadata say."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from payerlake.contract.dataset import Dataset
from payerlake.contract.schema import Column, Table
from payerlake.errors import BadInput, EngineFailed
from payerlake.pharmacy.settings import PharmacySettings
from payerlake.publish.catalog import MANIFEST_TABLE, CatalogDestination
from payerlake.publish.fingerprint import Fingerprint, from_observation, measure, observed
from payerlake.writers import WRITERS, Layout
from payerlake.writers.delimited import file_names
from payerlake.writers.delta import check_properties


def contract(name: str = "claims") -> Table:
    return Table(
        dataset="pharmacy",
        name=name,
        grain="One row per claim; the pharmacy's own",
        key=("claim_id",),
        columns=(
            Column("claim_id", "string", "The claim's number", pattern=r"C\d+"),
            Column("note", "varchar(200)", "Free text", nullable=True),
            Column("paid_date", "date", "Day of payment", nullable=True),
            Column("amount", "decimal(10,2)", "Paid to the pharmacy", nullable=True, low=0, unit="USD"),
            Column("factor", "decimal(10,8)", "Share of the fee", nullable=True),
            Column("is_open", "boolean", "Whether it may change", nullable=True),
            Column("units", "int", "Units dispensed", nullable=True, low=0, high=10),
            Column("state", "char(2)", "State", domain=("CA", "TX")),
        ),
        csv_stem=f"us_pharmacy_{name}",
        documented_rows="3",
        build=lambda world: world.spark.range(0),
        rules={"open_is_unpaid": "NOT is_open OR paid_date IS NULL"},
    )


NOTES = ("plain", "a, b", 'said "no"', '"', "", None, " both ends ", "Île-de-France 漢字 😀", "two\nlines", "cr\r\nlf")
NOTES += ("#1", "\\", 'a\\"b', "null", "\t", "'")


def edge_rows(spark: SparkSession) -> DataFrame:
    rows = [
        ("C1", None, dt.date(2024, 2, 29), Decimal("12.50"), Decimal("0.00000000"), False, 3, "CA"),
        ("C2", "", None, Decimal("0.00"), Decimal("0.10000000"), True, None, "TX"),
        ("C3", "x", dt.date(1931, 5, 1), None, None, None, 0, "CA"),
    ]
    rows += [(f"C{10 + i}", note, None, None, None, None, None, "CA") for i, note in enumerate(NOTES)]
    return spark.createDataFrame(rows, contract().schema()).coalesce(1)


def many(spark: SparkSession, rows: int = 100, partitions: int = 1) -> DataFrame:
    """One row per claim; every second one in Texas."""
    return spark.range(0, rows, 1, partitions).select(
        F.concat(F.lit("C"), F.col("id")).alias("claim_id"),
        *[F.lit(None).cast(c.spark_type).alias(c.name) for c in contract().columns[1:-1]],
        F.when(F.col("id") % 2 == 0, "CA").otherwise("TX").alias("state"),
    )


def written(
    df: DataFrame, folder: Path, kind: str, table: Table | None = None, layout: Layout | None = None
) -> Fingerprint:
    df, observation = observed(df, kind)
    WRITERS[kind].write(df, table or contract(), str(folder), layout or Layout())
    return from_observation(observation.get)


def lines(path: Path) -> list[str]:
    return path.read_bytes().decode("utf-8").split("\n")


@pytest.mark.parametrize("kind", WRITERS)
def test_every_format_reads_back_with_the_fingerprint_of_what_was_written(spark, tmp_path, kind):
    fingerprint = written(edge_rows(spark), tmp_path, kind)
    assert fingerprint == measure(edge_rows(spark))
    assert measure(WRITERS[kind].read(spark, contract(), str(tmp_path))) == fingerprint


@pytest.mark.parametrize("kind", WRITERS)
def test_every_format_reads_back_under_the_contract(spark, tmp_path, kind):
    written(edge_rows(spark), tmp_path, kind)
    read = WRITERS[kind].read(spark, contract(), str(tmp_path))
    assert [(f.name, f.dataType) for f in read.schema] == [(f.name, f.dataType) for f in contract().schema()]
    assert sorted(read.collect()) == sorted(edge_rows(spark).collect())


@pytest.mark.parametrize("kind", WRITERS)
def test_every_format_stores_an_empty_table(spark, tmp_path, kind):
    assert written(many(spark, 0), tmp_path, kind) == Fingerprint(0, "0" * 16)
    assert measure(WRITERS[kind].read(spark, contract(), str(tmp_path))).rows == 0


@pytest.mark.parametrize("kind", WRITERS)
def test_every_format_writes_a_file_a_partition_and_tells_their_bytes(spark, tmp_path, kind):
    stored = WRITERS[kind].write(many(spark, partitions=3), contract(), str(tmp_path), Layout())
    files = [p for p in (tmp_path / kind).rglob("*") if p.suffix == f".{kind.replace('delta', 'parquet')}"]
    assert (stored.rows, stored.files, stored.bytes) == (100, 3, sum(path.stat().st_size for path in files))
    stand = {str(path.relative_to(tmp_path)): path.stat().st_size for path in tmp_path.rglob("*") if path.is_file()}
    assert stored.sizes == stand


@pytest.mark.parametrize("kind", WRITERS)
def test_every_format_leaves_no_litter(spark, tmp_path, kind):
    written(many(spark), tmp_path, kind)
    names = [path.name for path in tmp_path.rglob("*") if path.is_file()]
    assert not [name for name in names if name.startswith(".") or name == "_SUCCESS"]


@pytest.mark.parametrize("kind", WRITERS)
def test_a_table_that_is_not_stored_is_bad_input(spark, tmp_path, kind):
    with pytest.raises(BadInput, match=r"pharmacy\.claims"):
        WRITERS[kind].read(spark, contract(), str(tmp_path))


@pytest.mark.parametrize("kind", ["delta", "parquet"])
def test_partition_columns_name_the_folders_and_keep_their_place_when_read(spark, tmp_path, kind):
    fingerprint = written(many(spark), tmp_path, kind, layout=Layout(partition_by=("state",)))
    assert {path.name for path in (tmp_path / kind / "claims").glob("state=*")} == {"state=CA", "state=TX"}
    assert measure(WRITERS[kind].read(spark, contract(), str(tmp_path))) == fingerprint


# CSV


def test_a_csv_file_holds_what_the_documents_say(spark, tmp_path):
    written(edge_rows(spark), tmp_path, "csv")
    assert lines(tmp_path / "csv" / "us_pharmacy_claims.csv")[:7] == [
        "claim_id,note,paid_date,amount,factor,is_open,units,state",
        "C1,,2024-02-29,12.50,0.00000000,false,3,CA",
        'C2,"",,0.00,0.10000000,true,,TX',
        "C3,x,1931-05-01,,,,0,CA",
        "C10,plain,,,,,,CA",
        'C11,"a, b",,,,,,CA',
        'C12,"said ""no""",,,,,,CA',
    ]


def test_a_contract_may_have_booleans_as_one_and_zero(spark, tmp_path):
    table = replace(contract(), numeric_booleans=True)
    fingerprint = written(edge_rows(spark), tmp_path, "csv", table)
    found = lines(tmp_path / "csv" / "us_pharmacy_claims.csv")
    assert found[1] == "C1,,2024-02-29,12.50,0.00000000,0,3,CA"
    assert found[2] == 'C2,"",,0.00,0.10000000,1,,TX'
    assert measure(WRITERS["csv"].read(spark, table, str(tmp_path))) == fingerprint


def test_the_header_has_the_names_of_databases(spark, tmp_path):
    first, *others = contract().columns
    table = replace(contract(), columns=(replace(first, sql_name="Claim ID"), *others))
    fingerprint = written(edge_rows(spark), tmp_path, "csv", table)
    assert lines(tmp_path / "csv" / "us_pharmacy_claims.csv")[0].startswith("Claim ID,note,")
    assert measure(WRITERS["csv"].read(spark, table, str(tmp_path))) == fingerprint


def test_csv_files_are_numbered_in_the_order_of_the_partitions_each_with_a_header(spark, tmp_path):
    written(many(spark, 100, 12), tmp_path, "csv")
    names = sorted(path.name for path in (tmp_path / "csv").iterdir())
    assert names == [f"us_pharmacy_claims_{number:02d}.csv" for number in range(1, 13)]
    first_claims = [lines(tmp_path / "csv" / name)[:2] for name in names]
    assert {header for header, _ in first_claims} == {",".join(contract().column_names)}
    numbers = [int(row.split(",")[0][1:]) for _, row in first_claims]
    assert numbers == sorted(numbers)


def test_partitions_without_rows_leave_no_gap_in_the_numbers(spark, tmp_path):
    thinned = many(spark, 100, 10).where(F.expr("CAST(SUBSTR(claim_id, 2) AS INT) BETWEEN 30 AND 49"))
    written(thinned, tmp_path, "csv")
    names = sorted(path.name for path in (tmp_path / "csv").iterdir())
    assert names == [f"us_pharmacy_claims_{number:02d}.csv" for number in range(1, len(names) + 1)]
    assert WRITERS["csv"].read(spark, contract(), str(tmp_path)).count() == 20


def test_an_empty_table_is_one_csv_file_with_the_header(spark, tmp_path):
    written(many(spark, 0, 4), tmp_path, "csv")
    assert [path.name for path in (tmp_path / "csv").iterdir()] == ["us_pharmacy_claims.csv"]
    assert lines(tmp_path / "csv" / "us_pharmacy_claims.csv") == [",".join(contract().column_names), ""]


@pytest.mark.parametrize(
    ("count", "first", "last"),
    [(1, "s.csv", "s.csv"), (2, "s_01.csv", "s_02.csv"), (99, "s_01.csv", "s_99.csv"), (100, "s_001.csv", "s_100.csv")],
)
def test_file_numbers_have_two_digits_or_as_many_as_the_last_needs(count, first, last):
    names = file_names("s", count)
    assert (names[0], names[-1], len(set(names))) == (first, last, count)


def test_a_stem_that_begins_like_another_reads_only_its_own_files(spark, tmp_path):
    written(many(spark, 5), tmp_path, "csv")
    csv = tmp_path / "csv"
    (csv / "us_pharmacy_claims_lines_01.csv").write_bytes((csv / "us_pharmacy_claims.csv").read_bytes())
    assert WRITERS["csv"].read(spark, contract(), str(tmp_path)).count() == 5


def test_a_csv_field_that_is_not_of_its_type_is_an_error_not_a_null(spark, tmp_path):
    written(edge_rows(spark), tmp_path, "csv")
    path = tmp_path / "csv" / "us_pharmacy_claims.csv"
    path.write_text(path.read_text().replace("2024-02-29", "2024-02-31"))
    with pytest.raises(Exception, match="MALFORMED_RECORD"):
        WRITERS["csv"].read(spark, contract(), str(tmp_path)).collect()


# Delta


def test_delta_metadata_carry_grain_meanings_nulls_and_checks(spark, tmp_path):
    written(edge_rows(spark), tmp_path, "delta")
    log = (tmp_path / "delta" / "claims" / "_delta_log" / f"{0:020d}.json").read_text().splitlines()
    metadata = next(json.loads(line)["metaData"] for line in log if "metaData" in line)
    detail = spark.sql(f"DESCRIBE DETAIL delta.`{tmp_path}/delta/claims`").collect()[0]
    assert detail["properties"] == metadata["configuration"]
    fields = {field["name"]: field for field in json.loads(metadata["schemaString"])["fields"]}
    assert metadata["description"] == contract().grain
    assert {name: field["nullable"] for name, field in fields.items()} == {
        c.name: c.nullable for c in contract().columns
    }
    assert fields["amount"]["metadata"]["comment"] == "Paid to the pharmacy (USD)"
    assert fields["claim_id"]["metadata"]["comment"] == "The claim's number"
    checks = {name: check for name, check in metadata["configuration"].items() if "constraints" in name}
    assert checks == check_properties(contract())
    assert len(checks) == 6


@pytest.mark.parametrize(
    ("column", "value"),
    [("state", "NY"), ("claim_id", "X1"), ("claim_id", None), ("units", 11), ("amount", Decimal("-0.01"))],
)
def test_delta_refuses_a_later_row_that_breaks_the_contract(spark, tmp_path, column, value):
    written(many(spark, 1), tmp_path, "delta")
    kind = contract().schema()[column].dataType
    bad = many(spark, 1).withColumn(column, F.lit(value).cast(kind))
    with pytest.raises(Exception, match=r"DELTA_(VIOLATE_CONSTRAINT|NOT_NULL_CONSTRAINT)"):
        bad.write.format("delta").mode("append").save(str(tmp_path / "delta" / "claims"))


def test_delta_lists_what_each_file_holds_so_that_readers_skip_those_without(spark, tmp_path):
    written(edge_rows(spark), tmp_path, "delta")
    log = (tmp_path / "delta" / "claims" / "_delta_log" / f"{0:020d}.json").read_text().splitlines()
    (added,) = [json.loads(line)["add"] for line in log if "add" in line]
    told = json.loads(added["stats"])
    expected = edge_rows(spark).agg(
        F.count("*"), F.min("paid_date").cast("string"), F.max("amount"), F.count_if(F.col("units").isNull())
    )
    assert (
        told["numRecords"],
        told["minValues"]["paid_date"],
        Decimal(str(told["maxValues"]["amount"])),
        told["nullCount"]["units"],
    ) == tuple(expected.first())
    assert "is_open" not in told["minValues"]


def test_a_delta_reader_finds_the_rows_of_partitions_under_any_name(spark, tmp_path):
    named = many(spark).withColumn("note", F.when(F.col("state") == "CA", "C A/%=ä"))
    written(named, tmp_path, "delta", layout=Layout(partition_by=("note",)))
    stored = spark.read.format("delta").load(str(tmp_path / "delta" / "claims"))
    assert measure(stored.select(*contract().column_names)) == measure(named)
    assert stored.where("note = 'C A/%=ä'").count() == 50
    assert measure(WRITERS["delta"].read(spark, contract(), str(tmp_path))) == measure(named)


@pytest.mark.parametrize("later", ["DELETE FROM {} WHERE state = 'CA'", "ALTER TABLE {} ADD COLUMN more INT"])
def test_a_delta_table_that_somebody_changed_is_read_as_delta(spark, tmp_path, later):
    written(many(spark), tmp_path, "delta")
    spark.sql(later.format(f"delta.`{tmp_path}/delta/claims`"))
    there = spark.read.format("delta").load(str(tmp_path / "delta" / "claims")).select(*contract().column_names)
    assert measure(WRITERS["delta"].read(spark, contract(), str(tmp_path))) == measure(there)


def _rewritten(folder: Path, change: Callable[[pa.Table], pa.Table]) -> None:
    """Each Parquet file of the folder again, changed."""
    for path in folder.glob("*.parquet"):
        parquet.write_table(change(parquet.read_table(path)), path)


def test_a_null_that_somebody_wrote_where_delta_says_there_is_none_is_found(spark, tmp_path):
    required = next(c.name for c in contract().columns if not c.nullable)
    written(many(spark), tmp_path, "delta")
    place = contract().column_names.index(required)
    _rewritten(
        tmp_path / "delta" / "claims",
        lambda table: table.set_column(place, required, pa.nulls(len(table), table.field(place).type)),
    )
    stored = WRITERS["delta"].read(spark, contract(), str(tmp_path))
    assert stored.where(F.col(required).isNull()).count() == 100


@pytest.mark.parametrize("broken", ["protocol", "metaData", "a gap", "no JSON"])
def test_a_delta_log_that_no_reader_accepts_is_none_of_ours(spark, tmp_path, broken):
    written(many(spark), tmp_path, "delta")
    log = tmp_path / "delta" / "claims" / "_delta_log"
    first = log / f"{0:020d}.json"
    kept = [line for line in first.read_text().splitlines() if broken not in line]
    first.write_text("nonsense" if broken == "no JSON" else "\n".join(kept) + "\n")
    if broken == "a gap":
        (log / f"{5:020d}.json").write_text(first.read_text())
    with pytest.raises(Exception, match=r"DELTA_|Delta|JSON|Unrecognized"):
        WRITERS["delta"].read(spark, contract(), str(tmp_path)).count()


def test_a_delta_table_that_lost_a_column_is_read_without_it(spark, tmp_path):
    written(many(spark), tmp_path, "delta")
    at = str(tmp_path / "delta" / "claims")
    names = contract().column_names
    rest = spark.read.format("delta").load(at).select(*names[:-1]).toArrow()
    frame = spark.createDataFrame(rest)
    frame.write.format("delta").mode("overwrite").option("overwriteSchema", "true").save(at)
    assert WRITERS["delta"].read(spark, contract(), str(tmp_path)).columns == names[:-1]


@pytest.mark.parametrize("change", [lambda names: [names[1], names[0], *names[2:]], lambda names: [*names, "extra"]])
def test_a_csv_file_with_other_headers_is_read_with_them(spark, tmp_path, change):
    written(many(spark), tmp_path, "csv")
    (path,) = (tmp_path / "csv").glob("*.csv")
    header, *rest = path.read_text().splitlines()
    wrong = change(header.split(","))
    path.write_text("\n".join([",".join(wrong), *rest]) + "\n")
    assert WRITERS["csv"].read(spark, contract(), str(tmp_path)).columns == wrong


# Catalog


def place(
    spark: SparkSession, *names: str, catalog: str = "spark_catalog", schema: str = "writer_tests"
) -> CatalogDestination:
    """A schema, opened, as of a dataset `pharmacy` that has tables of these names."""
    tables = tuple(contract(name) for name in names or ("claims",))
    to = CatalogDestination(catalog, schema, Dataset(PharmacySettings, tables, solve=str))
    to.opened(lambda *_: spark)
    return to


@pytest.fixture
def schema(spark: SparkSession) -> Iterator[SparkSession]:
    """The session, with a schema of its own for each test."""
    spark.sql("CREATE SCHEMA writer_tests")
    yield spark
    spark.sql("DROP SCHEMA writer_tests CASCADE")


def put(to: CatalogDestination, spark: SparkSession, rows: int) -> None:
    for table in to.dataset.tables:
        to.write(many(spark, rows), table, "delta", Layout())


def publish(
    spark: SparkSession, rows: int, manifest: str, mode: str = "error", names: tuple[str, ...] = ("claims",)
) -> None:
    to = place(spark, *names)
    with to.reserved(mode, lambda *_: spark), to.staged():
        put(to, spark, rows)
        to.publish(manifest)


def stored(spark: SparkSession) -> DataFrame:
    return place(spark).read(spark, contract(), "delta", from_stage=False)


def standing(spark: SparkSession) -> set[str]:
    return {row["tableName"] for row in spark.sql("SHOW TABLES IN writer_tests").collect()}


def test_a_catalog_holds_the_published_tables_and_the_manifest(schema):
    publish(schema, 5, "first", names=("claims", "lines"))
    assert standing(schema) == {"claims", "lines", MANIFEST_TABLE}
    assert place(schema).manifest() == "first"
    assert measure(stored(schema)) == measure(many(schema, 5))


def test_a_catalog_write_is_observed_and_counted(schema):
    df, observation = observed(many(schema, 7), "claims")
    to = place(schema)
    with to.staged():
        found = to.write(df, contract(), "delta", Layout())
    assert from_observation(observation.get).rows == 7
    assert (found.rows, found.files) == (7, 1)
    assert found.bytes > 0
    assert standing(schema) == set()


@pytest.mark.thorough
def test_a_published_dataset_of_a_catalog_is_replaced_only_in_mode_overwrite(schema):
    publish(schema, 5, "first", names=("claims", "lines"))
    with pytest.raises(BadInput, match="--mode overwrite replaces it"):
        publish(schema, 6, "second")
    publish(schema, 6, "second", "overwrite")
    assert standing(schema) == {"claims", MANIFEST_TABLE}
    assert stored(schema).count() == 6
    assert place(schema).manifest() == "second"


@pytest.mark.parametrize("mode", ["error", "overwrite"])
def test_a_catalog_table_that_is_not_ours_is_refused_and_untouched(schema, mode):
    schema.sql("CREATE TABLE writer_tests.claims (mine STRING) USING DELTA")
    with pytest.raises(BadInput, match="is not of pharmacy"):
        publish(schema, 5, "first", mode)
    assert schema.table("writer_tests.claims").columns == ["mine"]


@pytest.mark.thorough
def test_a_catalog_run_killed_while_publishing_is_unpublished_and_may_be_run_again(schema, monkeypatch):
    publish(schema, 5, "first", names=("claims", "lines"))
    record = CatalogDestination._record

    def killed_at_the_end(self, tables, manifest):
        if manifest == "second":
            raise KeyboardInterrupt
        record(self, tables, manifest)

    with monkeypatch.context() as patch:
        patch.setattr(CatalogDestination, "_record", killed_at_the_end)
        with pytest.raises(KeyboardInterrupt):
            publish(schema, 6, "second", "overwrite")
    with pytest.raises(BadInput, match="no published pharmacy"):
        place(schema).manifest()
    publish(schema, 6, "second")
    assert place(schema).manifest() == "second"
    assert standing(schema) == {"claims", MANIFEST_TABLE}


@pytest.mark.thorough
def test_a_second_run_into_a_catalog_is_refused_and_harms_neither(schema):
    to = place(schema)
    with to.reserved("error", lambda *_: schema):
        with pytest.raises(BadInput, match="another run is at work there: payerlake generate"):
            publish(schema, 6, "second")
        with to.staged():
            put(to, schema, 5)
            to.publish("first")
    assert to.manifest() == "first"
    assert standing(schema) == {"claims", MANIFEST_TABLE}


@pytest.mark.thorough
def test_a_run_that_another_took_over_from_leaves_a_catalog_as_it_is(schema):
    late = place(schema)
    with late.reserved("error", lambda *_: schema):
        claim = next(name for name in standing(schema) if name.startswith("payerlake_run_"))
        schema.sql(f"DROP VIEW writer_tests.{claim}")  # as if it had slept
        publish(schema, 5, "first")
        with pytest.raises(EngineFailed, match="another took over"):
            late.publish("late")
    assert late.manifest() == "first"
    assert stored(schema).count() == 5


def test_an_unknown_schema_or_catalog_is_bad_input(spark):
    for catalog, schema in (("spark_catalog", "nowhere"), ("nowhere", "default")):
        with (
            pytest.raises(BadInput, match="no such schema"),
            place(spark, catalog=catalog, schema=schema).reserved("error", lambda *_: spark),
        ):
            pass


def test_a_catalog_table_that_does_not_exist_is_bad_input(schema):
    with pytest.raises(BadInput, match="no such table"):
        stored(schema)
