"""Files and folders at any URL.

The only module that lists, reads, writes, moves or deletes files, always over fsspec, so that `--out` may be
a local path, `s3://…`, `abfs://…`, `memory://…` or whatever else has an fsspec driver installed.
"""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

import fsspec

from payerlake.errors import BadInput, EngineFailed, cause

MANIFEST = "manifest.json"

# Stands in a folder from its staging until its manifest is written: such a folder is ours and incomplete.
UNPUBLISHED = "_unpublished"
_LOCAL = {"file", "local"}
# Here a folder moves by one rename. Elsewhere it is copied file by file, so the order of the files matters.
_RENAMES_FOLDERS = _LOCAL | {"hdfs", "webhdfs", "dbfs"}
# Here a renaming does not replace what stands at the new name; WebHDFS does not even say so.
_REPLACES_NOTHING = {"hdfs", "webhdfs"}
_DELETES_FOLDERS = {"hdfs", "webhdfs"}  # whole, in one operation


class Folder:
    """A folder at a URL, which need not exist. Raises BadInput for a URL that no installed driver understands."""

    def __init__(self, url: str) -> None:
        try:
            self._fs, path = fsspec.core.url_to_fs(url)
        except (ValueError, ImportError, OSError, TypeError) as error:
            raise BadInput(
                f"{url}: no file system for this URL ({cause(error)}); give a path or s3://, abfs://, gs://, webhdfs://…"
            ) from error
        self.url = url.rstrip("/") or "/"
        self._path = path.rstrip("/")

    def __str__(self) -> str:
        return self.url

    def __truediv__(self, name: str) -> Folder:
        return Folder(f"{self.url.rstrip('/')}/{name}")

    @property
    def is_local(self) -> bool:
        """Whether its files are of this machine."""
        return bool(_LOCAL & self._protocols)

    @property
    def _protocols(self) -> set[str]:
        names = self._fs.protocol
        return {names} if isinstance(names, str) else set(names)

    @property
    def spark_url(self) -> str:
        """The URL for Spark: absolute, and of the local file system even where a cluster's default is another."""
        volume = self._path.startswith("/Volumes/")  # Databricks serves these under their bare path only
        return f"file://{self._path}" if self.is_local and not volume else self._path if volume else self.url

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

    def children(self, prefix: str) -> list[str]:
        """Names of the files and folders in it that begin so, sorted."""
        self._fs.invalidate_cache()
        found = self._fs.ls(self._path, detail=False) if self._fs.exists(self._path) else []
        names = sorted(PurePosixPath(path).name for path in found)
        return [name for name in names if name.startswith(prefix)]

    def is_empty(self) -> bool:
        """No file at any depth, or no folder at all."""
        return not self.files()

    def has(self, name: str) -> bool:
        self._fs.invalidate_cache()
        return bool(self._fs.isfile(self._at(name)))

    def make(self) -> None:
        self._fs.makedirs(self._path, exist_ok=True)

    def read_text(self, name: str) -> str:
        return str(self._fs.read_bytes(self._at(name)), "utf-8")

    def write_text(self, name: str, text: str) -> None:
        """Write a file whole or not at all: under a temporary name first, then renamed."""
        self._fs.pipe_file(_made(self, f"{name}.tmp"), text.encode())
        self.rename_file(f"{name}.tmp", name)

    def overwrite_text(self, name: str, text: str) -> None:
        """Write a file in the place of what stands there: whole or not at all, save on HDFS."""
        if not self.is_local:
            self._fs.pipe_file(self._at(name), text.encode())
            return
        self._fs.pipe_file(self._at(f"{name}_new"), text.encode())
        os.replace(self._at(f"{name}_new"), self._at(name))

    @contextmanager
    def opened(self, name: str) -> Iterator[IO[bytes]]:
        """A file of the folder, to be read."""
        with self._fs.open(self._at(name), "rb") as file:
            yield file

    def beginning(self, name: str, size: int) -> bytes:
        """The first bytes of a file, so many or as many as there are: of a distant one no more are fetched."""
        return bytes(self._fs.cat_file(self._at(name), start=0, end=size))

    def rename_file(self, name: str, to: str) -> None:
        """Rename a file inside the folder; a file that stands at `to` is replaced."""
        if _REPLACES_NOTHING & self._protocols and self.has(to):
            self.delete_file(to)
        self._fs.mv(self._at(name), self._at(to))

    def delete_file(self, name: str) -> None:
        self._fs.rm_file(self._at(name))

    def delete(self) -> None:
        """Delete the folder and all it holds, so that what a kill leaves is still known as ours and incomplete."""
        if self.has(MANIFEST):
            self.delete_file(MANIFEST)
        if self.has(UNPUBLISHED) and not _DELETES_FOLDERS & self._protocols:
            rest = [self._at(name) for name in self.files() if name != UNPUBLISHED]
            if rest:
                self._fs.rm(rest)
        if self.exists():
            self._fs.rm(self._path, recursive=True)

    def move_to(self, other: Folder) -> None:
        """Move the whole folder to `other`, of the same file system, where nothing may stand.

        Raises FileExistsError where something does, which a renaming would be moved into.
        """
        if _RENAMES_FOLDERS & self._protocols:
            if other.exists():
                raise FileExistsError(f"{other} stands there already")
            if self._renamed_to(other):
                return
        for name in sorted(self.files(), key=lambda name: (name == MANIFEST, name != UNPUBLISHED, name)):
            self._fs.cp_file(self._at(name), _made(other, name))
        self.delete()

    def _renamed_to(self, other: Folder) -> bool:
        """Whether one rename moved the folder: not from a layer below in a container, which only copies can leave."""
        if not self.is_local:
            self._fs.mv(self._path, other._path, recursive=True)
            return True
        try:
            os.rename(self._path, other._path)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            return False
        return True

    def is_a_way_elsewhere(self) -> bool:
        """Whether it is a symbolic link, or another disk begins there: then it cannot be renamed."""
        return self.is_local and (os.path.islink(self._path) or os.path.ismount(self._path))

    def is_around_this_process(self) -> bool:
        """Whether the current folder is this one or lies in it."""
        return self.is_local and Path.cwd().is_relative_to(Path(self._path).resolve())

    def upload(self, local: Path) -> None:
        """Copy every file of a local folder into this one, under the same relative names."""
        for path in sorted(p for p in local.rglob("*") if p.is_file()):
            self._fs.put_file(str(path), _made(self, path.relative_to(local).as_posix()))

    @contextmanager
    def local_file(self, name: str) -> Iterator[Path]:
        """A file of the folder itself where it is one of this machine, else a copy for the time of the block.

        Raises EngineFailed where it cannot be copied.
        """
        if self.is_local:
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

    def _at(self, name: str) -> str:
        return f"{self._path}/{name}"

    def _relative(self, path: str) -> str:
        return path[len(self._path) :].lstrip("/")


def _made(folder: Folder, name: str) -> str:
    """The path of `name` in the folder, after its parent folder has been made."""
    path = folder._at(name)
    folder._fs.makedirs(path.rsplit("/", 1)[0], exist_ok=True)
    return path
