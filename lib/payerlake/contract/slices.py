"""A part of a dataset: what one of several runs makes of it, so that together they make the whole."""

from __future__ import annotations

import re
from dataclasses import dataclass

from payerlake.errors import BadInput

_TEXT = re.compile(r"(\d+)/(\d+)")


@dataclass(frozen=True)
class Slice:
    """Part I of N, from 1; the text of it is I/N."""

    part: int = 1
    parts: int = 1

    @classmethod
    def parse(cls, text: str) -> Slice:
        """The slice of this text. Raises BadInput where it is none."""
        match = _TEXT.fullmatch(str(text))
        part, parts = (int(match[1]), int(match[2])) if match else (0, 0)
        if not 1 <= part <= parts:
            raise BadInput(f"--slice {text}: not I/N with I from 1 to N, for example --slice 1/10")
        return cls(part, parts)

    def __str__(self) -> str:
        return f"{self.part}/{self.parts}"

    @property
    def is_whole(self) -> bool:
        """Whether it is all there is."""
        return self.parts == 1

    def cut(self, count: int) -> tuple[int, int]:
        """Of so many keys from 0 the first of this part, and the first of the next."""
        return count * (self.part - 1) // self.parts, count * self.part // self.parts
