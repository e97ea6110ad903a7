"""Readers that are not Spark, each with the options that tests/engines/README.md names, and what they see as Arrow.

Every function takes a published dataset's folder and a table's contract and returns its rows under the contract's
column names, as the reader itself typed them.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import csv as arrow_csv
from pyarrow import parquet
from pyspark.sql import types as T

from payerlake.contract.schema import Column, Table

Reader = Callable[[Path, Table], pa.Table]
_ARROW = {
    "string": pa.string(),
    "date": pa.date32(),
    "boolean": pa.bool_(),
    "tinyint": pa.int8(),
    "smallint": pa.int16(),
    "int": pa.int32(),
    "bigint": pa.int64(),
    "double": pa.float64(),
    "timestamp_ntz": pa.timestamp("us"),
}
_DUCKDB = {"timestamp_ntz": "timestamp", "string": "varchar"}


def arrow_type(column: Column) -> pa.DataType:
    """The type that the contract's column has outside Spark."""
    kind = column.spark_type
    return pa.decimal128(kind.precision, kind.scale) if isinstance(kind, T.DecimalType) else _ARROW[_sql_type(column)]


def arrow_schema(table: Table) -> pa.Schema:
    return pa.schema([(column.name, arrow_type(column)) for column in table.columns])


def readers() -> dict[tuple[str, str], Reader]:
    """Every reader of every format, by (format, reader). Skips where a reader is not installed."""
    for module in ("duckdb", "polars", "deltalake"):
        pytest.importorskip(module, reason=f"{module} is not installed; run: make setup")
    return {
        ("parquet", "pyarrow"): _parquet_by_pyarrow,
        ("parquet", "pandas"): _parquet_by_pandas,
        ("parquet", "polars"): _parquet_by_polars,
        ("parquet", "duckdb"): _parquet_by_duckdb,
        ("csv", "pyarrow"): _csv_by_pyarrow,
        ("csv", "pandas"): _csv_by_pandas,
        ("csv", "polars"): _csv_by_polars,
        ("csv", "duckdb"): _csv_by_duckdb,
        ("delta", "deltalake"): _delta_by_deltalake,
        ("delta", "pandas"): _delta_by_pandas,
        ("delta", "polars"): _delta_by_polars,
        ("delta", "duckdb"): _delta_by_duckdb,
    }


def headers(table: Table) -> list[str]:
    """The names of the columns in CSV."""
    return [column.header for column in table.columns]


def csv_files(folder: Path, table: Table) -> list[str]:
    """`STEM.csv`, or the numbered files."""
    whole = folder / "csv" / f"{table.csv_stem}.csv"
    return [str(whole)] if whole.exists() else sorted(map(str, (folder / "csv").glob(f"{table.csv_stem}_[0-9]*.csv")))


# Parquet: the files say their types


def _parquet_by_pyarrow(folder: Path, table: Table) -> pa.Table:
    return parquet.read_table(folder / "parquet" / table.name)


def _parquet_by_pandas(folder: Path, table: Table) -> pa.Table:
    import pandas as pd  # noqa: PLC0415

    frame = pd.read_parquet(folder / "parquet" / table.name, dtype_backend="pyarrow")
    return pa.Table.from_pandas(frame, preserve_index=False)


def _parquet_by_polars(folder: Path, table: Table) -> pa.Table:
    import polars as pl  # noqa: PLC0415

    return pl.read_parquet(folder / "parquet" / table.name / "*.parquet").to_arrow()


def _parquet_by_duckdb(folder: Path, table: Table) -> pa.Table:
    return _duckdb(f"SELECT * FROM read_parquet('{folder}/parquet/{table.name}/*.parquet')")


# CSV: the reader is told the types, as the contract has them; an empty field is a null, and no word stands for one


