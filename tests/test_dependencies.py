"""What is pinned is what pyproject.toml asks for, by hash, from nowhere in particular, and its licence is listed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    import tomli as tomllib

CHECKOUT = Path(__file__).parent.parent
CI = CHECKOUT / ".ci"
PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())
PIN = re.compile(r"^([a-z0-9-]+)==(\S+)(?: ; [^\\\n]+?)? \\\n((?:    --hash=\S+(?: \\)?\n)*)", re.MULTILINE)


def pinned(lock: str) -> dict[str, set[str]]:
    """The versions of each package; one has several where Pythons differ."""
    found: dict[str, set[str]] = {}
    for name, version, _ in PIN.findall((CI / lock).read_text()):
        found.setdefault(name, set()).add(version)
    return found


def asked(lock: str) -> list[Requirement]:
    """What pyproject.toml asks for, of the lock's part of it."""
    if lock == "bench.txt":
        return [Requirement(text) for text in PROJECT["dependency-groups"]["bench"]]
    extras = PROJECT["project"]["optional-dependencies"].values()
    return [Requirement(text) for texts in (PROJECT["project"]["dependencies"], *extras) for text in texts]


@pytest.mark.parametrize("lock", ["requirements.txt", "bench.txt"])
def test_every_package_that_is_asked_for_is_pinned_within_its_range(lock: str) -> None:
    versions = pinned(lock)
    for requirement in asked(lock):
        found = versions.get(canonicalize_name(requirement.name), set())
        assert found, f"{requirement} is not in .ci/{lock}; run `make lock`"
        assert all(requirement.specifier.contains(version) for version in found), f"{requirement}; run `make lock`"


@pytest.mark.parametrize("lock", ["requirements.txt", "bench.txt"])
def test_every_pin_has_the_hashes_of_its_files(lock: str) -> None:
    text = (CI / lock).read_text()
    pins = PIN.findall(text)
    assert len(pins) == len(re.findall(r"^\S+==", text, re.MULTILINE))
    assert all("--hash=sha256:" in hashes for _, _, hashes in pins)


@pytest.mark.parametrize("file", ["requirements.txt", "bench.txt", "README.md"])
def test_no_index_or_address_is_named(file: str) -> None:
    text = (CI / file).read_text()
    assert "://" not in text
    assert "--index" not in text
    assert "--find-links" not in text


def test_the_page_has_a_licence_of_every_pinned_package() -> None:
    table = dict(
        re.findall(r"^\| ([a-z0-9-]+) \| (.+?) \| (?:users|development) \|$", (CI / "README.md").read_text(), re.M)
    )
    assert table.keys() == pinned("requirements.txt").keys(), "run `make licences`"
    assert [name for name, licence in table.items() if licence == "see the package"] == []


def test_nothing_that_a_user_gets_with_payerlake_itself_is_under_a_copyleft_licence() -> None:
    page = (CI / "README.md").read_text()
    copyleft = re.findall(r"^\| (\S+) \| .*GPL.* \| users \|$", page, re.M)
    assert copyleft == ["psycopg", "psycopg-binary"]  # LGPL, with the extra `postgresql` alone
