"""Names and values as Spark SQL reads them, whatever they contain."""

from __future__ import annotations

from datetime import date


def quoted(name: str) -> str:
    """An identifier, in backticks."""
    return f"`{name.replace('`', '``')}`"


def literal(value: str | float | bool | date | None) -> str:
    """A value: a text in quotes, a number, true or false, a date, null."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, date):
        return f"DATE'{value}'"
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
