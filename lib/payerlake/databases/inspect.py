"""What a loaded dataset answers to its own queries, and its checklist with what was found."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from payerlake.contract.dataset import Dataset
from payerlake.contract.inspection import Expected, Query
from payerlake.contract.schema import Table
from payerlake.databases.server import Session
from payerlake.dialects.names import final_name, mark, read_by


@dataclass(frozen=True)
class Answer:
    """The rows of a query, and the seconds until the last of them was there."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    seconds: float


@dataclass(frozen=True)
class Checked:
    """A line of the checklist; `expected` for people."""

    what: str
    expected: str
    found: int
    holds: bool


@dataclass(frozen=True)
class Inspected:
    """Answers and checklist, both empty for a dataset that has none."""

    answers: tuple[Answer, ...] = ()
    checklist: tuple[Checked, ...] = ()


def inspected(
    session: Session, dataset: Dataset[Any], loaded: Sequence[Table], settings: Any, whole: bool
) -> Inspected:
    """What the dataset is asked, as far as all that a question reads was loaded. Raises EngineFailed."""
    if dataset.inspection is None:
        return Inspected()
    asked = dataset.inspection(settings)
    missing = {table.name for table in dataset.tables} - {table.name for table in loaded}

    def is_there(sql: str, *names: str) -> bool:
        return not missing & {*names, *(table.name for table in read_by(sql, dataset.tables))}

    return Inspected(
        tuple(_answer(session, query) for query in asked.queries if is_there(query.sql)),
        tuple(
            _checked(session, dataset, check)
            for check in asked.checks
            if is_there(check.sql, *check.standing) and (whole or not check.of_whole)
        ),
    )


def _answer(session: Session, query: Query) -> Answer:
    began = time.monotonic()
    columns, rows = session.answer(query.sql)
    return Answer(query.title, tuple(columns), tuple(rows), time.monotonic() - began)


def _checked(session: Session, dataset: Dataset[Any], check: Expected) -> Checked:
    if check.sql:
        ((found,),) = session.rows(check.sql)
    else:
        found = _standing(session, [dataset.table(name) for name in check.standing])
    expected = f"{check.expected:,.0f}"
    return Checked(check.what, f">= {expected}" if check.at_least else expected, int(found), check.holds(found))


def _standing(session: Session, tables: Sequence[Table]) -> int:
    """How many of the tables stand there as payerlake's own."""
    comments = session.tables()
    return sum(comments.get(final_name(table), "").startswith(mark(table)) for table in tables)
