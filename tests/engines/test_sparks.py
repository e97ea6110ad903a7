"""Each Spark and Python that is supported makes, checks and reads the golden data, in every format."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from payerlake import jars, registry
from tests import golden
from tests.engines.sparks import CHECKOUT, SUPPORTED, Versions, environment, pins
from tests.test_contracts import FORMULARIES, MEMBERS

FORMATS = ("delta", "csv", "parquet")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(CHECKOUT)]
    subprocess.run(build, check=True)
    return next(folder.glob("payerlake-*.whl"))


def payerlake(installed: Path, out: Path, *arguments: str) -> str:
    """Run the environment's own `payerlake`, which knows nothing of this checkout; what it says."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    answer = subprocess.run(
        [str(installed / "bin" / "payerlake"), *arguments, "--out", str(out), "--master", "local[2]"],
        cwd=out,
        env=variables | {"PAYERLAKE_LOG": str(out / "payerlake.log")},
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
    installed = environment(versions, wheel)
    lists = ("--set", f"formularies.count={FORMULARIES}", "--set", f"formularies.per_file={FORMULARIES}")
    for name in registry.datasets():
        of_dataset = lists if "formularies" in registry.dataset(name).settings.model_fields else ()
        formats = [word for each in FORMATS for word in ("--format", each)]
        said = payerlake(installed, tmp_path, "generate", name, "--members", str(MEMBERS), *formats, *of_dataset)
        assert "all hold" in said
        manifest = json.loads((tmp_path / name / "manifest.json").read_text())
        found = {
            table: {each: golden.text(record["rows"], record["fingerprint"]) for each, record in formats.items()}
            for table, formats in manifest["tables"].items()
        }
        assert found == {table: dict.fromkeys(FORMATS, text) for table, text in golden.read()[name].items()}
        payerlake(installed, tmp_path, "verify", name)


def test_there_is_a_delta_for_every_spark_that_is_tried() -> None:
    tried = {".".join(versions.spark.split(".")[:2]) for versions in SUPPORTED}
    assert tried == set(jars.RELEASES)


def test_environments_get_what_the_lock_pins_without_its_spark() -> None:
    locked = pins("4.1.4")
    assert {"pyspark", "py4j"}.isdisjoint(name for name, _ in locked)
    assert {"pandas", "great-expectations", "pyarrow"} <= {name for name, _ in locked}
    assert pins("3.5.9")["numpy", ""] == "1.23.5"
    assert len([name for name, _ in pins("3.5.9") if name == "numpy"]) == 1
