"""Rates that are solved on the driver: such that a stated share comes out, whatever a condition depends on."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Any

import numpy as np

from payerlake.errors import BadInput

_HALVINGS = 60

State = Mapping[str, bool]
"""Of some conditions, whether somebody has them."""


def bisected(is_beyond: Callable[[Any], Any], low: Any, high: Any) -> Any:
    """The highest, from low to high, at which what rises is not beyond its target: a number, or an array of numbers,
    each for itself. `low` where all are beyond, `high` where none is."""
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        beyond = is_beyond(middle)
        low, high = np.where(beyond, low, middle), np.where(beyond, middle, high)
    return low


class Dependence:
    """Which conditions look at which, by name: where one is likelier with others, or cannot be.

    levels: those of a level look at those of the levels before it alone, so that they can be drawn together; order:
    each stands after all that it looks at.
    """

    def __init__(self, looks_at: Mapping[str, Collection[str]], complaint: str) -> None:
        """Raises BadInput, with this complaint, for conditions that look at each other in a circle."""
        self._looks_at = looks_at
        try:
            self.levels = list(_levels(TopologicalSorter(looks_at)))
        except CycleError as error:
            raise BadInput(f"{complaint} in a circle: {' → '.join(error.args[1])}") from None
        self.order = [name for level in self.levels for name in level]

    def states(self, names: Collection[str], rate: Callable[[str, State], Any]) -> Iterator[tuple[State, Any]]:
        """Every way to have and not to have these conditions and all that they depend on, and how likely it is.

        rate: of a condition, for those of whom is known what they have of all that it looks at; a number, or an array
        of those of several kinds of people.
        """
        found = set(names)
        for name in reversed(self.order):
            found |= set(self._looks_at[name]) if name in found else set()
        return _states([name for name in self.order if name in found], rate, {}, 1.0)


def _levels(sorter: TopologicalSorter[str]) -> Iterator[list[str]]:
    sorter.prepare()
    while sorter.is_active():
        level = sorter.get_ready()
        yield list(level)
        sorter.done(*level)


def _states(
    names: Sequence[str], rate: Callable[[str, State], Any], has: State, likelihood: Any
) -> Iterator[tuple[State, Any]]:
    if not names:
        yield has, likelihood
        return
    first, *others = names
    share = rate(first, has)
    yield from _states(others, rate, {**has, first: False}, likelihood * (1 - share))
    yield from _states(others, rate, {**has, first: True}, likelihood * share)
