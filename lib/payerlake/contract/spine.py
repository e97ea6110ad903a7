"""What rows are counted by: datasets are made, sliced and laid into files in ranges of a spine's keys."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from payerlake.contract.slices import Slice


@dataclass(frozen=True)
class Spine:
    """Keys from 0, as many as the settings say.

    number: from the settings, how many; None where a table has as many rows whatever the settings count. per_file: from
    the settings and a table's name, of how many keys a file of it has the rows. setting: what to raise to have more.
    smallest: of how many keys a part consists at least, and `undivided`, why. in_parts: whether parts have its tables.
    """

    name: str
    number: Callable[[Any], int] | None = None
    per_file: Callable[[Any, str], int] | None = None
    setting: str = ""
    smallest: int = 1
    undivided: str = ""
    in_parts: bool = True

    def part(self, settings: Any, part: Slice) -> tuple[int, int]:
        """The first key of this part, and the first of the next."""
        return part.cut(self.number(settings) if self.number else 0)

    def files(self, settings: Any, table: str, keys: int) -> int:
        """How many files a table of so many keys is laid into."""
        return files_for(keys, self.per_file(settings, table)) if self.per_file else 1


def files_for(keys: int, per_file: int) -> int:
    """How many files of so many keys each; one at least."""
    return max(1, math.ceil(keys / per_file))


REFERENCE = Spine("reference")
"""As many rows whatever the members, but for some of which there are a bounded number; whole in every part."""

WHOLE = Spine("whole", in_parts=False)
"""Sums up the whole dataset."""
