"""MySQL and MariaDB: their types and words, and how they read the CSV files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from payerlake.contract.schema import Column, Table
from payerlake.dialects.ddl import IndexTerms, table_comment

_SIMPLE_TYPES = {
    "boolean": "TINYINT(1)",
    "date": "DATE",
    "double": "DOUBLE",
    "int": "INT",
    "json": "JSON",
    "bigint": "BIGINT",
    "smallint": "SMALLINT",
    "timestamp": "DATETIME(6)",
    "tinyint": "TINYINT",
}
_UNSIGNED_FROM_0 = ("bigint", "smallint", "tinyint")
_ANY_OBJECT = r"^\{.+\}$"
# In such a mode a value that does not fit is an error, no date is 0000-00-00, and a backslash escapes.
STRICT = "SET SESSION sql_mode = 'TRADITIONAL', foreign_key_checks = 1, unique_checks = 1"


class MySQL:
    """MySQL from 8.0.16, the first that holds CHECKs, and MariaDB from 10.6, the first that renames all or none.

    Texts are compared as Spark compares them, sign by sign: `utf8mb4_bin`, without which `^[A-Z]{2}$` would match `ny`.
    """

    name: ClassVar[str] = "MySQL"
    words: ClassVar[Mapping[str, str]] = {"RLIKE": "REGEXP"}
    functions: ClassVar[Mapping[str, str]] = {
        "abs": "ABS",
        "cast": "CAST",
        "coalesce": "COALESCE",
        "datediff": "DATEDIFF",
        "left": "LEFT",
        "length": "CHAR_LENGTH",
        "lower": "LOWER",
        "right": "RIGHT",
        "upper": "UPPER",
        "year": "YEAR",
    }
    casts: ClassVar[Mapping[str, str]] = {"int": "SIGNED", "bigint": "SIGNED", "date": "DATE", "string": "CHAR"}

    def quote(self, name: str) -> str:
        return "`{}`".format(name.replace("`", "``"))

    def literal(self, text: str) -> str:
        return "'{}'".format(text.replace("\\", "\\\\").replace("'", "''").replace("\n", "\\n").replace("\0", "\\0"))

    def column(self, column: Column, keyed: bool) -> str:
        null = "NULL" if column.nullable else "NOT NULL"
        return f"{self.quote(column.header)} {self._type(column, keyed)} {null} COMMENT {self.literal(column.comment)}"

    def _type(self, column: Column, keyed: bool) -> str:
        if column.type == "enum":
            return f"ENUM({', '.join(self.literal(value) for value in column.domain)})"
        if column.type == "string":
            return "VARCHAR(255)" if keyed else "TEXT"  # a TEXT can be a key only by its beginning
        unsigned = column.type in _UNSIGNED_FROM_0 and column.low is not None and column.low >= 0
        return _SIMPLE_TYPES.get(column.type, column.type.upper()) + (" UNSIGNED" if unsigned else "")

    def type_condition(self, column: Column) -> str | None:
        """An ENUM holds its domain; a boolean is a number here; JSON is kept parsed, so its text has no pattern."""
        name = self.quote(column.header)
        if column.type == "json":
            if column.pattern not in ("", _ANY_OBJECT):
                raise ValueError(f"column {column.name}: MySQL checks no pattern of JSON but {_ANY_OBJECT}")
            return f"JSON_TYPE({name}) = 'OBJECT' AND JSON_LENGTH({name}) > 0"
        return {"enum": "", "boolean": f"{name} IN (0, 1)"}.get(column.type)

    def refuses_check(self, table: Table, columns: frozenset[str]) -> bool:
        """MySQL allows no CHECK on a column that ON UPDATE CASCADE or ON DELETE SET NULL may change."""
        return any(columns & set(reference.columns) for reference in table.references)

    def create_table(
        self,
        name: str,
        table: Table,
        columns: Sequence[str],
        constraints: Sequence[str],
        indexes: Sequence[IndexTerms],
    ) -> str:
        """MySQL has no partial indexes: such a one has all rows here."""
        keys = [
            f"KEY {self.quote(index.name) + ' ' if index.name else ''}({', '.join(index.columns)})" for index in indexes
        ]
        body = ",\n  ".join([*columns, *constraints, *keys])
        comment = self.literal(table_comment(table))
        return (
            f"CREATE TABLE {self.quote(name)} (\n  {body}\n)"
            f" ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin COMMENT={comment};"
        )

    def create_view(self, name: str, table: Table, query: str) -> str:
        """A view has no comment in MySQL; its definition says in a condition, which always holds, whose it is."""
        comment = self.literal(table_comment(table))
        return f"CREATE OR REPLACE VIEW {self.quote(name)} AS SELECT * FROM (\n{query}\n) AS q WHERE {comment} <> '';"

    def analyze(self, names: Sequence[str]) -> str:
        return f"ANALYZE TABLE {', '.join(map(self.quote, names))};"

    def load_file(self, path: str, name: str, table: Table) -> str:
        """The statement that loads a CSV file: RFC 4180 with a header, an empty field a null, no backslash escapes.

        The server takes an unquoted NULL for a null; a text that may be that word is given back. It does not tell an
        empty field from `""`: in a nullable column both are null.
        """
        own = [self._value(column, table.numeric_booleans) for column in table.columns]
        targets = [
            self.quote(c.header) if sql is None else f"@c{i}" for i, (c, sql) in enumerate(self._each(table, own))
        ]
        values = [
            f"{self.quote(c.header)} = {sql.format(f'@c{i}')}"
            for i, (c, sql) in enumerate(self._each(table, own))
            if sql is not None
        ]
        separator = ",\n    "
        return (
            f"LOAD DATA LOCAL INFILE {self.literal(path)} INTO TABLE {self.quote(name)} CHARACTER SET utf8mb4\n"
            "  FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '\"' ESCAPED BY ''\n"
            "  LINES TERMINATED BY '\\n' IGNORE 1 LINES\n"
            f"  ({', '.join(targets)})" + (f"\n  SET\n    {separator.join(values)}" if values else "") + ";"
        )

    @staticmethod
    def _each(table: Table, values: Sequence[str | None]) -> list[tuple[Column, str | None]]:
        return list(zip(table.columns, values, strict=True))

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
