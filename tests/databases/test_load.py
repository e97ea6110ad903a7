"""Loading a published dataset into running servers: what arrives, and what the database then holds."""

from __future__ import annotations

import json
from pathlib import Path

import psycopg
import pymysql
import pytest
from pyspark.sql import SparkSession

from payerlake import api, cli, registry
from payerlake.contract.schema import Table
from payerlake.errors import DataFailed
from tests.databases.loading import (
    NAMES,
    TABLES,
    counts,
    load,
    load_notes,
    loaded_rows,
    published_rows,
    written_notes,
)
from tests.databases.servers import Database

# what arrives


def test_every_value_arrives(database: Database, insurance: Path) -> None:
    load(database, insurance)
    assert database.names() == NAMES
    for table in TABLES:
        published = published_rows(insurance, table)
        assert len(published) > 0
        assert loaded_rows(database, table) == published, table.name


def test_every_value_of_finance_arrives(database: Database, finance: Path) -> None:
    """Names with capitals, amounts, keys of two texts."""
    api.load(None, "finance", finance, to=database.url)
    for table in registry.dataset("finance").tables:
        published = published_rows(finance, table)
        assert len(published) > 0
        assert loaded_rows(database, table) == published, table.name


def test_json_dates_booleans_and_nulls_are_what_they_are_in_mariadb(loaded_mariadb: Database) -> None:
    loaded = loaded_mariadb
    ((phone, born, smoker),) = loaded.rows(
        "SELECT JSON_VALUE(f.Contact_info, '$.phone'), m.DOB, m.smoker FROM MEMBERS m"
        " JOIN FACILITY f ON f.Facility_ID = m.Primary_Care_Facility_ID WHERE m.smoker = 1 LIMIT 1"
    )
    assert len(phone) >= 10
    assert 1900 < born.year < 2025
    assert smoker == 1
    assert loaded.rows("SELECT COUNT(*) > 0 FROM ENROLLMENT WHERE end_date IS NULL") == [(1,)]
    assert all(json.loads(text)["email"] for (text,) in loaded.rows("SELECT contact_info FROM INSURANCE"))


def test_json_dates_booleans_and_nulls_are_what_they_are_in_postgresql(loaded_postgresql: Database) -> None:
    ((phone, born, smoker),) = loaded_postgresql.rows(
        'SELECT f."Contact_info" ->> \'phone\', m."DOB", m.smoker FROM "MEMBERS" m'
        ' JOIN "FACILITY" f ON f."Facility_ID" = m."Primary_Care_Facility_ID" WHERE m.smoker LIMIT 1'
    )
    assert len(phone) >= 10
    assert 1900 < born.year < 2025
    assert smoker is True
    assert loaded_postgresql.rows('SELECT COUNT(*) > 0 FROM "ENROLLMENT" WHERE end_date IS NULL') == [(True,)]


