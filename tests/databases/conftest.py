"""Databases of two running servers, and folders of published datasets."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

import payerlake
from payerlake import api
from tests.databases import servers
from tests.databases.servers import Database, MariaDB, PostgreSQL

MEMBERS = 200
_NUMBERS = count()


@pytest.fixture(scope="session")
def mariadb_socket() -> Iterator[str]:
    with servers.mariadb() as socket:
        yield socket


@pytest.fixture(scope="session")
def postgresql_socket() -> Iterator[str]:
    with servers.postgresql() as folder:
        yield folder


def created(kind: str, request: pytest.FixtureRequest) -> Database:
    """A new, empty database of this kind of server."""
    socket, name = request.getfixturevalue(f"{kind}_socket"), f"health_{next(_NUMBERS)}"
    return {"mariadb": MariaDB, "postgresql": PostgreSQL}[kind](socket, name).created()


@pytest.fixture
def mariadb(request: pytest.FixtureRequest) -> Database:
    """A new, empty database."""
    return created("mariadb", request)


@pytest.fixture
def postgresql(request: pytest.FixtureRequest) -> Database:
    """A new, empty database."""
    return created("postgresql", request)


@pytest.fixture(params=["mariadb", "postgresql"])
def database(request: pytest.FixtureRequest) -> Database:
    """A new, empty database of each server."""
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="session")
def insurance(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the insurance dataset of a few members, as CSV."""
    return _made(spark, tmp_path_factory, "insurance", format="csv", members=MEMBERS)


@pytest.fixture(scope="session")
def pharmacy(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the pharmacy dataset of a few members, as Parquet, several files a table."""
    per_file = {"members": 50, "enrollments": 50}
    return _made(spark, tmp_path_factory, "pharmacy", format="parquet", scale="tiny", members_per_file=per_file)


@pytest.fixture(scope="session")
def quality(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the quality dataset of a few members, as CSV."""
    return _made(spark, tmp_path_factory, "quality", format="csv", members=MEMBERS)


@pytest.fixture(scope="session")
def finance(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the finance dataset of a few patients, as CSV."""
    return _made(spark, tmp_path_factory, "finance", format="csv", members=MEMBERS)


@pytest.fixture
def loaded(database: Database, insurance: Path) -> Database:
    """A database with the insurance dataset in it, and a sign by which it is told from one that is loaded again."""
    return _with_insurance(database, insurance)


@pytest.fixture
def loaded_mariadb(mariadb: MariaDB, insurance: Path) -> Database:
    return _with_insurance(mariadb, insurance)


@pytest.fixture
def loaded_postgresql(postgresql: PostgreSQL, insurance: Path) -> Database:
    return _with_insurance(postgresql, insurance)


@pytest.fixture
def copy(insurance: Path, tmp_path: Path) -> Path:
    """A copy of the published insurance dataset, to be damaged."""
    shutil.copytree(insurance, tmp_path / "copy")
    return tmp_path / "copy"


def _with_insurance(database: Database, insurance: Path) -> Database:
    api.load(None, "insurance", insurance, to=database.url)
    database.rows("UPDATE \"INSURANCE\" SET insurance_name = 'as before' WHERE insurance_id = 1")
    return database


def _made(spark: SparkSession, folders: pytest.TempPathFactory, dataset: str, **options: object) -> Path:
    out = folders.mktemp(dataset)
    payerlake.generate(spark, dataset, out, validate=False, **options)
    return out
