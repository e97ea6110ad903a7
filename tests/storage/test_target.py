"""Files at any URL, and the publishing of a dataset: the old data or the new, never a part of either."""

from __future__ import annotations

import contextlib
import errno
import json
import os
from pathlib import Path

import pytest

from payerlake.errors import BadInput, EngineFailed
from payerlake.storage.folder import MANIFEST, Folder
from payerlake.storage.target import Target


@pytest.fixture(params=["local", "memory"])
def out(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A place to publish in: a local folder that moves by rename, and one that moves file by file."""
    return str(tmp_path / "out") if request.param == "local" else f"memory://{tmp_path}"


def manifest(data: str) -> str:
    return json.dumps({"dataset": "pharmacy", "tables": {}, "of": data})


def run(target: Target, data: str, mode: str = "error") -> None:
    """One whole run that publishes `data`."""
    with target.reserved(mode), target.staged() as staging:
        staging.write_text("csv/a.csv", data)
        staging.write_text("csv/b.csv", data)
        target.publish(manifest(data), {"csv/a.csv": len(data), "csv/b.csv": len(data)})


def standing(target: Target) -> dict[str, str]:
    return {name: target.folder.read_text(name) for name in target.folder.files()}


def whole(data: str) -> dict[str, str]:
    return {"csv/a.csv": data, "csv/b.csv": data, MANIFEST: manifest(data)}


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

    for name in ("delete", "delete_file", "move_to", "overwrite_text", "rename_file", "write_text"):
        monkeypatch.setattr(Folder, name, counted(getattr(Folder, name)))


def bury(out: str) -> None:
    """Let the claims that stand there be of processes that are gone."""
    folder = Folder(out)
    for name in folder.children(".pharmacy.run-"):
        folder.write_text(name, json.dumps(json.loads(folder.read_text(name)) | {"started": "long ago"}))


def test_a_run_publishes_its_files_and_nothing_else(out):
    target = Target(out, "pharmacy")
    run(target, "new")
    assert standing(target) == whole("new")
    assert {name.split("/")[0] for name in Folder(out).files()} == {"pharmacy"}


def test_mode_error_refuses_a_published_dataset_before_any_work(out):
    target = Target(out, "pharmacy")
    run(target, "old")
    with pytest.raises(BadInput, match="--mode overwrite replaces it"):
        run(target, "new")
    assert standing(target) == whole("old")


def test_mode_overwrite_replaces_a_published_dataset_whole(out):
    target = Target(out, "pharmacy")
    with target.reserved("error"), target.staged() as staging:
        staging.write_text("csv/only_in_the_old.csv", "x")
        target.publish(manifest("old"), {})
    run(target, "new", "overwrite")
    assert standing(target) == whole("new")


@pytest.mark.parametrize("mode", ["error", "overwrite"])
def test_files_that_are_not_ours_are_refused_and_untouched(out, mode):
    target = Target(out, "pharmacy")
    target.folder.write_text("thesis.txt", "my own")
    with pytest.raises(BadInput, match="did not publish"):
        run(target, "new", mode)
    assert standing(target) == {"thesis.txt": "my own"}


def test_a_manifest_of_another_program_is_refused_and_untouched(out):
    target = Target(out, "pharmacy")
    theirs = {MANIFEST: '{"name": "my web app"}', "thesis.txt": "my own"}
    for name, text in theirs.items():
        target.folder.write_text(name, text)
    for mode in ("error", "overwrite"):
        with pytest.raises(BadInput, match="did not publish"):
            run(target, "new", mode)
    assert standing(target) == theirs


def test_a_link_in_the_place_of_the_dataset_is_refused_and_what_it_leads_to_untouched(tmp_path):
    run(Target(str(tmp_path / "there"), "pharmacy"), "old")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "pharmacy").symlink_to(tmp_path / "there" / "pharmacy")
    with pytest.raises(BadInput, match="is a symbolic link or a mount point"):
        run(Target(str(tmp_path / "out"), "pharmacy"), "new", "overwrite")
    assert standing(Target(str(tmp_path / "there"), "pharmacy")) == whole("old")


def test_a_run_inside_the_dataset_that_it_would_replace_is_refused(tmp_path, monkeypatch):
    run(Target(str(tmp_path), "pharmacy"), "old")
    monkeypatch.chdir(tmp_path / "pharmacy")
    with pytest.raises(BadInput, match="cd elsewhere first"):
        run(Target("..", "pharmacy"), "new", "overwrite")
    assert standing(Target(str(tmp_path), "pharmacy")) == whole("old")


def test_a_path_that_leads_back_is_one_without(tmp_path, monkeypatch):
    (tmp_path / "a").mkdir()
    monkeypatch.chdir(tmp_path / "a")
    run(Target("../b", "pharmacy"), "new")
    assert standing(Target(str(tmp_path / "b"), "pharmacy")) == whole("new")


def test_where_a_folder_cannot_be_renamed_it_is_copied_with_the_manifest_last(tmp_path, monkeypatch):
    """As in a container, of what its image holds."""

    def of_another_layer(*_):
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    target = Target(str(tmp_path), "pharmacy")
    run(target, "old")
    monkeypatch.setattr(os, "rename", of_another_layer)
    copied = []
    copy = type(target.folder._fs).cp_file
    monkeypatch.setattr(
        type(target.folder._fs),
        "cp_file",
        lambda fs, one, other, **k: copied.append(other) or copy(fs, one, other, **k),
    )
    run(target, "new", "overwrite")
    assert standing(target) == whole("new")
    assert [Path(name).name for name in copied if ".replaced" in name][-1] == MANIFEST


def test_files_that_appear_while_a_run_works_are_not_replaced(out):
    target = Target(out, "pharmacy")
    with target.reserved("error"), target.staged():
        target.folder.write_text("thesis.txt", "my own")
        with pytest.raises(BadInput, match="did not publish"):
            target.publish(manifest("x"), {})
    assert standing(target) == {"thesis.txt": "my own"}


def test_an_empty_folder_may_be_published_into(tmp_path):
    (tmp_path / "pharmacy").mkdir()
    run(Target(str(tmp_path), "pharmacy"), "new")
    assert standing(Target(str(tmp_path), "pharmacy")) == whole("new")


def test_a_file_in_the_place_of_the_folder_is_bad_input(tmp_path):
    (tmp_path / "out").write_text("")
    with pytest.raises(BadInput, match="is a file"):
        run(Target(str(tmp_path / "out"), "pharmacy"), "new", "overwrite")


def test_a_file_in_the_place_of_the_dataset_is_bad_input(tmp_path):
    (tmp_path / "pharmacy").write_text("my own")
    with pytest.raises(BadInput, match="did not publish"):
        run(Target(str(tmp_path), "pharmacy"), "new", "overwrite")
    assert (tmp_path / "pharmacy").read_text() == "my own"


def test_a_folder_that_cannot_be_written_is_bad_input():
    with pytest.raises(BadInput, match="cannot write there"):
        run(Target("/proc/nowhere", "pharmacy"), "new")


def fail_while_staging(target: Target, failure: type[BaseException]) -> None:
    with target.reserved("overwrite"), target.staged() as staging:
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
    bury(out)
    published = standing(target) if target.is_published() else {}
    published.pop("_unpublished", None)
    assert published in ({}, whole("old"), whole("new"))
    assert target.read_manifest() in (manifest("old"), manifest("new"))
    found = standing(target)
    found.pop("_unpublished", None)
    assert found in (whole("old"), whole("new"))
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
    bury(out)
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

    with monkeypatch.context() as patch:
        patch.setattr(type(fs), "cp_file", dying)
        with contextlib.suppress(Killed):
            run(target, "new", "overwrite")
    assert target.read_manifest() == manifest("old")
    assert standing(target) == whole("old")


def test_files_that_were_lost_from_the_stage_are_not_published(out):
    target = Target(out, "pharmacy")
    run(target, "old")
    with target.reserved("overwrite"), target.staged() as staging:
        staging.write_text("csv/a.csv", "new")
        with pytest.raises(EngineFailed, match=r"1 of 2 files that were written do not stand in .*b\.csv"):
            target.publish(manifest("new"), {"csv/a.csv": 3, "csv/b.csv": 3})
    assert standing(target) == whole("old")


def test_files_that_are_lost_on_the_way_are_not_published(out, monkeypatch):
    target = Target(out, "pharmacy")
    run(target, "old")
    move_to = Folder.move_to

    def losing(folder, other):
        move_to(folder, other)
        if folder.url == target.staging.url:
            other.delete_file("csv/b.csv")

    with monkeypatch.context() as patch:
        patch.setattr(Folder, "move_to", losing)
        with pytest.raises(EngineFailed, match=r"b\.csv for one"):
            run(target, "new", "overwrite")
    assert standing(target) == whole("old")


def test_a_second_run_is_refused_and_harms_neither(out):
    first, second = Target(out, "pharmacy"), Target(out, "pharmacy")
    run(first, "old")
    with first.reserved("overwrite"), first.staged() as staging:
        staging.write_text("csv/a.csv", "new")
        for mode in ("error", "overwrite"):
            with pytest.raises(
                BadInput, match=rf"another run is at work there: payerlake generate \(process {os.getpid()}"
            ):
                run(second, "other", mode)
        staging.write_text("csv/b.csv", "new")
        first.publish(manifest("new"), {"csv/a.csv": 3, "csv/b.csv": 3})
    assert standing(first) == whole("new")
    run(second, "other", "overwrite")
    assert standing(first) == whole("other")


def test_datasets_of_one_place_do_not_wait_for_each_other(out):
    with Target(out, "pharmacy").reserved("error"):
        run(Target(out, "insurance"), "new")


def test_a_run_that_another_took_over_from_publishes_nothing_and_disturbs_nothing(out):
    first, second = Target(out, "pharmacy"), Target(out, "pharmacy")
    with contextlib.ExitStack() as late:
        late.enter_context(pytest.raises(EngineFailed, match="another took over"))
        late.enter_context(first.reserved("error"))
        late.enter_context(first.staged()).write_text("csv/a.csv", "late")
        bury(out)  # as if it had slept
        with second.reserved("error"), second.staged() as staging:
            staging.write_text("csv/a.csv", "new")
            with late.pop_all():
                first.publish(manifest("late"), {"csv/a.csv": 4})
            staging.write_text("csv/b.csv", "new")
            second.publish(manifest("new"), {"csv/a.csv": 3, "csv/b.csv": 3})
    assert standing(second) == whole("new")
