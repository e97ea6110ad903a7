"""CSV: every table of a dataset flat in `csv/`, `STEM.csv` or `STEM_01.csv`, `STEM_02.csv`, …

UTF-8, RFC 4180 with line feeds, a header in every file, fields quoted only where they must be. An empty field is a
null, `""` an empty string. Dates are YYYY-MM-DD, decimals keep their scale.
"""

from __future__ import annotations

import re

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from payerlake.contract.schema import Table
from payerlake.errors import BadInput
from payerlake.storage.folder import Folder
from payerlake.writers.layout import Layout, Stored, stored
from payerlake.writers.standing import csv_rows, have_header

_PLACE = "csv"
_BOTH_WAYS = {
    "encoding": "UTF-8",
    "lineSep": "\n",
    "escape": '"',
    "ignoreLeadingWhiteSpace": "false",
    "ignoreTrailingWhiteSpace": "false",
}
_WRITING = _BOTH_WAYS | {
    "dateFormat": "yyyy-MM-dd",
    "header": "true",
    "nullValue": "",
    "emptyValue": '""',
    "compression": "none",  # else Hadoop's setting decides, mapreduce.output.fileoutputformat.compress
}
# The parser hands over an unquoted empty field as its null value and `""` as its empty value; were both the empty
# string, it could not tell them apart. No text holds a NUL.
_READING = _BOTH_WAYS | {"header": "true", "nullValue": "\0", "emptyValue": "", "multiLine": "true", "mode": "FAILFAST"}


class DelimitedWriter:
    """Spark writes its part files aside; they then get their numbers in the order of the partitions."""

    def write(self, df: DataFrame, table: Table, folder: str, layout: Layout) -> Stored:
        target = _folder(folder)
        parts = f"_parts_{table.csv_stem}"
        _texts(df, table).write.options(**_WRITING).csv((target / parts).spark_url)
        names = _number(target, parts, table.csv_stem)
        (target / parts).delete()
        sizes = target.files()
        # Files of this machine are counted here; distant ones where they are, by whoever reads them.
        rows = csv_rows(target, names) if target.is_local else self.read(df.sparkSession, table, folder).count()
        return stored(rows, {name: sizes[name] for name in names}, within=f"{_PLACE}/")

    def read(self, spark: SparkSession, table: Table, folder: str) -> DataFrame:
        source = _folder(folder)
        names = stored_names(source, table)
        if not names:
            raise BadInput(
                f"{source}: no {table.csv_stem}.csv or numbered files; generate {table.full_name} as csv first"
            )
        urls = [(source / name).spark_url for name in names]
        if not have_header(source, names, ",".join(column.header for column in table.columns)):
            return spark.read.options(**_READING).csv(urls)  # for the rule about columns to report
        texts = spark.read.options(**_READING).schema(_text_schema(table)).csv(urls)
        return texts.select(*[F.col(c.name).cast(c.spark_type).alias(c.name) for c in table.columns])


def _folder(folder: str) -> Folder:
    return Folder(folder) / _PLACE


def _texts(df: DataFrame, table: Table) -> DataFrame:
    return df.select(*[_text(c.name, c.spark_type, table.numeric_booleans).alias(c.header) for c in table.columns])


def _text(name: str, kind: T.DataType, numeric_booleans: bool) -> Column:
    """The column as Spark's CSV writer is to have it."""
    if isinstance(kind, T.BooleanType) and numeric_booleans:
        return F.col(name).cast("int")
    if isinstance(kind, (T.DecimalType, T.TimestampNTZType)):
        return F.col(name).cast(
            "string"
        )  # the writer itself would give 0E-8 for a zero of scale 8, and a T before hours
    return F.col(name)


def _text_schema(table: Table) -> T.StructType:
    """The contract's schema, booleans and timestamps as strings: a cast knows more forms of them than the parser."""
    fields = [T.StructField(c.name, c.spark_type, c.nullable) for c in table.columns]
    for field in fields:
        if isinstance(field.dataType, (T.BooleanType, T.TimestampNTZType)):
            field.dataType = T.StringType()
    return T.StructType(fields)


def _number(target: Folder, parts: str, stem: str) -> list[str]:
    """Rename the part files in the order of their partitions and return their names; an empty partition has no file."""
    found = [name for name in (target / parts).files() if name.startswith("part-")]
    ordered = sorted(found, key=lambda name: (int(name.split("-")[1]), name))
    names = file_names(stem, len(ordered))
    for part, name in zip(ordered, names, strict=True):
        target.rename_file(f"{parts}/{part}", name)
    return names


def stored_names(folder: Folder, table: Table) -> list[str]:
    """The names of the table's files that stand in the folder, in order."""
    return [name for name in folder.files() if re.fullmatch(rf"{re.escape(table.csv_stem)}(_\d+)?\.csv", name)]


def file_names(stem: str, count: int) -> list[str]:
    """`STEM.csv` for one file, else numbered from 01 with at least two digits, all of the same width."""
    if count == 1:
        return [f"{stem}.csv"]
    width = max(2, len(str(count)))
    return [f"{stem}_{number:0{width}d}.csv" for number in range(1, count + 1)]
