"""A dataset's folder: staged beside itself, published whole, by one run at a time.

Wherever a run is killed, the old dataset stands whole or the new one. Between the two renamings that put one in the
place of the other, or while an object store copies file by file, there is no manifest: the folder says that nothing is
published, and whoever reads it with payerlake, or runs again, gets back what stood there before.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

from payerlake.errors import BadInput, EngineFailed, cause, doing, unknown
from payerlake.paths import require_plain_path, without_ways_back
from payerlake.storage.folder import MANIFEST, UNPUBLISHED, Folder
from payerlake.storage.runs import Hold, hold

MODES = ("error", "overwrite")


def check_mode(mode: str) -> None:
    """Raises BadInput for a mode that does not exist."""
    if mode not in MODES:
        raise unknown("--mode", "a mode", mode, MODES)


class Target:
    """The folder `OUT/DATASET`.

    Inside `reserved`, before any Spark work: write into what `staged` yields, `publish` inside the same `with` block.
    A run that is killed at any point leaves the old data or none; the next one clears its leftovers.
    """

    def __init__(self, out: str, dataset: str) -> None:
        require_plain_path(out)
        self._out, self._dataset = Folder(without_ways_back(out)), dataset
        self.folder = self._out / dataset
        # A name of its own: tasks of a run that was killed may go on for a while, and write into theirs.
        self.staging = self._out / f".{dataset}.staging-{secrets.token_hex(4)}"
        self._replaced = self._out / f".{dataset}.replaced"
        self._hold: Hold | None = None

    @contextmanager
    def reserved(self, mode: str) -> Iterator[None]:
        """Keep others away, clear up after a killed run, and raise BadInput unless the dataset may be published."""
        check_mode(mode)
        if self._out.is_file():
            raise BadInput(f"--out {self._out}: is a file; give a folder")
        if self.folder.is_around_this_process():
            raise BadInput(
                f"{self.folder}: the current folder lies in it, and it is to be replaced; cd elsewhere first"
            )
        with self.locked("generate"):
            self._refuse_foreign()
            if self.is_published() and mode == "error":
                raise BadInput(
                    f"{self.folder}: holds a published dataset; --mode overwrite replaces it, another --out keeps it"
                )
            yield

    @contextmanager
    def locked(self, command: str) -> Iterator[None]:
        """Keep others away. Raises BadInput where another run is at work, or the folder cannot be written."""
        with self._held(command) as self._hold:
            with doing(f"{self.folder}: clearing up after an earlier run", "see to the folder, then run again"):
                self._recover()
            yield

    def _held(self, command: str) -> Hold:
        try:
            self._out.make()
            return hold(_Claims(self._out, f".{self._dataset}.run-"), str(self.folder), command)
        except (OSError, ValueError, NotImplementedError) as error:
            raise BadInput(
                f"{self._out}: cannot write there ({cause(error)}); give a folder that this user may write to, "
                "where there is space"
            ) from error

    def is_published(self) -> bool:
        return self.folder.has(MANIFEST)

    def read_manifest(self) -> str:
        """The manifest's text. Raises BadInput where nothing is published."""
        if not self.is_published() and self._replaced.has(MANIFEST):
            with self.locked("recovery"):  # a run was killed while it put the new data in the place of the old
                pass
        if not self.is_published():
            raise BadInput(f"{self.folder}: no {MANIFEST}, so no published dataset; run payerlake generate first")
        try:
            return self.folder.read_text(MANIFEST)
        except UnicodeDecodeError as error:
            raise BadInput(f"{self.folder}/{MANIFEST}: not UTF-8 text, so none of payerlake's") from error

    @contextmanager
    def staged(self) -> Iterator[Folder]:
        """A new, empty staging folder; on the way out, published or not, nothing of it is left."""
        with doing(f"{self.staging}: making a folder to write in", "see to the disk, then run again"):
            self.staging.write_text(UNPUBLISHED, "")
        try:
            yield self.staging
        except BaseException:
            with suppress(OSError):  # what is on its way says more, and the next run clears up
                self._leave()
            raise
        with doing(f"{self.folder}: published, but clearing up failed", "the next run clears what is left"):
            self._leave()

    def publish(self, manifest: str, sizes: Mapping[str, int]) -> None:
        """Put the staged folder in the place of the old one. sizes: bytes of the data files by name, which must stand.

        Raises EngineFailed, the old data standing as before, where they do not, or another run took over.
        """
        assert self._hold is not None, "publish inside `reserved`"
        self._hold.require()
        self._refuse_foreign()
        with doing(f"{self.folder}: publishing", "the old data stand as before, or come back with the next command"):
            self._require(self.staging, sizes)
            self.staging.write_text(MANIFEST, manifest)
            self._hold.require()  # to look through many files may take minutes
            self._move_old_aside()
            self.staging.move_to(self.folder)
            self._confirm(sizes)

    def _confirm(self, sizes: Mapping[str, int]) -> None:
        """What was moved is there; else it is taken back, so that `_recover` restores the old data."""
        try:
            self._require(self.folder, sizes)
        except EngineFailed:
            if self.is_published():
                self.folder.delete_file(MANIFEST)
            raise

    def _require(self, folder: Folder, sizes: Mapping[str, int]) -> None:
        found = folder.files()
        lost = [name for name, size in sizes.items() if found.get(name) != size]
        if lost:
            raise EngineFailed(
                f"{self.folder}: {len(lost):,} of {len(sizes):,} files that were written do not stand in {folder} as "
                f"they were, {lost[0]} for one; the old data stand as before, run again"
            )

    def _move_old_aside(self) -> None:
        if self.is_published():
            self.folder.move_to(self._replaced)
        else:
            self.folder.delete()

    @contextmanager
    def scratch(self) -> Iterator[Folder]:
        """A folder for copies that nobody else sees, inside `locked`; gone on the way out, or by the next run."""
        folder = self._out / f".{self._dataset}.scratch-{secrets.token_hex(4)}"
        try:
            yield folder
        finally:
            folder.delete()

    def _leave(self) -> None:
        """Nothing of this run is left; what another one, which took over, is about stays."""
        if self._hold is None or self._hold.is_lost():
            self.staging.delete()
        else:
            self._recover()

    def _recover(self) -> None:
        """From any state between two steps of `publish` to one of: the new data, the old data, none."""
        if not self.is_published():
            if self.folder.has(UNPUBLISHED):
                self.folder.delete()
            if self._replaced.has(MANIFEST):
                if self.folder.is_empty():
                    self.folder.delete()
                self._replaced.move_to(self.folder)
        elif self.folder.has(UNPUBLISHED):
            self.folder.delete_file(UNPUBLISHED)
        self._replaced.delete()
        for left in (".staging", ".scratch"):
            for name in self._out.children(f".{self._dataset}{left}"):
                (self._out / name).delete()

    def _refuse_foreign(self) -> None:
        if self.folder.is_a_way_elsewhere():
            raise BadInput(
                f"{self.folder}: is a symbolic link or a mount point, which no new dataset can take the place of; give "
                "a folder above it, or where it leads to, as --out"
            )
        ours = self._is_ours() if self.is_published() else self.folder.is_empty()
        if self.folder.is_file() or not ours:
            raise BadInput(
                f"{self.folder}: holds files that payerlake did not publish; move them or give another --out"
            )

    def _is_ours(self) -> bool:
        """Whether the manifest is one of payerlake's: other programs have files of this name too."""
        try:
            manifest = json.loads(self.folder.read_text(MANIFEST))
            return manifest["dataset"] == self._dataset and "tables" in manifest
        except (ValueError, TypeError, KeyError):
            return False


class _Claims:
    """Claims of runs as small files beside the dataset's folder."""

    def __init__(self, folder: Folder, prefix: str) -> None:
        self._folder, self._prefix = folder, prefix

    def put(self, name: str, text: str) -> None:
        self._folder.overwrite_text(self._prefix + name, text)

    def all(self) -> dict[str, str]:
        texts = {}
        for file in self._folder.children(self._prefix):
            texts[file.removeprefix(self._prefix)] = ""
            try:
                texts[file.removeprefix(self._prefix)] = self._folder.read_text(file)
            except FileNotFoundError:  # withdrawn since it was listed
                del texts[file.removeprefix(self._prefix)]
            except UnicodeDecodeError:  # none of ours, as its text will tell
                continue
        return texts

    def drop(self, name: str) -> None:
        with suppress(FileNotFoundError):
            self._folder.delete_file(self._prefix + name)
