"""What the engines' tests need and nobody else: Hadoop's minicluster, Spark's driver for S3.

`python -m tests.engines.fetch [hdfs] [s3]`, once (`make engines`). Jars go from Maven Central to
`.venv/share/payerlake/test-jars`: 56 MB for `hdfs`, and for `s3` 690 MB, nearly all of it Amazon's SDK, which has no
smaller form that Hadoop takes.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.engines.programs import SPARK_HOME

HADOOP = next((SPARK_HOME / "jars").glob("hadoop-client-api-*.jar")).stem.rpartition("-")[2]
"""The release of Hadoop that this pyspark has: its drivers and its minicluster must be of the same."""

FOLDER = Path(sys.prefix, "share", "payerlake", "test-jars")
_SECONDS = 1800


@dataclass(frozen=True)
class Packages:
    """What Maven Central is asked for, and what stands among Spark's own jars or is not needed."""

    wanted: tuple[str, ...]
    without: tuple[str, ...]


PACKAGES = {
    "hdfs": Packages(
        # The minicluster was written for tests and asks JUnit whether its folder stands.
        (f"org.apache.hadoop:hadoop-client-minicluster:{HADOOP}", "org.junit.jupiter:junit-jupiter-api:5.13.3"),
        ("org.apache.hadoop:hadoop-client-api", "org.apache.hadoop:hadoop-client-runtime", "org.xerial.snappy:*"),
    ),
    "s3": Packages(
        (f"org.apache.hadoop:hadoop-aws:{HADOOP}",),
        ("software.amazon.encryption.s3:*", "org.wildfly.openssl:*"),
    ),
}


def require_jars(name: str) -> list[Path]:
    """The jars of a set; skips the test where they have not been fetched."""
    jars = sorted((FOLDER / name).glob("*.jar"))
    if not jars:
        pytest.skip(f"{FOLDER / name}: no jars; run: {Path(sys.executable).name} -m tests.engines.fetch {name}")
    return jars


def fetch(name: str) -> str:
    """Fetch a set, unless it stands already; where it is."""
    if not (FOLDER / name).exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=FOLDER, prefix=".fetch-") as work:
            _resolve(PACKAGES[name], Path(work))
            Path(work, "jars").rename(FOLDER / name)  # complete or not at all
    return str(FOLDER / name)


def _resolve(packages: Packages, work: Path) -> None:
    """Run spark-submit on an empty script; it puts the packages into `jars` of the folder."""
    script = work / "nothing.py"
    script.touch()
    settings = {"packages": ",".join(packages.wanted), "excludes": ",".join(packages.without), "ivy": str(work)}
    options = [word for key, value in settings.items() for word in ("--conf", f"spark.jars.{key}={value}")]
    command = [str(SPARK_HOME / "bin" / "spark-submit"), "--master", "local[1]", *options, str(script)]
    environment = os.environ | {"SPARK_HOME": str(SPARK_HOME), "PYSPARK_PYTHON": sys.executable}
    subprocess.run(command, env=environment, check=True, timeout=_SECONDS)


if __name__ == "__main__":
    for asked in sys.argv[1:] or PACKAGES:
        print(f"{asked}: {fetch(asked)}")