def _csv_by_pyarrow(folder: Path, table: Table) -> pa.Table:
    convert = arrow_csv.ConvertOptions(
        column_types={column.header: arrow_type(column) for column in table.columns},
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
        true_values=["true", "1"],
        false_values=["false", "0"],
    )
    files = csv_files(folder, table)
    parse = arrow_csv.ParseOptions(newlines_in_values=True)
    read = [arrow_csv.read_csv(file, convert_options=convert, parse_options=parse) for file in files]
    return pa.concat_tables(read).rename_columns(table.column_names)


def _csv_by_pandas(folder: Path, table: Table) -> pa.Table:
    import pandas as pd  # noqa: PLC0415

    kinds = {column.header: pd.ArrowDtype(arrow_type(column)) for column in table.columns}
    options = {"dtype": kinds, "keep_default_na": False, "na_values": [""], "encoding": "utf-8"}
    frame = pd.concat([pd.read_csv(file, **options) for file in csv_files(folder, table)], ignore_index=True)
    return pa.Table.from_pandas(frame.set_axis(table.column_names, axis=1), preserve_index=False)


def _csv_by_polars(folder: Path, table: Table) -> pa.Table:
    import polars as pl  # noqa: PLC0415

    # 1 and 0 are no booleans to polars.
    numbers = [column.header for column in table.columns if column.type == "boolean" and table.numeric_booleans]
    kinds = pl.Schema(arrow_schema(table)).dtypes()
    schema = dict(zip(headers(table), kinds, strict=True)) | dict.fromkeys(numbers, pl.Int8)
    frame = pl.concat([pl.read_csv(file, schema=schema) for file in csv_files(folder, table)])
    typed = frame.with_columns(pl.col(name).cast(pl.Boolean) for name in numbers)
    return typed.to_arrow().rename_columns(table.column_names)


def _csv_by_duckdb(folder: Path, table: Table) -> pa.Table:
    kinds = ", ".join(f"'{column.name}': '{_duckdb_type(column)}'" for column in table.columns)
    options = f"header = true, columns = {{{kinds}}}, nullstr = '', allow_quoted_nulls = false"
    dialect = "auto_detect = false, delim = ',', quote = '\"', escape = '\"'"
    return _duckdb(f"SELECT * FROM read_csv({csv_files(folder, table)}, {options}, {dialect})")


# Delta: by delta-rs, of its own or as others use it


def _delta_by_deltalake(folder: Path, table: Table) -> pa.Table:
    from deltalake import DeltaTable  # noqa: PLC0415

    return DeltaTable(folder / "delta" / table.name).to_pyarrow_table()


def _delta_by_pandas(folder: Path, table: Table) -> pa.Table:
    from deltalake import DeltaTable  # noqa: PLC0415
    from pandas import ArrowDtype  # noqa: PLC0415

    frame = DeltaTable(folder / "delta" / table.name).to_pandas(types_mapper=ArrowDtype)
    return pa.Table.from_pandas(frame, preserve_index=False)


def _delta_by_polars(folder: Path, table: Table) -> pa.Table:
    import polars as pl  # noqa: PLC0415

    return pl.read_delta(str(folder / "delta" / table.name)).to_arrow()


def _delta_by_duckdb(folder: Path, table: Table) -> pa.Table:
    """By what DuckDB reads of any Arrow dataset; its own `delta_scan` is an extension that it fetches itself."""
    from deltalake import DeltaTable  # noqa: PLC0415

    return _duckdb("SELECT * FROM stored", stored=DeltaTable(folder / "delta" / table.name).to_pyarrow_dataset())


def _duckdb(query: str, **given: object) -> pa.Table:
    import duckdb  # noqa: PLC0415

    with duckdb.connect() as connection:
        for name, value in given.items():
            connection.register(name, value)
        return connection.sql(query).arrow().read_all()


def _duckdb_type(column: Column) -> str:
    kind = _sql_type(column)
    return _DUCKDB.get(kind, kind)


def _sql_type(column: Column) -> str:
    return column.spark_type.simpleString()
