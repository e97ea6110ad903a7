"""What a load does to what stands there already, and what one that fails half-way leaves."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from payerlake import databases
from payerlake.contract.schema import Table
from payerlake.errors import BadInput, DataFailed, EngineFailed
from tests.databases.loading import NAMES, TABLES, change, load, loaded_rows, published_rows, stands_as_before
from tests.databases.servers import Database

# what stands there already


def test_a_second_load_is_refused_and_overwrite_replaces(loaded: Database, insurance: Path) -> None:
    with pytest.raises(BadInput, match=r"tables already: .*MEMBERS.*--mode overwrite"):
        load(loaded, insurance)
    assert stands_as_before(loaded)
    for _ in range(2):  # the third load meets the names of constraints that the second has made
        load(loaded, insurance, mode="overwrite")
        assert loaded.names() == NAMES
        for table in TABLES:
            assert loaded_rows(loaded, table) == published_rows(insurance, table)


def test_what_a_killed_run_left_is_cleared(loaded: Database, insurance: Path) -> None:
    loaded.rows('CREATE TABLE "payerlake_new_CLAIMS" (id INT)')
    loaded.rows('CREATE TABLE "payerlake_old_CLAIMS" (id INT)')
    loaded.rows("CREATE TABLE payerlake_new_other (id INT)")
    loaded.rows('ALTER TABLE "MEMBERS" RENAME TO "payerlake_old_MEMBERS"')
    load(loaded, insurance, mode="overwrite")
    assert loaded.names() == NAMES | {"payerlake_new_other"}


def test_other_tables_are_left_alone(database: Database, insurance: Path) -> None:
    database.rows("CREATE TABLE thesis (chapter INT)")
    database.rows("CREATE TABLE members (name VARCHAR(10))")
    database.rows("INSERT INTO members VALUES ('mine')")
    load(database, insurance)
    assert database.names() == NAMES | {"thesis", "members"}
    assert database.rows("SELECT * FROM members") == [("mine",)]


def test_a_table_of_the_same_name_that_is_not_ours_is_never_replaced(database: Database, insurance: Path) -> None:
    database.rows('CREATE TABLE "CLAIMS" (mine INT)')
    with pytest.raises(BadInput, match="CLAIMS is not a table that payerlake made"):
        load(database, insurance, mode="overwrite")
    assert database.names() == {"CLAIMS"}
    assert database.rows('SELECT mine FROM "CLAIMS"') == []


@pytest.mark.parametrize(
    ("kind", "theirs", "named"),
    [
        (
            "mariadb",
            "CREATE TABLE visits (member BIGINT UNSIGNED REFERENCES MEMBERS (member_id))",
            r"visits \(on MEMBERS\)",
        ),
        (
            "mariadb",
            "CREATE TRIGGER watch AFTER INSERT ON CLAIMS FOR EACH ROW SET @seen = 1",
            r"trigger watch \(on CLAIMS\)",
        ),
        (
            "postgresql",
            'CREATE SCHEMA other CREATE TABLE visits (member BIGINT REFERENCES "MEMBERS" (member_id))',
            r"other.visits \(on MEMBERS\)",
        ),
        (
            "postgresql",
            'CREATE TRIGGER watch BEFORE UPDATE ON "CLAIMS" FOR EACH ROW'
            " EXECUTE FUNCTION suppress_redundant_updates_trigger()",
            r"trigger watch \(on CLAIMS\)",
        ),
        ("postgresql", 'CREATE VIEW dear AS SELECT * FROM "CLAIMS" WHERE amount > 1000', r"dear \(on CLAIMS\)"),
    ],
)
def test_what_hangs_on_the_tables_is_not_broken(
    request: pytest.FixtureRequest, insurance: Path, kind: str, theirs: str, named: str
) -> None:
    loaded: Database = request.getfixturevalue(f"loaded_{kind}")
    loaded.rows(theirs)
    before = loaded.names()
    with pytest.raises(BadInput, match=named):
        load(loaded, insurance, mode="overwrite")
    assert loaded.names() == before


def test_two_loads_of_a_database_do_not_meet(database: Database, insurance: Path) -> None:
    with databases.server(database.url).locked(), pytest.raises(BadInput, match="another load"):
        load(database, insurance)


# failures half-way


def bad_number(rows: list[list[str]]) -> None:
    rows[7][2] = "12.x"


def short_row(rows: list[list[str]]) -> None:
    del rows[7][4]


def lost_parent(rows: list[list[str]]) -> None:
    rows[7][1] = "999999999"


def same_key(rows: list[list[str]]) -> None:
    rows[7][0] = rows[6][0]


def below_zero(rows: list[list[str]]) -> None:
    rows[7][2] = "-1.00"


def no_date(rows: list[list[str]]) -> None:
    rows[7][3] = ""


def one_row_less(rows: list[list[str]]) -> None:
    del rows[7]


def one_row_more(rows: list[list[str]]) -> None:
    rows.append(["999999999", *rows[7][1:]])


@pytest.mark.parametrize(
    ("edit", "of_mariadb", "of_postgresql"),
    [
        (bad_number, r"claims.csv: .*'amount' at row 7", r"claims.csv: .*; COPY CLAIMS, line 8, column amount"),
        (short_row, r"claims.csv: Row 7 ", r"claims.csv: missing data .*line 8"),
        (lost_parent, r"claims.csv: .*CLAIMS_member_id_fkey", r"claims.csv: .*CLAIMS_member_id_fkey.*999999999"),
        (same_key, r"claims.csv: Duplicate entry", r"claims.csv: duplicate key .*line 8"),
        (below_zero, r"claims.csv: CONSTRAINT `CLAIMS_amount_allowed", r"claims.csv: .*\"CLAIMS_amount_allowed"),
        (no_date, r"claims.csv: .*'date' at row 7", r"claims.csv: null value in column \"date\".* line 8"),
        (one_row_less, *["insurance.claims: .* rows arrived, the manifest has"] * 2),
        (one_row_more, *["insurance.claims: .* rows arrived, the manifest has"] * 2),
    ],
)
def test_a_damaged_file_is_named_and_the_old_tables_stand(
    loaded: Database, copy: Path, edit: Callable[[list[list[str]]], None], of_mariadb: str, of_postgresql: str
) -> None:
    change(copy, "claims", edit)
    with pytest.raises(DataFailed, match=of_mariadb if loaded.kind == "mariadb" else of_postgresql):
        load(loaded, copy, mode="overwrite")
    assert stands_as_before(loaded)


def test_a_rule_that_no_constraint_holds_is_asked_for(loaded: Database, copy: Path) -> None:
    def no_enrollment(rows: list[list[str]]) -> None:
        insured = next(row for row in rows[1:] if row[-1])
        insured[-1] = ""

    change(copy, "members", no_enrollment)
    with pytest.raises(DataFailed, match="1 rows break MEMBERS_enrollment_with_insurer"):
        load(loaded, copy, mode="overwrite")
    assert stands_as_before(loaded)


def test_a_file_of_another_version_is_refused(loaded: Database, copy: Path) -> None:
    change(copy, "claims", lambda rows: rows[0].__setitem__(2, "Amount"))
    with pytest.raises(BadInput, match=r"claims.csv: its header is not that of insurance.claims"):
        load(loaded, copy, mode="overwrite")
    (copy / "insurance" / "csv" / "plan.csv").unlink()
    with pytest.raises(BadInput, match=r"0 files of insurance.plan, the manifest has 1"):
        load(loaded, copy, mode="overwrite")
    assert stands_as_before(loaded)


def test_a_killed_connection_leaves_the_old_tables(
    loaded: Database, insurance: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ordinary = loaded.session.load_file

    def load_file(self: Any, path: str, name: str, table: Table) -> None:
        if table.name == "claims":
            loaded.kill(self._connection)
        ordinary(self, path, name, table)

    monkeypatch.setattr(loaded.session, "load_file", load_file)
    with pytest.raises(EngineFailed, match="nothing was changed"):
        load(loaded, insurance, mode="overwrite")
    assert stands_as_before(loaded)


@pytest.mark.parametrize("kind", [KeyboardInterrupt, EngineFailed])
def test_what_runs_beside_a_failure_is_ended(
    loaded: Database, insurance: Path, monkeypatch: pytest.MonkeyPatch, kind: type[BaseException]
) -> None:
    """Ctrl-C, or one file's failure, while another file takes its time."""
    slow = threading.Event()

    def load_file(self: Any, path: str, name: str, table: Table) -> None:
        if table.name == "facility":
            slow.set()
            self.run(loaded.sleep)
        slow.wait()
        raise kind("now")

    monkeypatch.setattr(loaded.session, "load_file", load_file)
    began = time.monotonic()
    with pytest.raises(kind, match="now"):
        load(loaded, insurance, mode="overwrite", jobs=3)
    assert time.monotonic() - began < 20
    assert stands_as_before(loaded)


def test_what_fails_after_all_is_loaded_leaves_the_old_tables(
    loaded: Database, insurance: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rename(self: object, names: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(loaded.session, "rename", rename)  # in PostgreSQL, what stood there is dropped by then
    with pytest.raises(KeyboardInterrupt):
        load(loaded, insurance, mode="overwrite")
    assert stands_as_before(loaded)
