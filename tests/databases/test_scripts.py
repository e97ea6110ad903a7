"""The SQL scripts, run by the server's own client."""

from __future__ import annotations

from pathlib import Path

from payerlake import databases, registry
from tests.databases.conftest import Database
from tests.databases.loading import TABLES, load, loaded_rows, published_rows


def test_the_two_scripts_load_the_files_with_the_servers_own_client(database: Database, insurance: Path) -> None:
    files = {table.name: [f"csv/{table.csv_stem}.csv"] for table in TABLES}
    assert database.script(databases.schema_script("insurance"), insurance) == ""
    printed = database.script(databases.load_script("insurance", files), insurance / "insurance")
    found = dict(line.split("\t") for line in printed.splitlines())
    rows = {str(table.sql_name): str(len(published_rows(insurance, table))) for table in TABLES}
    assert found == {"table": "rows", **rows, "rule": "rows breaking it", "MEMBERS_enrollment_with_insurer": "0"}
    for table in TABLES:
        assert loaded_rows(database, table) == published_rows(insurance, table)
    load(database, insurance, mode="overwrite")  # what the script made, the loader knows as its own


def test_the_scripts_of_every_dataset_run(database: Database, tmp_path: Path) -> None:
    for name in registry.datasets():
        database.script(databases.schema_script(name), tmp_path)
    assert len(database.names()) == sum(len(registry.dataset(name).tables) for name in registry.datasets())
