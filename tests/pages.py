"""The pages of the datasets, README.md in `lib/payerlake/DATASET`: their tables, from the contracts.

`make pages` writes them between the two marks in each page; what stands around them is written by hand.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from payerlake import dictionary, registry
from payerlake.contract import settings
from payerlake.contract.schema import Table
from payerlake.registry import Dataset

PACKAGE = Path(__file__).parent.parent / "lib" / "payerlake"
SCALES = ("tiny", "demo", "small", "documented", "large")
_BETWEEN = re.compile(r"(?<=<!-- tables -->\n).*?(?=<!-- /tables -->)", re.DOTALL)


def path(dataset: str) -> Path:
    """The page of a dataset."""
    return PACKAGE / dataset / "README.md"


def with_tables(dataset: str, page: str) -> str:
    """The page with its tables as the contracts have them. Raises ValueError where the marks are missing."""
    text, found = _BETWEEN.subn(lambda _: tables(registry.dataset(dataset)), page)
    if found != 1:
        raise ValueError(f"{path(dataset)}: has no place for the tables; write <!-- tables --> and <!-- /tables -->")
    return text


def tables(dataset: Dataset) -> str:
    """The scales and the tables of a dataset in Markdown: first all tables, then each with its columns."""
    overview = [_linked(row) for row in dictionary.tables([dataset])]
    parts = [_scales(dataset), _markdown(dictionary.TABLE_HEADINGS, overview)]
    return "\n" + "\n".join([*parts, *map(_columns, dataset.in_order())]) + "\n"


def _scales(dataset: Dataset) -> str:
    members = {name: settings.load(dataset.settings, scale=name).members for name in SCALES}
    return f"Members by `--scale`: {', '.join(f'{name} {number:,}' for name, number in members.items())}.\n"


def _linked(row: Sequence[str]) -> Sequence[str]:
    """The row of a table, with its name a link to its columns."""
    full_name, *others = row
    name = full_name.partition(".")[2]
    return (f"[`{name}`](#{name})", *others)


def _columns(table: Table) -> str:
    """The heading of a table, its grain and key, and its columns."""
    key = ", ".join(f"`{name}`" for name in table.key)
    facts = f"{table.grain}. Key: {key}. Rows: {table.documented_rows}. CSV: `{table.csv_stem}`."
    rows = [(f"`{name}`", *others) for name, *others in dictionary.columns(table)]
    return f"### `{table.name}`\n\n{facts}\n\n{_markdown(dictionary.COLUMN_HEADINGS, rows)}"


def _markdown(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return "".join(map(_line, [headings, ["---"] * len(headings), *rows]))


def _line(cells: Iterable[str]) -> str:
    escaped = (cell.replace("|", r"\|") for cell in cells)
    return "|" + "".join(f" {cell} |" if cell else " |" for cell in escaped) + "\n"


def main() -> None:
    """Write the tables into every page."""
    for name in registry.datasets():
        page = path(name)
        page.write_text(with_tables(name, page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
