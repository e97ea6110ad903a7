"""S3 on this machine: moto's server, which payerlake reaches as `s3://…` by s3fs and Spark by Hadoop's s3a."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.engines.fetch import require_jars
from tests.engines.programs import said, server

BUCKET = "payer"


@dataclass(frozen=True)
class S3:
    """A server with one empty bucket: the bucket's URL, and the server's own."""

    endpoint: str
    url: str = f"s3://{BUCKET}"

    @property
    def environment(self) -> dict[str, str]:
        """What a user of another server than Amazon's sets: s3fs and Amazon's SDK read it."""
        return {
            "AWS_ACCESS_KEY_ID": "tester",
            "AWS_SECRET_ACCESS_KEY": "tester",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": self.endpoint,
        }

    @property
    def spark_settings(self) -> dict[str, str]:
        """What such a user has in spark-defaults.conf: the jars, `s3://` by s3a, and where the server is."""
        jars = ":".join(map(str, require_jars("s3")))
        return {
            "spark.driver.extraClassPath": jars,
            "spark.executor.extraClassPath": jars,
            "spark.hadoop.fs.s3.impl": "org.apache.hadoop.fs.s3a.S3AFileSystem",
            "spark.hadoop.fs.s3a.endpoint": self.endpoint,
            "spark.hadoop.fs.s3a.endpoint.region": "us-east-1",
            "spark.hadoop.fs.s3a.path.style.access": "true",
        }


@contextmanager
def s3() -> Iterator[S3]:
    """A server with one empty bucket while the block runs."""
    for module in ("moto", "s3fs"):
        pytest.importorskip(module, reason=f"{module} is not installed; run: make setup")
    folder = Path(tempfile.mkdtemp(prefix="payerlake-s3-"))
    log = folder / "log"
    words = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]
    try:
        with server(words, log, {**os.environ, "PYTHONUNBUFFERED": "1"}) as process:
            made = S3(said(process, log, r"Running on (http://127\.0\.0\.1:\d+)"))
            _make_bucket(made)
            yield made
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _make_bucket(at: S3) -> None:
    import s3fs  # noqa: PLC0415

    s3fs.S3FileSystem(key="tester", secret="tester", endpoint_url=at.endpoint, skip_instance_cache=True).mkdir(BUCKET)
