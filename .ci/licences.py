"""The table of licences in README.md beside this: of every package that requirements.txt installs.

A package says its licence in its metadata, as an SPDX expression, as a classifier, or in words of its own. One that is
for another Python or system is not there to be asked: its line stays as it is.
"""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, metadata, requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

HERE = Path(__file__).parent
PAGE, LOCK = HERE / "README.md", HERE / "requirements.txt"
EXTRAS = ("", "connect", "mysql", "postgresql")  # those that are for users
_TABLE = re.compile(r"(?<=<!-- licences -->\n).*?(?=<!-- end -->)", re.DOTALL)
_LONGEST = 60  # some give the whole text instead of a name


def locked() -> list[str]:
    """The names of the packages in the lock, each once."""
    return sorted(set(re.findall(r"^([a-z0-9-]+)==", LOCK.read_text(encoding="utf-8"), re.MULTILINE)))


def of_users(package: str = "payerlake", extras: tuple[str, ...] = EXTRAS) -> set[str]:
    """What is installed with a package and these extras of it, and with that, and so on."""
    found: set[str] = set()
    waiting = [(package, extras)]
    while waiting:
        name, wanted = waiting.pop()
        for needed in map(Requirement, requires(name) or []):
            asked = needed.marker is None or any(needed.marker.evaluate({"extra": extra}) for extra in wanted)
            other = canonicalize_name(needed.name)
            if asked and other not in found:
                found.add(other)
                waiting.append((other, ("", *needed.extras)))
    return found


def licence(package: str) -> str | None:
    """What the installed package says of its licence; None where it is not installed."""
    try:
        said = metadata(package)
    except PackageNotFoundError:
        return None
    expression, words = said.get("License-Expression"), said.get("License", "").strip()
    classified = [
        text.rpartition(" :: ")[2] for text in said.get_all("Classifier", []) if text.startswith("License ::")
    ]
    short = words if words and len(words) <= _LONGEST and "\n" not in words else ""
    return expression or ", ".join(text for text in classified if text != "OSI Approved") or short or "see the package"


def table(page: str) -> str:
    """The table in Markdown; page: the text whose lines stay where a package is not installed."""
    users = of_users()
    lines = dict(re.findall(r"^(\| ([a-z0-9-]+) \|.*\n)", page, re.MULTILINE))
    before = {name: line for line, name in lines.items()}
    rows = []
    for name in locked():
        said = licence(name)
        new = f"| {name} | {said or 'see the package'} | {'users' if name in users else 'development'} |\n"
        rows.append(before[name] if said is None and name in before else new)
    return "| package | licence | for |\n|---|---|---|\n" + "".join(rows)


def main() -> None:
    """Write the table into the page."""
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(_TABLE.sub(lambda _: table(page), page), encoding="utf-8")


if __name__ == "__main__":
    main()
