"""What the command line prints: tables, and what came of a command."""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any

import click
from pyspark.sql import Row
from rich.console import Console
from rich.table import Table
from rich.text import Text

from payerlake import databases
from payerlake.publish.audit import Validation
from payerlake.publish.fingerprint import Fingerprint
from payerlake.publish.run import Outcome

_UNBOUNDED = 100_000  # columns of a line that goes into a file or another program
_PAGE = 120  # columns where none looks
_UNASKED = 5  # rules that were not asked are said, the others counted


def table(rows: Sequence[Sequence[Any]], headings: Sequence[str] = (), right: Collection[int] = ()) -> None:
    """Rows in columns, as wide as the terminal, or as they are where none looks. right: columns set to the right."""
    shown = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=bool(headings), header_style="")
    for place in range(len(rows[0]) if rows else len(headings)):
        heading = headings[place] if headings else ""
        shown.add_column(
            Text(heading), justify="right" if place in right else "left", no_wrap=place == 0, overflow="fold"
        )
    for row in rows:
        shown.add_row(*(Text(_text(value)) for value in row))
    console = Console(width=None if sys.stdout.isatty() else _UNBOUNDED, color_system=None)
    with console.capture() as lines:
        console.print(shown)
    for line in lines.get().splitlines():
        click.echo(line.rstrip())


def _text(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, (int, Decimal)) else str(value)


def outcome(made: Outcome) -> None:
    """What was written, and what checking it found."""
    table(
        [(one.table, one.format, f"{one.rows:,} rows", f"{one.seconds:.1f} s") for one in made.made],
        right=(2, 3),
    )
    rows = {one.table: one.rows for one in made.made}
    into = " and ".join(dict.fromkeys(one.format for one in made.made))
    click.echo(f"made: {sum(rows.values()):,} rows of {len(rows)} tables as {into} in {made.seconds:.1f} s")
    if made.validation:
        validation(made.validation)
    else:
        click.echo("not validated")


def validation(found: Validation) -> None:
    """How many rules hold, and which were not asked."""
    report = found.report
    unasked = (*report.not_run, *report.skipped)
    for text in unasked[:_UNASKED]:
        click.echo(f"not asked: {text}")
    if len(unasked) > _UNASKED:
        click.echo(f"not asked: {len(unasked) - _UNASKED} more, which the report lists")
    rules = report.evaluated
    click.echo(f"validated: {rules} rules of {len(report.suites)} suites in {found.seconds:.1f} s, all hold")
    click.echo(f"report: {found.docs}")


def verified(found: Sequence[tuple[str, str, Fingerprint]]) -> None:
    """Rows and fingerprint of every table and format."""
    table(
        [(name, format_, f"{one.rows:,} rows", one.digest, "as in the manifest") for name, format_, one in found],
        right=(2,),
    )


def life(rows: Mapping[str, Sequence[Row]]) -> None:
    """One member's rows by table: in columns where they fit the terminal, else first what all of a table share."""
    for name, of_table in rows.items():
        click.echo(f"\n{name}: {len(of_table)} {'row' if len(of_table) == 1 else 'rows'}")
        if not of_table:
            continue
        columns = {heading: [_told(row[heading]) for row in of_table] for heading in of_table[0].__fields__}
        if _fits(list(columns), *zip(*columns.values(), strict=True)):
            _columns(columns)
            continue
        shared = {heading: values for heading, values in columns.items() if len(set(values)) == 1}
        table([(heading, values[0]) for heading, values in shared.items()])
        _columns({heading: values for heading, values in columns.items() if heading not in shared})


def _columns(columns: Mapping[str, Sequence[str]]) -> None:
    """A line a row where that fits, else a line a column, with as many rows beside each other as fit."""
    if not columns or _fits(list(columns), *zip(*columns.values(), strict=True)):
        table(list(zip(*columns.values(), strict=True)), list(columns))
        return
    lines = [(heading, *values) for heading, values in columns.items()]
    beside = max((n for n in range(1, len(lines[0])) if _fits(*[line[: 1 + n] for line in lines])), default=1)
    for first in range(1, len(lines[0]), beside):
        table([(line[0], *line[first : first + beside]) for line in lines])


def _fits(*lines: Sequence[str]) -> bool:
    """Whether these lines, in columns, are no wider than the terminal."""
    width = sum(max(map(len, column)) + 2 for column in zip(*lines, strict=True))
    return width <= (Console().width if sys.stdout.isatty() else _PAGE)


def life_as_json(rows: Mapping[str, Sequence[Row]]) -> None:
    """One member's rows by table as JSON; decimals and days are texts."""
    lives = {name: [row.asDict(recursive=True) for row in of_table] for name, of_table in rows.items()}
    click.echo(json.dumps(lives, indent=1, default=str, ensure_ascii=False))


LIVES = {"text": life, "json": life_as_json}


def _told(value: Any) -> str:
    return "-" if value is None else str(value)


def loaded(done: databases.Loaded) -> None:
    """What stands in the database, and what it answers."""
    table(
        [(one.table, f"{one.rows:,} rows", f"{one.seconds:.1f} s") for one in done.tables]
        + [(name, f"{rows:,} rows", "view") for name, rows in done.views.items()],
        right=(1, 2),
    )
    rows = sum(one.rows for one in done.tables)
    click.echo(f"loaded: {rows:,} rows in {done.seconds:.1f} s, {rows / done.seconds:,.0f} rows/s: {done.place}")
    for answer in done.inspected.answers:
        _answered(f"{answer.title} ({answer.seconds * 1000:,.0f} ms)", answer.columns, answer.rows)
    if done.inspected.checklist:
        lines = [
            (one.what, one.expected, one.found, "ok" if one.holds else "FAILED") for one in done.inspected.checklist
        ]
        _answered("Checklist", ("", "expected", "found", ""), lines)


def _answered(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    numbers = [i for i in range(len(columns)) if any(isinstance(row[i], (int, Decimal)) for row in rows)]
    click.echo(f"\n{title}")
    table(rows, columns, right=numbers)
