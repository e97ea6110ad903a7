"""DataFrame in, DataFrame out: what every table may need and Spark has no single call for."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow as pa
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T
from pyspark.sql.pandas.types import to_arrow_schema

_GATHERED = 1_000_000  # rows that fit into one file, and into the memory of the driver


def listed(spark: SparkSession, rows: Iterable[Sequence[Any]], schema: str | T.StructType) -> DataFrame:
    """A list of this process as a DataFrame of one partition: a part of every plan that reads it.

    Spark 3.5 has no tables of Arrow; there the rows pass through a Python worker, once a query.
    """
    if not hasattr(DataFrame, "toArrow"):
        return spark.createDataFrame(list(rows), schema).coalesce(1)
    fields = T.StructType.fromDDL(schema) if isinstance(schema, str) else schema
    assert isinstance(fields, T.StructType)  # fields by name, and no lone type
    arrow = to_arrow_schema(fields)
    columns = list(zip(*rows, strict=True)) or [()] * len(arrow)
    arrays = [pa.array(values, type=field.type) for values, field in zip(columns, arrow, strict=True)]
    return spark.createDataFrame(pa.Table.from_arrays(arrays, schema=arrow), fields).coalesce(1)


def gathered(frame: DataFrame, sums: DataFrame, key: str, how: str, rows: int) -> DataFrame:
    """A join of so many rows with the sums of each: in one partition, or in as many as the rows fill."""
    files = math.ceil(rows / _GATHERED)
    if files == 1:
        return frame.coalesce(1).join(F.broadcast(sums), on=key, how=how)
    # Sent to every executor, millions of sums would pass through the driver.
    return frame.join(sums.hint("merge"), on=key, how=how).coalesce(files)


def filtered(frame: DataFrame, condition: Column) -> DataFrame:
    """The rows that meet the condition, as `where` has them, but found where it stands.

    Spark moves a filter below the steps that computed what it looks at, and puts their expressions, in full and each as
    often as it is named, into it: after a few steps that is megabytes of code. It moves none below an explode.
    """
    once = F.when(condition, F.array(F.lit(True)))
    return frame.select("*", F.explode(once).alias("_once")).drop("_once")


def in_a_new_method(frame: DataFrame) -> DataFrame:
    """The same rows, from where on Spark's generated code begins another Java method.

    All steps of a stage up to an explode become one method, and one of more than 64 KB makes the stage run uncompiled,
    at a tenth of the speed. To be put into long tables, of which `explain("codegen")` shows the size.
    """
    return filtered(frame, F.lit(True))
