"""The table of licences in README.md beside this: of every package that requirements.txt installs here.

A package says its licence in its metadata, as an SPDX expression, as a classifier, or in words of its own.
"""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

HERE = Path(__file__).parent
PAGE, LOCK = HERE / "README.md", HERE / "requirements.txt"
_TABLE = re.compile(r"(?<=<!-- licences -->\n).*?(?=<!-- end -->)", re.DOTALL)
_LONGEST = 60  # some give the whole text instead of a name


def locked() -> list[str]:
    """The names of the packages in the lock, each once."""
    return sorted(set(re.findall(r"^([a-z0-9-]+)==", LOCK.read_text(encoding="utf-8"), re.MULTILINE)))


def licence(package: str) -> str:
    """What the installed package says of its licence; where it is not for this Python or system, that."""
    try:
        said = metadata(package)
    except PackageNotFoundError:
        return "not installed here: for another Python or system"
    expression, words = said.get("License-Expression"), said.get("License", "").strip()
    classified = [
        text.rpartition(" :: ")[2] for text in said.get_all("Classifier", []) if text.startswith("License ::")
    ]
    short = words if words and len(words) <= _LONGEST and "\n" not in words else ""
    return expression or ", ".join(text for text in classified if text != "OSI Approved") or short or "see the package"


def table() -> str:
    """The table in Markdown."""
    rows = "".join(f"| {name} | {licence(name)} |\n" for name in locked())
    return f"| package | licence |\n|---|---|\n{rows}"


def main() -> None:
    """Write the table into the page."""
    PAGE.write_text(_TABLE.sub(lambda _: table(), PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
