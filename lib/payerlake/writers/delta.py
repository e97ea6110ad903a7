"""Delta: one table a folder, `delta/TABLE`: Parquet files, and a log of one commit with the contract in its metadata.

The rows are written as any Parquet is. The commit is the four kinds of lines that Delta's protocol asks of a new table
(github.com/delta-io/delta, PROTOCOL.md); nobody else writes to a table that is staged, so it needs no transaction. Of a
table that Delta's own writer makes, it takes a third of the time where the table is small and a sixth less where it is
large, needs no jar, and files of tasks that were killed never come to stand beside it. A catalog's tables are Delta's
own work.

The CHECK constraints are not evaluated while writing: what is published has been through the same conditions in its
validation.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote, unquote

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import types as T

from payerlake.contract.schema import Column, Table
from payerlake.contract.sql import literal, quoted
from payerlake.storage.folder import Folder
from payerlake.version import __version__
from payerlake.writers.layout import Layout, Stored, as_stands, require
from payerlake.writers.parquet import write_files
from payerlake.writers.standing import Footer

# Files are the partitions that a table is made in, also where an engine would shuffle its rows into others.
WRITING = {"optimizeWrite": "false"}

_PLACE, _LOG = "delta", "_delta_log"
_OF_VERSION_3 = {"appendOnly", "invariants", "checkConstraints"}
_OF_TYPES = {"timestampNtz"}  # features that only name a type
_NO_VALUE = "__HIVE_DEFAULT_PARTITION__"
_SKIPPED_BY = 32  # columns, the first, whose values are in the log, as Delta has it


class DeltaWriter:
    """Parquet's files, then the commit that lists them."""

    def write(self, df: DataFrame, table: Table, folder: str, layout: Layout) -> Stored:
        target, within = _folder(table, folder), f"{_PLACE}/{table.name}/"
        stored, footers = write_files(df, table, target, layout, within)
        log = "".join(f"{json.dumps(line)}\n" for line in _commit(table, layout, stored, footers))
        (target / _LOG).make()
        (target / _LOG).write_text(_commit_name(0), log)
        name = f"{within}{_LOG}/{_commit_name(0)}"
        return replace(stored, sizes={**stored.sizes, name: len(log.encode())})

    def read(self, spark: SparkSession, table: Table, folder: str) -> DataFrame:
        source = require(_folder(table, folder), table)
        if _is_plain(source, table):
            return spark.read.schema(table.schema()).parquet(source.spark_url).select(*table.column_names)
        return as_stands(spark.read.format("delta").load(source.spark_url), table)


def create_statement(name: str, table: Table, layout: Layout, properties: Mapping[str, str]) -> str:
    """CREATE TABLE for the empty table of a catalog; `name` is already quoted."""
    columns = ", ".join(_definition(column) for column in table.columns)
    partitions = ", ".join(quoted(column) for column in layout.partition_by)
    settings = ", ".join(f"{literal(key)} = {literal(value)}" for key, value in properties.items())
    return (
        f"CREATE TABLE {name} ({columns}) USING DELTA"
        + (f" PARTITIONED BY ({partitions})" if partitions else "")
        + f" COMMENT {literal(table.grain)}"
        + (f" TBLPROPERTIES ({settings})" if settings else "")
    )


def check_properties(table: Table) -> dict[str, str]:
    """The contract's conditions as table properties. Delta refuses a row where a check is null; SQL would not."""
    return {f"delta.constraints.{name}": f"({check}) IS NOT FALSE" for name, check in table.constraints().items()}


# the commit


def _commit(table: Table, layout: Layout, stored: Stored, footers: Mapping[str, Footer]) -> Iterator[dict[str, Any]]:
    now = int(time.time() * 1000)
    yield {
        "commitInfo": {
            "timestamp": now,
            "operation": "CREATE TABLE AS SELECT",
            "operationParameters": {"partitionBy": json.dumps(layout.partition_by), "description": table.grain},
            "isolationLevel": "Serializable",
            "isBlindAppend": True,
            "operationMetrics": {
                "numFiles": str(stored.files),
                "numOutputRows": str(stored.rows),
                "numOutputBytes": str(stored.bytes),
            },
            "engineInfo": f"payerlake/{__version__}",
        }
    }
    yield {"protocol": _protocol(table)}
    yield {
        "metaData": {
            "id": str(uuid.uuid4()),
            "description": table.grain,
            "format": {"provider": "parquet", "options": {}},
            "schemaString": _schema(table).json(),
            "partitionColumns": list(layout.partition_by),
            "configuration": check_properties(table),
            "createdTime": now,
        }
    }
    for name, footer in footers.items():
        yield {
            "add": {
                "path": quote(name, safe="/=+,-._~"),
                "partitionValues": _partition(name),
                "size": footer.bytes,
                "modificationTime": now,
                "dataChange": True,
                "stats": json.dumps(_statistics(table, footer)),
            }
        }


