"""Margins: amounts, and whole numbers, whose sums by one property and by another are given at once."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

_SWEEPS, _TOLERANCE = 1000, 1e-6  # of iterative proportional fitting


class TooFew(Exception):
    """Why the sums cannot be reached."""


def apportioned(total: int, shares: Mapping[Any, float]) -> dict[Any, int]:
    """The total divided by the shares, whole (largest remainders)."""
    exact = {name: total * share / (math.fsum(shares.values()) or 1.0) for name, share in shares.items()}
    behind = sorted(exact, key=lambda name: int(exact[name]) - exact[name])
    more = behind[: total - sum(int(amount) for amount in exact.values())]
    return {name: int(amount) + (name in more) for name, amount in exact.items()}


def raked(
    weights: Sequence[int],
    limits: Sequence[tuple[int, int]],
    margins: Sequence[tuple[Mapping[Any, int], Sequence[Any]]],
) -> list[float]:
    """Amounts like the weights, between the limits, with the sums of every margin: iterative proportional fitting.

    A margin is what is wanted by name, and the name of each amount. Where a sum is too small for its lower limits, they
    all give way, to half of what it has room for. Additions are exact (fsum), so that every Python gives the same.
    """
    sums = [
        (name, want, [i for i, its in enumerate(names) if its == name])
        for wants, names in margins
        for name, want in wants.items()
    ]
    least = [(want, sum(limits[i][0] for i in those)) for _, want, those in sums]
    part = min([1.0] + [want / low / 2 for want, low in least if want < low])
    lows = [low * part for low, _ in limits]
    rooms = [high - low for low, (_, high) in zip(lows, limits, strict=True)]
    more = [float(weight) for weight in weights]
    for _ in range(_SWEEPS):
        for name, want, those in sums:
            factor = _factor(name, want - math.fsum(lows[i] for i in those), those, more, rooms)
            for i in those:
                more[i] *= factor
        amounts = [low + min(extra, room) for low, extra, room in zip(lows, more, rooms, strict=True)]
        if all(abs(math.fsum(amounts[i] for i in those) - want) <= _TOLERANCE * want for _, want, those in sums):
            return amounts
    raise TooFew("no division over types, classes and forms meets every share")


def _factor(
    name: Sequence[str], want: float, those: Sequence[int], more: Sequence[float], rooms: Sequence[float]
) -> float:
    """By what to multiply these so that they, cut off at their rooms, sum to what is wanted."""
    free, rest, factor = [i for i in those if more[i] > 0], want, 0.0
    while free and rest > 0:
        factor = rest / math.fsum(more[i] for i in free)
        full = {i for i in free if more[i] * factor > rooms[i]}
        if not full:
            return factor
        rest -= math.fsum(rooms[i] for i in full)
        free = [i for i in free if i not in full]
    if rest > _TOLERANCE * want:
        raise TooFew(f"the ingredients for {' '.join(name)} give {round(rest)} too few")
    return factor


def controlled_rounding(amounts: Sequence[float], ends: Sequence[tuple[Any, Any]]) -> list[int]:
    """Each amount rounded up or down so that the sums by first end and by second end stay.

    An amount is an edge between its ends. Along a cycle of edges that are not yet whole, what one gains the next loses,
    until one of them is whole.
    """
    values = list(amounts)
    while edges := [i for i, value in enumerate(values) if abs(value - round(value)) > _TOLERANCE]:
        cycle = _cycle(edges, ends)
        if len(cycle) == 1:
            values[cycle[0]] = round(values[cycle[0]])
            continue
        step = min(-values[i] % 1.0 if turn % 2 == 0 else values[i] % 1.0 for turn, i in enumerate(cycle))
        for turn, i in enumerate(cycle):
            values[i] += -step if turn % 2 else step
    return [round(value) for value in values]


def _cycle(edges: Sequence[int], ends: Sequence[tuple[Any, Any]]) -> list[int]:
    """Edges of a cycle, in their order; or one alone that leads nowhere, which is within the tolerance of a whole."""
    at = defaultdict(list)
    for i in edges:
        for node in enumerate(ends[i]):
            at[node].append(i)
    side, path = 0, list[int]()
    here = ends[edges[0]][side]
    seen = {(side, here): 0}
    while onward := [i for i in at[side, here] if i not in path[-1:]]:
        path.append(onward[0])
        side, here = 1 - side, ends[onward[0]][1 - side]
        if (side, here) in seen:
            return path[seen[side, here] :]
        seen[side, here] = len(path)
    return path[-1:]
