"""Code lists of `conf/reference`: CSV whose first lines, beginning with `#`, name source and year."""

from __future__ import annotations

import csv
import io
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from payerlake.resources import members, resource

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable


@cache
def rows(name: str) -> tuple[dict[str, str], ...]:
    """The rows of `conf/reference/NAME.csv`, every value as text. BadInput where there is no such list."""
    return _read(resource("conf", "reference", f"{name}.csv"))


def rows_of(source: str) -> tuple[dict[str, str], ...]:
    """The rows of a list by its name in `conf/reference`, or of a user's CSV file. ValueError for neither."""
    known = members(resource("conf", "reference"), ".csv")
    try:
        return _read(known.get(source, Path(source)))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise ValueError(f"neither a list of conf/reference nor a CSV file that can be read ({reason})") from error


def _read(place: Traversable) -> tuple[dict[str, str], ...]:
    text = io.StringIO(place.read_bytes().decode("utf-8"), newline="")  # csv sees to the ends of lines itself
    return tuple(csv.DictReader(line for line in text if not line.startswith("#")))
