"""Progress on a terminal, from the first second: a line for what is set up, a bar a table with rows, rate and time
to go, a bar of suites; nothing where standard error is no terminal.

How far Spark is, is read from the files that it has finished in the staging folder: that needs no listener in the
engine and is the same in local mode, on a cluster and over Spark Connect.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, ProgressColumn, Task, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bars
from rich.text import Text

from payerlake.storage.folder import Folder

_EVERY_SECONDS = 0.5
_UNFINISHED = ("/_temporary/0/_temporary/", "_delta_log/")
_ROWS = "rows"
_SMALLEST_FILE = 16  # bytes; a Parquet file that is being written shows 4 until it is closed


class _Amount(ProgressColumn):
    """So many rows or suites, and of rows how many a second."""

    def render(self, task: Task) -> Text:
        unit = task.fields["unit"]
        if not unit or (task.total is None and not task.completed):
            return Text("")
        rate = f" · {task.speed:,.0f}/s" if task.speed and unit == _ROWS else ""
        return Text(f"{task.completed:>13,.0f} {unit}{rate}")


class Progress:
    """Bars for one run. `quiet` for a console that is no terminal, or where nobody looks."""

    def __init__(self, quiet: bool | None = None) -> None:
        console = _console()
        self._quiet = (not console.is_terminal) if quiet is None else quiet
        columns = (
            TextColumn("{task.description:32}"),
            BarColumn(28),
            _Amount(),
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
    def doing(self, label: str) -> Iterator[None]:
        """A line for what takes a while and has no measure, until it is done."""
        task = self._bars.add_task(label, total=None, unit="")
        try:
            yield
        finally:
            self._bars.update(task, total=1, completed=1)

    @contextmanager
    def writing(self, label: str, staged: Folder | None, rows: float, files: int) -> Iterator[Callable[[int], None]]:
        """A bar for one table in one format, that pulses while the table is planned. The caller ends it with the number
        of rows that were written."""
        task = self._bars.add_task(label, total=None, unit=_ROWS)
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
            if share and not done.is_set():
                self._bars.update(task, total=max(rows, 1), completed=share * rows)

    @contextmanager
    def steps(self, label: str, unit: str) -> Iterator[Callable[[str, int, int], None]]:
        """A bar for a known number of steps; the caller tells name, place (from 1) and number of each as it ends."""
        task = self._bars.add_task(label, total=None, unit=unit)
        yield lambda name, place, total: self._bars.update(
            task, total=total, completed=place, description=label if place == total else f"{label}: {name}"
        )


def _console() -> Console:
    """Standard error; a terminal under a descriptor of its own, since what Spark writes as it starts goes to a log."""
    if not sys.stderr.isatty():
        return Console(stderr=True)
    return Console(file=os.fdopen(os.dup(sys.stderr.fileno()), "w", encoding=sys.stderr.encoding))


def _finished(staged: Folder) -> int:
    """Data files that Spark has closed. A file that vanishes between listing and sizing is one being moved."""
    return sum(
        1
        for name, size in staged.files().items()
        if size > _SMALLEST_FILE
        and name.endswith((".csv", ".parquet"))
        and not any(u in f"/{name}" for u in _UNFINISHED)
    )
