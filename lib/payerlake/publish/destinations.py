"""Where a dataset is published: a folder at a URL, or the schema of a catalog. One interface for both."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol

from pyspark.sql import DataFrame, SparkSession

from payerlake.contract.dataset import Dataset
from payerlake.contract.schema import Table
from payerlake.errors import BadInput, unknown
from payerlake.publish.catalog import CatalogDestination
from payerlake.storage.folder import Folder
from payerlake.storage.manifest import Manifest, from_json
from payerlake.storage.target import Target
from payerlake.writers import WRITERS, Layout, Stored

Start = Callable[[bool, float | None], SparkSession]
"""Gives a session: with Delta's reader or without, for about so many rows of the largest table where that is known."""


class Destination(Protocol):
    """Stage, then publish whole; or read what is published. `place` names it for people."""

    place: str
    dataset: Dataset[Any]

    def check(self, formats: Sequence[str]) -> None:
        """Whether it takes these formats, before anything else is asked of it. Raises BadInput."""

    def reserved(self, mode: str, start: Start) -> AbstractContextManager[SparkSession]:
        """A session, and other runs are kept away while a dataset is made, as soon as that can be without a session.

        Raises BadInput where another run is at work, or nothing may be put.
        """

    def opened(self, start: Start) -> SparkSession:
        """A session that can read what is published. Raises BadInput where nothing is, if that takes no session."""

    def locked(self, command: str) -> AbstractContextManager[object]:
        """Keep other runs away; inside `reserved` or once `opened`. Raises BadInput where one is at work."""

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

    def __init__(self, out: str, dataset: Dataset[Any]) -> None:
        self._target = Target(out, dataset.name)
        self._sizes: dict[str, int] = {}
        self.place, self.dataset = str(self._target.folder), dataset

    def check(self, formats: Sequence[str]) -> None:
        for name in formats:
            if name not in WRITERS:
                raise unknown("--format", "a format", name, WRITERS)

    @contextmanager
    def reserved(self, mode: str, start: Start) -> Iterator[SparkSession]:
        with self._target.reserved(mode):
            yield start(False, None)

    def opened(self, start: Start) -> SparkSession:
        records = [record for formats in published(self).tables.values() for record in formats.items()]
        return start(any(name == "delta" for name, _ in records), max(record.rows for _, record in records))

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


def destination(dataset: Dataset[Any], out: str | None, catalog: str | None, schema: str | None) -> Destination:
    """The folder below OUT, or the schema of a catalog. Raises BadInput for neither and for both."""
    if out is not None and (catalog or schema):
        raise BadInput("--out: given beside --catalog or --schema; give the one or the others")
    if out is not None:
        return FolderDestination(out, dataset)
    if catalog and schema:
        return CatalogDestination(catalog, schema, dataset)
    if catalog or schema:
        raise BadInput(f"--{'schema' if catalog else 'catalog'}: missing; give --catalog and --schema together")
    raise BadInput("--out: give the folder or URL of the dataset's folder, or --catalog and --schema instead of it")


def published(at: Destination) -> Manifest:
    """The manifest of what is published there. Raises BadInput where nothing is, or another dataset."""
    found = from_json(at.manifest(), at.place)
    if found.dataset != at.dataset.name:
        raise BadInput(f"{at.place}: its manifest is of {found.dataset}; move the folder where it belongs")
    try:
        at.dataset.in_order(found.tables)
        at.check([name for formats in found.tables.values() for name in formats])
    except BadInput as error:
        raise BadInput(
            f"{at.place}: its manifest, of payerlake {found.version}, names what this one has not ({error}); "
            "read it with that version, or move the folder and generate the dataset again"
        ) from error
    return found
