"""Households: every stratum of age has one person, roles have their shares, and families make sense."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import cache
from itertools import chain

import pytest

from payerlake.contract.population import HouseholdMix, Population
from payerlake.contract.settings import read_yaml
from payerlake.errors import BadInput
from payerlake.person.households import BLOCK, LARGEST, PATTERNS, ROLES, Slot, patterns
from payerlake.resources import resource
from payerlake.sampling.draws import Draws

SEEDS = (42, 7, -(2**40))
POPULATIONS = sorted(path.stem for path in resource("conf", "populations").glob("*.yaml"))
EVERY = [(population, seed) for population in POPULATIONS for seed in SEEDS]


def with_families() -> list[tuple[str, int]]:
    """Those with more than single people: Medicare Advantage insures nobody's family."""
    return [(name, seed) for name, seed in EVERY if population_of(name).households.roles["SELF"] < 1.0]


def population_of(name: str) -> Population:
    return Population(**read_yaml(resource("conf", "populations", f"{name}.yaml")))


def made(mix: HouseholdMix, seed: int = 42) -> list[list[Slot]]:
    return patterns(mix, Draws(seed, "person").on_driver("people", "households"))


def households(pattern: list[Slot]) -> Iterator[list[Slot]]:
    """The pattern cut at its heads."""
    heads = [place for place, slot in enumerate(pattern) if slot.offset == 0]
    for head, following in zip(heads, [*heads[1:], BLOCK], strict=True):
        yield pattern[head:following]


def mix_of(self_: float, spouse: float, dependent: float, sizes: dict[int, float] | None = None) -> HouseholdMix:
    roles = {"SELF": self_, "SPOUSE": spouse, "DEPENDENT": dependent}
    return HouseholdMix(roles=roles, dependents_per_family=sizes or {1: 0.43, 2: 0.37, 3: 0.14, 4: 0.06})


@cache
def made_for(name: str, seed: int) -> list[list[Slot]]:
    """The patterns of a population that is shipped."""
    return made(population_of(name).households, seed)


@pytest.mark.parametrize(("name", "seed"), EVERY)
def test_every_pattern_has_each_stratum_of_age_once(name: str, seed: int) -> None:
    made_patterns = made_for(name, seed)
    assert len(made_patterns) == PATTERNS
    for pattern in made_patterns:
        assert sorted(slot.stratum for slot in pattern) == list(range(BLOCK))


@pytest.mark.parametrize(("name", "seed"), EVERY)
def test_everybody_is_in_one_household_whose_head_comes_first(name: str, seed: int) -> None:
    for pattern in made_for(name, seed):
        for household in households(pattern):
            size, couple = len(household), household[0].has_spouse
            roles = [ROLES[slot.role] for slot in household]
            assert [slot.offset for slot in household] == list(range(size))
            assert {(slot.size, slot.has_spouse) for slot in household} == {(size, couple)}
            assert roles == (["SELF"] + ["SPOUSE"] * couple + ["DEPENDENT"] * size)[:size]


@pytest.mark.parametrize(("name", "seed"), EVERY)
def test_roles_have_their_shares_to_one_in_12800(name: str, seed: int) -> None:
    mix = population_of(name).households
    counts = Counter(ROLES[slot.role] for slot in chain.from_iterable(made_for(name, seed)))
    for role, share in mix.roles.items():
        assert abs(counts[role] - share * BLOCK * PATTERNS) <= 1, role


def test_shares_that_no_block_can_have_are_met_by_all_blocks_together() -> None:
    mix = mix_of(0.6037, 0.2481, 0.1482)
    counts = Counter(ROLES[slot.role] for slot in chain.from_iterable(made(mix)))
    assert all(abs(counts[role] - share * BLOCK * PATTERNS) <= 1 for role, share in mix.roles.items())


@pytest.mark.parametrize(("name", "seed"), with_families())
def test_parents_are_at_least_18_years_older_than_their_children(name: str, seed: int) -> None:
    """The youngest that a parent's stratum may be against the oldest that the child's may be."""
    population = population_of(name)
    for household in chain.from_iterable(map(households, made_for(name, seed))):
        parents = [population.age_of_rank(slot.stratum / BLOCK) for slot in household if slot.role < 2]
        children = [population.age_of_rank((slot.stratum + 1) / BLOCK) for slot in household if slot.role == 2]
        assert not children or min(parents) - max(children) >= 18.0


