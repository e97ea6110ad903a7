"""Tables of a catalog: Unity Catalog on Databricks, or a session's own `spark_catalog`.

A schema holds one table, `payerlake_manifest`, that says which tables are ours: one row per dataset, its manifest
null while a run publishes. No catalog replaces several tables at once, so a run that is killed while it publishes
leaves a dataset that says it is not published; running it again completes it.
"""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from payerlake.contract.dataset import Dataset
from payerlake.contract.schema import Table
from payerlake.contract.sql import literal, quoted
from payerlake.errors import BadInput
from payerlake.storage.folder import Folder
from payerlake.storage.runs import Hold, hold
from payerlake.storage.target import check_mode
from payerlake.writers.delta import WRITING, check_properties, create_statement
from payerlake.writers.layout import Layout, Stored, as_stands

if TYPE_CHECKING:
    from payerlake.publish.destinations import Start

MANIFEST_TABLE = "payerlake_manifest"
_MANIFEST_SCHEMA = "dataset STRING NOT NULL, tables ARRAY<STRING> NOT NULL, manifest STRING"


class CatalogDestination:
    """CATALOG.SCHEMA.TABLE, as Delta tables: a destination that is a schema, which only a session can look into."""

    def __init__(self, catalog: str, schema: str, dataset: Dataset[Any]) -> None:
        self.place, self.dataset = f"{catalog}.{schema}", dataset
        self._catalog, self._schema = catalog, schema
        self._session: SparkSession | None = None
        self._run = secrets.token_hex(4)
        self._hold: Hold | None = None
        self._written: list[Table] = []

    def check(self, formats: Sequence[str]) -> None:
        for name in formats:
            if name != "delta":
                raise BadInput(
                    f"--format {name}: the tables of --catalog {self._catalog} are Delta; leave --format out, or give "
                    "--out instead of a catalog"
                )

    @contextmanager
    def reserved(self, mode: str, start: Start) -> Iterator[SparkSession]:
        check_mode(mode)
        spark = self.opened(start)
        with self.locked("generate"):
            self._refuse_foreign(self.dataset.tables)
            if mode == "error" and self._published() is not None:
                raise BadInput(f"{self._at()}: holds a published {self.dataset.name}; --mode overwrite replaces it")
            yield spark

    def opened(self, start: Start) -> SparkSession:
        self._session = start(True, None)
        return self._session

    @property
    def _spark(self) -> SparkSession:
        assert self._session is not None, "a catalog is asked inside `reserved`, or once it is `opened`"
        return self._session

    @contextmanager
    def locked(self, command: str) -> Iterator[None]:
        if not self._spark.catalog.databaseExists(self._at()):
            raise BadInput(
                f"--catalog {self._catalog} --schema {self._schema}: no such schema; create it, or check both names"
            )
        board = _Claims(self._spark, self._at(), f"payerlake_run_{self.dataset.name}_")
        with hold(board, f"{self._at()}: {self.dataset.name}", command) as self._hold:
            yield

    @contextmanager
    def staged(self) -> Iterator[None]:
        """On the way in no staging table of an earlier run stands, on the way out, published or not, none of this."""
        self._drop(self._names(f"payerlake_stage_{self.dataset.name}_"))
        try:
            yield
        finally:
            self._drop(self._names(f"payerlake_stage_{self.dataset.name}_{self._run}_"))

    def staging_folder(self) -> Folder | None:
        return None

    def scratch(self) -> AbstractContextManager[Folder | None]:
        return nullcontext()

    def write(self, frame: DataFrame, table: Table, format_: str, layout: Layout) -> Stored:
        self._written.append(table)
        name = self._at(self._stage(table))
        self._spark.sql(create_statement(name, table, layout, check_properties(table)))
        frame.write.format("delta").options(**WRITING).mode("append").saveAsTable(name)
        detail = self._spark.sql(f"DESCRIBE DETAIL {name}").select("numFiles", "sizeInBytes").collect()[0]
        # By a column of the files: Delta would answer a count of rows from its log, whether files stand or not.
        (rows,) = self._spark.table(name).agg(F.count("_metadata.file_path")).collect()[0]
        return Stored(int(rows), int(detail[0]), int(detail[1]))

    def read(self, spark: SparkSession, table: Table, format_: str, from_stage: bool) -> DataFrame:
        name = self._at(self._stage(table) if from_stage else table.name)
        if not spark.catalog.tableExists(name):
            raise BadInput(f"{name}: no such table; generate {table.full_name} into this schema first")
        return as_stands(spark.table(name), table)

    def keep(self, name: str, text: str) -> None:
        raise BadInput(f"{name}: a catalog holds tables, not files; give --out")

    def keep_results(self, results: Path, state: str) -> str:
        kept = Path(tempfile.mkdtemp(prefix="payerlake-validation-"))  # a catalog holds tables, not pages
        Folder(str(kept)).upload(results)
        return str(kept / "index.html")

    def publish(self, manifest: str) -> None:
        """Replace the dataset's tables by the staged ones and write its manifest last."""
        assert self._hold is not None, "publish inside `reserved`"
        self._hold.require()
        self._refuse_foreign(self._written)
        names = list(dict.fromkeys(table.name for table in self._written))
        old = self._owned()
        self._record(sorted({*old, *names}), None)
        self._drop({*old, *names})
        for table in self._written:
            self._spark.sql(f"ALTER TABLE {self._at(self._stage(table))} RENAME TO {self._new_name(table.name)}")
        self._record(names, manifest)

    def manifest(self) -> str:
        text = self._published()
        if text is None:
            raise BadInput(f"{self.place}: no published {self.dataset.name}; run payerlake generate first")
        return text

    def _published(self) -> str | None:
        row = self._row()
        return row["manifest"] if row else None

    def _refuse_foreign(self, tables: Sequence[Table]) -> None:
        ours = self._owned()
        for table in tables:
            if table.name not in ours and self._spark.catalog.tableExists(self._at(table.name)):
                raise BadInput(
                    f"{self._at(table.name)}: exists and is not of {self.dataset.name}; "
                    "drop it or give another --schema"
                )

    def _owned(self) -> list[str]:
        row = self._row()
        return list(row["tables"]) if row else []

    def _row(self) -> Row | None:
        if not self._spark.catalog.tableExists(self._at(MANIFEST_TABLE)):
            return None
        found = self._spark.table(self._at(MANIFEST_TABLE)).where(F.col("dataset") == self.dataset.name).collect()
        return found[0] if found else None

    def _record(self, tables: list[str], manifest: str | None) -> None:
        """Replace the dataset's row in one commit."""
        name = self._at(MANIFEST_TABLE)
        self._spark.sql(f"CREATE TABLE IF NOT EXISTS {name} ({_MANIFEST_SCHEMA}) USING DELTA")
        row = self._spark.createDataFrame([(self.dataset.name, tables, manifest)], _MANIFEST_SCHEMA).coalesce(1)
        only_ours = f"dataset = '{self.dataset.name}'"
        row.write.format("delta").mode("overwrite").option("replaceWhere", only_ours).saveAsTable(name)

    def _stage(self, table: Table) -> str:
        """The staging table of this dataset and run: datasets have tables of one name, and a run may come late."""
        return f"payerlake_stage_{table.dataset}_{self._run}_{table.name}"

    def _names(self, prefix: str) -> list[str]:
        """The tables whose names begin so."""
        shown = self._spark.sql(f"SHOW TABLES IN {self._at()}").collect()
        return [row["tableName"] for row in shown if row["tableName"].startswith(prefix)]

    def _drop(self, names: Iterable[str]) -> None:
        for name in names:
            self._spark.sql(f"DROP TABLE IF EXISTS {self._at(name)}")

    def _at(self, *names: str) -> str:
        return ".".join(quoted(name) for name in (self._catalog, self._schema, *names))

    def _new_name(self, name: str) -> str:
        # The session catalog takes no catalog name in front of the new name; other catalogs want it.
        return f"{quoted(self._schema)}.{quoted(name)}" if self._catalog == "spark_catalog" else self._at(name)


@dataclass(frozen=True)
class _Claims:
    """Claims of runs as views of one text, which cost a catalog less than tables. schema: where, quoted."""

    spark: SparkSession
    schema: str
    prefix: str

    def put(self, name: str, text: str) -> None:
        self.spark.sql(f"CREATE OR REPLACE VIEW {self._view(name)} AS SELECT {literal(text)} AS claim")

    def all(self) -> dict[str, str]:
        shown = self.spark.sql(f"SHOW VIEWS IN {self.schema}").collect()
        names = [row["viewName"] for row in shown if row["viewName"].startswith(self.prefix)]
        texts = {}
        for name in (name.removeprefix(self.prefix) for name in names):
            with suppress(AnalysisException):  # withdrawn since it was listed
                texts[name] = self.spark.table(self._view(name)).collect()[0]["claim"]
        return texts

    def drop(self, name: str) -> None:
        self.spark.sql(f"DROP VIEW IF EXISTS {self._view(name)}")

    def _view(self, name: str) -> str:
        return f"{self.schema}.{quoted(self.prefix + name)}"
