"""Progress on a terminal: a bar a table with rows, rate and time to go; nothing where standard error is no terminal.

How far Spark is, is read from the files that it has finished in the staging folder: that needs no listener in the
engine and is the same in local mode, on a cluster and over Spark Connect.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, ProgressColumn, Task, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bars
from rich.text import Text

from payerlake.storage import Folder

_EVERY_SECONDS = 0.5
_UNFINISHED = ("/_temporary/0/_temporary/", "_delta_log/")
_SMALLEST_FILE = 16  # bytes; a Parquet file that is being written shows 4 until it is closed


class _Rows(ProgressColumn):
    def render(self, task: Task) -> Text:
        rate = f" · {task.speed:,.0f}/s" if task.speed else ""
        return Text(f"{task.completed:>13,.0f} rows{rate}")


class Progress:
    """Bars for one run. `quiet` for a console that is no terminal, or where nobody looks."""

    def __init__(self, quiet: bool | None = None) -> None:
        console = Console(stderr=True)
        self._quiet = (not console.is_terminal) if quiet is None else quiet
        columns = (
            TextColumn("{task.description:32}"),
            BarColumn(28),
            _Rows(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
        )
        self._bars = Bars(*columns, console=console, transient=False, disable=self._quiet)

    def __enter__(self) -> Progress:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    @contextmanager
    def writing(self, label: str, staged: Folder | None, rows: float, files: int) -> Iterator[Callable[[int], None]]:
        """A bar for one table in one format. The caller ends it with the number of rows that were written."""
        task = self._bars.add_task(label, total=max(rows, 1))
        done = threading.Event()
        if staged is not None and not self._quiet:
            threading.Thread(target=self._watch, args=(task, staged, rows, files, done), daemon=True).start()
        try:
            yield lambda written: self._bars.update(task, total=max(written, 1), completed=max(written, 1))
        finally:
            done.set()

    def _watch(self, task: TaskID, staged: Folder, rows: float, files: int, done: threading.Event) -> None:
        before = _finished(staged)
        while not done.wait(_EVERY_SECONDS):
            share = min(1.0, (_finished(staged) - before) / files)
            if not done.is_set():
                self._bars.update(task, completed=share * rows)

    @contextmanager
    def steps(self, label: str) -> Iterator[Callable[[str, int, int], None]]:
        """A bar for a known number of steps; the caller tells name, place (from 1) and number of each as it ends."""
        task = self._bars.add_task(label, total=None)
        yield lambda name, place, total: self._bars.update(task, total=total, completed=place)


def _finished(staged: Folder) -> int:
    """Data files that Spark has closed. A file that vanishes between listing and sizing is one being moved."""
    return sum(
        1
        for name, size in staged.files().items()
        if size > _SMALLEST_FILE
        and name.endswith((".csv", ".parquet"))
        and not any(u in f"/{name}" for u in _UNFINISHED)
    )
