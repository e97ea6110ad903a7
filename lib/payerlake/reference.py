"""Code lists of `conf/reference`: CSV whose first lines, beginning with `#`, name source and year."""

from __future__ import annotations

import csv
from functools import cache

from payerlake.resources import resource


@cache
def rows(name: str) -> tuple[dict[str, str], ...]:
    """The rows of `conf/reference/NAME.csv`, every value as text."""
    with resource("conf", "reference", f"{name}.csv").open(encoding="utf-8", newline="") as file:
        lines = (line for line in file if not line.startswith("#"))
        return tuple(csv.DictReader(lines))
