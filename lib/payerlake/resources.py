"""Where `conf/` and `expectations/` are: inside the package in a wheel, installed or not, at the root of a checkout.

A wheel or zip that is only on Python's path, as after `spark-submit --py-files`, is read where it lies: a resource
is a place in it and no file of the machine's, unless `real_file` makes it one.
"""

from __future__ import annotations

import atexit
from contextlib import ExitStack
from functools import cache, reduce
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING

from payerlake.errors import BadInput

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable  # since Python 3.11


def resource(*parts: str) -> Traversable:
    """The place of `conf/…` or `expectations/…`, for example `resource("conf", "reference", "us_states.csv")`.

    Raises BadInput, naming what was looked for and where, if it is in none of the places.
    """
    for root in _roots():
        found = reduce(lambda place, part: place / part, parts, root)
        if found.is_file() or found.is_dir():
            return found
    raise BadInput(
        f"{'/'.join(parts)}: not in this payerlake; looked for in {' and '.join(map(str, _roots()))}. The wheel that "
        "`pip wheel --no-deps .` makes of a checkout holds conf/ and expectations/ inside payerlake/: use it, or put "
        "them there in the archive that you made yourself"
    )


def members(place: Traversable, ending: str) -> dict[str, Traversable]:
    """The files of a folder whose names end so, in the order of their names without the ending; {} without folder."""
    found = [file for file in place.iterdir() if file.name.endswith(ending)] if place.is_dir() else []
    return {file.name.removesuffix(ending): file for file in sorted(found, key=lambda file: file.name)}


@cache
def real_file(*parts: str) -> Path:
    """The resource as a file of the machine's, which other programs can read: a copy until exit, where it is none."""
    kept = ExitStack()
    atexit.register(kept.close)
    return kept.enter_context(as_file(resource(*parts)))


@cache
def _roots() -> tuple[Traversable, ...]:
    """The package itself, and the checkout that it may stand in."""
    return files("payerlake"), Path(__file__).parent.parent.parent
