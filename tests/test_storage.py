"""Files at any URL, and the publishing of a dataset: the old data or the new, never a part of either."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

import payerlake
from payerlake.errors import BadInput, EngineFailed
from payerlake.storage import MANIFEST, Folder, Target


@pytest.fixture(params=["local", "memory"])
def out(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A place to publish in: a local folder that moves by rename, and one that moves file by file."""
    return str(tmp_path / "out") if request.param == "local" else f"memory://{tmp_path}"


def run(target: Target, data: str, mode: str = "error") -> None:
    """One whole run that publishes `data`."""
    target.check(mode)
    with target.staged() as staging:
        staging.write_text("csv/a.csv", data)
        staging.write_text("csv/b.csv", data)
        target.publish(f"manifest of {data}")


def standing(target: Target) -> dict[str, str]:
    return {name: target.folder.read_text(name) for name in target.folder.files()}


def whole(data: str) -> dict[str, str]:
    return {"csv/a.csv": data, "csv/b.csv": data, MANIFEST: f"manifest of {data}"}


class Killed(BaseException):
    """The process is gone: nothing after it runs."""


def kill_before(monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    """Let the `step`-th change of a file and every later one fail, as if the process had been killed there."""
    done = 0

    def counted(change):
        def method(*args, **kwargs):
            nonlocal done
            done += 1
            if done > step:
                raise Killed
            return change(*args, **kwargs)

        return method

    for name in ("delete", "delete_file", "move_to", "rename_file", "write_text"):
        monkeypatch.setattr(Folder, name, counted(getattr(Folder, name)))


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
    assert [path.name for path in speakers] == ["storage.py"]


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


def test_a_run_publishes_its_files_and_nothing_else(out):
    target = Target(out, "pharmacy")
    run(target, "new")
    assert standing(target) == whole("new")
    assert {name.split("/")[0] for name in Folder(out).files()} == {"pharmacy"}


def test_mode_error_refuses_a_published_dataset_before_any_work(out):
    target = Target(out, "pharmacy")
    run(target, "old")
    with pytest.raises(BadInput, match="--mode overwrite replaces it"):
        target.check("error")
    assert standing(target) == whole("old")


def test_mode_overwrite_replaces_a_published_dataset_whole(out):
    target = Target(out, "pharmacy")
    target.check("error")
    with target.staged() as staging:
        staging.write_text("csv/only_in_the_old.csv", "x")
        target.publish("old")
    run(target, "new", "overwrite")
    assert standing(target) == whole("new")


@pytest.mark.parametrize("mode", ["error", "overwrite"])
def test_files_that_are_not_ours_are_refused_and_untouched(out, mode):
    target = Target(out, "pharmacy")
    target.folder.write_text("thesis.txt", "my own")
    with pytest.raises(BadInput, match="did not publish"):
        target.check(mode)
    assert standing(target) == {"thesis.txt": "my own"}


def test_files_that_appear_while_a_run_works_are_not_replaced(out):
    target = Target(out, "pharmacy")
    with target.staged():
        target.folder.write_text("thesis.txt", "my own")
        with pytest.raises(BadInput, match="did not publish"):
            target.publish("manifest")
    assert standing(target) == {"thesis.txt": "my own"}


def test_an_empty_folder_may_be_published_into(tmp_path):
    (tmp_path / "pharmacy").mkdir()
    run(Target(str(tmp_path), "pharmacy"), "new")
    assert standing(Target(str(tmp_path), "pharmacy")) == whole("new")


def test_a_file_in_the_place_of_the_folder_is_bad_input(tmp_path):
    (tmp_path / "out").write_text("")
    with pytest.raises(BadInput, match="is a file"):
        Target(str(tmp_path / "out"), "pharmacy").check("overwrite")


def test_a_file_in_the_place_of_the_dataset_is_bad_input(tmp_path):
    (tmp_path / "pharmacy").write_text("my own")
    with pytest.raises(BadInput, match="did not publish"):
        Target(str(tmp_path), "pharmacy").check("overwrite")
    assert (tmp_path / "pharmacy").read_text() == "my own"


def test_a_folder_that_cannot_be_written_is_bad_input():
    with pytest.raises(BadInput, match="cannot write there"):
        Target("/proc/nowhere", "pharmacy").check("error")


def fail_while_staging(target: Target, failure: type[BaseException]) -> None:
    with target.staged() as staging:
        staging.write_text("csv/a.csv", "half")
        raise failure


@pytest.mark.parametrize("failure", [RuntimeError, KeyboardInterrupt])
def test_a_failure_while_staging_leaves_the_old_data_and_no_staging(out, failure):
    target = Target(out, "pharmacy")
    run(target, "old")
    with pytest.raises(failure):
        fail_while_staging(target, failure)
    assert standing(target) == whole("old")
    assert {name.split("/")[0] for name in Folder(out).files()} == {"pharmacy"}


def test_a_disk_that_fails_while_publishing_leaves_the_old_data(out, monkeypatch):
    target = Target(out, "pharmacy")
    run(target, "old")
    monkeypatch.setattr(Folder, "write_text", _full_disk_for_manifests(Folder.write_text))
    with pytest.raises(EngineFailed, match="No space left"):
        run(target, "new", "overwrite")
    assert standing(target) == whole("old")


def _full_disk_for_manifests(write_text):
    def method(folder, name, text):
        if name == MANIFEST:
            raise OSError("No space left on device")
        write_text(folder, name, text)

    return method


@pytest.mark.parametrize("step", range(30))
def test_a_run_killed_at_any_step_leaves_old_or_new_and_the_next_run_completes(out, step, monkeypatch):
    target = Target(out, "pharmacy")
    run(target, "old")
    with monkeypatch.context() as patch:
        kill_before(patch, step)
        with contextlib.suppress(Killed):
            run(target, "new", "overwrite")
    published = standing(target) if target.is_published() else {}
    published.pop("_unpublished", None)
    assert published in ({}, whole("old"), whole("new"))
    target._recover()
    assert standing(target) in (whole("old"), whole("new"))
    run(target, "new", "overwrite")
    assert standing(target) == whole("new")
    assert {name.split("/")[0] for name in Folder(out).files()} == {"pharmacy"}


@pytest.mark.parametrize("step", range(25))
def test_a_first_run_killed_at_any_step_may_be_run_again_in_mode_error(out, step, monkeypatch):
    target = Target(out, "pharmacy")
    with monkeypatch.context() as patch:
        kill_before(patch, step)
        with contextlib.suppress(Killed):
            run(target, "new")
    if target.is_published():
        return
    run(target, "new")
    assert standing(target) == whole("new")


@pytest.mark.parametrize("copied", range(4))
def test_a_move_killed_between_two_copies_loses_nothing(tmp_path, copied, monkeypatch):
    """On an object store a folder moves file by file."""
    target = Target(f"memory://{tmp_path}", "pharmacy")
    run(target, "old")
    fs = target.folder._fs
    done = 0
    copy = type(fs).cp_file

    def dying(self, *args, **kwargs):
        nonlocal done
        done += 1
        if done > copied:
            raise Killed
        return copy(self, *args, **kwargs)

    target.staging.write_text("csv/a.csv", "new")
    target.staging.write_text("_unpublished", "")
    with monkeypatch.context() as patch:
        patch.setattr(type(fs), "cp_file", dying)
        with contextlib.suppress(Killed):
            target.publish("manifest of new")
    target._recover()
    assert standing(target) == whole("old")
