"""Groups: through whom cover is held. Sizes have a long tail; a group has a kind and a state."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from pyspark.sql import Column
from pyspark.sql import functions as F

from payerlake.person.coverage.settings import KINDS, CoverageSettings
from payerlake.sampling.distributions import constant_array, string_at, zipf

GROUP_NUMBER = r"^(GRP|EMP|UNI|GOV|IND)-\d{5}$"
_NUMBERS = 90_000  # of five digits: 10000 to 99999
_STRIDE = 48_271  # coprime to _NUMBERS: scatters neighbouring groups over the numbers, one to one


@dataclass(frozen=True)
class Groups:
    """How many groups of each kind each state has, and the number of each."""

    settings: CoverageSettings

    @cached_property
    def counts(self) -> list[int]:
        """Groups by kind and state, flat: position kind · states + state. At least one of a kind in every state."""
        weights = self.settings.population.states
        total = sum(weights.values())
        counts = []
        for group_kind in KINDS:
            wanted = self.settings.members / 1000 * self.settings.employer_groups[group_kind]
            wanted = min(wanted, _NUMBERS - len(weights))  # by state they are one more each at most
            counts += [max(1, round(wanted * weight / total)) for weight in weights.values()]
        return counts

    @cached_property
    def first(self) -> list[int]:
        """The position of each state's first group among those of its kind."""
        states = len(self.settings.population.states)
        kinds = [self.counts[start : start + states] for start in range(0, len(self.counts), states)]
        return [sum(of_kind[:i]) for of_kind in kinds for i in range(states)]

    def number(self, kind: Column, state_index: Column, place: Column) -> Column:
        """`GRP-12345` for the place-th (from 0) group of this kind (position) in this state."""
        position = F.get(constant_array(self.first, "int"), self._cell(kind, state_index)) + place
        digits = ((position.cast("bigint") * _STRIDE + kind * 17) % _NUMBERS).cast("int")
        # Looked up in two parts, since to format a number costs every enrollment as much as its draws.
        heads = [f"{name}-{head}" for name in KINDS for head in range(10, 100)]
        head = string_at(heads, (kind * 90 + F.floor(digits / 1000)).cast("int"))
        return F.concat(head, string_at([f"{tail:03d}" for tail in range(1000)], digits % 1000))

    def place(self, kind: Column, state_index: Column, u: Column) -> Column:
        """Which of the state's groups of this kind: the first are large, the tail is long."""
        return zipf(u, F.get(constant_array(self.counts, "int"), self._cell(kind, state_index)))

    def _cell(self, kind: Column, state_index: Column) -> Column:
        return kind * len(self.settings.population.states) + state_index
