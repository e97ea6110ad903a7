"""manifest.json: what a published dataset holds and how it was made. Its presence means: published.

    {"dataset": "pharmacy", "seed": 42, "settings": {…}, "slice": "1/1", "version": "0.1.0",
     "tables": {"members": {"delta": {"bytes": …, "files": …, "fingerprint": "…", "rows": …, "schema": […]}}}}

No times, hosts or paths, keys sorted: two runs with the same settings give the same manifest. The settings keep their
order, on which some of them depend, so that they can be read again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError

from payerlake.contract.schema import Table
from payerlake.contract.slices import Slice
from payerlake.errors import BadInput, EngineFailed


@dataclass(frozen=True)
class ColumnRecord:
    """One column as stored: name, Spark SQL type, whether nulls are allowed."""

    name: str
    type: str
    nullable: bool


@dataclass(frozen=True)
class TableRecord:
    """One table in one format: rows, data files, their bytes, fingerprint (16 hex digits), columns in order."""

    rows: int
    files: int
    bytes: int
    fingerprint: str
    schema: tuple[ColumnRecord, ...]


@dataclass(frozen=True)
class Manifest:
    """A published dataset: `tables` by table name, then by format. Raises EngineFailed where two formats disagree."""

    version: str
    dataset: str
    seed: int
    slice: str
    settings: Mapping[str, Any]
    tables: Mapping[str, Mapping[str, TableRecord]]

    def __post_init__(self) -> None:
        for table, formats in self.tables.items():
            _require_agreement(f"{self.dataset}.{table}", formats)

    @property
    def is_whole(self) -> bool:
        """Whether it is of a whole dataset and not of a part."""
        return Slice.parse(self.slice).is_whole

    def to_json(self) -> str:
        sorted_ = json.loads(json.dumps(asdict(self), sort_keys=True))
        return json.dumps(sorted_ | {"settings": self.settings}, indent=2, ensure_ascii=False) + "\n"


def from_json(text: str, where: str) -> Manifest:
    """The manifest in `text`, read from the path `where`. Raises BadInput where it is not one of ours."""
    try:
        return _parsed(text)
    except (ValueError, BadInput, EngineFailed) as error:
        why = error.errors(include_url=False)[0]["msg"] if isinstance(error, ValidationError) else str(error)
        raise BadInput(
            f"{where}: not a payerlake manifest ({why}); move it, then generate the dataset again"
        ) from error


def columns_of(table: Table) -> tuple[ColumnRecord, ...]:
    """The contract's columns as the manifest records them."""
    return tuple(ColumnRecord(c.name, c.spark_type.simpleString(), c.nullable) for c in table.columns)


def _parsed(text: str) -> Manifest:
    found = TypeAdapter(Manifest).validate_json(text, strict=True)
    if not all(found.tables.values()) or not found.tables:
        raise ValueError("no tables, or one in no format")
    Slice.parse(found.slice)
    return found


def _require_agreement(table: str, formats: Mapping[str, TableRecord]) -> None:
    seen = {name: (record.fingerprint, record.rows) for name, record in formats.items()}
    if len(set(seen.values())) > 1:
        shown = ", ".join(f"{name} {digest} with {rows:,} rows" for name, (digest, rows) in sorted(seen.items()))
        raise EngineFailed(f"{table}: the formats hold different rows ({shown}); nothing is published, run again")