@pytest.mark.parametrize(("name", "seed"), with_families())
def test_dependents_are_under_25(name: str, seed: int) -> None:
    population = population_of(name)
    slots = chain.from_iterable(made_for(name, seed))
    assert max(population.age_of_rank((slot.stratum + 1) / BLOCK) for slot in slots if slot.role == 2) <= 25.0


@pytest.mark.parametrize(("name", "seed"), with_families())
def test_spouses_are_adults_and_near_in_age(name: str, seed: int) -> None:
    population = population_of(name)
    gaps = []
    for household in chain.from_iterable(map(households, made_for(name, seed))):
        if household[0].has_spouse:
            ages = [population.age_of_rank(slot.stratum / BLOCK) for slot in household[:2]]
            assert min(ages) >= 18.0
            gaps.append(abs(ages[0] - ages[1]))
    assert sum(gaps) / len(gaps) < 3.0
    assert sum(gap > 15.0 for gap in gaps) / len(gaps) < 0.01


def test_families_have_the_sizes_of_the_mix() -> None:
    mix = mix_of(0.60, 0.25, 0.15)
    sizes = Counter(
        sum(slot.role == 2 for slot in household) for pattern in made(mix) for household in households(pattern)
    )
    families = sum(count for size, count in sizes.items() if size)
    assert set(sizes) <= {0, 1, 2, 3, 4}
    for size, share in mix.dependents_per_family.items():
        assert sizes[size] / families == pytest.approx(share, abs=0.06)


def test_the_largest_household_is_a_couple_with_the_most_dependents() -> None:
    mix = mix_of(0.55, 0.25, 0.20, {4: 1.0})
    assert max(slot.size for pattern in made(mix) for slot in pattern) == LARGEST


def test_a_slot_packs_into_one_integer_that_tells_it_back() -> None:
    slots = list(chain.from_iterable(made(mix_of(0.60, 0.25, 0.15))))
    for slot in slots:
        packed = slot.packed()
        fields = (packed >> 9, packed >> 6 & 7, packed >> 3 & 7, packed >> 1 & 3, bool(packed & 1))
        assert fields == (slot.stratum, slot.offset, slot.size, slot.role, slot.has_spouse)
        assert packed < 2**31


def test_patterns_are_fixed_by_the_seed() -> None:
    mix = mix_of(0.60, 0.25, 0.15)
    assert made(mix, 42) == made(mix, 42)
    assert made(mix, 42) != made(mix, 43)


def test_a_population_may_have_neither_spouses_nor_dependents() -> None:
    slots = list(chain.from_iterable(made(mix_of(1.0, 0.0, 0.0))))
    assert {(slot.role, slot.size, slot.offset) for slot in slots} == {(0, 1, 0)}


@pytest.mark.parametrize(
    ("mix", "message"),
    [
        (mix_of(0.40, 0.20, 0.40), r"roles: 40\.0% DEPENDENT are more than the young can be; allowed: up to \d+\.\d%"),
        (mix_of(0.45, 0.50, 0.05), r"roles: 50\.0% SPOUSE are more than the adults can be; allowed: up to \d+\.\d%"),
    ],
    ids=["dependents", "spouses"],
)
def test_a_mix_that_no_population_can_have_is_refused_with_what_is_allowed(mix: HouseholdMix, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        made(mix)


@pytest.mark.parametrize("dependent", [0.0, 0.05, 0.10, 0.15, 0.20])
@pytest.mark.parametrize("spouse", [0.0, 0.10, 0.25])
def test_common_mixes_can_be_made(spouse: float, dependent: float) -> None:
    counts = Counter(slot.role for slot in chain.from_iterable(made(mix_of(1 - spouse - dependent, spouse, dependent))))
    assert counts[1] == pytest.approx(spouse * BLOCK * PATTERNS, abs=1)
    assert counts[2] == pytest.approx(dependent * BLOCK * PATTERNS, abs=1)
