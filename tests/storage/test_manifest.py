"""The manifest of a published dataset."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from payerlake.contract.schema import Column, Table
from payerlake.errors import BadInput, EngineFailed
from payerlake.storage.manifest import ColumnRecord, Manifest, TableRecord, columns_of, from_json

RECORD = TableRecord(
    rows=3, files=1, bytes=120, fingerprint="00000000000000ff", schema=(ColumnRecord("plan_code", "string", False),)
)
MANIFEST = Manifest("0.1.0", "pharmacy", 42, "1/1", {"members": 10, "state": "Île"}, {"plans": {"delta": RECORD}})


def test_a_manifest_survives_the_way_to_json_and_back():
    assert from_json(MANIFEST.to_json(), "manifest.json") == MANIFEST


def test_a_manifest_has_sorted_keys_so_that_equal_runs_are_equal_bytes():
    turned = replace(MANIFEST, tables={"drugs": {}, **MANIFEST.tables})
    assert turned.to_json() == replace(MANIFEST, tables={**MANIFEST.tables, "drugs": {}}).to_json()


def test_settings_keep_their_order_in_a_manifest_since_some_depend_on_it():
    turned = replace(MANIFEST, settings=dict(reversed(MANIFEST.settings.items())))
    assert list(json.loads(turned.to_json())["settings"]) == ["state", "members"]


def test_a_manifest_names_rows_files_bytes_schema_and_fingerprint_of_a_table_and_format():
    stored = json.loads(MANIFEST.to_json())["tables"]["plans"]["delta"]
    assert stored == {
        "rows": 3,
        "files": 1,
        "bytes": 120,
        "fingerprint": "00000000000000ff",
        "schema": [{"name": "plan_code", "type": "string", "nullable": False}],
    }


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "{}", '{"tables": 3}', '{"tables": {}, "name": "other tool"}'])
def test_a_broken_or_foreign_manifest_is_bad_input_that_names_the_path(text):
    with pytest.raises(BadInput, match=r"out/pharmacy/manifest[.]json: not a payerlake manifest"):
        from_json(text, "out/pharmacy/manifest.json")


@pytest.mark.parametrize(
    "change",
    [
        {"slice": 5},
        {"slice": "x"},
        {"tables": {}},
        {"settings": [1]},
        {"seed": "many"},
        {"tables": {"plans": {"orc": 1}}},
    ],
)
def test_a_manifest_that_somebody_edited_wrongly_is_bad_input(change):
    raw = json.loads(MANIFEST.to_json()) | change
    with pytest.raises(BadInput, match="not a payerlake manifest"):
        from_json(json.dumps(raw), "manifest.json")


@pytest.mark.parametrize("other", [replace(RECORD, fingerprint="0" * 16), replace(RECORD, rows=4)])
def test_formats_of_a_table_that_disagree_are_never_published(other):
    with pytest.raises(EngineFailed, match=r"pharmacy\.plans: the formats hold different rows"):
        replace(MANIFEST, tables={"plans": {"delta": RECORD, "csv": other}})


def test_a_stored_manifest_whose_formats_disagree_is_bad_input():
    raw = json.loads(MANIFEST.to_json())
    raw["tables"]["plans"]["csv"] = raw["tables"]["plans"]["delta"] | {"rows": 4}
    with pytest.raises(BadInput, match="different rows"):
        from_json(json.dumps(raw), "manifest.json")


def test_the_columns_of_a_manifest_come_from_the_contract():
    columns = (Column("plan_code", "varchar(8)", "The plan"), Column("copay", "decimal(8,2)", "Paid", nullable=True))
    table = Table(
        "pharmacy", "plans", "One row per plan", ("plan_code",), columns, "plans", "29", build=lambda world: None
    )
    assert columns_of(table) == (
        ColumnRecord("plan_code", "string", False),
        ColumnRecord("copay", "decimal(8,2)", True),
    )
