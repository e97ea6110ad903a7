"""MySQL and MariaDB: their types and words, and how they read the CSV files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import sqlglot
from sqlalchemy.dialects import mysql
from sqlglot import exp

from payerlake.contract.schema import Column, Table
from payerlake.dialects.ddl import Dialect
from payerlake.dialects.names import table_comment

# In such a mode a value that does not fit is an error, no date is 0000-00-00, and a backslash escapes.
STRICT = "SET SESSION sql_mode = 'TRADITIONAL', foreign_key_checks = 1, unique_checks = 1"


class _Words(sqlglot.dialects.MySQL):  # type: ignore[misc]  # sqlglot imports it late
    class Generator(sqlglot.dialects.MySQL.Generator):  # type: ignore[misc]
        """MariaDB has the operator, and not the function REGEXP_LIKE."""

        TRANSFORMS: ClassVar[dict[type[exp.Expr], Any]] = {
            **sqlglot.dialects.MySQL.Generator.TRANSFORMS,
            exp.RegexpLike: lambda self, found: self.binary(found, "REGEXP"),
        }


class MySQL(Dialect):
    """MySQL from 8.0.16, the first that holds CHECKs, and MariaDB from 10.6, the first that renames all or none.

    Texts are compared as Spark compares them, sign by sign: `utf8mb4_bin`, without which `^[A-Z]{2}$` would match `ny`.
    It has no partial indexes: such a one has all rows here.
    """

    name = "MySQL"
    tables = mysql.dialect(paramstyle="named")
    words = _Words
    an_object = "JSON_TYPE({0}) = 'OBJECT' AND JSON_LENGTH({0}) > 0"
    index_names_are_of_schema = False

    def type_condition(self, column: Column) -> str | None:
        """An ENUM holds its domain; a boolean is a number here."""
        own = {"enum": "", "boolean": f"{self.quote(column.header)} IN (0, 1)"}
        return own[column.type] if column.type in own else super().type_condition(column)

    def refuses_check(self, table: Table, columns: frozenset[str]) -> bool:
        """MySQL allows no CHECK on a column that ON UPDATE CASCADE or ON DELETE SET NULL may change."""
        return any(columns & set(reference.columns) for reference in table.references)

    def create_view(self, name: str, table: Table, query: str) -> list[str]:
        """A view has no comment in MySQL; its definition says in a condition, which always holds, whose it is."""
        comment = self.literal(table_comment(table))
        return [f"CREATE OR REPLACE VIEW {self.quote(name)} AS SELECT * FROM (\n{query}\n) AS q WHERE {comment} <> ''"]

    def analyze(self, names: Sequence[str]) -> str:
        return f"ANALYZE TABLE {self.names(names)}"

    def load_file(self, path: str, name: str, table: Table) -> str:
        """The statement that loads a CSV file: RFC 4180 with a header, an empty field a null, no backslash escapes.

        The server takes an unquoted NULL for a null; a text that may be that word is given back. It does not tell an
        empty field from `""`: in a nullable column both are null.
        """
        values = {f"@c{i}": (c, self._value(c, table.numeric_booleans)) for i, c in enumerate(table.columns)}
        targets = [variable if value else self.quote(c.header) for variable, (c, value) in values.items()]
        sets = [f"{self.quote(c.header)} = {value.format(name)}" for name, (c, value) in values.items() if value]
        return (
            f"LOAD DATA LOCAL INFILE {self.literal(path)} INTO TABLE {self.quote(name)} CHARACTER SET utf8mb4\n"
            "  FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '\"' ESCAPED BY ''\n"
            "  LINES TERMINATED BY '\\n' IGNORE 1 LINES\n"
            f"  ({', '.join(targets)})" + ("\n  SET\n    " + ",\n    ".join(sets) if sets else "")
        )

    def _value(self, column: Column, numeric_booleans: bool) -> str | None:
        """What becomes of a field, `{}`, before it is stored; None where it is stored as it stands."""
        if column.type == "boolean" and not numeric_booleans:
            return "CASE {0} WHEN 'true' THEN 1 WHEN 'false' THEN 0 WHEN '' THEN NULL ELSE {0} END"
        value = "IFNULL({}, 'NULL')" if _is_free_text(column) else "{}"
        if column.nullable:
            return f"NULLIF({value}, '')"
        return value if value != "{}" else None


def _is_free_text(column: Column) -> bool:
    texts = column.type == "string" or column.type.startswith(("varchar(", "char("))
    return texts and not column.domain and not column.pattern
