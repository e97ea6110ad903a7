"""Progress on a terminal, while something runs: a line for what is set up, a bar of all tables and one for each that is
being written, with rows and time; a bar of suites. Nothing where standard error is no terminal.

What is done leaves the screen, so that what runs is seen in a small terminal too; the command says at the end what came
of it. A line fits into 80 columns.

How far Spark is, is read from the files that it has finished in the staging folder: that needs no listener in the
engine and is the same in local mode, on a cluster and over Spark Connect.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from rich.console import Console
from rich.progress import BarColumn, ProgressColumn, Task, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars
from rich.table import Column
from rich.text import Text

from payerlake.storage.folder import Folder

_EVERY_SECONDS = 0.5
_UNFINISHED = ("/_temporary/0/_temporary/", "_delta_log/")
_ROWS = "rows"
_SMALLEST_FILE = 16  # bytes; a Parquet file that is being written shows 4 until it is closed

Step = Callable[[str, int], None]


class _Amount(ProgressColumn):
    """So many suites of how many; of a table the rows so far, about, which its files tell."""

    def render(self, task: Task) -> Text:
        unit = task.fields["unit"]
        if not unit or task.total is None:
            return Text("")
        amount = f"~{task.completed:,.0f}" if unit == _ROWS else f"{task.completed:,.0f} of {task.total:,.0f}"
        return Text(f"{amount} {unit}", justify="right")


class Progress:
    """Bars for one run. `quiet` for a console that is no terminal, or where nobody looks."""

    def __init__(self, quiet: bool | None = None) -> None:
        console = _console()
        self._quiet = (not console.is_terminal) if quiet is None else quiet
        columns = (
            TextColumn("{task.description}", table_column=Column(width=32, no_wrap=True, overflow="ellipsis")),
            BarColumn(16),
            _Amount(table_column=Column(width=19, no_wrap=True)),
            TimeElapsedColumn(table_column=Column(no_wrap=True)),
        )
        self._bars = Bars(*columns, console=console, transient=True, disable=self._quiet)

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
            self._bars.remove_task(task)

    @contextmanager
    def writing(self, label: str, staged: Folder | None, rows: float | None, files: int) -> Iterator[None]:
        """A bar for one table in one format, until it is written.

        It pulses while the table is planned, and where nobody knows how many rows it will have.
        """
        task = self._bars.add_task(label, total=None, unit=_ROWS)
        done = threading.Event()
        if staged is not None and rows is not None and not self._quiet:
            threading.Thread(target=self._watch, args=(task, staged, rows, files, done), daemon=True).start()
        try:
            yield
        finally:
            done.set()
            self._bars.remove_task(task)

    def _watch(self, task: TaskID, staged: Folder, rows: float, files: int, done: threading.Event) -> None:
        before = _finished(staged)
        while not done.wait(_EVERY_SECONDS):
            share = min(1.0, (_finished(staged) - before) / files)
            with suppress(KeyError):  # done meanwhile, and gone
                if share:
                    self._bars.update(task, total=max(rows, 1), completed=share * rows)

    @contextmanager
    def steps(self, label: str, unit: str) -> Iterator[Step]:
        """A bar for a number of steps, until the last ends; each is told as it ends, by its name and of how many it is
        one."""
        task = self._bars.add_task(label, total=None, unit=unit)
        try:
            yield lambda name, total: self._bars.update(task, total=total, advance=1, description=f"{label}: {name}")
        finally:
            self._bars.remove_task(task)


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
