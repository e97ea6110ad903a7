"""Parquet: one folder a table, `parquet/TABLE/part-….parquet`."""

from __future__ import annotations

from pathlib import PurePosixPath

from pyspark.sql import DataFrame, SparkSession

from payerlake.contract.schema import Table
from payerlake.storage.folder import Folder
from payerlake.writers.layout import CODEC, Layout, Stored, require, stored
from payerlake.writers.standing import Footer, parquet_footers

_PLACE = "parquet"

# Identifiers do not compress further at the default level, 3; at the first their files are even 3 % smaller.
_QUICK = {"parquet.compression.codec.zstd.level": "1"}


class ParquetWriter:
    """The table's columns by name; partition columns in the names of the folders, as Hive has it."""

    def write(self, df: DataFrame, table: Table, folder: str, layout: Layout) -> Stored:
        return write_files(df, table, _folder(table, folder), layout, f"{_PLACE}/{table.name}/")[0]

    def read(self, spark: SparkSession, table: Table, folder: str) -> DataFrame:
        source = require(_folder(table, folder), table)
        # Spark puts partition columns last, whatever the schema says.
        return spark.read.schema(table.schema()).parquet(source.spark_url).select(*table.column_names)


def write_files(
    df: DataFrame, table: Table, target: Folder, layout: Layout, within: str
) -> tuple[Stored, dict[str, Footer]]:
    """Write the rows into the folder; what stands there, and what each file says of itself.

    within: the folder's place in that of the dataset.
    """
    writer = df.write.partitionBy(*layout.partition_by).option("compression", CODEC)
    writer.options(**_QUICK, **_no_dictionaries(table)).parquet(target.spark_url)
    target.sweep()
    footers = parquet_footers(target, {name: size for name, size in target.files().items() if _is_data(name)})
    rows = sum(footer.rows for footer in footers.values())
    return stored(rows, {name: footer.bytes for name, footer in footers.items()}, within=within), footers


def _is_data(name: str) -> bool:
    """Not what engines note beside it, under names that readers pass over."""
    return not PurePosixPath(name).name.startswith(("_", "."))


def _no_dictionaries(table: Table) -> dict[str, str]:
    """Options for the columns that are smaller, and written in a seventh less time, without a dictionary."""
    return {f"parquet.enable.dictionary#{c.name}": "false" for c in table.columns if c.high_cardinality}


def _folder(table: Table, folder: str) -> Folder:
    return Folder(folder) / f"{_PLACE}/{table.name}"