def test_a_line_a_table_and_the_total_are_printed_and_never_the_password(
    database: Database, insurance: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = cli.run(["load", "insurance", "--out", str(insurance), "--to", database.url, "--jobs", "2"])
    captured = capsys.readouterr()
    assert code == 0, captured.err
    lines = captured.out.splitlines()
    assert [line.split()[0] for line in lines] == [
        *(table.sql_name for table in registry.dataset("insurance").in_order()),
        "loaded:",
    ]
    rows = sum(counts(database).values())
    assert f"loaded: {rows:,} rows in " in lines[-1]
    assert lines[-1].endswith(f"://ann@localhost/{database.name}")
    assert "Geheim" not in captured.out + captured.err


def test_where_no_csv_is_published_spark_writes_it(
    database: Database, spark: SparkSession, pharmacy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another dataset: text keys, names as in the contract, booleans as words, several files a table."""
    files, ordinary = [], database.session.load_file

    def load_file(self: object, path: str, name: str, table: Table) -> None:
        files.append(Path(path).name)
        ordinary(self, path, name, table)

    monkeypatch.setattr(database.session, "load_file", load_file)
    api.load(spark, "pharmacy", pharmacy, to=database.url)
    assert {"us_pharmacy_members_02.csv", "us_pharmacy_enrollments_02.csv", "us_pharmacy_plans.csv"} <= set(files)
    manifest = json.loads((pharmacy / "pharmacy" / "manifest.json").read_text())
    assert counts(database) == {name: formats["parquet"]["rows"] for name, formats in manifest["tables"].items()}
    assert {path.name for path in pharmacy.iterdir()} == {"pharmacy"}
    for name, select in {
        "drugs": "ndc_code, is_generic, dea_schedule, mac_price, fda_approval_date",
        "enrollments": "member_number, plan_code, effective_date, termination_date, is_active",
    }.items():
        stored = spark.read.parquet(str(pharmacy / "pharmacy" / "parquet" / name)).selectExpr(select.split(", "))
        assert _alike(database.rows(f"SELECT {select} FROM {name}")) == _alike(stored.collect())


def _alike(rows: list[tuple]) -> list[str]:
    """The rows in an order of their own, booleans as numbers."""
    return sorted(repr(tuple(int(value) if isinstance(value, bool) else value for value in row)) for row in rows)


def test_texts_arrive_sign_by_sign(database: Database, tmp_path: Path) -> None:
    """The word NULL is a text; quotes, backslashes and line ends are themselves; only an empty field is a null."""
    texts = written_notes(tmp_path / "notes.csv")
    rows = load_notes(database, tmp_path / "notes.csv")
    assert rows == [*((i, text, text, 1) for i, text in enumerate(texts)), (99, "-", None, None)]


def test_an_empty_text_is_refused_where_no_null_may_be(database: Database, tmp_path: Path) -> None:
    """It is neither a text nor a null, so the contract's condition refuses it by name."""
    path = tmp_path / "notes.csv"
    path.write_text('id,text,more,flag\n1,"",,1\n')
    with pytest.raises(DataFailed, match="notes_text_allowed"):
        load_notes(database, path)


def test_connections_end_with_their_blocks(database: Database, insurance: Path) -> None:
    load(database, insurance)
    assert database.rows(database.connections) == [(0,)]


# what the database holds

VIOLATIONS = {
    "key": "INSERT INTO `CONDITION` SELECT * FROM `CONDITION` LIMIT 1",
    "unique": "INSERT INTO PLAN SELECT plan_id + 100, name, insurance_id, base_rate, deductable FROM PLAN LIMIT 1",
    "reference": "UPDATE CLAIMS SET member_id = 999999999 LIMIT 1",
    "restrict": "DELETE FROM INSURANCE WHERE insurance_id IN (SELECT insurance_id FROM PLAN)",
    "range": "UPDATE MEMBERS SET heart_rate = 301 LIMIT 1",
    "negative": "UPDATE CLAIMS SET amount = -1 LIMIT 1",
    "lower case": "UPDATE MEMBERS SET State = 'ny' LIMIT 1",
    "pattern": "UPDATE MEMBERS SET blood_pressure = '1201/80' LIMIT 1",
    "boolean": "UPDATE MEMBERS SET `housing insecurity` = 2 LIMIT 1",
    "enum": "UPDATE MEMBERS SET Sex = 'f' LIMIT 1",
    "domain": "UPDATE ENROLLMENT SET Coverage_tier = 'individual' LIMIT 1",
    "rule": "UPDATE ENROLLMENT SET end_date = start_date LIMIT 1",
    "json": "UPDATE FACILITY SET Contact_info = '[1]' LIMIT 1",
    "no json": "UPDATE FACILITY SET Contact_info = '{' LIMIT 1",
    "null": "UPDATE MEMBERS SET DOB = NULL LIMIT 1",
}


def test_keys_references_and_conditions_are_enforced_in_mariadb(loaded_mariadb: Database) -> None:
    for name, statement in VIOLATIONS.items():
        with pytest.raises(pymysql.err.MySQLError) as caught:
            loaded_mariadb.rows(f"SET STATEMENT sql_mode = 'TRADITIONAL' FOR {statement}")
        assert caught.value.args[0] in {1048, 1062, 1265, 1451, 1452, 4025}, (name, caught.value)


VIOLATIONS_IN_POSTGRESQL = {
    "key": 'INSERT INTO "CONDITION" SELECT * FROM "CONDITION" LIMIT 1',
    "unique": 'INSERT INTO "PLAN" SELECT plan_id + 100, name, insurance_id, base_rate, deductable FROM "PLAN" LIMIT 1',
    "reference": 'UPDATE "CLAIMS" SET member_id = 999999999',
    "restrict": 'DELETE FROM "INSURANCE" WHERE insurance_id IN (SELECT insurance_id FROM "PLAN")',
    "range": 'UPDATE "MEMBERS" SET heart_rate = 301',
    "lower case": 'UPDATE "MEMBERS" SET "State" = \'ny\'',
    "too long": 'UPDATE "MEMBERS" SET "State" = \'NYC\'',
    "pattern": "UPDATE \"MEMBERS\" SET blood_pressure = '1201/80'",
    "enum": 'UPDATE "MEMBERS" SET "Sex" = \'f\'',
    "domain": 'UPDATE "ENROLLMENT" SET "Coverage_tier" = \'individual\'',
    "rule": 'UPDATE "ENROLLMENT" SET end_date = start_date',
    "json": 'UPDATE "FACILITY" SET "Contact_info" = \'[1]\'',
    "empty json": 'UPDATE "FACILITY" SET "Contact_info" = \'{}\'',
    "no json": 'UPDATE "FACILITY" SET "Contact_info" = \'{\'',
    "null": 'UPDATE "MEMBERS" SET "DOB" = NULL',
}


def test_keys_references_and_conditions_are_enforced_in_postgresql(loaded_postgresql: Database) -> None:
    for name, statement in VIOLATIONS_IN_POSTGRESQL.items():
        with pytest.raises((psycopg.IntegrityError, psycopg.DataError)):
            pytest.fail(f"{name}: {loaded_postgresql.rows(statement)}")


def test_deleting_a_parent_does_what_the_contract_says(loaded: Database) -> None:
    ((member,),) = loaded.rows('SELECT MIN("Member_ID") FROM "MEMBER_CONDITION"')
    loaded.rows(f'DELETE FROM "CLAIMS" WHERE member_id = {member}')
    loaded.rows(f'DELETE FROM "MEMBERS" WHERE member_id = {member}')
    assert loaded.rows(f'SELECT COUNT(*) FROM "MEMBER_CONDITION" WHERE "Member_ID" = {member}') == [(0,)]
    ((enrollment,),) = loaded.rows('SELECT MIN("Enrollment ID") FROM "MEMBERS"')
    loaded.rows(f'DELETE FROM "ENROLLMENT" WHERE "Enrollment_ID" = {enrollment}')
    assert loaded.rows(f'SELECT COUNT(*) FROM "MEMBERS" WHERE "Enrollment ID" = {enrollment}') == [(0,)]
