"""The settings of a session that could change a byte or break a read: as payerlake needs them while a verb runs.

A session is often somebody else's: a notebook's, a cluster's with a `spark-defaults.conf` of its own. What such
settings say of speed (partitions, joins, code generation) is theirs; what they say of data is Spark's default here.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fnmatch import translate
from weakref import WeakKeyDictionary

from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from payerlake.errors import BadInput, cause
from payerlake.paths import OTHER_DIGITS

# What these say is what Spark says where nobody has set them.
_TO_DEFAULT = (
    # how SQL and its types are understood
    "spark.sql.legacy.*",
    "spark.sql.ansi.*",
    "spark.sql.parser.*",
    "spark.sql.caseSensitive",
    "spark.sql.variable.substitute",
    "spark.sql.group*",
    "spark.sql.orderByOrdinal",
    "spark.sql.lateralColumnAlias.*",
    "spark.sql.runSQLOnFiles",
    "spark.sql.crossJoin.enabled",
    "spark.sql.selfJoinAutoResolveAmbiguity",
    "spark.sql.decimalOperations.*",
    "spark.sql.function.*",
    "spark.sql.mapKeyDedupPolicy",
    "spark.sql.icu.*",
    "spark.sql.*collation*",
    "spark.sql.timestampType",
    "spark.sql.datetime*",
    "spark.sql.storeAssignmentPolicy",
    "spark.sql.charAsVarchar",
    "spark.sql.preserveCharVarcharTypeInfo",
    "spark.sql.readSideCharPadding",
    # which rules a plan goes through
    "spark.sql.analyzer.*",
    "spark.sql.optimizer.*",
    "spark.sql.adaptive.optimizer.*",
    # what passes to and from Python
    "spark.sql.execution.pandas.*",
    "spark.sql.execution.pyspark.binaryAsBytes",
    "spark.sql.execution.arrow.useLargeVarTypes",
    "spark.sql.pyspark.infer*",
    # files
    "spark.sql.csv.*",
    "spark.sql.json*",
    "spark.sql.parquet.*",
    "spark.sql.files.ignore*",
    "spark.sql.files.maxRecordsPerFile",
    "spark.sql.fileSource.*",
    "spark.sql.columnNameOfCorruptRecord",
    "spark.sql.sources.useV1SourceList",
    "spark.sql.sources.partition*",
    "spark.sql.sources.validatePartitionColumns",
    "mapreduce.output.fileoutputformat.*",
    # Delta
    "spark.databricks.delta.properties.defaults.*",
    "spark.databricks.delta.schema.*",
    "spark.databricks.delta.replaceWhere.*",
    "spark.databricks.delta.optimizeWrite.*",
    "spark.databricks.delta.autoCompact.*",
    "spark.databricks.delta.stalenessLimit",
)
# Not of data: how files are committed to a store, which a store may depend on; what Delta sets for itself.
_KEPT = (
    "*committer*",
    "spark.sql.parquet.fs.*",
    "spark.sql.parquet.fieldId.*",
    "spark.sql.legacy.sessionInitWithConfigDefaults",
)
_NEEDED = {
    "spark.sql.session.timeZone": "UTC",
    # Databricks switches these two on: a shuffle after the rows were counted, and files written anew.
    "spark.databricks.delta.optimizeWrite.enabled": "false",
    "spark.databricks.delta.autoCompact.enabled": "false",
}
_ODD, _KEEP = (re.compile("|".join(map(translate, patterns))) for patterns in (_TO_DEFAULT, _KEPT))


# Languages in some of whose countries Java writes numbers in digits of their own, those in the names of files too.
_OWN_DIGITS = {
    "ar", "as", "bn", "ccp", "ckb", "dz", "fa", "ff", "ks", "lrc", "mni", "mr", "my", "mzn", "ne", "pa", "ps", "sat",
    "sd", "ur", "uz",
}  # fmt: skip  # codes fill their lines
# Java's own properties, which Spark puts in the place of these words; one that is not set stays as it is.
_LOCALE = [f"${{system:user.{name}}}" for name in ("language.format", "language", "extensions.format", "extensions")]


@dataclass
class _Hold:
    """How many verbs run in a session at this moment, and what was set, or not, before the first of them."""

    verbs: int
    before: Mapping[str, str | None]


_holds: WeakKeyDictionary[SparkSession, _Hold] = WeakKeyDictionary()
_guard = threading.Lock()


@contextmanager
def exact(spark: SparkSession) -> Iterator[None]:
    """Inside, the session's settings change no byte and break no read; afterwards they are what they were.

    Several verbs may run in one session, in threads: the first puts the settings right, the last puts them back. Other
    work in the same session has payerlake's settings meanwhile. Classic and Spark Connect, 3.5 and later; one round
    trip to list what is set, and one for each setting to be changed.

    Raises BadInput, naming it, for a setting that the session does not let be changed, and for a driver whose Java
    would name files in digits of another script.
    """
    _enter(spark)
    try:
        yield
    except BaseException:
        with suppress(Exception):  # the session may be gone, and what ended the verb says why
            _leave(spark)
        raise
    _leave(spark)


def _enter(spark: SparkSession) -> None:
    with _guard:
        hold = _holds.get(spark)
        if hold:
            hold.verbs += 1
        else:
            before = _put_right(spark)
            try:
                _require_plain_digits(spark)
            except BaseException:
                _put(spark, before)
                raise
            _holds[spark] = _Hold(1, before)


def _leave(spark: SparkSession) -> None:
    with _guard:
        hold = _holds[spark]
        hold.verbs -= 1
        if not hold.verbs:
            del _holds[spark]
            _put(spark, hold.before)


def _put_right(spark: SparkSession) -> dict[str, str | None]:
    """Change what has to be; what each was before, None for one that was not set."""
    listed = {row[0]: row[1] for row in spark.sql("SET").collect()}
    odd = dict.fromkeys((name for name in listed if _is_of_data(name)), None)
    needed = {name: value for name, value in _NEEDED.items() if listed.get(name) != value}
    before: dict[str, str | None] = {}
    for name, value in (odd | needed).items():
        try:
            # Asked for again, since the list shows no value that looks like a secret.
            old = spark.conf.get(name) if name in listed else None
            _put(spark, {name: value})
            before[name] = old
        except PySparkException as error:
            if name not in listed:  # not set by anybody, and not to be set: a serverless session
                continue
            _put(spark, before)
            raise BadInput(
                f"{name} is set to {listed[name]!r}, with which other data could be written or read, and this session "
                f"does not let it be changed ({cause(error)}); unset it where the session is configured"
            ) from error
    return before


def _require_plain_digits(spark: SparkSession) -> None:
    """Raises BadInput for a locale in whose digits Delta would never find its log again. Only a schema is asked for."""
    names = ", ".join(f"1 AS `{place}={word}`" for place, word in enumerate(_LOCALE))
    language, general, *extensions = (name[2:] for name in spark.sql(f"SELECT {names}").columns)
    language = general if language == _LOCALE[0] else language
    if language in _OWN_DIGITS or any("nu-" in text for text in extensions):
        raise BadInput(f"the driver's Java speaks {language!r}: {OTHER_DIGITS}")


def _is_of_data(name: str) -> bool:
    return bool(_ODD.match(name)) and not _KEEP.match(name) and name not in _NEEDED


def _put(spark: SparkSession, settings: Mapping[str, str | None]) -> None:
    for name, value in settings.items():
        if value is None:
            spark.conf.unset(name)
        else:
            spark.conf.set(name, value)
