"""The conditions of contracts, which are Spark SQL over the contract's names, in the words of a database."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, Protocol

from payerlake.contract.schema import Table

_TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
      | (?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
      | (?P<word>[A-Za-z_]\w*)
      | (?P<sign><=|>=|<>|!=|[=<>+\-*/%(),])""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "0": "\0", "Z": "\x1a", "%": "\\%", "_": "\\_"}
# These mean the same everywhere.
_KEYWORDS = frozenset(
    ["AND", "OR", "NOT", "IS", "NULL", "IN", "BETWEEN", "CASE", "WHEN", "THEN", "ELSE", "END", "AS", "TRUE", "FALSE"]
)


class Words(Protocol):
    """A database's words for those of Spark: operators, functions, the types of a cast."""

    name: ClassVar[str]
    words: ClassVar[Mapping[str, str]]
    functions: ClassVar[Mapping[str, str]]
    casts: ClassVar[Mapping[str, str]]

    def quote(self, name: str) -> str:
        """The name of a table or column as SQL has it."""

    def literal(self, text: str) -> str:
        """The text as SQL has it."""


@dataclass(frozen=True)
class Condition:
    """SQL of a database, and the contract's names of the columns in it."""

    sql: str
    columns: frozenset[str]


def translated(condition: str, table: Table, words: Words) -> Condition:
    """The condition for a database. Raises ValueError for a word that it has no counterpart for."""
    headers = {column.name: column.header for column in table.columns}
    tokens = list(_tokens(condition, table))
    parts, used, before = [], set(), ""
    for (kind, text), after in zip(tokens, [*tokens, ("", "")][1:], strict=True):
        found: str | None = text
        if kind == "text":
            found = words.literal(_text(text))
        elif kind == "word" and before != "AS" and text in headers and after[1] != "(":
            found = words.quote(headers[text])
            used.add(text)
        elif kind == "word":
            found = _word(text, before, after[1] == "(", words)
        if found is None:
            raise ValueError(f"{table.full_name}: {words.name} has no counterpart for {text!r} of: {condition}")
        parts.append(found)
        before = text.upper() if kind != "space" else before
    return Condition("".join(parts), frozenset(used))


def _tokens(condition: str, table: Table) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(condition):
        match = _TOKEN.match(condition, at)
        if match is None:
            raise ValueError(f"{table.full_name}: {condition[at:][:20]!r} is not understood in: {condition}")
        yield str(match.lastgroup), match.group()
        at = match.end()


def _word(word: str, before: str, called: bool, words: Words) -> str | None:
    if before == "AS":
        return words.casts.get(word.lower())
    if word.upper() in _KEYWORDS:
        return word.upper()
    return words.functions.get(word.lower()) if called else words.words.get(word.upper())


def _text(literal: str) -> str:
    """What a literal of Spark SQL stands for."""
    return re.sub(r"\\(.)", lambda match: _ESCAPES.get(match[1], match[1]), literal[1:-1], flags=re.DOTALL)
