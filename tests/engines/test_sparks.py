"""Each Spark and Python that is supported makes, checks and reads the golden data, in every format."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from payerlake import registry
from payerlake.engine import jars
from tests import golden
from tests.engines import golden_size
from tests.engines.sparks import CHECKOUT, SUPPORTED, Versions, environment, pins

FORMATS = ("delta", "csv", "parquet")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(CHECKOUT)]
    subprocess.run(build, check=True)
    return next(folder.glob("payerlake-*.whl"))


# One session for all datasets: what Java has compiled for the first serves the others, a third of the time.
PROGRAM = """
import json, sys
import payerlake
from payerlake.engine.session import spark_session
spark = spark_session("local[2]", rows=10_000)
for dataset, settings in json.loads(sys.argv[1]).items():
    payerlake.generate(spark, dataset, "out", format=sys.argv[2:], **settings)
    payerlake.verify(spark, dataset, "out")
"""


def run(installed: Path, folder: Path, *command: str) -> str:
    """Run a command of the environment, which knows nothing of this checkout; what it says."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    answer = subprocess.run(
        [str(installed / "bin" / command[0]), *command[1:]],
        cwd=folder,
        env=variables | {"PAYERLAKE_LOG": str(folder / "payerlake.log")},
        capture_output=True,
        text=True,
        timeout=1800,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


@pytest.mark.thorough
@pytest.mark.parametrize("versions", SUPPORTED, ids=str)
def test_every_dataset_has_the_golden_rows_in_every_format(versions: Versions, wheel: Path, tmp_path: Path) -> None:
    """Generated, validated, published, verified."""
    installed = environment(versions, wheel)
    settings = {name: golden_size.options(name) for name in registry.datasets()}
    run(installed, tmp_path, "python", "-c", PROGRAM, json.dumps(settings), *FORMATS)
    for name in registry.datasets():
        manifest = json.loads((tmp_path / "out" / name / "manifest.json").read_text())
        found = {
            table: {each: golden.text(record["rows"], record["fingerprint"]) for each, record in formats.items()}
            for table, formats in manifest["tables"].items()
        }
        assert found == {table: dict.fromkeys(FORMATS, text) for table, text in golden.read()[name].items()}
    assert "plan_members" in run(installed, tmp_path, "payerlake", "list")


def test_there_is_a_delta_for_every_spark_that_is_tried() -> None:
    tried = {".".join(versions.spark.split(".")[:2]) for versions in SUPPORTED}
    assert tried == set(jars.RELEASES)


def test_environments_get_what_the_lock_pins_without_its_spark() -> None:
    locked = pins("4.1.4")
    assert {"pyspark", "py4j"}.isdisjoint(name for name, _ in locked)
    assert {"pandas", "great-expectations", "pyarrow"} <= {name for name, _ in locked}
    assert pins("3.5.9")["numpy", ""] == "1.23.5"
    assert len([name for name, _ in pins("3.5.9") if name == "numpy"]) == 1
