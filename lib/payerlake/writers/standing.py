"""What stands in files, as this process sees them: what executors wrote elsewhere is not there."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from payerlake.storage.folder import Folder

_AT_ONCE = 16  # files whose ends are read at the same time; a distant one takes tens of milliseconds
_CHUNK = 1 << 24


@dataclass(frozen=True)
class Footer:
    """What a Parquet file says of itself. ranges: least and greatest value, by column, where it says so."""

    bytes: int
    rows: int
    nulls: Mapping[str, int]
    ranges: Mapping[str, tuple[Any, Any]]


def parquet_footers(folder: Folder, sizes: Mapping[str, int]) -> dict[str, Footer]:
    """By name of the file; sizes: their bytes."""

    def footer(name: str) -> Footer:
        with folder.opened(name) as file:
            found = parquet.read_metadata(file)
        return Footer(sizes[name], found.num_rows, *_columns(found))

    return dict(zip(sizes, _each(footer, sizes), strict=True))


def csv_rows(folder: Folder, names: Iterable[str]) -> int:
    """Records below the headers: the line breaks that no quotes enclose."""

    def rows(name: str) -> int:
        found, quoted = 0, False
        with folder.opened(name) as file:
            while chunk := file.read(_CHUNK):
                outside = chunk.split(b'"')
                found += sum(text.count(b"\n") for text in outside[quoted::2])
                quoted ^= len(outside) % 2 == 0
        return max(0, found - 1)

    return sum(_each(rows, names))


def have_header(folder: Folder, names: Iterable[str], header: str) -> bool:
    """Whether this is the first line of each of the files."""
    line = header.encode()

    def has_it(name: str) -> bool:
        start = folder.beginning(name, len(line) + 1)
        return start[: len(line)] == line and start[len(line) :] in (b"", b"\n", b"\r")

    return all(_each(has_it, names))


def _columns(found: parquet.FileMetaData) -> tuple[dict[str, int], dict[str, tuple[Any, Any]]]:
    """Nulls, and least and greatest values, of the columns for which every group of rows tells them."""
    groups = [found.row_group(i) for i in range(found.num_row_groups)]
    nulls: dict[str, int] = {}
    ranges: dict[str, tuple[Any, Any]] = {}
    for i, name in enumerate(found.schema.names):
        told = [group.column(i).statistics for group in groups]
        if not told or not all(one is not None and one.has_null_count for one in told):
            continue
        nulls[name] = sum(one.null_count for one in told)
        valued = [one for one in told if one.has_min_max]
        if valued and sum(one.num_values for one in valued) == found.num_rows - nulls[name]:
            sides = _ends(valued)
            if sides and not any(isinstance(side, float) and math.isnan(side) for side in sides):
                ranges[name] = (_plain(sides[0]), _plain(sides[1]))
    return nulls, ranges


def _ends(valued: Sequence[parquet.Statistics]) -> tuple[Any, Any] | None:
    """The least and the greatest value; None where this pyarrow cannot read them, as 14 cannot read decimals."""
    try:
        return min(one.min for one in valued), max(one.max for one in valued)
    except pa.ArrowNotImplementedError:
        return None


def _plain(value: Any) -> Any:
    """As JSON has it: a date in ISO's form, a decimal as a number."""
    if isinstance(value, date):
        return value.isoformat()
    return float(value) if isinstance(value, Decimal) else value


def _each(work: Callable[[str], Any], names: Iterable[str]) -> list[Any]:
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(work, names))
