"""What a reader finds at a place, on any storage and without Spark: a whole dataset, or none."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

import fsspec

from payerlake import registry
from payerlake.publish.fingerprint import Fingerprint
from tests.engines.plain import fingerprint
from tests.engines.readers import Reader, readers

BY = {"delta": "deltalake", "csv": "pyarrow", "parquet": "pyarrow"}


@dataclass(frozen=True)
class Standing:
    """A published dataset: its seed, and what was read of each table in each format."""

    seed: int
    tables: dict[tuple[str, str], Fingerprint]


def standing(out: str, dataset: str) -> Standing | None:
    """The dataset whose manifest stands under OUT/DATASET; None where there is no manifest.

    Fails where what was read is not what the manifest says.
    """
    fs, path = fsspec.core.url_to_fs(f"{out}/{dataset}")
    fs.invalidate_cache()
    if not fs.exists(f"{path}/manifest.json"):
        return None
    with tempfile.TemporaryDirectory(prefix="payerlake-standing-") as folder:
        copy = Path(folder, dataset)
        for name in fs.find(path):
            target = copy / name[len(path) :].lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(fs.cat_file(name))
        return _read(copy)


def _read(folder: Path) -> Standing:
    manifest = json.loads((folder / "manifest.json").read_text())
    known, by_way = registry.dataset(manifest["dataset"]), readers()
    found = {}
    for name, formats in manifest["tables"].items():
        for form, record in formats.items():
            read: Reader = by_way[form, BY[form]]
            found[name, form] = fingerprint(read(folder, known.table(name)))
            assert found[name, form] == Fingerprint(record["rows"], record["fingerprint"]), (name, form)
    return Standing(manifest["seed"], found)


def hidden(out: str) -> list[str]:
    """Names under OUT that begin with a dot: what a run leaves, or has beside the dataset while it lives."""
    fs, path = fsspec.core.url_to_fs(out)
    fs.invalidate_cache()
    names = (name.rstrip("/").rpartition("/")[2] for name in fs.ls(path, detail=False))
    return sorted(name for name in names if name.startswith("."))
