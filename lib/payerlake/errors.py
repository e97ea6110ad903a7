"""The errors that payerlake raises on purpose, and the exit code of each.

PayerlakeError
├── BadInput             2   usage, configuration, URL, environment: the user can mend it
├── DataFailed           1   the data did not pass validation or verification
└── EngineFailed         3   Spark, a file system or a database gave up

An error states where, what was given, what is allowed and what to do, in one line.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

_LONGEST = 500  # characters of a cause; some of Spark's causes hold a whole plan
_ENDED = "Spark's Java process does not answer any more; it was killed, or ran out of memory"
# Where an error of Java's begins: as py4j gives the first one of a stack, and those that caused it.
_BLOCK = re.compile(r"^(?:Caused by: |: |py4j\.Py4JException: )", re.MULTILINE)
_CALLING = re.compile(
    r"An error occurred while (calling|trying to connect)|Answer from Java side is empty"
    r"|Error while (sending|receiving)"
)
_GRPC = re.compile(r'RPC that terminated with:.*?details = "(.*?)"\n', re.DOTALL)
_CLASS = re.compile(r"\(?\b(?:[a-z_]\w*\.)+(?:\w+\$)?([A-Z]\w*(?:Exception|Error|Throwable|Failure))\)?(?::\s*|\s+|$)")
_SQL_STATE = re.compile(r"\s*\(?\bSQLSTATE: \w{5}\)?")
_LOST_TASK = re.compile(r".*most recent failure: (?:Lost task \S+ in stage \S+ \(TID \d+\) \([^)]*\): )?")


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
    near = difflib.get_close_matches(str(given), names, n=1, cutoff=0.6)
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
    """Why it failed, in one line, in the words of whoever failed first: the last `Caused by` of a stack of Java's.

    Without the names of Java's classes, which say nothing to who did not write them; a class that came without a
    message, or with a bare name or path for one, is put into words: `no such file: /a`. Never raises.
    """
    return _shortened(_first(error))


def _first(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return ": ".join([error.strerror, *(str(name) for name in (error.filename, error.filename2) if name)])
    said = _said(error)
    if match := _GRPC.search(said):
        return match[1] or "the server gave no reason"
    if len(blocks := _BLOCK.split(said)) > 1 or _CALLING.match(said):
        return _words(_line(_telling(blocks))) if len(blocks) > 1 else _ENDED
    first = _words(_line(said))
    deeper = _BLOCK.split(_stack(error))[1:]
    if deeper and (last := _words(_line(deeper[-1]))) not in first:
        return f"{first.rstrip('.')}: {last}" if first else last
    if not first or " " not in first:
        return f"{type(error).__name__}: {first}".rstrip(": ")
    return first


def _telling(blocks: list[str]) -> str:
    """The last cause, or the one before it where the last is a number of the system's and not what it was about."""
    return blocks[-2] if len(blocks) > 2 and blocks[-1].startswith("java.io.IOException: error=") else blocks[-1]


def _said(error: BaseException) -> str:
    """The error's text. Spark's Java is asked for that of its own errors, and may be gone."""
    try:
        return str(error).partition("\n\nJVM stacktrace:")[0]
    except Exception:
        return _ENDED


def _stack(error: BaseException) -> str:
    """Java's stack behind an error that pyspark has translated, classic or of Spark Connect; else empty."""
    return str(getattr(error, "_stackTrace", None) or getattr(error, "_stacktrace", None) or "")


def _line(block: str) -> str:
    """What a block of text says in one line: the first, or the last of a Python traceback."""
    text = re.split(r"\n\s+at |\n\t\.\.\. ", block)[0]
    lines = [line.strip() for line in text.splitlines() if line.strip()] or [""]
    return lines[-1] if "Traceback (most recent call last)" in text else lines[0]


def _words(line: str) -> str:
    """The line without classes of Java's, SQL states, and what Spark says of tasks in front of a cause."""
    text = _LOST_TASK.sub("", _SQL_STATE.sub("", line))
    classes = _CLASS.findall(text)
    message = _CLASS.sub("", text).strip()
    if classes and (" " not in message or classes[-1] == "OutOfMemoryError"):
        return ": ".join(filter(None, (_in_words(classes[-1]), message)))
    return message


def _in_words(name: str) -> str:
    """`NoSuchFileException` is `no such file`, `EOFException` is `EOF error`."""
    parts = re.findall(r"[A-Z]+(?![a-z])|[A-Z][a-z0-9]*", re.sub(r"(Exception|Error|Throwable)$", "", name))
    words = " ".join(part if part.isupper() and len(part) > 1 else part.lower() for part in parts)
    return words if len(parts) > 1 else f"{words} error".strip()


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"
