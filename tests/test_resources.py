"""Resources are read from the package wherever it lies: a checkout, or a wheel that is only on Python's path."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from payerlake import reference
from payerlake.errors import BadInput
from payerlake.resources import members, real_file, resource

CHECKOUT = Path(__file__).parent.parent
# What a zipped payerlake finds of its own; printed by a process that has nothing of the checkout.
FINDS = """
from payerlake import reference, registry, resources
from payerlake.contract import settings
assert resources.__file__.startswith({archive!r})
print(*(settings.scales(name)[0] for name in registry.datasets()))
print(settings.load(registry.dataset("quality").settings, "tiny").members)
print(len(reference.rows("us_states")), len(resources.members(resources.resource("expectations", "finance"), ".json")))
print(resources.real_file("conf", "log4j2.properties").read_text()[:1])
"""


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A zip as a wheel is one: the package, with conf/ and expectations/ inside."""
    made = tmp_path / "payerlake.whl"
    places = {"payerlake": CHECKOUT / "lib" / "payerlake"}
    places |= {f"payerlake/{name}": CHECKOUT / name for name in ("conf", "expectations")}
    with ZipFile(made, "w") as zipped:
        for place, folder in places.items():
            for file in folder.rglob("*.*"):
                zipped.write(file, f"{place}/{file.relative_to(folder)}")
    return made


def finds(archive: Path, code: str) -> subprocess.CompletedProcess[str]:
    """Run the code in a folder beside the archive, which is on Python's path."""
    environment = os.environ | {"PYTHONPATH": str(archive)}
    words = [sys.executable, "-c", code]
    return subprocess.run(words, cwd=archive.parent, env=environment, capture_output=True, text=True, check=False)


def test_a_wheel_on_the_path_is_read_where_it_lies(archive: Path) -> None:
    answer = finds(archive, FINDS.format(archive=str(archive)))
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.splitlines() == ["demo demo demo demo", "200", "50 4", "#"]
    assert sorted(file.name for file in archive.parent.iterdir()) == [archive.name]


def test_an_archive_without_conf_says_what_is_looked_for_and_where(archive: Path) -> None:
    bare = archive.with_name("bare.zip")
    with ZipFile(archive) as old, ZipFile(bare, "w") as new:
        for name in old.namelist():
            if not name.startswith("payerlake/conf"):
                new.writestr(name, old.read(name))
    answer = finds(bare, "from payerlake import cli; cli.main(['generate', 'pharmacy', '--out', 'out'])")
    assert answer.returncode == 2
    assert answer.stderr.startswith(f"payerlake: conf/pharmacy/base.yaml: not in this payerlake; looked for in {bare}/")
    assert len(answer.stderr.splitlines()) == 1


def test_what_is_in_no_place_is_named() -> None:
    with pytest.raises(BadInput, match=r"^conf/reference/nothing\.csv: not in this payerlake; looked for in /"):
        reference.rows("nothing")


def test_files_of_a_folder_come_by_name_and_a_missing_folder_has_none(tmp_path: Path) -> None:
    for name in ("b.yaml", "a.yaml", "c.csv"):
        (tmp_path / name).touch()
    assert list(members(tmp_path, ".yaml")) == ["a", "b"]
    assert members(tmp_path / "nowhere", ".yaml") == {}


def test_a_file_of_a_checkout_is_handed_out_as_it_is() -> None:
    assert real_file("conf", "log4j2.properties") == CHECKOUT / "conf" / "log4j2.properties"
    assert resource("conf", "log4j2.properties").is_file()


def test_a_list_of_a_users_own_needs_no_name_in_conf(tmp_path: Path) -> None:
    mine = tmp_path / "us_states.csv"
    mine.write_text("# mine\nstate\nZZ\n")
    assert reference.rows_of(str(mine)) == ({"state": "ZZ"},)
    assert len(reference.rows_of("us_states")) == 50
