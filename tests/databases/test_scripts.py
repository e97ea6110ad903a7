"""The SQL scripts, run by the server's own client."""

from __future__ import annotations

from pathlib import Path

from payerlake import registry
from payerlake.dialects.scripts import load_script, schema_script
from tests.databases.loading import TABLES, load, loaded_rows, published_rows
from tests.databases.servers import MariaDB


def test_the_two_scripts_load_the_files_with_the_servers_own_client(mariadb: MariaDB, insurance: Path) -> None:
    files = {table.name: [f"csv/{table.csv_stem}.csv"] for table in TABLES}
    assert mariadb.script(schema_script(registry.dataset("insurance")), insurance) == ""
    printed = mariadb.script(load_script(registry.dataset("insurance"), files), insurance / "insurance")
    found = dict(line.split("\t") for line in printed.splitlines())
    rows = {str(table.sql_name): str(len(published_rows(insurance, table))) for table in TABLES}
    assert found == {"table": "rows", **rows, "rule": "rows breaking it", "MEMBERS_enrollment_with_insurer": "0"}
    for table in TABLES:
        assert loaded_rows(mariadb, table) == published_rows(insurance, table)
    load(mariadb, insurance, mode="overwrite")  # what the script made, the loader knows as its own


def test_the_scripts_of_every_dataset_run(mariadb: MariaDB, tmp_path: Path) -> None:
    for name in registry.datasets():
        mariadb.script(schema_script(registry.dataset(name)), tmp_path)
    assert len(mariadb.names()) == sum(
        table.view is None for name in registry.datasets() for table in registry.dataset(name).tables
    )
