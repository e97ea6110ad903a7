"""Connections to MySQL and MariaDB, and what their errors mean."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from payerlake.contract.schema import Table
from payerlake.databases.address import Environment, address
from payerlake.databases.server import AfterSwap, Server, Session, Swap, installed
from payerlake.dialects.mysql import STRICT, MySQL
from payerlake.errors import BadInput, EngineFailed, PayerlakeError

_ENVIRONMENT = Environment(user="MYSQL_USER", password="MYSQL_PWD")
_OPTIONS = ("unix_socket", "ssl_ca")
_PATIENCE_SECONDS = 60  # for others' locks on the tables; a server's own default may be a day
_OLDEST = {"MySQL": (8, 0, 16), "MariaDB": (10, 6)}

_CONNECTION = {
    1044: "give a user with all privileges on this database, or another database",
    1045: "check user and password, in the URL or in MYSQL_USER and MYSQL_PWD",
    1049: "create the database first: CREATE DATABASE NAME CHARACTER SET utf8mb4",
    1698: "give a user that may log in with a password",
    2002: "check that the server runs and where its socket is",
    2003: "check host and port, or unix_socket, and that the server runs",
    2005: "check the host",
}
_NO_LOCAL_FILES = (1148, 3948, 3950, 4166)
_NOT_GRANTED = (1044, 1142, 1227, 1370)
_ALLOW_FILES = "the server takes no files from clients; its administrator allows them by: SET GLOBAL local_infile = 1"


class MySQLSession(Session):
    """One connection."""

    dialect = MySQL()
    lock_query = "SELECT GET_LOCK(CONCAT('payerlake ', SHA1(DATABASE())), 0)"
    _folds_case: bool | None = None

    @staticmethod
    def driver() -> Any:
        return installed("pymysql", "the package PyMySQL", "mysql")

    def require_fit(self) -> None:
        """Raises BadInput for a server that is too old or takes no files."""
        ((version, takes_files),) = self.rows("SELECT VERSION(), @@local_infile")
        product = "MariaDB" if "MariaDB" in version else "MySQL"
        numbers = tuple(int(number) for number in re.findall(r"\d+", version)[:3])
        if numbers < _OLDEST[product]:
            oldest = ".".join(map(str, _OLDEST[product]))
            raise BadInput(f"{self._place}: {product} {version} is too old; it takes {product} {oldest} or later")
        if not takes_files:
            raise BadInput(f"{self._place}: {_ALLOW_FILES}")

    def tables(self) -> dict[str, str]:
        comments = "SELECT TABLE_NAME, TABLE_COMMENT FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()"
        views = "SELECT TABLE_NAME, VIEW_DEFINITION FROM information_schema.VIEWS WHERE TABLE_SCHEMA = DATABASE()"
        found = {name: comment or "" for name, comment in self.rows(comments)}
        return found | {name: _comment_of_view(definition or "") for name, definition in self.rows(views)}

    def same_name(self, name: str) -> str:
        if self._folds_case is None:
            ((setting,),) = self.rows("SELECT @@lower_case_table_names")
            self._folds_case = bool(setting)
        return name.lower() if self._folds_case else name

    def referring(self) -> list[tuple[str, str]]:
        keys = (
            "SELECT DISTINCT TABLE_SCHEMA = DATABASE(), TABLE_SCHEMA, TABLE_NAME, REFERENCED_TABLE_NAME"
            " FROM information_schema.KEY_COLUMN_USAGE WHERE REFERENCED_TABLE_SCHEMA = DATABASE()"
        )
        triggers = (
            "SELECT TRIGGER_NAME, EVENT_OBJECT_TABLE FROM information_schema.TRIGGERS"
            " WHERE EVENT_OBJECT_SCHEMA = DATABASE()"
        )
        found = [(name if here else f"{schema}.{name}", to) for here, schema, name, to in self.rows(keys)]
        return found + [(f"trigger {name}", table) for name, table in self.rows(triggers)]

    def constraint_names(self) -> frozenset[str]:
        sql = "SELECT CONSTRAINT_NAME FROM information_schema.TABLE_CONSTRAINTS WHERE CONSTRAINT_SCHEMA = DATABASE()"
        return frozenset(name.lower() for (name,) in self.rows(sql))

    def rename(self, names: Mapping[str, str]) -> None:
        quote = self.dialect.quote
        self.run(f"RENAME TABLE {', '.join(f'{quote(old)} TO {quote(new)}' for old, new in names.items())}")

    def swap(self, swap: Swap) -> None:
        """One renaming of all tables; then the views, which go by names, so that old ones show the new tables at once.

        They cannot be renamed with the tables: their definitions have the names of the stage.
        """
        self.rename({**swap.old_tables, **swap.tables})
        made: list[str] = []
        try:
            for name, statements in swap.create_views.items():
                self.run(*statements)
                made.append(name)
            self.drop(list(swap.views), "VIEW")
        except PayerlakeError as error:
            missing = [name for name in swap.create_views if name not in made]
            raise AfterSwap(
                f"{error}; the new tables are in place, without these views: {', '.join(missing) or '-'}; load again "
                "with --mode overwrite"
            ) from error

    def _load(self, cursor: Any, path: str, name: str, table: Table) -> str:
        """LOAD DATA LOCAL makes warnings even of errors, since it cannot stop the client: each is an error here."""
        cursor.execute(MySQL().load_file(path, name, table))
        cursor.execute("SHOW COUNT(*) WARNINGS")
        ((count,),) = cursor.fetchall()
        if not count:
            return ""
        cursor.execute("SHOW WARNINGS LIMIT 1")
        text = str(cursor.fetchall()[0][2])
        more = f" (and {count - 1:,} more)" if count > 1 else ""
        rows = "; rows are counted without the header" if re.search(r"\brow \d", text, re.IGNORECASE) else ""
        return f"{text}{more}{rows}"

    @staticmethod
    def text(error: Exception) -> str:
        return _code_and_text(error)[1]

    def _failed(self, error: Exception) -> PayerlakeError:
        code, text = _code_and_text(error)
        if code in _NO_LOCAL_FILES:
            return BadInput(f"{self._place}: {_ALLOW_FILES}")
        if code in _NOT_GRANTED:
            rights = "it takes all privileges on the database: GRANT ALL ON DATABASE.* TO USER"
            return BadInput(f"{self._place}: {text}; {rights}")
        return EngineFailed(f"{self._place}: {text}")

    @contextmanager
    def _translated(self, but: tuple[type[Exception], ...] = ()) -> Iterator[None]:
        try:
            with super()._translated(but):
                yield
        except AttributeError as error:  # PyMySQL writes on to a socket that it has given up
            if self._connection.open:
                raise
            raise self._failed(OSError("the server closed the connection")) from error


class MySQLServer(Server):
    """A database of a MySQL or MariaDB server. Needs the package PyMySQL, which the extra `mysql` installs."""

    sessions = MySQLSession

    def __init__(self, url: str) -> None:
        self._address = address(url, _ENVIRONMENT, _OPTIONS)
        super().__init__(str(self._address))

    def _end(self, connection: Any, other: Any) -> None:
        connection.cursor().execute(f"KILL {other.thread_id()}")

    def _connect(self) -> Any:
        to, pymysql = self._address, self.sessions.driver()
        tls = {"ssl": {"ca": to.options["ssl_ca"]}} if "ssl_ca" in to.options else {}
        socket = {"unix_socket": to.options["unix_socket"]} if "unix_socket" in to.options else {}
        try:
            return pymysql.connect(
                host=to.host,
                port=to.port or 3306,
                user=to.user,
                password=to.password,
                database=to.database,
                charset="utf8mb4",
                connect_timeout=10,
                local_infile=True,
                autocommit=True,
                init_command=f"{STRICT}, lock_wait_timeout = {_PATIENCE_SECONDS}, max_error_count = 64",
                **socket,
                **tls,
            )
        except (pymysql.Error, RuntimeError, OSError) as error:  # RuntimeError: a login that needs another package
            code, text = _code_and_text(error)
            raise BadInput(f"{self}: {text}; {_CONNECTION.get(code, 'check the URL and the server')}") from None


def _comment_of_view(definition: str) -> str:
    """What the view says of itself in its definition; "" for a view of others."""
    found = re.search(r"'(payerlake view [^']*)'", definition)
    return found[1] if found else ""


def _code_and_text(error: Exception) -> tuple[int, str]:
    if len(error.args) > 1 and isinstance(error.args[0], int):
        return error.args[0], " ".join(str(error.args[1]).split())
    return 0, " ".join(str(error).split()) or type(error).__name__
