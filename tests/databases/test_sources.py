"""The CSV files of a published dataset, wherever they lie: no server is needed."""

from __future__ import annotations

from pathlib import Path

import fsspec
import pytest

from payerlake import registry
from payerlake.databases.sources import Source
from payerlake.errors import BadInput
from payerlake.storage.folder import Folder

PLAN = registry.dataset("insurance").table("plan")
HEADER = "plan_id,name,insurance_id,base_rate,deductable\n"


def test_a_file_of_this_machine_is_used_where_it_lies(tmp_path: Path) -> None:
    path = tmp_path / "plan.csv"
    path.write_text(HEADER)
    with Source(PLAN, Folder(str(tmp_path)), "plan.csv").local() as found:
        assert found == path
    assert path.exists()


def test_a_file_elsewhere_is_copied_for_a_while() -> None:
    fsspec.filesystem("memory").pipe_file("/elsewhere/plan.csv", HEADER.encode())
    with Source(PLAN, Folder("memory://elsewhere"), "plan.csv").local() as found:
        assert found.name == "plan.csv"
        assert found.read_text() == HEADER
    assert not found.exists()


@pytest.mark.parametrize("text", ["", "plan_id,name\n", "plan_id,name,insurance_id,deductable,base_rate\n"])
def test_another_header_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "plan.csv"
    path.write_text(text)
    source = Source(PLAN, Folder(str(tmp_path)), "plan.csv")
    with pytest.raises(BadInput, match=rf"{path}: its header is not that of insurance\.plan"), source.local():
        pass
