"""Where a database is: the URL of `--to`, taken apart. Its password is in no message, log or `repr`."""

from __future__ import annotations

import getpass
import os
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlsplit

from payerlake.errors import BadInput, unknown

_FORM = "SCHEME://USER:PASSWORD@HOST:PORT/DATABASE, for example mysql://ann@db.example.com/health"


@dataclass(frozen=True)
class Address:
    """A database of a server. As text it is the URL without the password."""

    scheme: str
    user: str
    password: str = field(repr=False)
    host: str
    port: int | None
    database: str
    options: Mapping[str, str]

    def __str__(self) -> str:
        port = f":{self.port}" if self.port else ""
        return f"{self.scheme}://{self.user}@{self.host}{port}/{self.database}"


@dataclass(frozen=True)
class Environment:
    """The variables that give a user and a password where the URL has none."""

    user: str
    password: str


def address(url: str, environment: Environment, options: Collection[str]) -> Address:
    """The address that the URL is; `options` are the names that may stand behind its `?`. Raises BadInput."""
    try:
        parts = urlsplit(url)
        port, database = parts.port, unquote(parts.path.removeprefix("/"))
    except ValueError:
        raise _malformed() from None  # what urlsplit says may repeat a part of the password
    if not database or set("/@") & set(database) or parts.fragment:
        raise _malformed()
    return Address(
        scheme=parts.scheme,
        user=unquote(parts.username or "") or os.environ.get(environment.user) or getpass.getuser(),
        password=unquote(parts.password or "") or os.environ.get(environment.password, ""),
        host=parts.hostname or "localhost",
        port=port,
        database=database,
        options=_options(parts.query, options),
    )


def masked(text: str) -> str:
    """The text without the password of any URL in it, for messages that others wrote."""
    return re.sub(r"(://[^\s:/@]*):\S*@", r"\1:***@", text)


def scheme(url: str, known: Collection[str]) -> str:
    """What stands before `://`. Raises BadInput where that is no kind of database."""
    name, separator, _ = url.partition("://")
    if not separator:
        raise _malformed()
    if name not in known:
        raise unknown("--to", "a kind of database", name, known)
    return name


def _options(query: str, known: Collection[str]) -> dict[str, str]:
    given = dict(parse_qsl(query, keep_blank_values=True))
    for name in given:
        if name not in known:
            raise unknown("--to, behind the question mark", "an option", name, known)
    return given


def _malformed() -> BadInput:
    return BadInput(f"--to: not of the form {_FORM}; signs such as @ : / ? # % in a password are written %40 %3A …")
