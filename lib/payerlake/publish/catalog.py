"""Tables of a catalog: Unity Catalog on Databricks, or a session's own `spark_catalog`.

A schema holds one table, `payerlake_manifest`, that says which tables are ours: one row per dataset, its manifest
null while a run publishes. No catalog replaces several tables at once, so a run that is killed while it publishes
leaves a dataset that says it is not published; running it again completes it.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from payerlake.contract.schema import Table
from payerlake.contract.sql import literal, quoted
from payerlake.errors import BadInput
from payerlake.storage.runs import Hold, hold
from payerlake.storage.target import check_mode
from payerlake.writers.delta import WRITING, check_properties, create_statement
from payerlake.writers.layout import Layout, Stored, as_stands

MANIFEST_TABLE = "payerlake_manifest"
_MANIFEST_SCHEMA = "dataset STRING NOT NULL, tables ARRAY<STRING> NOT NULL, manifest STRING"


@dataclass(frozen=True)
class CatalogTarget:
    """The schema that a dataset's tables are published in.

    Inside `reserved`, and in it inside `staged`, `write` each and `publish`.
    """

    spark: SparkSession
    catalog: str
    schema: str
    _run: str = field(default_factory=lambda: secrets.token_hex(4), init=False)
    _holds: list[Hold] = field(default_factory=list, init=False)

    @contextmanager
    def reserved(self, dataset: str, tables: Sequence[Table], mode: str) -> Iterator[None]:
        """Keep others away. Raises BadInput for tables that are not ours, and for published ones in mode error."""
        check_mode(mode)
        with self.locked(dataset, "generate"):
            self._refuse_foreign(dataset, tables)
            if mode == "error" and self.manifest(dataset) is not None:
                raise BadInput(f"{self._at()}: holds a published {dataset}; --mode overwrite replaces it")
            yield

    @contextmanager
    def locked(self, dataset: str, command: str) -> Iterator[None]:
        """Keep others away. Raises BadInput for an unknown schema, and where another run is at work."""
        if not self.spark.catalog.databaseExists(self._at()):
            raise BadInput(
                f"--catalog {self.catalog} --schema {self.schema}: no such schema; create it, or check both names"
            )
        with hold(_Claims(self, f"payerlake_run_{dataset}_"), f"{self._at()}: {dataset}", command) as held:
            self._holds.append(held)
            try:
                yield
            finally:
                self._holds.remove(held)

    @contextmanager
    def staged(self, dataset: str) -> Iterator[None]:
        """On the way in no staging table of an earlier run stands, on the way out, published or not, none of this."""
        self._drop(self._names(f"payerlake_stage_{dataset}_"))
        try:
            yield
        finally:
            self._drop(self._names(f"payerlake_stage_{dataset}_{self._run}_"))

    def write(self, df: DataFrame, table: Table, layout: Layout) -> Stored:
        """Write every row of `df` into the staging table, in one action, and count what stands."""
        name = self._at(self._stage(table))
        self.spark.sql(create_statement(name, table, layout, check_properties(table)))
        df.write.format("delta").options(**WRITING).mode("append").saveAsTable(name)
        detail = self.spark.sql(f"DESCRIBE DETAIL {name}").select("numFiles", "sizeInBytes").collect()[0]
        # By a column of the files: Delta would answer a count of rows from its log, whether files stand or not.
        (rows,) = self.spark.table(name).agg(F.count("_metadata.file_path")).collect()[0]
        return Stored(int(rows), int(detail[0]), int(detail[1]))

    def read(self, table: Table, from_stage: bool = False) -> DataFrame:
        """The published or staged rows under the contract's columns. Raises BadInput where there is no such table."""
        name = self._at(self._stage(table) if from_stage else table.name)
        if not self.spark.catalog.tableExists(name):
            raise BadInput(f"{name}: no such table; generate {table.full_name} into this schema first")
        return as_stands(self.spark.table(name), table)

    def publish(self, dataset: str, tables: Sequence[Table], manifest: str) -> None:
        """Replace the dataset's tables by the staged ones and write its manifest last."""
        self._holds[-1].require()
        self._refuse_foreign(dataset, tables)
        names = [table.name for table in tables]
        old = self._owned(dataset)
        self._record(dataset, sorted({*old, *names}), None)
        self._drop({*old, *names})
        for table in tables:
            self.spark.sql(f"ALTER TABLE {self._at(self._stage(table))} RENAME TO {self._new_name(table.name)}")
        self._record(dataset, names, manifest)

    def manifest(self, dataset: str) -> str | None:
        """The manifest's text, None where the dataset is not published."""
        row = self._row(dataset)
        return row["manifest"] if row else None

    def _refuse_foreign(self, dataset: str, tables: Sequence[Table]) -> None:
        ours = self._owned(dataset)
        for table in tables:
            if table.name not in ours and self.spark.catalog.tableExists(self._at(table.name)):
                raise BadInput(
                    f"{self._at(table.name)}: exists and is not of {dataset}; drop it or give another --schema"
                )

    def _owned(self, dataset: str) -> list[str]:
        row = self._row(dataset)
        return list(row["tables"]) if row else []

    def _row(self, dataset: str) -> Row | None:
        if not self.spark.catalog.tableExists(self._at(MANIFEST_TABLE)):
            return None
        found = self.spark.table(self._at(MANIFEST_TABLE)).where(F.col("dataset") == dataset).collect()
        return found[0] if found else None

    def _record(self, dataset: str, tables: list[str], manifest: str | None) -> None:
        """Replace the dataset's row in one commit."""
        name = self._at(MANIFEST_TABLE)
        self.spark.sql(f"CREATE TABLE IF NOT EXISTS {name} ({_MANIFEST_SCHEMA}) USING DELTA")
        row = self.spark.createDataFrame([(dataset, tables, manifest)], _MANIFEST_SCHEMA).coalesce(1)
        only_ours = f"dataset = '{dataset}'"
        row.write.format("delta").mode("overwrite").option("replaceWhere", only_ours).saveAsTable(name)

    def _stage(self, table: Table) -> str:
        """The staging table of this dataset and run: datasets have tables of one name, and a run may come late."""
        return f"payerlake_stage_{table.dataset}_{self._run}_{table.name}"

    def _names(self, prefix: str) -> list[str]:
        """The tables whose names begin so."""
        shown = self.spark.sql(f"SHOW TABLES IN {self._at()}").collect()
        return [row["tableName"] for row in shown if row["tableName"].startswith(prefix)]

    def _drop(self, names: Iterable[str]) -> None:
        for name in names:
            self.spark.sql(f"DROP TABLE IF EXISTS {self._at(name)}")

    def _at(self, *names: str) -> str:
        return ".".join(quoted(name) for name in (self.catalog, self.schema, *names))

    def _new_name(self, name: str) -> str:
        # The session catalog takes no catalog name in front of the new name; other catalogs want it.
        return f"{quoted(self.schema)}.{quoted(name)}" if self.catalog == "spark_catalog" else self._at(name)


@dataclass(frozen=True)
class _Claims:
    """Claims of runs as views of one text, which cost a catalog less than tables."""

    target: CatalogTarget
    prefix: str

    def put(self, name: str, text: str) -> None:
        self.target.spark.sql(f"CREATE OR REPLACE VIEW {self._view(name)} AS SELECT {literal(text)} AS claim")

    def all(self) -> dict[str, str]:
        shown = self.target.spark.sql(f"SHOW VIEWS IN {self.target._at()}").collect()
        names = [row["viewName"] for row in shown if row["viewName"].startswith(self.prefix)]
        texts = {}
        for name in (name.removeprefix(self.prefix) for name in names):
            with suppress(AnalysisException):  # withdrawn since it was listed
                texts[name] = self.target.spark.table(self._view(name)).collect()[0]["claim"]
        return texts

    def drop(self, name: str) -> None:
        self.target.spark.sql(f"DROP VIEW IF EXISTS {self._view(name)}")

    def _view(self, name: str) -> str:
        return self.target._at(self.prefix + name)
