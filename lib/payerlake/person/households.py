"""Households by arithmetic: who lives with whom, and each person's rank in age, without a join or a shuffle.

Members come in blocks of `BLOCK` consecutive keys. Each block takes one of `PATTERNS` patterns, drawn by its number; a
pattern divides the block into households (head first, then spouse, then dependents) and hands out the `BLOCK` strata of
the age ranking, each once. So the roles keep their shares, the ranks are uniform over every block, and spouses are near
in age and parents older than their children, whatever the population's age shares are: they turn ranks into ages.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from payerlake.contract.population import HouseholdMix
from payerlake.errors import BadInput
from payerlake.sampling.packing import Fields

BLOCK = 200
PATTERNS = 64
LARGEST = 6  # members of a household: a couple and four dependents

# Ranks in age (the share of people who are younger). Read them with US shares in mind, where 0.16 is about 17 years,
# 0.235 about 22, 0.25 about 23 and 0.70 about 57; whatever the shares, the order of ages holds.
_MINOR, _ADULT, _INDEPENDENT = 0.16, 0.235, 0.25
_MINOR_DEPENDENT_SHARE = 0.80  # of those below _MINOR; the rest have cover of their own, as under CHIP
_PARENT_SLOPE, _PARENT_SPAN, _OLDEST_PARENT = 1.05, 0.32, 0.70
_RETIRED = 0.775  # 65 years in the pharmacy population: couples are paired on either side, so that Medicare splits few
_SPOUSE_GAP = 0.025  # standard deviation of the jitter in rank before couples are paired: two to three years


@dataclass(frozen=True)
class Slot:
    """A place in a pattern: stratum of age, distance from the head, role, whether the head has a spouse, and size."""

    stratum: int
    offset: int
    role: int  # 0 SELF, 1 SPOUSE, 2 DEPENDENT
    has_spouse: bool
    size: int

    def packed(self) -> int:
        """All of it as one int, of which SLOT tells the fields."""
        return SLOT.pack(**vars(self))


SLOT = Fields(has_spouse=1, role=2, size=3, offset=3, stratum=8)
ROLES = ("SELF", "SPOUSE", "DEPENDENT")


def patterns(mix: HouseholdMix, rng: random.Random) -> list[list[Slot]]:
    """The patterns of this mix: `PATTERNS` lists of `BLOCK` slots, in which the roles have their shares to 1/12,800."""
    return [_pattern(_role_counts(mix, turn), mix, rng) for turn in range(PATTERNS)]


def _role_counts(mix: HouseholdMix, turn: int) -> tuple[int, int]:
    """Spouses and dependents of the turn-th pattern: what rounding leaves over is carried to the next."""
    spouses, dependents = (
        round(BLOCK * mix.roles[role] * (turn + 1)) - round(BLOCK * mix.roles[role] * turn)
        for role in ("SPOUSE", "DEPENDENT")
    )
    return spouses, dependents


def _pattern(counts: tuple[int, int], mix: HouseholdMix, rng: random.Random) -> list[Slot]:
    spouses, dependents = counts
    children = _dependent_strata(dependents, rng)
    others = sorted(set(range(BLOCK)) - set(children))
    couples, alone = _couples(spouses, others, rng)
    households = [list(couple) for couple in couples] + [[stratum] for stratum in alone]
    paired = len(couples)
    _place_children(_sibships(children, mix, rng), households, rng)
    slots = [list(_slots(household, i < paired)) for i, household in enumerate(households)]
    rng.shuffle(slots)
    return [slot for household in slots for slot in household]


def _slots(household: list[int], has_spouse: bool) -> Iterator[Slot]:
    for offset, stratum in enumerate(household):
        role = offset if offset < 1 + has_spouse else 2
        yield Slot(stratum, offset, role, has_spouse, len(household))


def _dependent_strata(count: int, rng: random.Random) -> list[int]:
    """Low strata for the dependents: most minors, and some of the young adults."""
    minors, youths = range(int(_MINOR * BLOCK)), range(int(_MINOR * BLOCK), int(_INDEPENDENT * BLOCK))
    from_minors = min(count, round(_MINOR_DEPENDENT_SHARE * len(minors)))
    from_minors = max(from_minors, count - len(youths) // 2)
    if from_minors > len(minors):
        raise BadInput(
            f"population.households.roles: {count / BLOCK:.1%} DEPENDENT are more than the young can be; "
            f"allowed: up to {(len(minors) + len(youths) // 2) / BLOCK:.1%}"
        )
    return rng.sample(minors, from_minors) + rng.sample(youths, count - from_minors)


def _couples(count: int, strata: list[int], rng: random.Random) -> tuple[list[tuple[int, int]], list[int]]:
    """Pairs near in rank among the adults, fewer of them among the youngest and the oldest; and who stays alone."""
    adults = [s for s in strata if s >= _ADULT * BLOCK]
    if 2 * count > len(adults):
        raise BadInput(
            f"population.households.roles: {count / BLOCK:.1%} SPOUSE are more than the adults can be; "
            f"allowed: up to {len(adults) // 2 / BLOCK:.1%}"
        )
    weighted = sorted(adults, key=lambda s: rng.random() ** (1.0 / _marriage_weight(s / BLOCK)), reverse=True)
    married = _even_sides(weighted, 2 * count)
    married.sort(key=lambda s: (_retired(s), s / BLOCK + rng.gauss(0.0, _SPOUSE_GAP)))
    couples = [(a, b) if rng.random() < 0.5 else (b, a) for a, b in zip(married[::2], married[1::2], strict=True)]
    return couples, sorted(set(strata) - set(married))


def _even_sides(weighted: list[int], count: int) -> list[int]:
    """The first `count` strata, the last exchanged where that leaves an even number on each side of retirement."""
    chosen, rest = weighted[:count], weighted[count:]
    if sum(map(_retired, chosen)) % 2:
        leaving = chosen[-1]
        joining = next((s for s in rest if _retired(s) != _retired(leaving)), leaving)
        chosen[-1] = joining
    return chosen


def _retired(stratum: int) -> bool:
    return stratum >= _RETIRED * BLOCK


def _marriage_weight(rank: float) -> float:
    if rank < 0.32:
        return 0.3
    return 1.0 if rank < 0.90 else 0.5


def _sibships(children: list[int], mix: HouseholdMix, rng: random.Random) -> list[list[int]]:
    """The children in families of the mix's sizes; siblings are near in rank."""
    queue = sorted(children, key=lambda s: s + rng.gauss(0.0, 2.0), reverse=True)
    sizes, shares = zip(*mix.dependents_per_family.items(), strict=True)
    sibships = []
    while queue:
        size = rng.choices(sizes, shares)[0]
        sibships.append(sorted(queue[:size], reverse=True))
        queue = queue[size:]
    return sibships


def _place_children(sibships: list[list[int]], households: list[list[int]], rng: random.Random) -> None:
    """Give each sibship to an adult household without one, whose adults are of an age to be its parents."""
    free = [h for h in households if min(h) >= _ADULT * BLOCK]
    for sibship in sibships:
        eldest, youngest = sibship[0] / BLOCK, sibship[-1] / BLOCK
        low = _ADULT + _PARENT_SLOPE * (eldest + 1 / BLOCK)
        high = min(_OLDEST_PARENT, _ADULT + _PARENT_SLOPE * youngest + _PARENT_SPAN)
        fits = [h for h in free if min(h) >= low * BLOCK and max(h) <= high * BLOCK]
        fits = fits or [h for h in free if min(h) >= low * BLOCK]
        if not fits:
            raise BadInput(
                "population.households.roles: too many DEPENDENT for the households that could raise them; "
                "lower DEPENDENT or raise SELF"
            )
        couples = [h for h in fits if len(h) == 2]
        parents = rng.choice(couples if couples and rng.random() < 0.8 else fits)
        free.remove(parents)
        parents.extend(sibship)
