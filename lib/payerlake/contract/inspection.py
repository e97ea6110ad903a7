"""What a database is asked once a dataset stands in it: queries to look at, and a checklist."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Query:
    """A query whose rows are shown; SQL that MySQL and PostgreSQL both understand."""

    title: str
    sql: str


@dataclass(frozen=True)
class Expected:
    """A number that is expected, or the least that is; `sql` finds it, or it is how many of `standing` exist.

    of_whole: it depends on the number of members, and so holds for no slice of them.
    """

    what: str
    expected: float
    sql: str = ""
    standing: tuple[str, ...] = ()
    at_least: bool = False
    of_whole: bool = False

    def holds(self, found: float) -> bool:
        return found >= self.expected if self.at_least else found == self.expected


@dataclass(frozen=True)
class Inspection:
    """What is asked of a dataset, in this order."""

    queries: tuple[Query, ...]
    checks: tuple[Expected, ...]
