"""A process that publishes a few files as a dataset and kills itself, as `kill -9` does, before its K-th change.

`python -m tests.engines.publisher` reads lines of JSON, [OUT, TEXT, K]: for each a process replaces what stands under
OUT/pharmacy by files of this text, with payerlake's own publishing and without Spark; what it ended with is printed.
A change is a call that makes, writes, moves or deletes files. K of 0 is never reached.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from collections.abc import Callable
from functools import wraps
from itertools import count
from typing import Any

import fsspec

from payerlake.storage.target import Target

DATASET, FILES = "pharmacy", ("csv/a.csv", "csv/b.csv", "parquet/t/part-0.parquet")
_CHANGES = ("makedirs", "pipe_file", "mv", "cp_file", "rm", "rm_file", "put_file")


def kill_before_change(out: str, number: int) -> None:
    """Let this process end, without a word, when it is about to change files for so many times."""
    fs, _ = fsspec.core.url_to_fs(out)  # the one that payerlake gets too: fsspec has one a place
    done = count(1)

    def counted(change: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(change)
        def call(*args: Any, **kwargs: Any) -> Any:
            if next(done) == number:
                os.kill(os.getpid(), signal.SIGKILL)
            return change(*args, **kwargs)

        return call

    for name in _CHANGES:
        setattr(fs, name, counted(getattr(fs, name)))


def publish(out: str, text: str) -> None:
    target = Target(out, DATASET)
    with target.reserved("overwrite"), target.staged() as staging:
        for name in FILES:
            staging.write_text(name, text)
        target.publish(manifest(text), {name: len(text.encode()) for name in FILES})


def manifest(text: str) -> str:
    """As far as publishing reads it: the manifest of another program's dataset is refused."""
    return json.dumps({"dataset": DATASET, "tables": {}, "text": text})


def publish_in_a_process(out: str, text: str, number: int) -> int:
    """What the process ended with, as subprocess tells it. It begins as a copy of this one, which has imported all."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    ended = 1
    try:
        kill_before_change(out, number)
        publish(out, text)
        ended = 0
    except Exception:
        traceback.print_exc()
    finally:
        os._exit(ended)


if __name__ == "__main__":
    for line in sys.stdin:
        print(publish_in_a_process(*json.loads(line)), flush=True)
