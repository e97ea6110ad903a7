"""Where a dataset is published: a folder at a URL, or the schema of a catalog. One interface for the pipeline."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Protocol

from pyspark.sql import DataFrame, SparkSession

from payerlake.errors import BadInput, unknown
from payerlake.schema import Table
from payerlake.storage import MODES, Folder, Target
from payerlake.writers import WRITERS, Layout, Stored
from payerlake.writers.catalog import CatalogTarget


class Destination(Protocol):
    """Stage, then publish whole; or read what is published. `place` names it for people."""

    place: str

    def staged(self) -> AbstractContextManager[object]:
        """What is written inside is gone on the way out unless it was published."""

    def staging_folder(self) -> Folder | None:
        """Where files appear while Spark writes; None where nobody can look."""

    def write(self, frame: DataFrame, table: Table, format_: str, layout: Layout) -> Stored:
        """Write a table into the stage, in one action."""

    def read(self, spark: SparkSession, table: Table, format_: str, from_stage: bool) -> DataFrame:
        """A staged or published table under its contract's columns."""

    def scratch(self) -> AbstractContextManager[Folder | None]:
        """A folder that Spark reaches, for copies that only checks need, gone afterwards; None where there is none."""

    def keep(self, name: str, text: str) -> None:
        """Write a text file into the stage."""

    def keep_results(self, results: Path, state: str) -> str:
        """Keep a validation's results, of `staged`, `published` or `rejected` data; where they will stand."""

    def publish(self, manifest: str) -> None:
        """Put what is staged in the place of what stood there, manifest last."""

    def manifest(self) -> str:
        """The published manifest's text. Raises BadInput where nothing is published."""


class FolderDestination:
    """OUT/DATASET, in any of the formats."""

    def __init__(self, out: str, dataset: str) -> None:
        self._target = Target(out, dataset)
        self.place = str(self._target.folder)

    def check(self, mode: str) -> None:
        """Raises BadInput where the folder may not be taken; needs no Spark."""
        check_mode(mode)
        self._target.check(mode)

    def staged(self) -> AbstractContextManager[object]:
        return self._target.staged()

    def staging_folder(self) -> Folder | None:
        return self._target.staging

    def write(self, frame: DataFrame, table: Table, format_: str, layout: Layout) -> Stored:
        return WRITERS[format_].write(frame, table, self._target.staging.url, layout)

    def read(self, spark: SparkSession, table: Table, format_: str, from_stage: bool) -> DataFrame:
        folder = self._target.staging if from_stage else self._target.folder
        return WRITERS[format_].read(spark, table, folder.url)

    @contextmanager
    def scratch(self) -> Iterator[Folder | None]:
        folder = Folder(f"{self._target.folder.url}.checks")
        folder.delete()
        try:
            yield folder
        finally:
            folder.delete()

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
        self._target.publish(manifest)

    def manifest(self) -> str:
        return self._target.read_manifest()


class CatalogDestination:
    """CATALOG.SCHEMA.TABLE, as Delta tables."""

    def __init__(self, spark: SparkSession, catalog: str, schema: str, dataset: str, tables: Sequence[Table]) -> None:
        self._target, self._dataset, self._tables = CatalogTarget(spark, catalog, schema), dataset, tables
        self._written: list[Table] = []
        self.place = f"{catalog}.{schema}"

    def check(self, mode: str) -> None:
        """Raises BadInput where the schema does not exist or may not be taken."""
        check_mode(mode)
        self._target.check(self._dataset, self._tables, mode)

    def staged(self) -> AbstractContextManager[object]:
        return self._target.staged(self._tables)

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


def check_mode(mode: str) -> None:
    """Raises BadInput for a mode that does not exist."""
    if mode not in MODES:
        raise unknown("--mode", "a mode", mode, MODES)
