"""Ways to time: pairs in turn in one run, whole commands with their memory, medians of what was seen."""

from __future__ import annotations

import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import psutil


@dataclass(frozen=True)
class Pair:
    """Medians of two timings in seconds, and the median of their ratios pair by pair."""

    ours: float
    theirs: float
    ratio: float


@dataclass(frozen=True)
class Command:
    """A finished command: seconds from start to end, peak memory of its processes together in MB, and its output."""

    seconds: float
    megabytes: float
    output: str


def pair(ours: Callable[[], object], theirs: Callable[[], object], count: int) -> Pair:
    """Time two functions in turn: one pair to warm up, then `count` that are counted.

    The machine's speed drifts, so only timings of one pair are compared.
    """
    timings = [(_seconds(ours), _seconds(theirs)) for _ in range(count + 1)][1:]
    first, second = zip(*timings, strict=True)
    ratios = [a / b for a, b in timings]
    return Pair(statistics.median(first), statistics.median(second), statistics.median(ratios))


def command(arguments: Sequence[str]) -> Command:
    """Run `payerlake ARGUMENTS` as a process of its own. Raises where it fails."""
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "payerlake.cli", *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    peak = [0.0]
    watcher = threading.Thread(target=_watch, args=(process, peak), daemon=True)
    watcher.start()
    output, _ = process.communicate()
    seconds = time.monotonic() - began
    watcher.join()
    if process.returncode:
        raise RuntimeError(f"payerlake {' '.join(arguments)} ended with {process.returncode}: {output}")
    return Command(seconds, peak[0], output)


def _seconds(function: Callable[[], object]) -> float:
    began = time.monotonic()
    function()
    return time.monotonic() - began


def _watch(process: subprocess.Popen[str], peak: list[float]) -> None:
    """Highest sum of resident memory of the process and all below it, looked at four times a second."""
    while process.poll() is None:
        try:
            family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
            peak[0] = max(peak[0], sum(member.memory_info().rss for member in family) / 2**20)
        except psutil.NoSuchProcess:  # it ended between two looks
            continue
        time.sleep(0.25)