def _commit_name(version: int) -> str:
    return f"{version:020d}.json"


def _protocol(table: Table) -> dict[str, Any]:
    """What readers and writers must know: CHECK is of writer version 3, as are the features before it; a timestamp
    without a zone is a feature by name, and where one is named, all are."""
    if not any(isinstance(column.spark_type, T.TimestampNTZType) for column in table.columns):
        return {"minReaderVersion": 1, "minWriterVersion": 3}
    return {
        "minReaderVersion": 3,
        "minWriterVersion": 7,
        "readerFeatures": sorted(_OF_TYPES),
        "writerFeatures": sorted(_OF_VERSION_3 | _OF_TYPES),
    }


def _schema(table: Table) -> T.StructType:
    return T.StructType(
        [T.StructField(c.name, c.spark_type, c.nullable, {"comment": c.comment}) for c in table.columns]
    )


def _partition(name: str) -> dict[str, str | None]:
    """The values in the names of the folders that the file lies in."""
    pairs = [folder.split("=", 1) for folder in name.split("/")[:-1]]
    return {unquote(column): None if value == _NO_VALUE else unquote(value) for column, value in pairs}


def _statistics(table: Table, footer: Footer) -> dict[str, Any]:
    """What lets a reader skip the file. Of times it is left out, and of booleans, as by Delta."""
    names = [column.name for column in table.columns if _is_ordered(column)][:_SKIPPED_BY]
    ranges = {name: footer.ranges[name] for name in names if name in footer.ranges}
    return {
        "numRecords": footer.rows,
        "minValues": {name: low for name, (low, _) in ranges.items()},
        "maxValues": {name: high for name, (_, high) in ranges.items()},
        "nullCount": {name: footer.nulls[name] for name in table.column_names[:_SKIPPED_BY] if name in footer.nulls},
    }


def _is_ordered(column: Column) -> bool:
    return not isinstance(column.spark_type, T.TimestampNTZType | T.BooleanType)


# what is there


def _is_plain(source: Folder, table: Table) -> bool:
    """Whether the log says no more than that all files of the folder are the table, as it does of what we wrote.

    Then Parquet's reader finds the same rows: Delta's runs queries over its log before each of ours, a second a query.
    Of a log that is broken, Delta's reader says what is wrong with it.
    """
    found, log = source.files(), source / _LOG
    data = {name: size for name, size in found.items() if not name.startswith(f"{_LOG}/")}
    names = [name.removeprefix(f"{_LOG}/") for name in found if name not in data and not name.endswith(".crc")]
    if names != [_commit_name(version) for version in range(len(names))]:
        return False
    try:
        actions = [json.loads(line) for name in names for line in _lines(log, name)]
        protocols = [action["protocol"] for action in actions if "protocol" in action]
        schemas = [json.loads(action["metaData"]["schemaString"]) for action in actions if "metaData" in action]
        return (
            bool(protocols and schemas)
            and all(_is_read_by_all(protocol) for protocol in protocols)
            and all(schema == json.loads(_schema(table).json()) for schema in schemas)
            and _listed(actions) == data
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return False


def _lines(log: Folder, name: str) -> list[str]:
    return log.read_text(name).splitlines()


def _is_read_by_all(protocol: Mapping[str, Any]) -> bool:
    """Whether a reader needs to know nothing of the protocol that changes which rows or values there are."""
    features = set(protocol.get("readerFeatures", ["column mapping, as version 2 has"]))
    return protocol["minReaderVersion"] == 1 or features <= _OF_TYPES


def _listed(actions: list[dict[str, Any]]) -> dict[str, int]:
    """The files that make up the table, with their bytes."""
    files: dict[str, int] = {}
    for action in actions:
        if "add" in action:
            files[unquote(action["add"]["path"])] = action["add"]["size"]
        elif "remove" in action:
            files.pop(unquote(action["remove"]["path"]), None)
    return files


def _folder(table: Table, folder: str) -> Folder:
    return Folder(folder) / f"{_PLACE}/{table.name}"


def _definition(column: Column) -> str:
    nulls = "" if column.nullable else " NOT NULL"
    return f"{quoted(column.name)} {column.spark_type.simpleString()}{nulls} COMMENT {literal(column.comment)}"
