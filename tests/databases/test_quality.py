"""The quality dataset in running servers: its views, its indexes, and what it is asked once it is loaded."""

from __future__ import annotations

import csv
import json
import re
import shutil
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from payerlake import api, cli, registry
from payerlake.contract.schema import Table
from payerlake.databases.server import AfterSwap
from payerlake.errors import BadInput, DataFailed, EngineFailed
from tests.databases.conftest import MEMBERS, created
from tests.databases.loading import counts, loaded_rows, published_rows
from tests.databases.servers import Database

DATASET = registry.dataset("quality")
TABLES = [table for table in DATASET.tables if not table.view]
VIEWS = [table for table in DATASET.tables if table.view]
QUERIES = 5  # documented
NAMED = {
    "idx_gaps_member_measure": "",
    "idx_gaps_opened_date": "WHERE ((gap_status)::text = 'Open'::text)",
    "idx_gaps_status_measure": "WHERE (measurement_year = 2024)",
    "idx_intervention_costs_gap": "",
    "idx_member_conditions_lookup": "",
    "idx_member_gaps_measure": "",
    "idx_member_gaps_status": "",
    "idx_members_plan_zip": "WHERE is_active",
    "idx_plan_members_active": "",
    "idx_plan_perf_plan_year": "",
}


@pytest.fixture(scope="module", params=["mariadb", "postgresql"])
def standing(request: pytest.FixtureRequest, quality: Path) -> Database:
    """A database with the dataset in it, which no test changes."""
    database = created(request.param, request)
    api.load(None, "quality", quality, to=database.url)
    return database


@pytest.fixture
def copy(quality: Path, tmp_path: Path) -> Path:
    """A copy of the published dataset, to be changed."""
    shutil.copytree(quality, tmp_path / "copy")
    return tmp_path / "copy"


@pytest.fixture
def few(copy: Path) -> Path:
    """The dataset's plans and measures alone."""
    _keep(copy, "ma_plans", "hedis_measures", "chronic_conditions_reference")
    return copy


def load(database: Database, out: Path, mode: str = "error") -> None:
    api.load(None, "quality", out, to=database.url, mode=mode)


def _keep(out: Path, *names: str) -> None:
    """Leave only these tables in the manifest."""
    path = out / "quality" / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["tables"] = {name: manifest["tables"][name] for name in names}
    path.write_text(json.dumps(manifest))


# what stands there


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_value_arrives(standing: Database, quality: Path, table: Table) -> None:
    assert loaded_rows(standing, table) == published_rows(quality, table)


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_a_view_has_the_rows_that_spark_makes(standing: Database, quality: Path, view: Table) -> None:
    columns = ", ".join(view.column_names)
    with (quality / "quality" / "csv" / f"{view.csv_stem}.csv").open(newline="", encoding="utf-8") as file:
        made = list(csv.reader(file))
    assert made[0] == view.column_names
    found = standing.rows(f"SELECT {columns} FROM {view.name}")
    assert len(found) > 0
    assert sorted(map(_values, found)) == sorted(map(_values, made[1:]))


def _values(row: list | tuple) -> tuple[str, ...]:
    """The row's values to be compared: numbers by their value, as Decimal has them."""
    return tuple("-" if value in (None, "") else _number(str(value)) for value in row)


def _number(text: str) -> str:
    return str(Decimal(text).normalize()) if text.replace(".", "", 1).isdecimal() else text


def test_views_are_views(standing: Database) -> None:
    sql = "SELECT table_schema, table_name FROM information_schema.views WHERE table_name LIKE 'vw%'"
    assert {name for schema, name in standing.rows(sql) if schema in ("public", standing.name)} == {
        view.name for view in VIEWS
    }
    assert standing.names() == {table.name for table in DATASET.tables}


def test_indexes_have_the_documented_names_and_conditions(standing: Database) -> None:
    if standing.kind == "mariadb":
        sql = "SELECT DISTINCT index_name FROM information_schema.statistics WHERE table_schema = DATABASE()"
        assert set(NAMED) <= {name for (name,) in standing.rows(sql)}
        return
    found = dict(standing.rows("SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"))
    for name, condition in NAMED.items():
        assert found[name].endswith(condition or ")")
        assert bool(condition) is ("WHERE" in found[name])
    assert not [name for name in found if name.startswith("payerlake")]


