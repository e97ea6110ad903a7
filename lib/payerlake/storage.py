"""Files and folders at any URL, and the publishing of a dataset's folder as a whole.

The only module that lists, reads, writes, moves or deletes files, always over fsspec, so that `--out` may be
a local path, `s3://…`, `abfs://…`, `memory://…` or whatever else has an fsspec driver installed.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

import fsspec

from payerlake.errors import BadInput, EngineFailed

MANIFEST = "manifest.json"
MODES = ("error", "overwrite")

# Stands in a folder from its staging until its manifest is written: such a folder is ours and incomplete.
_UNPUBLISHED = "_unpublished"
_LOCAL = {"file", "local"}
# Here a folder moves by one rename. Elsewhere it is copied file by file, so the order of the files matters.
_RENAMES_FOLDERS = _LOCAL | {"hdfs", "webhdfs", "dbfs"}


class Folder:
    """A folder at a URL, which need not exist. Raises BadInput for a URL that no installed driver understands."""

    def __init__(self, url: str) -> None:
        try:
            self._fs, path = fsspec.core.url_to_fs(url)
        except (ValueError, ImportError) as error:
            raise BadInput(
                f"{url}: no file system for this URL ({error}); give a path or s3://, abfs://, gs://…"
            ) from error
        self.url = url.rstrip("/") or "/"
        self._path = path.rstrip("/")

    def __str__(self) -> str:
        return self.url

    def __truediv__(self, name: str) -> Folder:
        return Folder(f"{self.url.rstrip('/')}/{name}")

    @property
    def spark_url(self) -> str:
        """The URL for Spark: absolute, and of the local file system even where a cluster's default is another."""
        volume = self._path.startswith("/Volumes/")  # Databricks serves these under their bare path only
        return f"file://{self._path}" if _is_local(self._fs) and not volume else self._path if volume else self.url

    def exists(self) -> bool:
        self._fs.invalidate_cache()  # Spark writes behind fsspec's back
        return bool(self._fs.exists(self._path))

    def is_file(self) -> bool:
        self._fs.invalidate_cache()
        return bool(self._fs.isfile(self._path))

    def files(self) -> dict[str, int]:
        """Bytes by path relative to the folder, hidden files too, sorted; empty where the folder does not exist."""
        self._fs.invalidate_cache()
        found = self._fs.find(self._path, detail=True)
        return {self._relative(path): int(found[path]["size"] or 0) for path in sorted(found)}

    def is_empty(self) -> bool:
        """No file at any depth, or no folder at all."""
        return not self.files()

    def has(self, name: str) -> bool:
        self._fs.invalidate_cache()
        return bool(self._fs.isfile(self._at(name)))

    def make(self) -> None:
        self._fs.makedirs(self._path, exist_ok=True)

    def read_text(self, name: str) -> str:
        return self._fs.read_bytes(self._at(name)).decode()

    def write_text(self, name: str, text: str) -> None:
        """Write a file whole or not at all: under a temporary name first, then renamed."""
        self._fs.pipe_file(_made(self, f"{name}.tmp"), text.encode())
        self.rename_file(f"{name}.tmp", name)

    def rename_file(self, name: str, to: str) -> None:
        """Rename a file inside the folder; a file that stands at `to` is replaced."""
        self._fs.mv(self._at(name), self._at(to))

    def delete_file(self, name: str) -> None:
        self._fs.rm_file(self._at(name))

    def delete(self) -> None:
        """Delete the folder and all it holds, so that what a kill leaves is still known as ours and incomplete."""
        if self.has(MANIFEST):
            self.delete_file(MANIFEST)
        rest = [self._at(name) for name in self.files() if name != _UNPUBLISHED]
        if rest and self.has(_UNPUBLISHED):
            self._fs.rm(rest)
        if self.exists():
            self._fs.rm(self._path, recursive=True)

    def move_to(self, other: Folder) -> None:
        """Move the whole folder to `other`, of the same file system, where nothing may stand."""
        if _RENAMES_FOLDERS & set(_protocols(self._fs)):
            self._fs.mv(self._path, other._path, recursive=True)
            return
        for name in sorted(self.files(), key=lambda name: (name == MANIFEST, name != _UNPUBLISHED, name)):
            self._fs.cp_file(self._at(name), _made(other, name))
        self.delete()

    def upload(self, local: Path) -> None:
        """Copy every file of a local folder into this one, under the same relative names."""
        for path in sorted(p for p in local.rglob("*") if p.is_file()):
            self._fs.put_file(str(path), _made(self, path.relative_to(local).as_posix()))

    @contextmanager
    def local_file(self, name: str) -> Iterator[Path]:
        """A file of the folder itself where it is one of this machine, else a copy for the time of the block.

        Raises EngineFailed where it cannot be copied.
        """
        if _is_local(self._fs):
            yield Path(self._at(name))
            return
        with tempfile.TemporaryDirectory(prefix="payerlake-") as folder:
            copy = Path(folder, PurePosixPath(name).name)
            try:
                self._fs.get_file(self._at(name), str(copy))
            except OSError as error:
                raise EngineFailed(f"{self / name}: could not be read ({error})") from error
            yield copy

    def sweep(self) -> None:
        """Delete what Hadoop leaves beside the data: `_SUCCESS` and the hidden `.….crc` of a local file system."""
        for name in self.files():
            base = PurePosixPath(name).name
            if base == "_SUCCESS" or (base.startswith(".") and base.endswith(".crc")):
                self.delete_file(name)

    def require_writable(self) -> None:
        """Create the folder if need be and try a file in it. Raises BadInput where either fails."""
        try:
            self.make()
            self.write_text(".payerlake", "")
            self.delete_file(".payerlake")
        except (OSError, ValueError) as error:
            raise BadInput(
                f"{self}: cannot write there ({error}); give a folder that this user may write to"
            ) from error

    def _at(self, name: str) -> str:
        return f"{self._path}/{name}"

    def _relative(self, path: str) -> str:
        return path[len(self._path) :].lstrip("/")


