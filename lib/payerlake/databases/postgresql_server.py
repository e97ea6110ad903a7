"""Connections to PostgreSQL, and what their errors mean."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from payerlake.contract.schema import Table
from payerlake.databases.address import Environment, address
from payerlake.databases.server import Server, Session, Swap, installed
from payerlake.dialects.names import STAGED, free_name
from payerlake.dialects.postgresql import PostgreSQL
from payerlake.errors import BadInput, EngineFailed, PayerlakeError

_ENVIRONMENT = Environment(user="PGUSER", password="PGPASSWORD")
_OPTIONS = ("host", "options", "sslmode", "sslrootcert")
_PATIENCE = "60s"  # for others' locks on the tables; the server's own default is to wait for ever
_OLDEST = 120_000  # as the server writes it
_CHUNK = 1 << 20  # bytes that are sent at once
_ENCODINGS = ("UTF8", "SQL_ASCII")
_SETTINGS = (
    "SELECT set_config('search_path', quote_ident(current_schema()), false),"
    " set_config('client_min_messages', 'error', false),"
    f" set_config('lock_timeout', '{_PATIENCE}', false),"
    " set_config('statement_timeout', '0', false),"
    " set_config('idle_in_transaction_session_timeout', '0', false),"
    " set_config('standard_conforming_strings', 'on', false)"
)

# What a server that refuses a connection says; the protocol gives no code for it to the driver.
_CONNECTION = {
    "authentication failed": "check user and password, in the URL or in PGUSER and PGPASSWORD",
    "no password supplied": "give a password, in the URL or in PGPASSWORD",
    "database": "create the database first: CREATE DATABASE NAME ENCODING 'UTF8', or give a user who may connect to it",
    "No such file or directory": "check that the server runs and where its socket is: ?host=FOLDER",
    "role": "check user and password, in the URL or in PGUSER and PGPASSWORD",
    "resolve": "check the host",
    "translate host name": "check the host",
    "refused": "check host and port, or ?host=FOLDER of its socket, and that the server runs",
    "timeout": "check host and port, or ?host=FOLDER of its socket, and that the server runs",
}
_KEYS = """
SELECT c.relnamespace = t.relnamespace, n.nspname, c.relname, t.relname
FROM pg_constraint k
JOIN pg_class t ON t.oid = k.confrelid AND t.relnamespace = current_schema()::regnamespace
JOIN pg_class c ON c.oid = k.conrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE k.contype = 'f'"""
_VIEWS = """
SELECT DISTINCT v.relnamespace = t.relnamespace, n.nspname, v.relname, t.relname
FROM pg_depend d
JOIN pg_rewrite r ON r.oid = d.objid
JOIN pg_class v ON v.oid = r.ev_class
JOIN pg_namespace n ON n.oid = v.relnamespace
JOIN pg_class t ON t.oid = d.refobjid AND t.relnamespace = current_schema()::regnamespace
WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass AND v.oid <> t.oid"""
_TRIGGERS = """
SELECT g.tgname, t.relname
FROM pg_trigger g
JOIN pg_class t ON t.oid = g.tgrelid AND t.relnamespace = current_schema()::regnamespace
WHERE NOT g.tgisinternal"""
_NAMES = "SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace"
_STAGED_INDEXES = f"""
SELECT i.relname
FROM pg_index x
JOIN pg_class i ON i.oid = x.indexrelid
JOIN pg_class t ON t.oid = x.indrelid
WHERE i.relnamespace = current_schema()::regnamespace AND starts_with(i.relname, '{STAGED}')
  AND NOT starts_with(t.relname, '{STAGED}')
