"""Rows counted in files as they stand, without Spark."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from payerlake.storage.folder import Folder
from payerlake.writers import standing


@pytest.mark.parametrize("chunk", [1, 2, 3, 7, 1 << 20])
@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("", 0),
        ("a,b\n", 0),
        ("a,b\n1,2\n", 1),
        ("a,b\n1,\n,\n", 2),
        ('a,b\n"two\nlines",2\n3,4\n', 2),
        ('a,b\n"said ""no""\n",2\n3,""\n', 2),
        ('a,b\n"""\n""",2\n3,"\n\n"\n', 2),
    ],
)
def test_csv_records_are_counted_whatever_is_in_quotes(
    text: str, rows: int, chunk: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standing, "_CHUNK", chunk)
    (tmp_path / "a.csv").write_text(text)
    (tmp_path / "b.csv").write_text("a,b\n1,2\n")
    assert standing.csv_rows(Folder(str(tmp_path)), ["a.csv", "b.csv"]) == rows + 1


def test_parquet_rows_are_those_of_the_footers(tmp_path: Path) -> None:
    for name, rows in (("a", 3), ("b", 0), ("c", 70_000)):
        parquet.write_table(pa.table({"x": range(rows)}), tmp_path / f"{name}.parquet")
    folder = Folder(str(tmp_path))
    footers = standing.parquet_footers(folder, folder.files())
    assert {name: (footer.rows, footer.bytes) for name, footer in footers.items()} == {
        f"{name}.parquet": (rows, (tmp_path / f"{name}.parquet").stat().st_size)
        for name, rows in (("a", 3), ("b", 0), ("c", 70_000))
    }
    assert (footers["c.parquet"].ranges, footers["c.parquet"].nulls) == ({"x": (0, 69_999)}, {"x": 0})
