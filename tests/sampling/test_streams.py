"""Every random stream has one purpose: one module asks for it, whatever table needs its values."""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path
from types import FrameType

import pytest
from pyspark.sql import SparkSession

import payerlake
from payerlake import registry
from payerlake.sampling import draws
from payerlake.sampling.draws import Draws


def _asker(frame: FrameType | None) -> str:
    """The nearest module that is not the one of the draws."""
    while frame and frame.f_code.co_filename == draws.__file__:
        frame = frame.f_back
    assert frame is not None
    return Path(frame.f_code.co_filename).name


@pytest.mark.thorough
@pytest.mark.parametrize("dataset", registry.datasets())
def test_no_two_purposes_share_a_stream(spark: SparkSession, dataset: str, monkeypatch: pytest.MonkeyPatch) -> None:
    askers: dict[tuple[str, ...], set[str]] = defaultdict(set)
    stream = Draws.stream

    def asked(self: Draws, table: str, column: str, draw: str = "") -> int:
        askers[self.dataset, table, column, draw].add(_asker(sys._getframe(1)))
        return stream(self, table, column, draw)

    monkeypatch.setattr(Draws, "stream", asked)
    payerlake.tables(spark, dataset, members=300)
    assert len(askers) > 1
    assert {name: by for name, by in askers.items() if len(by) > 1} == {}