ORDER BY 1"""


class PostgreSQLSession(Session):
    """One connection."""

    dialect = PostgreSQL()
    lock_query = "SELECT pg_try_advisory_lock(hashtextextended('payerlake', 0))"

    @staticmethod
    def driver() -> Any:
        return installed("psycopg", "psycopg", "postgresql")

    def require_fit(self) -> None:
        """Raises BadInput for a server that is too old, no schema to create tables in, or another encoding."""
        version = self._connection.info.server_version
        if version < _OLDEST:
            raise BadInput(
                f"{self._place}: PostgreSQL {version // 10_000} is too old; it takes {_OLDEST // 10_000} or later"
            )
        ((schema, encoding),) = self.rows("SELECT current_schema(), current_setting('server_encoding')")
        if schema is None:
            raise BadInput(
                f"{self._place}: no schema of the search path exists; CREATE SCHEMA, or ?options=-csearch_path="
            )
        if encoding not in _ENCODINGS:
            raise BadInput(f"{self._place}: its encoding is {encoding}; create a database with ENCODING 'UTF8'")

    def tables(self) -> dict[str, str]:
        sql = (
            "SELECT relname, obj_description(oid, 'pg_class') FROM pg_class"
            " WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'f')"
        )
        return {name: comment or "" for name, comment in self.rows(sql)}

    def referring(self) -> list[tuple[str, str]]:
        found = [*self.rows(_KEYS), *self.rows(_VIEWS)]
        others = [(name if here else f"{schema}.{name}", to) for here, schema, name, to in found]
        return others + [(f"trigger {name}", table) for name, table in self.rows(_TRIGGERS)]

    def swap(self, swap: Swap) -> None:
        """One transaction. What is replaced is dropped in it; the new views follow their tables by themselves."""
        quote = self.dialect.quote
        with self._translated(), self._connection.transaction():
            self.drop(swap.old_views, "VIEW")
            self.drop(list(swap.old_tables))
            self.rename(swap.tables)
            for old, new in swap.views.items():
                self.run(f"ALTER VIEW {quote(old)} RENAME TO {quote(new)}")
            taken = {name for (name,) in self.rows(_NAMES)}
            for (index,) in self.rows(_STAGED_INDEXES):
                base = index.removeprefix(STAGED)
                final = base if base in swap.index_names else free_name(base, taken.__contains__)
                self.run(f"ALTER INDEX {quote(index)} RENAME TO {quote(final)}")
                taken.add(final)

    def _load(self, cursor: Any, path: str, name: str, table: Table) -> str:
        with Path(path).open("rb") as file, cursor.copy(PostgreSQL().copy(name, table)) as copy:
            while chunk := file.read(_CHUNK):
                copy.write(chunk)
        return ""

    def _refusal(self, error: Any) -> str:
        """What is wrong with a row and, as far as the server says it, where; lines are counted with the header."""
        parts = [self.text(error), error.diag.message_detail, error.diag.context]
        return " ".join("; ".join(part for part in parts if part).split()).replace(STAGED, "")

    def _failed(self, error: Any) -> PayerlakeError:
        errors, text = self.driver().errors, f"{self._place}: {self.text(error)}"
        if isinstance(error, errors.InsufficientPrivilege):
            return BadInput(
                f"{text}; it takes a user who may create tables in the schema, and who owns those that are replaced: "
                "GRANT ALL ON SCHEMA NAME TO USER"
            )
        if isinstance(error, errors.DuplicateTable):
            return BadInput(f"{text}, and is not payerlake's; rename it, or load into another database")
        if isinstance(error, errors.DependentObjectsStillExist):
            detail = " ".join((error.diag.message_detail or "").split())
            return BadInput(f"{text}: {detail}; drop it first, or load into another database")
        return EngineFailed(text)

    @staticmethod
    def text(error: Exception) -> str:
        said = getattr(getattr(error, "diag", None), "message_primary", None) or str(error)
        return " ".join(said.split()) or type(error).__name__


class PostgreSQLServer(Server):
    """A database of a PostgreSQL server; its tables are in the first schema of the user's search path."""

    sessions = PostgreSQLSession

    def __init__(self, url: str) -> None:
        self._address = address(url, _ENVIRONMENT, _OPTIONS)
        super().__init__(str(self._address))

    def _end(self, connection: Any, other: Any) -> None:
        connection.execute(f"SELECT pg_terminate_backend({other.info.backend_pid})")

    def _connect(self) -> Any:
        to, psycopg = self._address, self.sessions.driver()
        try:
            connection = psycopg.connect(
                user=to.user,
                password=to.password or None,  # None: libpq looks into its own password file
                dbname=to.database,
                connect_timeout=10,
                client_encoding="UTF8",
                application_name="payerlake",
                autocommit=True,
                **{"host": to.host, "port": to.port or 5432, **to.options},
            )
            connection.prepare_threshold = None
            connection.execute(_SETTINGS)
        except (psycopg.Error, OSError) as error:
            text = self.sessions.text(error)
            remedies = (remedy for said, remedy in _CONNECTION.items() if said in text)
            raise BadInput(f"{self}: {text}; {next(remedies, 'check the URL and the server')}") from None
        return connection
