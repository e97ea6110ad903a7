"""Files and folders at any URL."""

from __future__ import annotations

from pathlib import Path

import pytest

import payerlake
from payerlake.errors import BadInput, EngineFailed
from payerlake.storage.folder import Folder


@pytest.fixture(params=["local", "memory"])
def out(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A folder of this machine, and one elsewhere."""
    return str(tmp_path / "out") if request.param == "local" else f"memory://{tmp_path}"


def test_a_folder_lists_its_files_with_their_bytes_by_relative_path(out):
    folder = Folder(out) / "x"
    folder.write_text("deep/er/one.txt", "é")
    folder.write_text("two.txt", "")
    assert folder.files() == {"deep/er/one.txt": 2, "two.txt": 0}


def test_a_folder_that_does_not_exist_is_empty_and_may_be_deleted(out):
    folder = Folder(out) / "none"
    folder.delete()
    assert folder.is_empty()
    assert not folder.exists()


def test_a_local_folder_is_uploaded_whole(out, tmp_path):
    (tmp_path / "docs" / "sub").mkdir(parents=True)
    (tmp_path / "docs" / "sub" / "a.html").write_text("hello")
    folder = Folder(out) / "validation"
    folder.upload(tmp_path / "docs")
    assert folder.read_text("sub/a.html") == "hello"


def test_a_file_of_this_machine_is_used_where_it_lies(tmp_path):
    (tmp_path / "a.csv").write_text("a")
    with Folder(str(tmp_path)).local_file("a.csv") as path:
        assert path == tmp_path / "a.csv"
    assert path.exists()


def test_a_file_elsewhere_is_copied_for_a_while(tmp_path):
    folder = Folder(f"memory://{tmp_path}")
    folder.write_text("csv/a.csv", "a")
    with folder.local_file("csv/a.csv") as path:
        assert (path.name, path.read_text()) == ("a.csv", "a")
    assert not path.exists()
    assert folder.has("csv/a.csv")


def test_a_file_elsewhere_that_is_not_there_is_named(tmp_path):
    folder = Folder(f"memory://{tmp_path}")
    with (
        pytest.raises(EngineFailed, match=rf"memory://{tmp_path}/a.csv: could not be read"),
        folder.local_file("a.csv"),
    ):
        pass


def test_only_storage_speaks_with_file_systems():
    package = Path(payerlake.__file__).parent
    speakers = [path for path in package.rglob("*.py") if "import fsspec" in path.read_text()]
    assert [path.name for path in speakers] == ["folder.py"]


def test_what_hadoop_leaves_beside_the_data_is_swept_away(out):
    folder = Folder(out) / "t"
    for name in ("_SUCCESS", ".part-0.parquet.crc", "part-0.parquet", "_delta_log/0.crc", "_delta_log/.0.crc.crc"):
        folder.write_text(name, "x")
    folder.sweep()
    assert list(folder.files()) == ["_delta_log/0.crc", "part-0.parquet"]


def test_a_url_without_a_driver_is_bad_input():
    with pytest.raises(BadInput, match="nowhere://x"):
        Folder("nowhere://x")


def test_spark_gets_a_local_folder_as_an_absolute_file_url(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert Folder("out").spark_url == f"file://{tmp_path}/out"


def test_spark_gets_other_urls_as_they_are():
    assert Folder("memory://bucket/x/").spark_url == "memory://bucket/x"


def test_a_databricks_volume_keeps_its_bare_path_for_spark():
    assert Folder("/Volumes/main/default/out").spark_url == "/Volumes/main/default/out"
