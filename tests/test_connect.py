"""Spark Connect: a process without a JVM of its own makes and checks the same data on another's Spark."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from pyspark.sql import SparkSession

from payerlake.engine.session import INTERPRETED
from tests import golden
from tests.test_contracts import MEMBERS

# With suites of rows, keys, references and statistics. `tests/engines` makes all tables so.
TABLES = ["plans", "plan_states", "members"]

# A program of a user's: it makes a dataset, checks it, and checks members that break a rule. What it prints is JSON.
CLIENT = """
import json
import sys
from pathlib import Path

from pyspark.sql import functions as F

import payerlake
from payerlake import checks, registry
from payerlake.engine.session import spark_session

url, settings, tables, members, out = json.loads(sys.argv[1])
spark = spark_session(url, settings=settings)
outcome = payerlake.generate(spark, "pharmacy", out, tables, format="parquet", members=members)
contract = registry.dataset("pharmacy").table("members")
stored = spark.read.schema(contract.schema()).parquet(f"{out}/pharmacy/parquet/members")
odd = F.when(F.col("member_number") == "M000007", "X").otherwise(F.col("gender"))
frames, made_with = {"members": stored.withColumn("gender", odd)}, outcome.manifest.settings
report = checks.validate("pharmacy", [contract], frames, Path(out, "broken"), settings=made_with)
print(json.dumps({
    "session": type(spark).__module__,
    "manifest": json.loads(outcome.manifest.to_json()),
    "suites": len(outcome.validation.report.suites),
    "failures": report.failures,
}))
"""


def _url(spark: SparkSession) -> str:
    """Where the session of all tests serves Spark Connect."""
    service = getattr(spark._jvm, "org.apache.spark.sql.connect.service.SparkConnectService$")
    return f"sc://localhost:{service.__getattr__('MODULE$').localPort()}"


@pytest.fixture(scope="module")
def client(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the client found: it is a process of its own, as no process may have sessions of both kinds."""
    given = json.dumps([_url(spark), INTERPRETED, TABLES, MEMBERS, str(tmp_path_factory.mktemp("connect"))])
    answer = subprocess.run([sys.executable, "-c", CLIENT, given], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)


def test_a_client_makes_and_checks_the_golden_data(client: dict[str, Any]) -> None:
    assert client["session"] == "pyspark.sql.connect.session"
    made = {name: formats["parquet"] for name, formats in client["manifest"]["tables"].items()}
    found = {name: golden.text(record["rows"], record["fingerprint"]) for name, record in made.items()}
    assert found == {name: golden.read()["pharmacy"][name] for name in TABLES}
    assert client["suites"] > len(TABLES)


def test_a_client_finds_the_value_that_breaks_a_rule(client: dict[str, Any]) -> None:
    (failure,) = [text for text in client["failures"] if "gender" in text]
    assert "1 unexpected of 300, e.g. X" in failure
