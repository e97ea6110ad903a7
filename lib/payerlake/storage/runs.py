"""One run at a time works on a dataset of a place; a second one is refused and harms neither.

Every run puts a claim of its own name beside the dataset, then looks for claims of others. Whoever finds none holds the
dataset; who finds one withdraws, save that of several who ask at the same moment the first by name waits for the others
to withdraw. As each writes before it looks, two can never both find none. So nothing is asked of the place but that
what was written is seen by whoever looks afterwards: no exclusive creation, no atomic rename, and the claim of a
living run is never touched by another.

A claim is renewed while its run lives, and void once its run is dead: at once where the process was of this machine,
else after `VOID_AFTER` seconds without a sign of life, and if it shows none while it is watched. Void claims are
deleted by the next run.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import threading
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Protocol

from payerlake.errors import BadInput, EngineFailed

RENEW_EVERY = 20.0  # seconds
VOID_AFTER = 600.0  # seconds: thirty missed renewals; clocks of two machines may differ by minutes
_LOOK_AGAIN = 0.2
_LOOKS = 5
_PATIENCE = 30.0  # for others that ask too, and may have been stopped
_WATCH = 1.5 * RENEW_EVERY


class Board(Protocol):
    """Where claims are put: texts by name, seen by all who look after they were put."""

    def put(self, name: str, text: str) -> None:
        """Put a text under the name, in the place of the one that was there."""

    def all(self) -> dict[str, str]:
        """Every text by its name."""

    def drop(self, name: str) -> None:
        """Take the text away; nothing happens where there is none."""


@dataclass(frozen=True)
class Claim:
    """Who is at work: the command, its process and machine, since when, and when it last gave a sign of life.

    holds: it works on the dataset; until then it asks.
    since, seen: seconds since 1970. machine: the host, its boot and its space of process numbers. started: of the
    process, in the machine's own count, so that another process of the same number is not taken for it.
    """

    command: str
    pid: int
    started: str
    host: str
    machine: str
    since: float
    seen: float
    holds: bool = True

    def is_void(self) -> bool:
        """Whether its run, of this machine, is dead; False where nobody here can tell."""
        began = _started(self.pid) if self.machine == _machine() else None
        return began is not None and began != self.started

    def is_silent(self, now: float) -> bool:
        """Whether it gave no sign of life for so long, by a clock that may be another's, that it may be dead."""
        return abs(now - self.seen) > VOID_AFTER

    def told(self, now: float) -> str:
        """For people: who, where, since when."""
        ago = max(0, round(now - self.seen))
        since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(self.since))
        return f"payerlake {self.command} (process {self.pid} on {self.host}) since {since}, last seen {ago} s ago"


class Hold:
    """The right to work on a dataset, while its run renews it."""

    def __init__(self, board: Board, place: str, name: str, claim: Claim) -> None:
        self._board, self._place, self._name, self._claim = board, place, name, claim
        self._ended = threading.Event()
        self._renewing = threading.Thread(target=self._renew, daemon=True)
        self._renewing.start()

    def is_lost(self) -> bool:
        """Whether another run took over, since this process slept too long."""
        return self._name not in self._board.all()

    def require(self) -> None:
        """Raises EngineFailed where the hold was lost."""
        if self.is_lost():
            raise EngineFailed(
                f"{self._place}: this run gave no sign of life for {VOID_AFTER / 60:.0f} minutes or more, and another "
                "took over; nothing of this one is published, run it again"
            )

    def __enter__(self) -> Hold:
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._renewing.join()
        with suppress(Exception):  # the place is gone, or closed to us: the claim is void once this process has ended
            self._board.drop(self._name)

    def _renew(self) -> None:
        while not self._ended.wait(RENEW_EVERY):
            try:
                if self.is_lost():
                    return  # as `require` will say
                self._board.put(self._name, _text(replace(self._claim, seen=time.time())))
            except Exception:
                continue  # a place that does not answer now may at the next try; `require` has the last word


def hold(board: Board, place: str, command: str) -> Hold:
    """Hold the dataset at this place until the end of a `with` block. Raises BadInput where another run is at work."""
    claim, own = _claim(command), secrets.token_hex(8)
    try:
        board.put(own, _text(claim))
        _await_no_other(board, own, place)
        # Under the same name: another one could be missed by whoever listed the names before, and reads them now.
        claim = replace(claim, holds=True)
        board.put(own, _text(claim))
        return Hold(board, place, own, claim)
    except BaseException:
        board.drop(own)
        raise


def _await_no_other(board: Board, own: str, place: str) -> None:
    until = time.monotonic() + _PATIENCE
    while others := _living(board, own):
        holding = [other for other in others.values() if other.holds]
        if holding or min(others) < own or time.monotonic() > until:
            raise _refused(place, next(iter([*holding, *others.values()])))
        time.sleep(_LOOK_AGAIN)


def _living(board: Board, own: str) -> dict[str, Claim]:
    """Claims of other runs that live, by name; those of dead runs are deleted."""
    found = before = _others(board, own)
    if any(claim and not claim.is_void() and claim.is_silent(time.time()) for claim in found.values()):
        time.sleep(_WATCH)  # clocks differ, so what is silent is watched: a living run renews its claim meanwhile
        found = _others(board, own)
    living = {}
    for name, claim in found.items():
        watched = found is not before and before.get(name) == claim
        if claim is None or claim.is_void() or (watched and claim.is_silent(time.time())):
            board.drop(name)
        else:
            living[name] = claim
    return living


def _others(board: Board, own: str) -> dict[str, Claim | None]:
    """Claims of other runs by name; None for one that cannot be read, though it was given the time to be written."""
    found: dict[str, Claim | None] = {}
    for _ in range(_LOOKS):
        found = {name: _read(text) for name, text in board.all().items() if name != own}
        if None not in found.values():
            break
        time.sleep(_LOOK_AGAIN)
    return found


def _refused(place: str, other: Claim) -> BadInput:
    return BadInput(
        f"{place}: another run is at work there: {other.told(time.time())}; wait until it ends, or give another place. "
        f"The claim of a run that died elsewhere is void {VOID_AFTER / 60:.0f} minutes after its last sign of life"
    )


def _claim(command: str) -> Claim:
    now, pid = time.time(), os.getpid()
    return Claim(command, pid, _started(pid) or "", socket.gethostname(), _machine(), now, now, holds=False)


def _text(claim: Claim) -> str:
    return json.dumps(asdict(claim))


def _read(text: str) -> Claim | None:
    try:
        claim = Claim(**json.loads(text))
        return replace(claim, pid=int(claim.pid), since=float(claim.since), seen=float(claim.seen))
    except (ValueError, TypeError):
        return None


def _machine() -> str:
    """This host since its last start, and the space of process numbers that we see: another container has another."""
    boot, numbers = Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/ns/pid")
    if not boot.exists():  # not Linux
        return socket.gethostname()
    return f"{socket.gethostname()} {boot.read_text().strip()} {numbers.readlink()}"


def _started(pid: int) -> str | None:
    """When the process of this number began, as the machine counts; empty for none, None for one that is hidden."""
    try:
        state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return _alive(pid)
    return "" if state in "ZX" else fields[18]


def _alive(pid: int) -> str | None:
    """Where there is no /proc to read: empty where no process has this number, None where one of somebody else has."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    except PermissionError:
        return None
    return "ours"
