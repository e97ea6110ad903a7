"""One run at a time: who asks, who holds, who is dead."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from dataclasses import asdict, replace

import pytest

from payerlake.errors import BadInput, EngineFailed
from payerlake.storage import runs


class Memory(dict):
    """A board of this process."""

    put = dict.__setitem__

    def all(self):
        return dict(self)

    def drop(self, name):
        self.pop(name, None)


@pytest.fixture
def board():
    return Memory()


def claim(**changes) -> runs.Claim:
    return replace(runs._claim("generate"), **{"holds": True} | changes)


def text(**changes) -> str:
    return json.dumps(asdict(claim(**changes)))


def test_a_hold_is_there_while_its_block_lasts(board):
    with runs.hold(board, "lake/pharmacy", "generate") as hold:
        hold.require()
        (name,) = board
        assert json.loads(board[name])["command"] == "generate"
    assert board == {}


def test_a_failure_inside_ends_the_hold(board):
    with pytest.raises(RuntimeError), runs.hold(board, "lake/pharmacy", "generate"):
        raise RuntimeError
    assert board == {}


def test_who_holds_keeps_others_away_by_name_and_age(board):
    board["1"] = text(command="validate", host="elsewhere", machine="m", pid=7, seen=time.time() - 30)
    with (
        pytest.raises(BadInput, match=r"^lake/pharmacy: .* validate \(process 7 on elsewhere\) .* seen 30 s"),
        runs.hold(board, "lake/pharmacy", "generate"),
    ):
        pass
    assert list(board) == ["1"]


@pytest.mark.parametrize(
    "dead",
    [
        {"machine": "another", "seen": time.time() - runs.VOID_AFTER - 1},
        {"machine": "another", "seen": time.time() + 1e7},
        {"pid": 0x7FFFFFFF},
        {"started": "before that process"},
    ],
    ids=[
        "silent elsewhere",
        "silent elsewhere by a clock ahead",
        "no such process here",
        "another process of that number",
    ],
)
def test_the_claim_of_a_dead_run_is_void_and_goes(board, dead, monkeypatch):
    monkeypatch.setattr(runs, "_WATCH", 0.01)
    board["1"] = text(**dead)
    with runs.hold(board, "lake/pharmacy", "generate"):
        assert "1" not in board


def test_a_run_that_renews_its_claim_lives_whatever_its_clock(board, monkeypatch):
    monkeypatch.setattr(runs, "_WATCH", 0.3)
    board["1"] = text(machine="another", seen=1.0)
    threading.Timer(0.1, board.put, ["1", text(machine="another", seen=2.0)]).start()
    with pytest.raises(BadInput, match="another run is at work there"):
        runs.hold(board, "lake/pharmacy", "generate")


def test_a_process_that_is_hidden_is_not_taken_for_a_dead_one(board, monkeypatch):
    monkeypatch.setattr(runs, "_started", lambda pid: None)
    board["1"] = text()
    with pytest.raises(BadInput, match="another run is at work there"):
        runs.hold(board, "lake/pharmacy", "generate")


def test_a_run_that_was_stopped_while_it_asked_is_not_waited_for_long(board, monkeypatch):
    monkeypatch.setattr(runs, "_PATIENCE", 0.3)
    board["zzz"] = text(holds=False)
    with pytest.raises(BadInput, match="another run is at work there"):
        runs.hold(board, "lake/pharmacy", "generate")
    assert list(board) == ["zzz"]


def test_a_killed_process_leaves_a_claim_that_is_void_at_once(board):
    program = "import json; from payerlake.storage import runs; print(json.dumps(vars(runs._claim('x'))))"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    board["1"] = ended.stdout
    with runs.hold(board, "lake/pharmacy", "generate"):
        assert "1" not in board


def test_a_claim_that_was_never_written_whole_does_not_stay_for_ever(board, monkeypatch):
    monkeypatch.setattr(runs, "_LOOK_AGAIN", 0.001)
    board["1"] = '{"command": "gen'
    with runs.hold(board, "lake/pharmacy", "generate"):
        assert "1" not in board


def test_a_run_that_begins_to_hold_while_another_looks_is_seen():
    """The other has listed the names already, and reads the claims only then."""
    listed, held = threading.Event(), threading.Event()

    class Between(Memory):
        def all(self):
            names = list(self)
            if threading.current_thread() is not first:
                listed.set()
                held.wait(5)
            return {name: self[name] for name in names if name in self}

        def put(self, name, text):
            if self and threading.current_thread() is first:  # its second claim, once it has found no other
                listed.wait(5)
            self[name] = text

    def work():
        with runs.hold(board, "lake/pharmacy", "generate"):
            held.set()
            refused.wait(5)

    board, refused = Between(), threading.Event()
    first = threading.Thread(target=work)
    first.start()
    while not board:
        time.sleep(0.01)
    with pytest.raises(BadInput, match="another run is at work there"), runs.hold(board, "lake/pharmacy", "generate"):
        pass
    refused.set()
    first.join()
    assert board == {}


def test_of_many_that_ask_at_once_at_most_one_holds_at_a_time(board):
    holding, most, refused, start = 0, 0, 0, threading.Barrier(8)
    count = threading.Lock()

    def run():
        nonlocal holding, most, refused
        start.wait()
        try:
            with runs.hold(board, "lake/pharmacy", "generate"):
                with count:
                    holding += 1
                    most = max(most, holding)
                time.sleep(0.3)
                with count:
                    holding -= 1
        except BadInput:
            with count:
                refused += 1

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1
    assert refused <= 7
    assert board == {}


def test_the_first_by_name_waits_until_the_others_have_withdrawn(board):
    board["zzz"] = text(holds=False)
    threading.Timer(0.3, board.drop, ["zzz"]).start()
    with runs.hold(board, "lake/pharmacy", "generate"):
        assert "zzz_asks" not in board


def test_a_hold_is_renewed(board, monkeypatch):
    monkeypatch.setattr(runs, "RENEW_EVERY", 0.01)
    with runs.hold(board, "lake/pharmacy", "generate"):
        (name,) = board
        before = board[name]
        time.sleep(0.2)
        assert json.loads(board[name])["seen"] > json.loads(before)["seen"]


def test_a_hold_that_another_run_ended_is_lost(board):
    with runs.hold(board, "lake/pharmacy", "generate") as hold:
        board.clear()
        with pytest.raises(EngineFailed, match="no sign of life for 10 minutes"):
            hold.require()
