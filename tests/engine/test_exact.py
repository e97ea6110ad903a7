"""A user's engine may be set as it likes: what payerlake writes and reads in it is the same to the byte."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pyspark.errors import PySparkException
from pyspark.sql import Row, SparkSession

from payerlake import registry
from payerlake.engine.exact import exact
from payerlake.errors import BadInput

LEGACY = "spark.sql.legacy.nullValueWrittenAsQuotedEmptyStringCsv"
ANSI = "spark.sql.ansi.enabled"
ZONE = "spark.sql.session.timeZone"
DEFAULTS = "spark.databricks.delta.properties.defaults.appendOnly"
OPTIMIZE = "spark.databricks.delta.optimizeWrite.enabled"
PARTITIONS = "spark.sql.shuffle.partitions"
ODD = {LEGACY: "true", ANSI: "false", ZONE: "Asia/Tokyo", DEFAULTS: "true", OPTIMIZE: "true"}
RIGHT = {LEGACY: None, ANSI: None, ZONE: "UTC", DEFAULTS: None, OPTIMIZE: "false"}  # None: as Spark has it itself


def _now(spark: SparkSession, names: Any = ODD) -> dict[str, str | None]:
    return {name: spark.conf.get(name, None) for name in names}


def _listed(spark: SparkSession) -> list[Row]:
    return spark.sql("SET").collect()


@contextmanager
def _set(spark: SparkSession, settings: dict[str, str]) -> Iterator[None]:
    """The session of all tests, with a user's settings meanwhile."""
    before = {row[0]: row[1] for row in _listed(spark)}
    try:
        for name, value in settings.items():
            spark.conf.set(name, value)
        yield
    finally:
        for name in settings:
            spark.conf.set(name, before[name]) if name in before else spark.conf.unset(name)


def test_inside_settings_of_data_are_right_and_those_of_speed_the_users(spark: SparkSession) -> None:
    with _set(spark, ODD | {PARTITIONS: "7"}):
        before = _listed(spark)
        with exact(spark):
            assert _now(spark) == RIGHT
            assert (spark.conf.get(ANSI), spark.conf.get(LEGACY)) == ("true", "false")
            assert spark.conf.get(PARTITIONS) == "7"
        assert _listed(spark) == before
        assert _now(spark) == ODD


def test_a_session_in_which_nothing_is_odd_is_afterwards_as_it_was(spark: SparkSession) -> None:
    before = _listed(spark)
    with exact(spark):
        assert spark.conf.get(OPTIMIZE) == "false"
    assert _listed(spark) == before


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt])
def test_what_ends_a_verb_puts_the_settings_back(spark: SparkSession, kind: type[BaseException]) -> None:
    with _set(spark, ODD):
        with pytest.raises(kind), exact(spark):
            raise kind
        assert _now(spark) == ODD


def test_of_several_verbs_in_a_session_the_last_puts_the_settings_back(spark: SparkSession) -> None:
    inside, leave = threading.Event(), threading.Event()

    def verb() -> None:
        with exact(spark):
            inside.set()
            leave.wait(60)

    with _set(spark, ODD):
        other = threading.Thread(target=verb)
        with exact(spark):
            other.start()
            assert inside.wait(60)
            with exact(spark):
                assert _now(spark) == RIGHT
        assert _now(spark) == RIGHT
        leave.set()
        other.join()
        assert _now(spark) == ODD


class _Frozen:
    """A session, its own configuration too, in which some settings are fixed by whoever runs the engine."""

    def __init__(self, settings: dict[str, str], fixed: str = "-", java: dict[str, str] | None = None) -> None:
        self.settings, self._fixed, self._java, self.conf = settings, fixed, java or {"language": "en"}, self
        self.columns: list[str] = []

    def sql(self, text: str) -> _Frozen:
        for name, value in self._java.items():
            text = text.replace(f"${{system:user.{name}}}", value)
        self.columns = re.findall("`(.*?)`", text)
        return self

    def collect(self) -> list[tuple[str, str]]:
        return list(self.settings.items())

    def get(self, name: str) -> str:
        return self.settings[name]

    def set(self, name: str, value: str | None) -> None:
        if name.startswith(self._fixed):
            raise PySparkException(f"[CONFIG_NOT_AVAILABLE] Configuration {name} is not available. SQLSTATE: 42K0I")
        self.settings.pop(name, None) if value is None else self.settings.update({name: value})

    def unset(self, name: str) -> None:
        self.set(name, None)


