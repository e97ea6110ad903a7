"""A user's program: one session on an engine, in which it makes datasets of golden size one after another.

`python -m tests.engines.client MASTER SETTINGS`, the settings of Spark as JSON; then it reads orders, lines of JSON:
the dataset, where to publish it, the slices, the format, and in how many files to lay long tables. When one is
published, it says so.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from pyspark.sql import SparkSession

import payerlake
from payerlake.engine.session import spark_session
from tests.engines.golden_size import options


def make(spark: SparkSession, order: dict[str, Any]) -> None:
    for part in order["slices"]:
        payerlake.generate(
            spark,
            order["dataset"],
            f"{order['out']}/{part.replace('/', '-of-')}",
            format=order["format"],
            slice=part,
            validate=False,
            **options(order["dataset"], order["partitions"]),
        )


if __name__ == "__main__":
    session = spark_session(sys.argv[1], settings=json.loads(sys.argv[2]))
    for line in sys.stdin:
        make(session, json.loads(line))
        print("published", flush=True)
