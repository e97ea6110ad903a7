"""PostgreSQL: its types and words, and how it reads the CSV files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import sqlalchemy as sa
import sqlglot
from sqlalchemy.dialects import postgresql
from sqlglot import exp

from payerlake.contract.schema import Table
from payerlake.dialects.column_types import column_type
from payerlake.dialects.ddl import Dialect
from payerlake.dialects.names import table_comment


class _Words(sqlglot.dialects.Postgres):  # type: ignore[misc]  # sqlglot imports it late
    class Generator(sqlglot.dialects.Postgres.Generator):  # type: ignore[misc]
        """Days between dates are their difference."""

        TRANSFORMS: ClassVar[dict[type[exp.Expr], Any]] = {
            **sqlglot.dialects.Postgres.Generator.TRANSFORMS,
            exp.DateDiff: lambda self, found: f"({self.binary(found, '-')})",
        }


class PostgreSQL(Dialect):
    """PostgreSQL from 12. It holds nearly every condition of a contract by a CHECK."""

    name = "PostgreSQL"
    tables: ClassVar[sa.Dialect] = postgresql.dialect(paramstyle="named")  # type: ignore[no-untyped-call]
    words = _Words
    an_object = "jsonb_typeof({0}) = 'object' AND {0} <> '{{}}'"
    index_names_are_of_schema = True

    def refuses_check(self, table: Table, columns: frozenset[str]) -> bool:
        """PostgreSQL allows any; but one that ties a column to others could forbid what ON DELETE SET NULL is to do."""
        emptied = [set(reference.columns) for reference in table.references if reference.on_delete == "SET NULL"]
        return any(columns & names and columns - names for names in emptied)

    def create_view(self, name: str, table: Table, query: str) -> list[str]:
        """The view's columns have the contract's types, where a sum or a quotient would have the widest."""
        quoted, headers = self.quote(name), [self.quote(column.header) for column in table.columns]
        types = [column_type(column, keyed=False).compile(self.tables) for column in table.columns]
        columns = ", ".join(f"CAST({h} AS {kind}) AS {h}" for h, kind in zip(headers, types, strict=True))
        return [
            f"CREATE OR REPLACE VIEW {quoted} AS\nSELECT {columns}\nFROM (\n{query}\n) AS q",
            f"COMMENT ON VIEW {quoted} IS {self.literal(table_comment(table))}",
            *(
                f"COMMENT ON COLUMN {quoted}.{header} IS {self.literal(column.comment)}"
                for header, column in zip(headers, table.columns, strict=True)
            ),
        ]

    def analyze(self, names: Sequence[str]) -> str:
        return f"ANALYZE {self.names(names)}"

    def copy(self, name: str, table: Table) -> str:
        """The statement that loads CSV: RFC 4180 with a header; an empty field is a null, `""` an empty text."""
        columns = self.names([column.header for column in table.columns])
        return f"COPY {self.quote(name)} ({columns}) FROM STDIN (FORMAT csv, HEADER, NULL '', ENCODING 'UTF8')"
