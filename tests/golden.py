"""The data of the tables, pinned: dataset → table → rows and fingerprint, in golden.json beside this."""

from __future__ import annotations

import json
from pathlib import Path

from payerlake import registry
from payerlake.contract.schema import Table
from payerlake.publish.fingerprint import Fingerprint

FILE = Path(__file__).with_name("golden.json")


def text(rows: int, digest: str) -> str:
    """What stands in the file for a table."""
    return f"{rows} rows, {digest}"


def read() -> dict[str, dict[str, str]]:
    """The file; empty where there is none."""
    return json.loads(FILE.read_text()) if FILE.exists() else {}


def keep(table: Table, found: Fingerprint) -> None:
    """Write a table into the file, in the registry's order, without tables that there are no longer."""
    known = read()
    known.setdefault(table.dataset, {})[table.name] = text(found.rows, found.digest)
    ordered = {
        name: {t.name: known[name][t.name] for t in registry.dataset(name).tables if t.name in known[name]}
        for name in registry.datasets()
        if name in known
    }
    FILE.write_text(json.dumps(ordered, indent=2) + "\n")
