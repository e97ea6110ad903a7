"""Where a dataset is published: a folder at a URL, or the schema of a catalog. One interface for the pipeline."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Protocol

from pyspark.sql import DataFrame, SparkSession

from payerlake.contract.schema import Table
from payerlake.errors import BadInput
from payerlake.publish.catalog import CatalogTarget
from payerlake.storage.folder import Folder
from payerlake.storage.target import Target
from payerlake.writers import WRITERS, Layout, Stored


class Destination(Protocol):
    """Stage, then publish whole; or read what is published. `place` names it for people."""

    place: str

    def reserved(self, mode: str) -> AbstractContextManager[object]:
        """Keep other runs away while a dataset is made. Raises BadInput where one is at work, or none may be put."""

    def locked(self, command: str) -> AbstractContextManager[object]:
        """Keep other runs away. Raises BadInput where one is at work."""

    def staged(self) -> AbstractContextManager[object]:
        """What is written inside is gone on the way out unless it was published; inside `reserved`."""

    def staging_folder(self) -> Folder | None:
        """Where files appear while Spark writes; None where nobody can look."""

    def write(self, frame: DataFrame, table: Table, format_: str, layout: Layout) -> Stored:
        """Write a table into the stage, in one action, and find what stands there."""

    def read(self, spark: SparkSession, table: Table, format_: str, from_stage: bool) -> DataFrame:
        """A staged or published table under its contract's columns."""

    def scratch(self) -> AbstractContextManager[Folder | None]:
        """A folder that Spark reaches, for passing copies, inside `reserved` or `locked`; None where there is none."""

    def keep(self, name: str, text: str) -> None:
        """Write a text file into the stage."""

    def keep_results(self, results: Path, state: str) -> str:
        """Keep a validation's results, of `staged`, `published` or `rejected` data; where they will stand."""

    def publish(self, manifest: str) -> None:
        """Put what is staged, if it still stands, in the place of what stood there, manifest last."""

    def manifest(self) -> str:
        """The published manifest's text. Raises BadInput where nothing is published."""


class FolderDestination:
    """OUT/DATASET, in any of the formats."""

    def __init__(self, out: str, dataset: str) -> None:
        self._target = Target(out, dataset)
        self._sizes: dict[str, int] = {}
        self.place = str(self._target.folder)

    def reserved(self, mode: str) -> AbstractContextManager[object]:
        return self._target.reserved(mode)

    def locked(self, command: str) -> AbstractContextManager[object]:
        return self._target.locked(command)

    def staged(self) -> AbstractContextManager[object]:
        return self._target.staged()

    def staging_folder(self) -> Folder | None:
        return self._target.staging

    def write(self, frame: DataFrame, table: Table, format_: str, layout: Layout) -> Stored:
        stored = WRITERS[format_].write(frame, table, self._target.staging.url, layout)
        self._sizes |= stored.sizes
        return stored

    def read(self, spark: SparkSession, table: Table, format_: str, from_stage: bool) -> DataFrame:
        folder = self._target.staging if from_stage else self._target.folder
        return WRITERS[format_].read(spark, table, folder.url)

    def scratch(self) -> AbstractContextManager[Folder | None]:
        return self._target.scratch()

    def keep(self, name: str, text: str) -> None:
        self._target.staging.write_text(name, text)

    def keep_results(self, results: Path, state: str) -> str:
        beside = Folder(f"{self._target.folder.url}.rejected")
        folder = {"staged": self._target.staging, "published": self._target.folder, "rejected": beside}[state]
        kept = folder / "validation"
        kept.delete()
        kept.upload(results)
        return str((self._target.folder if state == "staged" else folder) / "validation" / "index.html")

    def publish(self, manifest: str) -> None:
        self._target.publish(manifest, self._sizes)

    def manifest(self) -> str:
        return self._target.read_manifest()


class CatalogDestination:
    """CATALOG.SCHEMA.TABLE, as Delta tables."""

    def __init__(self, spark: SparkSession, catalog: str, schema: str, dataset: str, tables: Sequence[Table]) -> None:
        self._target, self._dataset, self._tables = CatalogTarget(spark, catalog, schema), dataset, tables
        self._written: list[Table] = []
        self.place = f"{catalog}.{schema}"

    def reserved(self, mode: str) -> AbstractContextManager[object]:
        return self._target.reserved(self._dataset, self._tables, mode)

    def locked(self, command: str) -> AbstractContextManager[object]:
        return self._target.locked(self._dataset, command)

    def staged(self) -> AbstractContextManager[object]:
        return self._target.staged(self._dataset)

    def staging_folder(self) -> Folder | None:
        return None

    def write(self, frame: DataFrame, table: Table, format_: str, layout: Layout) -> Stored:
        self._written.append(table)
        return self._target.write(frame, table, layout)

    def read(self, spark: SparkSession, table: Table, format_: str, from_stage: bool) -> DataFrame:
        return self._target.read(table, from_stage)

    def scratch(self) -> AbstractContextManager[Folder | None]:
        return nullcontext()

    def keep(self, name: str, text: str) -> None:
        raise BadInput(f"{name}: a catalog holds tables, not files; give --out")

    def keep_results(self, results: Path, state: str) -> str:
        kept = Path(tempfile.mkdtemp(prefix="payerlake-validation-"))  # a catalog holds tables, not pages
        Folder(str(kept)).upload(results)
        return str(kept / "index.html")

    def publish(self, manifest: str) -> None:
        self._target.publish(self._dataset, self._written, manifest)

    def manifest(self) -> str:
        text = self._target.manifest(self._dataset)
        if text is None:
            raise BadInput(f"{self.place}: no published {self._dataset}; run payerlake generate first")
        return text
