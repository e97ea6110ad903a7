"""Which paths and URLs every part of a run reads as the same folder: Spark, Delta and fsspec."""

from __future__ import annotations

import os
import re
from pathlib import Path

from payerlake.errors import BadInput

# Spark looks for all paths that match, where a path has one of these, but writes to the path itself.
_PATTERN = "*?[{\\"
OTHER_DIGITS = (
    "Spark would number its files in the digits of that script; start driver and executors with -Duser.language=en "
    "-Duser.country=US in spark.driver.extraJavaOptions and spark.executor.extraJavaOptions"
)
_ONE_SLASH = re.compile(r"(dbfs|hdfs|webhdfs|s3[an]?|gs|abfss?|wasbs?|file|https?):/(?!/)")
_ALLOWED = "letters, digits, blanks and all other signs are allowed"


def require_plain_path(url: str) -> None:
    """Return where `url`, a path or URL of a folder, means one folder to all that read and write there.

    A relative path is read from the current folder, whose name counts too. Raises BadInput, before anything is
    written, naming the sign that Spark or fsspec would read as something else.
    """
    _refuse(url, "", not url.strip(), "it is empty", "give a folder, as . for the current one")
    _refuse(url, "", "\0" in url, "it holds a NUL character", "give a path without it")
    path = _expanded(url)
    for sign in _PATTERN:
        _refuse(url, path, sign in path, f"Spark reads {sign!r} as part of a pattern", f"rename it; {_ALLOWED}")
    _refuse(url, path, bool(_ONE_SLASH.match(url)), "a URL has two slashes after its colon", "write scheme://…")
    _refuse(url, path, "::" in path, "fsspec reads '::' as two URLs", f"rename it; {_ALLOWED}")
    _refuse(
        url,
        path,
        path.startswith("~"),
        "'~' stands for a home, and there is none of this name",
        f"write ./{url} for a folder of this name, or the whole path",
    )
    _refuse(
        url,
        path,
        any("\ud800" <= sign <= "\udfff" for sign in path),
        "its characters are no text in the encoding of this machine",
        "set PYTHONUTF8=1, or rename it",
    )


def without_ways_back(url: str) -> str:
    """The path without `..`, which may lead through a folder that is about to be replaced; others as they stand."""
    return url if "://" in url or ".." not in Path(url).parts else os.path.realpath(os.path.expanduser(url))


def _expanded(url: str) -> str:
    """The path that a local one is; a URL of another kind, and a home that nobody has, as they stand."""
    if "://" in url or "::" in url:
        return url
    path = os.path.expanduser(url)
    return path if path.startswith("~") else os.path.abspath(path)


def _refuse(url: str, path: str, wrong: bool, why: str, remedy: str) -> None:
    if wrong:
        meant = f", which is {path!r}" if path and path != url else ""
        raise BadInput(f"--out {url!r}{meant}: {why}; {remedy}")


def require_plain_names(folder: str, names: list[str]) -> None:
    """Return where the names that Spark gave its files hold ASCII alone; else its Java has a locale of other digits.

    Raises BadInput: another program would not find such files in their order, nor Delta its own log.
    """
    odd = [name for name in names if not name.rpartition("/")[2].isascii()]
    if odd:
        raise BadInput(f"{folder}: a file is called {odd[0]!r}, so Java speaks another language there: {OTHER_DIGITS}")