def test_tables_columns_and_views_say_what_they_are(postgresql: Database, quality: Path) -> None:
    """As they do in MariaDB, which the script of the tables is tested for."""
    load(postgresql, quality)
    for table in DATASET.tables:
        mark = f"payerlake {'view ' if table.view else ''}quality.{table.name}: {table.grain}"
        assert postgresql.rows(f"SELECT obj_description('{table.name}'::regclass)") == [(mark,)]
        sql = f"SELECT col_description('{table.name}'::regclass, n) FROM generate_series(1, {len(table.columns)}) n"
        for (text,), column in zip(postgresql.rows(sql), table.columns, strict=True):
            assert text.startswith(column.meaning)


def test_the_server_knows_how_the_values_are_distributed(standing: Database) -> None:
    sql = {
        "mariadb": "SELECT n_rows FROM mysql.innodb_table_stats WHERE database_name = DATABASE()"
        " AND table_name = 'plan_members'",
        "postgresql": "SELECT reltuples FROM pg_class WHERE oid = 'plan_members'::regclass",
    }
    assert standing.rows(sql[standing.kind]) == [(MEMBERS,)]


# what it answers


@pytest.fixture(scope="module")
def printed(standing: Database, quality: Path) -> Iterator[dict[str, list[str]]]:
    """What the command prints when it loads again: the lines below each title, which has the time of its query."""
    with pytest.MonkeyPatch.context() as patched:
        lines: list[str] = []
        patched.setattr("click.echo", lambda text="", **_: lines.extend(str(text).splitlines()))
        arguments = ["--out", str(quality), "--to", standing.url, "--mode", "overwrite"]
        assert cli.run(["load", "quality", *arguments]) == 0
    blocks = [block.splitlines() for block in "\n".join(lines).split("\n\n")]
    titles = [re.subn(r" \([\d,]+ ms\)$", "", block[0]) for block in blocks]
    assert sum(timed for _, timed in titles) == QUERIES
    return {title: block[1:] for (title, _), block in zip(titles, blocks, strict=True)}


def _cells(line: str) -> list[str]:
    return [cell for cell in line.strip().split("  ") if cell]


def test_the_documented_queries_are_printed(standing: Database, printed: dict[str, list[str]]) -> None:
    first, *titles = printed
    assert first.startswith("hedis_measures")
    assert [line.split()[0] for line in printed[first]][-4:] == [
        *(view.name for view in DATASET.in_order() if view.view),
        "loaded:",
    ]
    assert titles == [
        "Members by plan; ages as of 2024-12-31",
        "Care gaps by plan and status",
        "Largest segments of 10 members or more",
        "ZIP codes with most members",
        "Most frequent chronic conditions",
        "Checklist",
    ]
    head, *rows = printed[titles[0]]
    assert _cells(head) == ["plan_id", "members", "mean_age", "mean_risk_score"]
    assert sum(int(row.split()[1]) for row in rows) == MEMBERS
    gaps = [line.split() for line in printed[titles[1]][1:]]
    assert {status for _, status, _ in gaps} == {"Open", "Closed", "Excluded"}
    assert sum(int(count) for _, _, count in gaps) == counts(standing)["member_gaps"]
    assert len(printed[titles[3]]) == len(printed[titles[4]]) == 1 + 10


def test_mean_ages_are_those_of_the_day(standing: Database, printed: dict[str, list[str]]) -> None:
    ages: dict[str, list[int]] = {}
    for plan, born in standing.rows("SELECT plan_id, date_of_birth FROM plan_members"):
        ages.setdefault(plan, []).append(2024 - born.year)  # the day is the last of the year
    found = {row.split()[0]: float(row.split()[2]) for row in printed["Members by plan; ages as of 2024-12-31"][1:]}
    assert found == pytest.approx({plan: sum(years) / len(years) for plan, years in ages.items()}, abs=0.0501)


def test_the_checklist_has_what_is_expected_beside_what_is_found(
    standing: Database, printed: dict[str, list[str]]
) -> None:
    lines = [_cells(line) for line in printed["Checklist"][1:]]
    assert [[cell.strip() for cell in line[:3]] for line in lines[:3]] == [
        ["members", str(MEMBERS), str(MEMBERS)],
        ["ZIP codes", "30", "30"],
        ["chronic conditions", "17", "17"],
    ]
    assert [line[1].strip() for line in lines[3:]] == [f">= {MEMBERS // 2}", f">= {MEMBERS * 8 // 10}", "3"]
    assert {line[-1].strip() for line in lines} == {"ok"}


