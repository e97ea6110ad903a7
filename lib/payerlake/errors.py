"""The errors that payerlake raises on purpose, and the exit code of each.

PayerlakeError
├── BadInput             2   usage, configuration, URL, environment: the user can mend it
├── DataFailed           1   the data did not pass validation or verification
└── EngineFailed         3   Spark, a file system or a database gave up

An error states where, what was given, what is allowed and what to do, in one line.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager


class PayerlakeError(Exception):
    """Base of every error that ends a command with a message and no traceback."""

    exit_code = 3


class BadInput(PayerlakeError):
    """Something the user wrote, or the machine lacks, and how to mend it."""

    exit_code = 2


class DataFailed(PayerlakeError):
    """The data that stand there, or would be published, broke a rule or differ from their manifest."""

    exit_code = 1


class EngineFailed(PayerlakeError):
    """Spark or a target failed; the log file has the rest."""

    exit_code = 3


def unknown(where: str, what: str, given: str, allowed: Iterable[str]) -> BadInput:
    """`where: 'memebers' is not a setting; did you mean 'members'? Known: …`."""
    names = sorted(allowed)
    near = difflib.get_close_matches(given, names, n=1, cutoff=0.6)
    hint = f"; did you mean {near[0]!r}?" if near else "."
    return BadInput(f"{where}: {given!r} is not {what}{hint} Known: {', '.join(names)}")


@contextmanager
def doing(what: str, remedy: str) -> Iterator[None]:
    """What Spark or a file system raises inside becomes EngineFailed: what was being done, the cause, what to do."""
    try:
        yield
    except PayerlakeError:
        raise
    except Exception as error:
        raise EngineFailed(f"{what}: {cause(error)}; {remedy}") from error


def cause(error: BaseException) -> str:
    """Why it failed, in one line, in the words of whoever failed."""
    return next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
