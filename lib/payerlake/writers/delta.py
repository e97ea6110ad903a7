"""Delta: one table a folder, `delta/TABLE`, with the contract in its metadata."""

from __future__ import annotations

from pyspark.sql import DataFrame, SparkSession

from payerlake.schema import Column, Table
from payerlake.storage import Folder
from payerlake.writers.layout import Layout, Stored, require, stored


class DeltaWriter:
    """The table is created empty with comments, NOT NULL and CHECK constraints, then appended to in one commit."""

    def write(self, df: DataFrame, table: Table, folder: str, layout: Layout) -> Stored:
        target = _folder(table, folder)
        df.sparkSession.sql(create_statement(f"delta.{quoted(target.spark_url)}", table, layout))
        df.write.format("delta").mode("append").save(target.spark_url)
        target.sweep()
        return stored(target, ".parquet")

    def read(self, spark: SparkSession, table: Table, folder: str) -> DataFrame:
        source = require(_folder(table, folder), table)
        return spark.read.format("delta").load(source.spark_url).select(*table.column_names)


def create_statement(name: str, table: Table, layout: Layout) -> str:
    """CREATE TABLE for the empty table; `name` is already quoted."""
    columns = ", ".join(_definition(column) for column in table.columns)
    partitions = ", ".join(quoted(column) for column in layout.partition_by)
    checks = ", ".join(f"{_literal(name)} = {_literal(check)}" for name, check in check_properties(table).items())
    return (
        f"CREATE TABLE {name} ({columns}) USING DELTA"
        + (f" PARTITIONED BY ({partitions})" if partitions else "")
        + f" COMMENT {_literal(table.grain)}"
        + (f" TBLPROPERTIES ({checks})" if checks else "")
    )


def check_properties(table: Table) -> dict[str, str]:
    """The contract's conditions as table properties. Delta refuses a row where a check is null; SQL would not."""
    return {f"delta.constraints.{name}": f"({check}) IS NOT FALSE" for name, check in table.constraints().items()}


def quoted(name: str) -> str:
    """An identifier in backticks."""
    return "`" + name.replace("`", "``") + "`"


def _folder(table: Table, folder: str) -> Folder:
    return Folder(folder) / f"delta/{table.name}"


def _definition(column: Column) -> str:
    nulls = "" if column.nullable else " NOT NULL"
    meaning = f"{column.meaning} ({column.unit})" if column.unit else column.meaning
    return f"{quoted(column.name)} {column.spark_type.simpleString()}{nulls} COMMENT {_literal(meaning)}"


def _literal(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