def test_an_odd_setting_that_is_fixed_is_refused_by_name_and_the_others_are_put_back() -> None:
    session: Any = _Frozen({ZONE: "UTC", DEFAULTS: "true", ANSI: "false"}, fixed=ANSI)
    words = (
        r"^spark\.sql\.ansi\.enabled is set to 'false', .*\(\[CONFIG_NOT_AVAILABLE\] .* is not available\.\); unset it"
    )
    with pytest.raises(BadInput, match=words), exact(session):
        pytest.fail("the verb must not run")
    assert session.settings == {ZONE: "UTC", DEFAULTS: "true", ANSI: "false"}


def test_what_cannot_be_set_and_is_not_set_by_anybody_is_no_obstacle() -> None:
    session: Any = _Frozen({ZONE: "UTC"}, fixed="spark.databricks.")
    with exact(session):
        assert session.settings == {ZONE: "UTC"}


@pytest.mark.parametrize(
    "java",
    [
        {"language": "ar"},
        {"language": "en", "language.format": "fa"},
        {"language": "th", "extensions": "ca-buddhist-nu-thai"},
        {"language": "en", "extensions.format": "nu-deva"},
    ],
    ids=str,
)
def test_a_driver_that_would_number_files_in_other_digits_is_refused_and_left_as_it_was(java: dict[str, str]) -> None:
    session: Any = _Frozen({ANSI: "false"}, java=java)
    with pytest.raises(BadInput, match=r"-Duser\.language=en .* in spark\.driver\.extraJavaOptions"), exact(session):
        pytest.fail("the verb must not run")
    assert session.settings == {ANSI: "false"}


@pytest.mark.parametrize(
    "java", [{"language": "tr"}, {"language": "th"}, {"language": "ar", "language.format": "en"}], ids=str
)
def test_a_driver_of_any_language_that_numbers_as_english_does_is_taken(java: dict[str, str]) -> None:
    session: Any = _Frozen({ANSI: "false"}, java=java)
    with exact(session):
        assert ANSI not in session.settings


KEPT = [
    "spark.sql.parquet.output.committer.class",
    "spark.sql.sources.commitProtocolClass",
    "spark.sql.parquet.fieldId.write.enabled",
    "spark.sql.adaptive.enabled",
    "spark.sql.codegen.wholeStage",
    "spark.sql.autoBroadcastJoinThreshold",
    "spark.sql.extensions",
    "spark.hadoop.fs.s3a.access.key",
]


@pytest.mark.parametrize("name", KEPT)
def test_how_a_cluster_computes_and_commits_is_its_own_affair(name: str) -> None:
    session: Any = _Frozen({ZONE: "UTC", name: "theirs"}, fixed=name)
    with exact(session):
        assert session.settings[name] == "theirs"


# A cluster's spark-defaults.conf at its worst: each setting is legal, and many change what is written or read.
HOSTILE = {
    LEGACY: "true",
    ANSI: "false",
    ZONE: "Pacific/Kiritimati",
    OPTIMIZE: "true",
    DEFAULTS: "true",
    "spark.databricks.delta.autoCompact.enabled": "true",
    "spark.databricks.delta.properties.defaults.enableChangeDataFeed": "true",
    "spark.databricks.delta.properties.defaults.columnMapping.mode": "name",
    "spark.databricks.delta.properties.defaults.enableDeletionVectors": "true",
    "spark.sql.ansi.doubleQuotedIdentifiers": "true",
    "spark.sql.ansi.enforceReservedKeywords": "true",
    "spark.sql.caseSensitive": "true",
    "spark.sql.legacy.charVarcharAsString": "true",
    "spark.sql.legacy.timeParserPolicy": "LEGACY",
    "spark.sql.legacy.castComplexTypesToString.enabled": "true",
    "spark.sql.legacy.csv.enableDateTimeParsingFallback": "true",
    "spark.sql.legacy.integerGroupingId": "true",
    "spark.sql.legacy.sizeOfNull": "true",
    "spark.sql.legacy.statisticalAggregate": "true",
    "spark.sql.legacy.allowNegativeScaleOfDecimal": "true",
    "spark.sql.legacy.literal.pickMinimumPrecision": "false",
    "spark.sql.legacy.setopsPrecedence.enabled": "true",
    "spark.sql.legacy.parquet.nanosAsLong": "true",
    "spark.sql.decimalOperations.allowPrecisionLoss": "false",
    "spark.sql.parser.escapedStringLiterals": "true",
    "spark.sql.parser.quotedRegexColumnNames": "true",
    "spark.sql.storeAssignmentPolicy": "STRICT",
    "spark.sql.sources.partitionOverwriteMode": "dynamic",
    "spark.sql.sources.useV1SourceList": "",
    "spark.sql.sources.partitionColumnTypeInference.enabled": "false",
    "spark.sql.timestampType": "TIMESTAMP_NTZ",
    "spark.sql.mapKeyDedupPolicy": "LAST_WIN",
    "spark.sql.variable.substitute": "false",
    "spark.sql.groupByOrdinal": "false",
    "spark.sql.orderByOrdinal": "false",
    "spark.sql.groupByAliases": "false",
    "spark.sql.crossJoin.enabled": "false",
    "spark.sql.runSQLOnFiles": "false",
    "spark.sql.function.concatBinaryAsString": "true",
    "spark.sql.files.maxRecordsPerFile": "7",
    "spark.sql.files.ignoreCorruptFiles": "true",
    "spark.sql.files.ignoreMissingFiles": "true",
    "spark.sql.csv.parser.columnPruning.enabled": "false",
    "spark.sql.csv.filterPushdown.enabled": "false",
    "spark.sql.parquet.writeLegacyFormat": "true",
    "spark.sql.parquet.outputTimestampType": "INT96",
    "spark.sql.parquet.datetimeRebaseModeInWrite": "LEGACY",
    "spark.sql.parquet.datetimeRebaseModeInRead": "LEGACY",
    "spark.sql.parquet.binaryAsString": "true",
    "spark.sql.parquet.filterPushdown": "false",
    "spark.sql.parquet.mergeSchema": "true",
    "spark.sql.parquet.inferTimestampNTZ.enabled": "false",
    "spark.sql.parquet.enableVectorizedReader": "false",
    "spark.sql.optimizer.excludedRules": "org.apache.spark.sql.catalyst.optimizer.ConstantFolding",
    "spark.sql.execution.arrow.maxRecordsPerBatch": "3",
    "spark.sql.shuffle.partitions": "5",
    "spark.sql.leafNodeDefaultParallelism": "3",
    "spark.sql.autoBroadcastJoinThreshold": "-1",
    "spark.sql.adaptive.enabled": "false",
    "spark.hadoop.mapreduce.output.fileoutputformat.compress": "true",
}

