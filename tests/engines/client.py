"""A user's program: one session on an engine, in which it makes datasets of golden size one after another.

`python -m tests.engines.client JSON`, with [master, Spark's settings, orders]; an order has the dataset, where to
publish it, the slices, the format, and in how many files to lay long tables.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import payerlake
from payerlake.session import spark_session
from tests.engines.golden_size import options


def make(master: str, settings: dict[str, str], orders: list[dict[str, Any]]) -> None:
    spark = spark_session(master, settings=settings)
    for order in orders:
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
    make(*json.loads(sys.argv[1]))
