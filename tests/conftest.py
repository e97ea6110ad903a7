"""What all tests share: one Spark session a process, and published datasets."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from payerlake.engine.session import INTERPRETED, spark_session
from tests.lake import Lake, publish

# The files that take longest, the longest first: processes that begin with them end together.
LONGEST = (
    "tests/test_contracts.py",
    "tests/pharmacy/test_suites.py",
    "tests/finance/test_suites.py",
    "tests/quality/test_suites.py",
    "tests/insurance/test_suites.py",
    "tests/publish/test_run.py",
    "tests/test_checks.py",
    "tests/test_writers.py",
    "tests/test_readme.py",
    "tests/test_sizes.py",
    "tests/test_cli.py",
)
COMPILED = {"spark.sql.codegen.wholeStage": "true", "spark.sql.codegen.factoryMode": "FALLBACK"}  # Spark's defaults


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--golden`, as `make golden` gives it: the data of the tables have changed on purpose."""
    parser.addoption("--golden", action="store_true", help="write tests/golden.json instead of comparing with it")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first; the tests of a file, and all other files, stay in their order."""
    order = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(item.nodeid.partition("::")[0], len(order)))


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """Two threads, 2 GB, with Delta, for few rows: started by the first test that asks for it, used by all."""
    settings = {
        # Managed tables go to a temporary folder, so that tests leave nothing in the checkout.
        "spark.sql.warehouse.dir": tmp_path_factory.mktemp("warehouse").as_uri(),
        # A few rows a table: more partitions only cost time.
        "spark.sql.shuffle.partitions": "2",
        # It serves Spark Connect too, at any free port, for a client that is a process of its own.
        "spark.plugins": "org.apache.spark.sql.connect.SparkConnectPlugin",
        "spark.connect.grpc.binding.address": "127.0.0.1",
        "spark.connect.grpc.binding.port": "0",
    }
    session = spark_session(master="local[2]", rows=0, settings=settings)
    yield session
    session.stop()


@pytest.fixture(scope="session")
def lake(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Published datasets of about 2,000 members, to be read; `tests.lake.copied` is for who changes one."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base  # of all processes of this run
    folder = shared / "lake"
    folder.mkdir(exist_ok=True)

    def published(dataset: str) -> Path:
        with compiled(spark):
            return publish(folder, dataset)

    return published


@contextmanager
def compiled(spark: SparkSession) -> Iterator[SparkSession]:
    """The session, which compiles its queries meanwhile: quicker for many rows."""
    try:
        for name, value in COMPILED.items():
            spark.conf.set(name, value)
        yield spark
    finally:
        for name, value in INTERPRETED.items():
            spark.conf.set(name, value)
