"""The CSV files of a published dataset, as files of this machine."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pyspark.sql import SparkSession

from payerlake.contract.schema import Table
from payerlake.engine.exact import exact
from payerlake.errors import BadInput
from payerlake.publish.destinations import FolderDestination
from payerlake.storage.folder import Folder
from payerlake.storage.manifest import Manifest
from payerlake.writers import WRITERS, Layout
from payerlake.writers.delimited import stored_names


@dataclass(frozen=True)
class Source:
    """A CSV file of a table, wherever it lies."""

    table: Table
    folder: Folder
    name: str

    @contextmanager
    def local(self) -> Iterator[Path]:
        """The file itself where it is one of this machine, else a copy for the time of the block.

        Raises BadInput where its header is not the contract's, EngineFailed where it cannot be copied.
        """
        with self.folder.local_file(self.name) as path:
            self._check_header(path)
            yield path

    def _check_header(self, path: Path) -> None:
        with path.open(encoding="utf-8", newline="") as file:
            header = next(csv.reader(file), [])
        if header != [column.header for column in self.table.columns]:
            raise BadInput(
                f"{self.folder / self.name}: its header is not that of {self.table.full_name}; it is another "
                "version's or was changed: generate the dataset again"
            )


@contextmanager
def csv_files(
    at: FolderDestination, manifest: Manifest, spark: Callable[[], SparkSession]
) -> Iterator[Mapping[str, Sequence[Source]]]:
    """The CSV files of each table: the published ones, else such as Spark writes for the time of the block."""
    tables = [table for table in at.dataset.in_order(manifest.tables) if not table.view]
    if all("csv" in manifest.tables[table.name] for table in tables):
        yield {table.name: _files(Folder(at.place), table, manifest) for table in tables}
        return
    session = spark()
    with at.locked("load"), exact(session), at.scratch() as scratch:
        assert scratch is not None  # a folder has one
        for table in tables:
            name = next(name for name in WRITERS if name in manifest.tables[table.name])
            frame = at.read(session, table, name, from_stage=False)
            WRITERS["csv"].write(frame, table, scratch.url, Layout())
        yield {table.name: _found(scratch, table) for table in tables}


def _files(folder: Folder, table: Table, manifest: Manifest) -> list[Source]:
    """The table's published files. Raises BadInput where they are not as many as the manifest has."""
    found, expected = _found(folder, table), manifest.tables[table.name]["csv"].files
    if len(found) != expected:
        raise BadInput(
            f"{folder}/csv: {len(found)} files of {table.full_name}, the manifest has {expected}; generate it again"
        )
    return found


def _found(folder: Folder, table: Table) -> list[Source]:
    files = folder / "csv"
    return [Source(table, files, name) for name in stored_names(files, table)]
