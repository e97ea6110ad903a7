"""Delta: one table a folder, `delta/TABLE`, with the contract in its metadata.

The CHECK constraints are attached after the rows, by a commit of metadata alone. Attached before, they would be
evaluated on every row, a fifth of the whole write for a table with patterns; the statement that attaches them later
reads every row again. What is published has been through the same conditions once already, in its validation.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from pyspark.sql import DataFrame, SparkSession

from payerlake.schema import Column, Table
from payerlake.sql import literal, quoted
from payerlake.storage import Folder
from payerlake.writers.layout import CODEC, Layout, Stored, require, stored
from payerlake.writers.standing import parquet_rows

# Files are the partitions that a table is made in, also where an engine would shuffle its rows into others.
WRITING = {"optimizeWrite": "false"}

_PLACE, _LOG = "delta", "_delta_log"
_COMMIT = re.compile(r"\d{20}\.json")
_CHECKS_FROM = 3  # the writer version of Delta's protocol that knows CHECK constraints
_OF_TYPES = {"timestampNtz"}  # features that only name a type
_FEATURES_FROM = 7  # from this one on, a protocol names its features one by one


class DeltaWriter:
    """Three commits: the empty table with comments and NOT NULL, its rows, its CHECK constraints."""

    def write(self, df: DataFrame, table: Table, folder: str, layout: Layout) -> Stored:
        target = _folder(table, folder)
        df.sparkSession.sql(create_statement(f"delta.{quoted(target.spark_url)}", table, layout, properties={}))
        df.write.format("delta").options(**WRITING).option("compression", CODEC).mode("append").save(target.spark_url)
        _attach(target / _LOG, check_properties(table))
        target.sweep()
        return _standing(target, table)

    def read(self, spark: SparkSession, table: Table, folder: str) -> DataFrame:
        source = require(_folder(table, folder), table)
        if _is_plain(source):
            return spark.read.schema(table.schema()).parquet(source.spark_url).select(*table.column_names)
        return spark.read.format("delta").load(source.spark_url).select(*table.column_names)


def create_statement(name: str, table: Table, layout: Layout, properties: Mapping[str, str]) -> str:
    """CREATE TABLE for the empty table; `name` is already quoted."""
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


def _standing(target: Folder, table: Table) -> Stored:
    """What the log lists, as far as it stands. A file that is not listed is of a task that was killed; it goes."""
    found, listed = target.files(), _listed(target / _LOG)
    logs = {name: size for name, size in found.items() if name.startswith(f"{_LOG}/")}
    for name in found.keys() - listed.keys() - logs.keys():
        target.delete_file(name)
    data = {name: size for name, size in listed.items() if found.get(name) == size}
    return stored(parquet_rows(target, data), data, logs, within=f"{_PLACE}/{table.name}/")


def _is_plain(source: Folder) -> bool:
    """Whether the log says no more than that all files of the folder are the table, as it does of what we wrote.

    Then Parquet's reader finds the same rows: Delta's runs queries over its log before each of ours, a second a query.
    """
    found, log = source.files(), source / _LOG
    data = {name: size for name, size in found.items() if not name.startswith(f"{_LOG}/")}
    whole = all(_COMMIT.fullmatch(name) or name.endswith(".crc") for name in log.files())
    return whole and _is_read_by_all(log) and _listed(log) == data


def _is_read_by_all(log: Folder) -> bool:
    """Whether a reader needs to know nothing of Delta's protocol that changes which rows or values there are."""
    protocols = [action["protocol"] for action in _actions(log) if "protocol" in action]
    return all(
        protocol["minReaderVersion"] == 1 or set(protocol.get("readerFeatures", ["mapping"])) <= _OF_TYPES
        for protocol in protocols
    )


def _listed(log: Folder) -> dict[str, int]:
    """The files that make up the table, with their bytes."""
    files: dict[str, int] = {}
    for action in _actions(log):
        if "add" in action:
            files[unquote(action["add"]["path"])] = action["add"]["size"]
        elif "remove" in action:
            files.pop(unquote(action["remove"]["path"]), None)
    return files


def _actions(log: Folder) -> list[dict[str, Any]]:
    """What the commits say, in their order."""
    return [json.loads(line) for name in _commits(log) for line in log.read_text(name).splitlines()]


def _commits(log: Folder) -> list[str]:
    return [name for name in log.files() if _COMMIT.fullmatch(name)]


def _attach(log: Folder, properties: Mapping[str, str]) -> None:
    """Commit the table properties, as the Delta protocol has it. Nobody else writes to a table that is staged."""
    if not properties:
        return
    latest: dict[str, Any] = {}
    for action in _actions(log):
        latest |= action
    metadata = latest["metaData"]
    metadata["configuration"] |= properties
    note = {"timestamp": int(time.time() * 1000), "operation": "SET TBLPROPERTIES", "operationParameters": {}}
    actions = [{"commitInfo": note}, {"metaData": metadata}, {"protocol": _with_checks(latest["protocol"])}]
    log.write_text(f"{len(_commits(log)):020d}.json", "".join(f"{json.dumps(action)}\n" for action in actions))


def _with_checks(protocol: Mapping[str, Any]) -> dict[str, Any]:
    """The protocol that a writer must know to honour CHECK constraints."""
    if protocol["minWriterVersion"] >= _FEATURES_FROM:
        return {**protocol, "writerFeatures": sorted({*protocol.get("writerFeatures", []), "checkConstraints"})}
    return {**protocol, "minWriterVersion": max(protocol["minWriterVersion"], _CHECKS_FROM)}


def _folder(table: Table, folder: str) -> Folder:
    return Folder(folder) / f"{_PLACE}/{table.name}"


def _definition(column: Column) -> str:
    nulls = "" if column.nullable else " NOT NULL"
    meaning = f"{column.meaning} ({column.unit})" if column.unit else column.meaning
    return f"{quoted(column.name)} {column.spark_type.simpleString()}{nulls} COMMENT {literal(meaning)}"
