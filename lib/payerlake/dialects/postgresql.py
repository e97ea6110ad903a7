"""PostgreSQL: its types and words, and how it reads the CSV files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from payerlake.contract.schema import Column, Table
from payerlake.dialects.ddl import IndexTerms, final_name, table_comment

_SIMPLE_TYPES = {
    "boolean": "BOOLEAN",
    "date": "DATE",
    "double": "DOUBLE PRECISION",
    "enum": "TEXT",
    "int": "INTEGER",
    "json": "JSONB",
    "string": "TEXT",
    "timestamp": "TIMESTAMP",
    "tinyint": "SMALLINT",
}
_ANY_OBJECT = r"^\{.+\}$"


class PostgreSQL:
    """PostgreSQL from 12. It holds nearly every condition of a contract by a CHECK."""

    name: ClassVar[str] = "PostgreSQL"
    words: ClassVar[Mapping[str, str]] = {"RLIKE": "~"}
    functions: ClassVar[Mapping[str, str]] = {
        "abs": "ABS",
        "cast": "CAST",
        "coalesce": "COALESCE",
        "datediff": "date_mi",  # the function behind the minus of two dates
        "left": "LEFT",
        "length": "CHAR_LENGTH",
        "lower": "LOWER",
        "right": "RIGHT",
        "upper": "UPPER",
    }
    casts: ClassVar[Mapping[str, str]] = {"int": "INTEGER", "bigint": "BIGINT", "date": "DATE", "string": "TEXT"}

    def quote(self, name: str) -> str:
        return '"{}"'.format(name.replace('"', '""'))

    def literal(self, text: str) -> str:
        return "'{}'".format(text.replace("'", "''"))

    def column(self, column: Column, keyed: bool) -> str:
        null = "NULL" if column.nullable else "NOT NULL"
        return f"{self.quote(column.header)} {_type(column)} {null}"

    def type_condition(self, column: Column) -> str | None:
        """JSON is kept parsed, so its text has no pattern."""
        if column.type != "json":
            return None
        if column.pattern not in ("", _ANY_OBJECT):
            raise ValueError(f"column {column.name}: PostgreSQL checks no pattern of JSON but {_ANY_OBJECT}")
        name = self.quote(column.header)
        return f"jsonb_typeof({name}) = 'object' AND {name} <> '{{}}'"

    def refuses_check(self, table: Table, columns: frozenset[str]) -> bool:
        """PostgreSQL allows any; but one that ties a column to others could forbid what ON DELETE SET NULL is to do."""
        emptied = [set(reference.columns) for reference in table.references if reference.on_delete == "SET NULL"]
        return any(columns & names and columns - names for names in emptied)

    def create_table(
        self,
        name: str,
        table: Table,
        columns: Sequence[str],
        constraints: Sequence[str],
        indexes: Sequence[IndexTerms],
    ) -> str:
        body = ",\n  ".join([*columns, *constraints])
        quoted, prefix = self.quote(name), name.removesuffix(final_name(table))
        statements = [
            f"CREATE TABLE {quoted} (\n  {body}\n)",
            f"COMMENT ON TABLE {quoted} IS {self.literal(table_comment(table))}",
            *self._column_comments(quoted, table),
            *(self._create_index(quoted, index, prefix) for index in indexes),
        ]
        return "".join(f"{statement};\n" for statement in statements)

    def _column_comments(self, quoted: str, table: Table) -> list[str]:
        return [
            f"COMMENT ON COLUMN {quoted}.{self.quote(column.header)} IS {self.literal(column.comment)}"
            for column in table.columns
        ]

    def _create_index(self, quoted: str, index: IndexTerms, prefix: str) -> str:
        """An index's name is one of the schema's, as a table's is, so it has the prefix too until the swap."""
        name = self.quote(prefix + index.name) + " " if index.name else ""
        where = f" WHERE {index.where}" if index.where else ""
        return f"CREATE INDEX {name}ON {quoted} ({', '.join(index.columns)}){where}"

    def create_view(self, name: str, table: Table, query: str) -> str:
        """The view's columns have the contract's types, where a sum or a quotient would have the widest."""
        quoted = self.quote(name)
        columns = [f"CAST({self.quote(c.header)} AS {_type(c)}) AS {self.quote(c.header)}" for c in table.columns]
        view = f"CREATE OR REPLACE VIEW {quoted} AS\nSELECT {', '.join(columns)}\nFROM (\n{query}\n) AS q"
        comments = [f"COMMENT ON VIEW {quoted} IS {self.literal(table_comment(table))}"]
        comments += self._column_comments(quoted, table)
        return "".join(f"{text};\n" for text in (view, *comments))

    def analyze(self, names: Sequence[str]) -> str:
        return f"ANALYZE {', '.join(map(self.quote, names))};"

    def copy(self, name: str, table: Table) -> str:
        """The statement that loads CSV: RFC 4180 with a header; an empty field is a null, `""` an empty text."""
        columns = ", ".join(self.quote(column.header) for column in table.columns)
        return f"COPY {self.quote(name)} ({columns}) FROM STDIN (FORMAT csv, HEADER, NULL '', ENCODING 'UTF8')"


def _type(column: Column) -> str:
    return _SIMPLE_TYPES.get(column.type, column.type.upper().replace("DECIMAL(", "NUMERIC("))
