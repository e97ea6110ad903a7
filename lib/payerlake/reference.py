"""Code lists of `conf/reference`: CSV whose first lines, beginning with `#`, name source and year."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

from payerlake.resources import resource


@cache
def rows(name: str) -> tuple[dict[str, str], ...]:
    """The rows of `conf/reference/NAME.csv`, every value as text."""
    return _read(resource("conf", "reference", f"{name}.csv"))


def rows_of(source: str) -> tuple[dict[str, str], ...]:
    """The rows of a list by its name in `conf/reference`, or of a user's CSV file. ValueError for neither."""
    known = resource("conf", "reference", f"{source}.csv")
    try:
        return _read(known if known.exists() else Path(source))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise ValueError(f"neither a list of conf/reference nor a CSV file that can be read ({reason})") from error


def _read(path: Path) -> tuple[dict[str, str], ...]:
    with path.open(encoding="utf-8", newline="") as file:
        lines = (line for line in file if not line.startswith("#"))
        return tuple(csv.DictReader(lines))
