"""The storage that faults are tried on, each started once a module."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import fsspec
import pytest

from tests.engines.hdfs import hdfs
from tests.engines.programs import environment, spark_conf
from tests.engines.s3 import s3

STORAGES = ("local", "hdfs", "s3")


@dataclass(frozen=True)
class Storage:
    """A place for --out, and what payerlake's environment must hold so that it and its Spark reach it."""

    url: str
    environment: dict[str, str] = field(default_factory=dict)
    spark_settings: dict[str, str] = field(default_factory=dict)

    def environment_for(self, folder: Path, settings: dict[str, str] | None = None) -> dict[str, str]:
        """payerlake's environment; its configuration of Spark and its log are put into the folder."""
        conf = spark_conf(folder / "conf", self.spark_settings | (settings or {}))
        return environment(conf, PAYERLAKE_LOG=str(folder / "log"), **self.environment)


@pytest.fixture(scope="module")
def storages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Storage]]:
    """A storage by name, started when it is first asked for; skips where it cannot be had."""
    with ExitStack() as stack:

        @cache
        def start(name: str) -> Storage:
            if name == "hdfs":
                running = stack.enter_context(hdfs())
                return Storage(running.url, spark_settings=running.spark_settings)
            if name == "s3":
                server = stack.enter_context(s3())
                patch = stack.enter_context(pytest.MonkeyPatch.context())
                for key, value in server.environment.items():
                    patch.setenv(key, value)
                fsspec.filesystem("s3").clear_instance_cache()  # one of another server may be remembered
                return Storage(server.url, server.environment, server.spark_settings)
            return Storage(str(tmp_path_factory.mktemp("local")))

        yield start
