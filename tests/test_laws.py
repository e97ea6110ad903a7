"""What no module may call: values come from keys alone, and from the DataFrame API."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

LIBRARY = Path(__file__).parent.parent / "lib" / "payerlake"
# Their values depend on partition, order or clock.
UNSTEADY = {"monotonically_increasing_id", "rand", "randn", "uuid", "current_date", "current_timestamp", "now"}
# Not to be had over Spark Connect, or on serverless compute.
NOT_DATAFRAMES = {"_jvm", "_jsc", "sparkContext", "rdd", "persist", "unpersist", "localCheckpoint", "checkpoint"}


@pytest.mark.parametrize("module", sorted(LIBRARY.rglob("*.py")), ids=lambda file: str(file.relative_to(LIBRARY)))
def test_no_value_comes_from_the_way_it_is_computed(module: Path) -> None:
    named = {node.attr for node in ast.walk(ast.parse(module.read_text())) if isinstance(node, ast.Attribute)}
    assert not named & (UNSTEADY | NOT_DATAFRAMES)