# A program of a user's, in a Java of its own: a dataset in every format, under the settings of its environment.
GENERATE = """
import json
import sys

import payerlake
from payerlake.engine.exact import exact
from payerlake.engine.session import spark_session

dataset, out = sys.argv[1:]
spark = spark_session("local[2]", rows=0)
with exact(spark):
    outcome = payerlake.generate(spark, dataset, out, format=["csv", "parquet", "delta"], members=200)
    payerlake.verify(spark, dataset, out)
print(json.dumps({
    table: {name: (record.rows, record.fingerprint, record.files) for name, record in formats.items()}
    for table, formats in outcome.manifest.tables.items()
}))
"""


def _generated(dataset: str, folder: Path, settings: dict[str, str]) -> tuple[dict[str, Any], dict[str, bytes]]:
    """What a program made under these settings: table and format to rows, fingerprint and files; and the CSV."""
    conf = folder / "conf"
    conf.mkdir(parents=True)
    (conf / "spark-defaults.conf").write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
    environment = os.environ | {"SPARK_CONF_DIR": str(conf), "PAYERLAKE_LOG": str(folder / "log")}
    command = [sys.executable, "-c", GENERATE, dataset, str(folder / "out")]
    answer = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr[-3000:]
    files = {path.name: path.read_bytes() for path in (folder / "out").glob("*/csv/*.csv")}
    return json.loads(answer.stdout.splitlines()[-1]), files


@pytest.mark.thorough
@pytest.mark.parametrize("dataset", registry.datasets())
def test_under_the_settings_of_any_engine_the_same_bytes_are_made(dataset: str, tmp_path: Path) -> None:
    plain, plain_files = _generated(dataset, tmp_path / "plain", {})
    odd, odd_files = _generated(dataset, tmp_path / "odd", HOSTILE)
    assert odd == plain
    assert odd_files.keys() == plain_files.keys()
    assert [name for name in plain_files if plain_files[name] != odd_files[name]] == []


# Somebody else's session, whose Java speaks what it is told to, in front of any option.
FOREIGN = """
import sys

from pyspark.sql import SparkSession

from payerlake.engine.exact import exact
from payerlake.errors import BadInput

builder = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
spark = builder.config("spark.driver.extraJavaOptions", sys.argv[1]).getOrCreate()
try:
    with exact(spark):
        print("taken")
except BadInput as error:
    print(error)
"""


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("options", "answer"),
    [
        ("-Duser.language=ar -Duser.country=EG", "the driver's Java speaks 'ar': "),
        ("-Duser.language=tr -Duser.country=TR", "taken"),
    ],
)
def test_a_session_of_somebody_elses_is_asked_for_its_language(options: str, answer: str) -> None:
    command = [sys.executable, "-c", FOREIGN, options]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.startswith(answer)
