"""What a user is told when Spark, a file system or a server has failed: one line, in the words of who failed first."""

from __future__ import annotations

import errno
from typing import Any

import pytest
from py4j.protocol import Py4JError, Py4JNetworkError
from pyspark.errors import PySparkException
from pyspark.errors.exceptions.connect import SparkConnectGrpcException
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from payerlake.errors import BadInput, EngineFailed, cause, doing

STAGE_FAILURE = (
    "org.apache.spark.SparkException: Job aborted due to stage failure: Task 0 in stage 3.0 failed 4 times, "
    "most recent failure: Lost task 0.3 in stage 3.0 (TID 9) (10.0.0.7 executor 2): "
)


class Py4JJavaError(Exception):
    """As py4j's, which asks a living JVM for its text."""

    def __init__(self, *stack: str) -> None:
        super().__init__("\n".join(["An error occurred while calling o733.collectToPython.", *stack]))


JAVA = {
    "No space left on device": (
        f": {STAGE_FAILURE}org.apache.spark.SparkException: [TASK_WRITE_FAILED] Task failed while writing rows.",
        "\tat org.apache.spark.sql.Writer.run(Writer.scala:1)",
        "Caused by: org.apache.spark.SparkException: [TASK_WRITE_FAILED] Task failed. SQLSTATE: 58030",
        "\t... 11 more",
        "Caused by: java.io.IOException: No space left on device",
        "\tat java.base/sun.nio.ch.UnixFileDispatcherImpl.write0(Native Method)",
        "\tSuppressed: java.io.IOException: closed",
        "\tCaused by: java.io.IOException: not this one",
    ),
    "File file:/a does not exist": (f": {STAGE_FAILURE}java.io.FileNotFoundException: File file:/a does not exist",),
    "ExecutorLostFailure (executor 1 exited): Remote RPC client disassociated": (
        ": org.apache.spark.SparkException: Job aborted due to stage failure: Task 0 in stage 0.0 failed 1 times, "
        "most recent failure: ExecutorLostFailure (executor 1 exited): Remote RPC client disassociated",
    ),
    "unknown host: lake.example.com": (": java.net.UnknownHostException: lake.example.com", "\tat a.B.c(B.java:1)"),
    "no such file: /a/b": (": java.nio.file.NoSuchFileException: /a/b",),
    "closed by interrupt": (": x.Y: z", "Caused by: java.nio.channels.ClosedByInterruptException", "\tat a.b(C.java)"),
    'Cannot run program "/opt/python": error=13, Permission denied': (
        ': java.io.IOException: Cannot run program "/opt/python": error=13, Permission denied',
        "\tat java.base/java.lang.ProcessBuilder.start(ProcessBuilder.java:1143)",
        "Caused by: java.io.IOException: error=13, Permission denied",
    ),
    "EOF error": (": java.io.EOFException", "\tat a.b(C.java:3)"),
    "out of memory: Java heap space": (": java.lang.OutOfMemoryError: Java heap space",),
    "class not found: delta.DefaultSource": (
        ": org.apache.spark.SparkException: x y",
        "Caused by: java.lang.ClassNotFoundException: delta.DefaultSource",
    ),
    "ValueError: month must be in 1..12": (
        ": org.apache.spark.SparkException: Job aborted",
        "Caused by: org.apache.spark.api.python.PythonException: Traceback (most recent call last):",
        '  File "/lib/worker.py", line 1, in main',
        "ValueError: month must be in 1..12",
        "",
        "\tat org.apache.spark.api.python.BasePythonRunner.read(Runner.scala:1)",
    ),
}


@pytest.mark.parametrize(("words", "stack"), JAVA.items(), ids=JAVA)
def test_of_a_stack_of_java_the_last_cause_is_told_without_its_class(words: str, stack: tuple[str, ...]) -> None:
    assert cause(Py4JJavaError(*stack)) == words


