"""`spark-submit` on a standalone cluster: payerlake comes as an archive, and the executors have a bare Python."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import pytest

from payerlake.engine.jars import delta_jars
from payerlake.engine.session import INTERPRETED
from tests import golden
from tests.engines.cluster import Cluster, cluster
from tests.engines.programs import SPARK_HOME, Ran, environment
from tests.engines.sparks import CHECKOUT

pytestmark = pytest.mark.thorough
VERSION = "9.9.9+archive"  # of the payerlake in the archive alone, so that a manifest tells which one ran


@pytest.fixture(scope="module")
def standalone() -> Iterator[Cluster]:
    with cluster() as running:
        yield running


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout, with a version of its own."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(CHECKOUT)]
    subprocess.run(build, check=True)
    (built,) = folder.glob("payerlake-*.whl")
    return rewritten(built, folder / "marked" / built.name)


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python of this version that has no package but what it came with."""
    folder = tmp_path_factory.mktemp("bare")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    return folder / "bin" / "python"


def rewritten(archive: Path, to: Path, without: str = "\0") -> Path:
    """A copy of the archive with the version of these tests, and without the files whose path contains this."""
    to.parent.mkdir(exist_ok=True)
    with ZipFile(archive) as old, ZipFile(to, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "payerlake/version.py":
                lines = content.decode().splitlines()
                content = "\n".join(f'__version__ = "{VERSION}"' if "__version__ =" in x else x for x in lines).encode()
            if without not in name:
                new.writestr(name, content)
    return to


def submit(on: Cluster, archive: Path, folder: Path, executors: Path, *arguments: str) -> Ran:
    """spark-submit the archive and a copy of jobs/generate.py from a folder that has nothing to do with a checkout.

    executors: their Python.
    """
    script = Path(shutil.copy(CHECKOUT / "jobs" / "generate.py", folder))
    variables = environment(**{"PYTHONPATH": "", "SPARK_HOME": str(SPARK_HOME)})
    settings = INTERPRETED | {
        "spark.pyspark.python": str(executors),
        "spark.executorEnv.PYTHONPATH": "",
        "spark.pyspark.driver.python": sys.executable,
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.driver.memory": "1g",
        "spark.executor.memory": "1g",
        "spark.ui.enabled": "false",
        "spark.sql.shuffle.partitions": "4",
    }
    answer = subprocess.run(
        [
            *(str(SPARK_HOME / "bin" / "spark-submit"), "--master", on.master, "--py-files", str(archive)),
            *("--jars", ",".join(map(str, delta_jars()))),
            *(word for name, value in settings.items() for word in ("--conf", f"{name}={value}")),
            *(str(script), *arguments),
        ],
        cwd=folder,
        env=variables,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    # spark-submit sends what the script writes to standard error to its own standard output.
    return Ran(answer.returncode, answer.stdout, answer.stderr)


@pytest.mark.parametrize("name", ["payerlake.zip", "payerlake-0.1.0-py3-none-any.whl"])
def test_a_wheel_or_a_zip_in_py_files_is_enough(
    standalone: Cluster, wheel: Path, bare: Path, tmp_path: Path, name: str
) -> None:
    archive = Path(shutil.copy(wheel, tmp_path / name))
    tables = ("--tables", "plans,plan_states,members,drugs", "--format", "delta", "--format", "csv")
    out = ("--out", str(tmp_path / "out"))
    ran = submit(standalone, archive, tmp_path, bare, "pharmacy", "--members", "300", *tables, *out)
    assert ran.code == 0, ran.err[-3000:]
    assert "all hold" in ran.out
    manifest = json.loads((tmp_path / "out" / "pharmacy" / "manifest.json").read_text())
    assert manifest["version"] == VERSION
    found = {
        (table, each): golden.text(record["rows"], record["fingerprint"])
        for table, formats in manifest["tables"].items()
        for each, record in formats.items()
    }
    pinned = golden.read()["pharmacy"]
    assert found == {
        (t, each): pinned[t] for t in ("plans", "plan_states", "members", "drugs") for each in ("delta", "csv")
    }


def test_exit_codes_and_messages_come_through(standalone: Cluster, wheel: Path, bare: Path, tmp_path: Path) -> None:
    ran = submit(standalone, wheel, tmp_path, bare, "pharmcy", "--out", str(tmp_path / "out"))
    assert ran.code == 2
    assert "did you mean 'pharmacy'?" in ran.out
    assert "Traceback" not in ran.out


def test_an_archive_without_conf_says_what_it_lacks(
    standalone: Cluster, wheel: Path, bare: Path, tmp_path: Path
) -> None:
    lacking = rewritten(wheel, tmp_path / "payerlake.zip", without="/conf/")
    ran = submit(standalone, lacking, tmp_path, bare, "pharmacy", "--out", str(tmp_path / "out"))
    assert ran.code == 2
    assert f"conf/pharmacy/base.yaml: not in this payerlake; looked for in {lacking}/payerlake" in ran.out
    assert "Traceback" not in ran.out
