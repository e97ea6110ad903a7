"""The datasets at the size of tests/golden.json, laid in any number of files: the fingerprints are known beforehand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from payerlake import registry
from payerlake.contract import settings
from payerlake.contract.schema import Table
from tests import golden
from tests.test_contracts import FORMULARIES, MEMBERS

DATASETS = tuple(registry.datasets())


def options(dataset: str, files: int = 1) -> dict[str, Any]:
    """The settings, with every long table in so many files, which are as many partitions."""
    model = registry.dataset(dataset).settings
    chosen: dict[str, Any] = {"members": MEMBERS}
    if "members_per_file" in model.model_fields:
        names = type(settings.load(model).members_per_file).model_fields
        chosen["members_per_file"] = dict.fromkeys(names, _each(MEMBERS, files))
    if "formularies" in model.model_fields:
        chosen["formularies"] = {"count": FORMULARIES, "per_file": _each(FORMULARIES, files)}
    return chosen


def config(folder: Path, dataset: str, files: int = 1) -> str:
    """The path of a file in the folder with these settings, for --config. (JSON is YAML.)"""
    path = folder / f"{dataset}-{files}.yaml"
    path.write_text(json.dumps({dataset: options(dataset, files)}))
    return str(path)


def expected(table: Table) -> tuple[int, str]:
    """Rows and fingerprint as golden.json has them."""
    rows, _, digest = golden.read()[table.dataset][table.name].partition(" rows, ")
    return int(rows), digest


def _each(total: int, files: int) -> int:
    return -(-total // files)