def test_a_line_that_does_not_hold_is_shown_and_the_load_stands(
    database: Database, copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = copy / "quality" / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["settings"]["members"] = 1000
    path.write_text(json.dumps(manifest))
    assert cli.run(["load", "quality", "--out", str(copy), "--to", database.url]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["members", "1,000", str(MEMBERS), "FAILED"] in lines
    assert counts(database)["plan_members"] == MEMBERS


def test_of_some_tables_only_what_is_there_is_asked(
    database: Database, few: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["load", "quality", "--out", str(few), "--to", database.url]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[lines.index("Checklist") + 2 :]] == ["chronic"]
    assert not any(line.startswith("Care gaps by plan and status") for line in lines)


# what fails


def test_overwrite_replaces_tables_and_views(database: Database, quality: Path) -> None:
    load(database, quality)
    with pytest.raises(BadInput, match="there are tables already"):
        load(database, quality)
    load(database, quality, "overwrite")
    assert database.names() == {table.name for table in DATASET.tables}


def test_a_view_of_the_same_name_that_is_not_ours_is_never_replaced(database: Database, quality: Path) -> None:
    database.rows("CREATE VIEW vw_condition_impact AS SELECT 1 AS mine")
    with pytest.raises(BadInput, match="vw_condition_impact is not a view that payerlake made"):
        load(database, quality, "overwrite")
    assert database.rows("SELECT mine FROM vw_condition_impact") == [(1,)]


def test_a_view_without_its_tables_is_refused(database: Database, few: Path) -> None:
    path = few / "quality" / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["tables"]["vw_condition_impact"] = manifest["tables"]["ma_plans"]
    path.write_text(json.dumps(manifest))
    with pytest.raises(BadInput, match=r"vw_condition_impact: refers to plan_members, .*not published"):
        load(database, few)
    assert database.names() == set()


def test_a_view_with_other_rows_than_the_manifest_has_is_refused(database: Database, copy: Path) -> None:
    path = copy / "quality" / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["tables"]["vw_member_segmentation"]["csv"]["rows"] += 1
    path.write_text(json.dumps(manifest))
    with pytest.raises(DataFailed, match=r"vw_member_segmentation: .* rows are in the view, the manifest has"):
        load(database, copy)
    assert database.names() == set()


def test_a_manifest_of_other_settings_is_refused(database: Database, copy: Path) -> None:
    path = copy / "quality" / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["settings"]["colour"] = "blue"
    path.write_text(json.dumps(manifest))
    with pytest.raises(BadInput, match="settings of another version"):
        load(database, copy)


def test_what_a_view_of_others_shows_is_not_taken_away(postgresql: Database, quality: Path, few: Path) -> None:
    """Views of payerlake's that would not come again count too."""
    load(postgresql, quality)
    postgresql.rows("CREATE VIEW mine AS SELECT * FROM vw_condition_impact")
    with pytest.raises(BadInput, match=r"mine \(on vw_condition_impact\)"):
        load(postgresql, quality, "overwrite")
    with pytest.raises(BadInput, match=r"vw_member_segmentation \(on ma_plans\)"):
        load(postgresql, few, "overwrite")


def test_an_index_name_that_others_have_is_named(postgresql: Database, quality: Path) -> None:
    postgresql.rows("CREATE TABLE mine (id INT)")
    postgresql.rows("CREATE INDEX idx_gaps_member_measure ON mine (id)")
    postgresql.rows("CREATE INDEX plan_members_pkey ON mine (id)")
    with pytest.raises(BadInput, match=r"idx_gaps_member_measure.* already exists"):
        load(postgresql, quality)
    assert postgresql.names() == {"mine"}
    postgresql.rows("ALTER INDEX idx_gaps_member_measure RENAME TO other")
    load(postgresql, quality)
    assert postgresql.rows("SELECT 1 FROM pg_indexes WHERE indexname = 'plan_members_pkey_2'") == [(1,)]


def test_views_that_cannot_be_made_at_last_are_named_in_mariadb(
    mariadb: Database, quality: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ordinary = mariadb.session.run

    def run(self: object, *statements: str) -> None:
        if any(statement.startswith("CREATE OR REPLACE VIEW `vw_geo") for statement in statements):
            raise EngineFailed("the server is gone")
        ordinary(self, *statements)

    monkeypatch.setattr(mariadb.session, "run", run)
    with pytest.raises(AfterSwap, match="new tables are in place, without these views: vw_geographic_performance"):
        load(mariadb, quality)
    monkeypatch.undo()
    assert "payerlake_new_vw_geographic_performance" not in mariadb.names()
    load(mariadb, quality, "overwrite")
    assert mariadb.names() == {table.name for table in DATASET.tables}
