"""Databricks: the bundle's keys and references, and the wheel that demands no pyspark."""

from __future__ import annotations

import base64
import hashlib
import re
import runpy
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
import yaml

from payerlake import cli, registry
from payerlake.errors import BadInput
from payerlake.publish import run

CHECKOUT = Path(__file__).parent.parent
BUNDLE = yaml.safe_load((CHECKOUT / "databricks.yml").read_text())
JOBS = BUNDLE["resources"]["jobs"]
# Of the published schema of bundles, what is used here; the Databricks CLI refuses other keys.
KEYS = {
    "": {"artifacts", "bundle", "resources", "targets", "variables"},
    "bundle": {"name"},
    "target": {"default", "mode", "permissions", "variables", "workspace"},
    "job": {"environments", "job_clusters", "max_concurrent_runs", "name", "parameters", "tasks"},
    "task": {"depends_on", "environment_key", "job_cluster_key", "libraries", "max_retries", "spark_python_task"}
    | {"task_key"},
    "new_cluster": {"data_security_mode", "node_type_id", "num_workers", "spark_version"},
    "spec": {"dependencies", "environment_version"},
}
TASKS = [(name, task) for name, job in JOBS.items() for task in job["tasks"]]


def texts(value: Any) -> list[str]:
    """Every text in it, at any depth."""
    if isinstance(value, dict):
        return [text for each in value.values() for text in texts(each)]
    if isinstance(value, list):
        return [text for each in value for text in texts(each)]
    return [value] if isinstance(value, str) else []


def test_every_key_is_one_that_bundles_have() -> None:
    assert BUNDLE.keys() <= KEYS[""]
    assert BUNDLE["bundle"].keys() <= KEYS["bundle"]
    for target in BUNDLE["targets"].values():
        assert target.keys() <= KEYS["target"]
    for job in JOBS.values():
        assert job.keys() <= KEYS["job"]
        assert all(task.keys() <= KEYS["task"] for task in job["tasks"])
        assert all(each["new_cluster"].keys() <= KEYS["new_cluster"] for each in job.get("job_clusters", []))
        assert all(each["spec"].keys() <= KEYS["spec"] for each in job.get("environments", []))


def test_variables_and_parameters_that_are_used_are_declared() -> None:
    used = {name for text in texts(BUNDLE) for name in re.findall(r"\$\{var\.(\w+)\}", text)}
    assert used == BUNDLE["variables"].keys()
    for job in JOBS.values():
        asked = {name for text in texts(job) for name in re.findall(r"\{\{job\.parameters\.(\w+)\}\}", text)}
        assert asked == {parameter["name"] for parameter in job["parameters"]}


def test_tasks_run_where_the_job_says_after_tasks_that_there_are() -> None:
    for name, task in TASKS:
        clusters = {each["job_cluster_key"] for each in JOBS[name].get("job_clusters", [])}
        environments = {each["environment_key"] for each in JOBS[name].get("environments", [])}
        assert {task.get("job_cluster_key") or task["environment_key"]} <= clusters | environments
        before = {each["task_key"] for each in task.get("depends_on", [])}
        assert before <= {each["task_key"] for each in JOBS[name]["tasks"]} - {task["task_key"]}
        assert (CHECKOUT / task["spark_python_task"]["python_file"]).is_file()


def test_development_is_the_default_beside_production() -> None:
    modes = {name: target["mode"] for name, target in BUNDLE["targets"].items()}
    assert modes == {"dev": "development", "prod": "production"}
    assert [name for name, target in BUNDLE["targets"].items() if target.get("default")] == ["dev"]


@pytest.mark.parametrize("dataset", registry.datasets())
@pytest.mark.parametrize("size", ["--scale=demo", "--members=9000"])
@pytest.mark.parametrize("job", JOBS)
def test_generate_accepts_what_a_job_gives_it(
    job: str, dataset: str, size: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As far as where the session would be asked for the catalog."""
    accepted = "all is accepted"

    def stop(*_: object, **__: object) -> None:
        raise BadInput(accepted)

    monkeypatch.setattr("payerlake.api.spark_session", stop)
    monkeypatch.setattr(run, "generate", stop)
    (task,) = [task for task in JOBS[job]["tasks"] if task["task_key"] == "generate"]
    values = {each["name"]: each["default"] for each in JOBS[job]["parameters"]} | {"dataset": dataset, "size": size}
    variables = {name: str(each["default"]) for name, each in BUNDLE["variables"].items()}
    words = task["spark_python_task"]["parameters"]
    for name, value in values.items():
        words = [word.replace("{{job.parameters.%s}}" % name, value) for word in words]  # noqa: UP031  braces
    for name, value in variables.items():
        words = [word.replace("${var.%s}" % name, value) for word in words]  # noqa: UP031
    assert (cli.run(["generate", *words]), capsys.readouterr().err) == (2, f"payerlake: {accepted}\n")


def test_the_wheel_without_spark_lacks_its_demand_and_nothing_else(tmp_path: Path) -> None:
    wheel = tmp_path / "payerlake-1-py3-none-any.whl"
    demands = "Name: payerlake\nRequires-Dist: click>=8.1\nRequires-Dist: pyspark<4.3,>=3.5\n"
    more = "Requires-Dist: pyspark[connect]; extra == 'connect'\n"
    with ZipFile(wheel, "w") as made:
        made.writestr("payerlake/conf/x.yaml", "x: 1\n")
        made.writestr("payerlake-1.dist-info/METADATA", demands + more)
        made.writestr(
            "payerlake-1.dist-info/RECORD", "payerlake/conf/x.yaml,,\npayerlake-1.dist-info/METADATA,sha256=old,9\n"
        )
    without_spark = runpy.run_path(str(CHECKOUT / "jobs" / "wheel_without_spark.py"))["without_spark"]
    with ZipFile(without_spark(wheel, tmp_path / "out")) as made:
        metadata = made.read("payerlake-1.dist-info/METADATA")
        assert metadata == b"Name: payerlake\nRequires-Dist: click>=8.1\n"
        digest = base64.urlsafe_b64encode(hashlib.sha256(metadata).digest()).rstrip(b"=").decode()
        line = f"payerlake-1.dist-info/METADATA,sha256={digest},{len(metadata)}\n"
        assert made.read("payerlake-1.dist-info/RECORD").decode() == f"payerlake/conf/x.yaml,,\n{line}"
        assert made.read("payerlake/conf/x.yaml") == b"x: 1\n"
