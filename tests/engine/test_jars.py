"""Delta by the Spark that is installed, and only the jars that are known."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pyspark
import pytest
import yaml

from payerlake.engine import jars
from payerlake.errors import BadInput, EngineFailed

CHECKOUT = Path(__file__).parents[2]


@pytest.mark.parametrize("version", ["3.5.0", "3.5.9", "4.0.1", "4.1.4", "4.2.0", "4.2.1.dev0"])
def test_each_spark_has_its_own_delta(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pyspark, "__version__", version)
    package, files = jars.release()
    name, release = package.removeprefix("io.delta:").split(":")
    assert f"{name}-{release}.jar" in files
    of = "2.12" if version.startswith("3.5") else f"{version[:3]}_2.13"
    assert name == f"delta-spark_{of}"


@pytest.mark.parametrize("version", ["3.4.4", "4.3.0", "5.0.0"])
def test_a_spark_without_a_delta_is_refused(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pyspark, "__version__", version)
    with pytest.raises(BadInput, match=rf"pyspark {version} is none .*allowed: 3\.5, 4\.0, 4\.1, 4\.2; install one"):
        jars.delta_jars()


def resolved(monkeypatch: pytest.MonkeyPatch, altered: str = "") -> None:
    """Maven Central answers with jars that are their names, of which the known sums are; one is altered."""
    sums = {name: hashlib.sha256(name.encode()).hexdigest() for name in ("one.jar", "two.jar")}

    def answer(work: Path) -> dict[str, Path]:
        for name in sums:
            (work / name).write_text("something else" if name == altered else name)
        return {name: work / name for name in sums}

    monkeypatch.setitem(jars.RELEASES, "4.2", jars.Release("io.delta:delta:1", sums))
    monkeypatch.setattr(pyspark, "__version__", "4.2.0")
    monkeypatch.setattr(jars, "_resolved", answer)


def test_jars_that_are_the_known_ones_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    resolved(monkeypatch)
    assert jars.fetch(tmp_path / "jars") is True
    assert sorted(file.name for file in (tmp_path / "jars").iterdir()) == ["one.jar", "two.jar"]


def test_where_one_jar_is_another_none_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    resolved(monkeypatch, altered="two.jar")
    with pytest.raises(EngineFailed, match=r"two\.jar came with another SHA-256 than io\.delta:delta:1 has"):
        jars.fetch(tmp_path / "jars")
    assert list((tmp_path / "jars").iterdir()) == []


def test_the_pages_and_the_properties_name_the_same_delta() -> None:
    page = (CHECKOUT / "jobs" / "README.md").read_text()
    rows = dict(re.findall(r"^\| ([\d.]+) \| `(io\.delta:[^`]+)` \|", page, re.MULTILINE))
    assert rows == {spark: release.package for spark, release in jars.RELEASES.items()}
    properties = (CHECKOUT / "conf" / "spark-defaults.conf").read_text()
    assert re.findall(r"^spark\.jars\.packages +(\S+)$", properties, re.MULTILINE) == [jars.RELEASES["4.2"].package]
    bundle = yaml.safe_load((CHECKOUT / "databricks.yml").read_text())
    assert bundle["variables"]["spark_version"]["default"].split(".x")[0] + " LTS" in page
