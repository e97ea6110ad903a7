"""Environments with other Sparks and Pythons, made once, outside the checkout: what `make sparks` tries.

An environment has payerlake as a wheel, as a user has it, and what .ci/requirements.txt pins; of that Spark 3.5 cannot
have everything, so it gets the Python packages of the oldest runtime that is supported, Databricks 15.4 LTS.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
_LOCK = CHECKOUT / ".ci" / "requirements.txt"
# Of Databricks 15.4 LTS; pyspark 3.5 wants numpy below 2, for which a pyarrow of today is not made.
_OF_SPARK_3_5 = {"numpy": "1.23.5", "pandas": "1.5.3", "pyarrow": "14.0.2", "scipy": "1.11.1"}
_MINUTES = 20


@dataclass(frozen=True)
class Versions:
    """A Python and a pyspark that go together."""

    python: str
    spark: str

    def __str__(self) -> str:
        return f"spark-{self.spark}-python-{self.python}"


SUPPORTED = (
    Versions("3.11", "3.5.9"),
    Versions("3.11", "4.0.5"),
    Versions("3.11", "4.1.4"),
    Versions("3.11", "4.2.0"),
    Versions("3.10", "4.2.0"),
    Versions("3.12", "4.2.0"),
)


def environment(versions: Versions, wheel: Path) -> Path:
    """The folder of the environment with this wheel in it; $PAYERLAKE_SPARKS holds them, or the temporary folder.

    Skips where this machine has no such Python.
    """
    folder = Path(os.environ.get("PAYERLAKE_SPARKS") or Path(tempfile.gettempdir(), "payerlake-sparks"), str(versions))
    python, ready = folder / "bin" / "python", folder / ".ready"
    constraints = "".join(f"{name}=={version}{marker}\n" for (name, marker), version in pins(versions.spark).items())
    if not ready.exists() or ready.read_text() != constraints:
        shutil.rmtree(folder, ignore_errors=True)
        _run(_interpreter(versions.python), "-m", "venv", str(folder))
        pip = (str(python), "-m", "pip", "--quiet", "--disable-pip-version-check", "install")
        (folder / "constraints.txt").write_text(constraints)
        _run(*pip, "--constraint", str(folder / "constraints.txt"), f"pyspark[connect]=={versions.spark}", str(wheel))
        ready.write_text(constraints)
    _run(*(str(python), "-m", "pip", "--quiet", "install", "--no-deps", "--force-reinstall", str(wheel)))
    _run(str(python), "-m", "payerlake.engine.jars")
    return folder


def pins(spark: str) -> dict[tuple[str, str], str]:
    """The versions to install beside this pyspark, by package and marker (`; python_full_version < '3.11'`)."""
    locked = re.findall(r"^([a-z0-9-]+)==(\S+)( ; [^\\\n]+?)? \\$", _LOCK.read_text(), re.MULTILINE)
    others = _OF_SPARK_3_5 if spark.startswith("3.5") else {}
    kept = {(name, marker): version for name, version, marker in locked if name not in {"pyspark", "py4j", *others}}
    return kept | {(name, ""): version for name, version in others.items()}


def _interpreter(version: str) -> str:
    """A Python of this version, on the path or among pyenv's."""
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    for candidate in (f"python{version}", *map(str, root.glob(f"versions/{version}.*/bin/python{version}"))):
        found = shutil.which(candidate)
        if found and subprocess.run([found, "-c", ""], capture_output=True, check=False).returncode == 0:
            return found
    return pytest.skip(f"no Python {version} on this machine: install it, or pyenv's")


def _run(*words: str) -> None:
    ran = subprocess.run(words, capture_output=True, text=True, timeout=60 * _MINUTES, check=False)
    assert ran.returncode == 0, f"{' '.join(words)}:\n{ran.stdout}{ran.stderr}"