GRPC = (
    '<_InactiveRpcError of RPC that terminated with:\n\tstatus = X\n\tdetails = "no such \'host\'"\n\tdebug = "{}"\n>'
)
OTHERS: list[tuple[BaseException, str]] = [
    (OSError(errno.ENOSPC, "No space left on device", "/a"), "No space left on device: /a"),
    (OSError("bucket gone\nmore"), "bucket gone"),
    (KeyError("x"), "KeyError: 'x'"),
    (ValueError(), "ValueError"),
    (
        RuntimeError("[A_CONDITION] It broke. SQLSTATE: 42K03\n\nJVM stacktrace:\norg.apache.X"),
        "[A_CONDITION] It broke.",
    ),
    (RuntimeError(GRPC), "no such 'host'"),
    (SparkConnectGrpcException(GRPC), "no such 'host'"),
    (
        SparkConnectGrpcException(
            f"(org.apache.spark.SparkException) {STAGE_FAILURE}java.io.IOException: No space left on device",
            server_stacktrace="org.apache.spark.SparkException\n\tat x\n"
            "Caused by: java.io.IOException: No space left on device\n\tat y",
        ),
        "No space left on device",
    ),
    (
        SparkConnectGrpcException(
            "[FAILED_READ_FILE] Cannot read /a.", server_stacktrace="x\nCaused by: a.B: not Parquet"
        ),
        "[FAILED_READ_FILE] Cannot read /a: a.B: not Parquet",
    ),
    (RuntimeError("long " * 1000), ("long " * 100) + "…"),
]


@pytest.mark.parametrize(("error", "words"), OTHERS, ids=range(len(OTHERS)))
def test_of_any_other_error_one_line_is_told(error: BaseException, words: str) -> None:
    assert cause(error) == words


@pytest.mark.parametrize(
    "error",
    [
        Py4JNetworkError("Answer from Java side is empty"),
        Py4JError("An error occurred while calling o12.sql"),
        Py4JNetworkError("An error occurred while trying to connect to the Java server (127.0.0.1:1)"),
    ],
    ids=lambda error: str(error)[:12],
)
def test_a_java_that_is_gone_is_said_to_be_gone(error: Exception) -> None:
    assert cause(error).startswith("Spark's Java process does not answer any more")


def test_an_error_that_cannot_be_put_into_words_is_none_of_its_own() -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise ConnectionRefusedError

    assert "does not answer" in cause(Mute())


def test_a_java_method_that_is_missing_is_named() -> None:
    error = Py4JError(
        "An error occurred while calling o1.f. Trace:\npy4j.Py4JException: Method f([]) does not exist\n\tat x"
    )
    assert cause(error) == "Method f([]) does not exist"


@pytest.mark.parametrize(
    ("fail", "words"),
    [
        (lambda spark: spark.read.parquet("/nowhere").count(), "[PATH_NOT_FOUND] Path does not exist: file:/nowhere."),
        (
            lambda spark: spark.range(1).select(F.expr("raise_error('made to')")).collect(),
            "[USER_RAISED_EXCEPTION] made to",
        ),
        (lambda spark: spark.range(1).write.parquet("file:///proc/no"), "Mkdirs failed to create file:/proc/no"),
        (lambda spark: spark.sql("SELEC 1"), "[PARSE_SYNTAX_ERROR] Syntax error at or near 'SELEC'."),
    ],
    ids=["analysis", "task", "disk", "syntax"],
)
def test_what_spark_itself_raises_is_told_in_its_words(spark: SparkSession, fail: Any, words: str) -> None:
    with pytest.raises(EngineFailed) as raised, doing("pharmacy.plans: reading", "generate it again"):
        fail(spark)
    text = str(raised.value)
    assert text.startswith(f"pharmacy.plans: reading: {words}"), text
    assert text.endswith("; generate it again")
    assert "Py4J" not in text
    assert "java." not in text
    assert isinstance(raised.value.__cause__, Exception)


def test_an_error_of_our_own_is_not_wrapped_again() -> None:
    with pytest.raises(BadInput, match=r"^mine$"), doing("writing", "try again"):
        raise BadInput("mine")


def test_a_condition_of_spark_is_kept() -> None:
    error = PySparkException("[JAVA_GATEWAY_EXITED] Java gateway process exited before sending its port number.")
    assert cause(error).startswith("[JAVA_GATEWAY_EXITED] Java gateway")
