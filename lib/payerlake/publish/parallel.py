"""Several of Spark's jobs at once: while it computes one, Python prepares the next."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

_AT_ONCE = 3  # with two, a fifth of two cores is idle
T = TypeVar("T")


def at_once(jobs: Iterable[Callable[[], T]]) -> list[T]:
    """What the jobs return, in their order. One that raises ends it, and those not begun with it."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        futures = [pool.submit(job) for job in jobs]
        try:
            return [future.result() for future in futures]
        finally:
            pool.shutdown(cancel_futures=True)