class Target:
    """The folder `OUT/DATASET`, staged beside itself and published whole.

    `check` before any Spark work, write into what `staged` yields, `publish` inside the same `with` block.
    A run that is killed at any point leaves the old data or none; the next `check` clears its leftovers.
    One run at a time may write a dataset of one folder.
    """

    def __init__(self, out: str, dataset: str) -> None:
        self._out = Folder(out)
        self.folder = self._out / dataset
        self.staging = self._out / f".{dataset}.staging"
        self._replaced = self._out / f".{dataset}.replaced"

    def check(self, mode: str) -> None:
        """Clear up after a killed run, then raise BadInput unless the dataset may be published here."""
        if self._out.is_file():
            raise BadInput(f"--out {self._out}: is a file; give a folder")
        self._out.require_writable()
        self._recover()
        self._refuse_foreign()
        if self.is_published() and mode == "error":
            raise BadInput(
                f"{self.folder}: holds a published dataset; --mode overwrite replaces it, another --out keeps it"
            )

    def is_published(self) -> bool:
        return self.folder.has(MANIFEST)

    def read_manifest(self) -> str:
        """The manifest's text. Raises BadInput where nothing is published."""
        if not self.is_published():
            raise BadInput(f"{self.folder}: no {MANIFEST}, so no published dataset; run payerlake generate first")
        return self.folder.read_text(MANIFEST)

    @contextmanager
    def staged(self) -> Iterator[Folder]:
        """A new, empty staging folder; on the way out, published or not, nothing of it is left."""
        self.staging.delete()
        self.staging.write_text(_UNPUBLISHED, "")
        try:
            yield self.staging
        finally:
            self._recover()

    def publish(self, manifest: str) -> None:
        """Put the staged folder in the place of the old one and write its manifest last."""
        self._refuse_foreign()
        try:
            self._move_old_aside()
            self.staging.move_to(self.folder)
            self.folder.write_text(MANIFEST, manifest)
        except OSError as error:
            raise EngineFailed(f"{self.folder}: could not publish ({error}); the old data stand as before") from error

    def _move_old_aside(self) -> None:
        if self.is_published():
            self.folder.move_to(self._replaced)
        else:
            self.folder.delete()

    def _recover(self) -> None:
        """From any state between two steps of `publish` to one of: the new data, the old data, none."""
        if not self.is_published():
            if self.folder.has(_UNPUBLISHED):
                self.folder.delete()
            if self._replaced.has(MANIFEST):
                self._replaced.move_to(self.folder)
        elif self.folder.has(_UNPUBLISHED):
            self.folder.delete_file(_UNPUBLISHED)
        self._replaced.delete()
        self.staging.delete()

    def _refuse_foreign(self) -> None:
        ours = self.is_published() or self.folder.is_empty()
        if self.folder.is_file() or not ours:
            raise BadInput(
                f"{self.folder}: holds files that payerlake did not publish; move them or give another --out"
            )


def _protocols(fs: fsspec.AbstractFileSystem) -> tuple[str, ...]:
    return (fs.protocol,) if isinstance(fs.protocol, str) else tuple(fs.protocol)


def _is_local(fs: fsspec.AbstractFileSystem) -> bool:
    return bool(_LOCAL & set(_protocols(fs)))


def _made(folder: Folder, name: str) -> str:
    """The path of `name` in the folder, after its parent folder has been made."""
    path = folder._at(name)
    folder._fs.makedirs(path.rsplit("/", 1)[0], exist_ok=True)
    return path
