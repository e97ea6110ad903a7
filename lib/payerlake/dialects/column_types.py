"""The types of columns in databases; what MySQL and PostgreSQL have of their own stands beside what all have."""

from __future__ import annotations

import re
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql, postgresql
from sqlalchemy.types import TypeEngine

from payerlake.contract.schema import Column

_SIMPLE: dict[str, TypeEngine[Any]] = {
    "bigint": sa.BigInteger(),
    "boolean": sa.Boolean(),
    "date": sa.Date(),
    "double": sa.Double(),
    "int": sa.Integer(),
    "json": sa.JSON().with_variant(postgresql.JSONB(), "postgresql"),
    "smallint": sa.SmallInteger(),
    "string": sa.Text(),
    "timestamp": sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql"),
    "tinyint": sa.SmallInteger().with_variant(mysql.TINYINT(), "mysql"),
}
_SIZED: dict[str, type[TypeEngine[Any]]] = {"char": sa.CHAR, "decimal": sa.Numeric, "varchar": sa.String}
_UNSIGNED = {"bigint": mysql.BIGINT, "smallint": mysql.SMALLINT, "tinyint": mysql.TINYINT}
_LONGEST_KEY = sa.String(255)  # a TEXT can be a key of MySQL only by its beginning


def column_type(column: Column, keyed: bool) -> TypeEngine[Any]:
    """The column's type; keyed: it stands in a key or an index."""
    name, *sizes = re.findall(r"\w+", column.type)
    if sizes:
        return _SIZED[name](*map(int, sizes))
    if name == "enum":
        return sa.Text().with_variant(mysql.ENUM(*column.domain), "mysql")
    if name == "string" and keyed:
        return sa.Text().with_variant(_LONGEST_KEY, "mysql")
    if name in _UNSIGNED and column.low is not None and column.low >= 0:
        general = sa.BigInteger() if name == "bigint" else sa.SmallInteger()
        return general.with_variant(_UNSIGNED[name](unsigned=True), "mysql")
    return _SIMPLE[name]
