"""The one Spark session of all tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from pyspark.sql import SparkSession

from payerlake.session import INTERPRETED, spark_session

COMPILED = {"spark.sql.codegen.wholeStage": "true", "spark.sql.codegen.factoryMode": "FALLBACK"}  # Spark's defaults


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--golden`, as `make golden` gives it: the data of the tables have changed on purpose."""
    parser.addoption("--golden", action="store_true", help="write tests/golden.json instead of comparing with it")


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
