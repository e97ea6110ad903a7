"""Tenure: for how many plan years households have had cover, so that the rows per member come out as settings say.

A household's tenure is `years · u^(1/exponent)` whole years. Nobody is covered before birth, a subscriber or spouse not
before 18, and nobody before the subscriber; so children have short histories, and families need long tenures for their
dependents to have as many rows as others. The exponents, one for each kind of household, are solved here, on the
driver.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from payerlake.contract.settings import solved_once
from payerlake.errors import BadInput
from payerlake.person.coverage.settings import CoverageSettings
from payerlake.person.households import BLOCK, Slot
from payerlake.person.people import household_patterns
from payerlake.sampling.solving import bisected

ALONE, COUPLE, FAMILY = range(3)
_SUBSTEPS = 4  # points within a stratum of the age ranking at which years of cover are counted
_LOW, _HIGH = 0.02, 60.0  # bounds of the exponents: nearly no tenure, nearly all of it
_DIGITS = 12  # of an exponent: powers of processors differ in the last ones

Caps = Counter[int]  # how many slots could have so many years of cover


@dataclass(frozen=True)
class Tenure:
    """Exponents by kind of household (ALONE, COUPLE, FAMILY), and the rows per member that they lead to."""

    exponents: tuple[float, float, float]
    rows_per_member: float


@solved_once("population", "seed", "plan_year", "enrollments")
def tenure(settings: CoverageSettings) -> Tenure:
    """The tenure of these settings, with the households of their people; solved once for each."""
    return solve(settings, household_patterns(settings))


def solve(settings: CoverageSettings, patterns: list[list[Slot]]) -> Tenure:
    """Exponents under which dependents, spouses and all members have the settings' rows each.

    Where dependents or spouses cannot reach it, the others make up for it; BadInput where nobody can.
    """
    rows = _expected_rows(settings)
    target = settings.enrollments.rows_per_member
    caps = _caps(settings, patterns)
    of_family = _exponent(lambda a: _mean(rows, a, caps[FAMILY, 2]), target)
    in_families = (caps[FAMILY, 1], of_family)
    of_couple = _exponent(lambda a: _mean_of(rows, [in_families, (caps[COUPLE, 1], a)]), target)

    def of_all(a: float) -> float:
        everyone = [(c, (a, of_couple, of_family)[kind]) for (kind, _), c in caps.items()]
        return _mean_of(rows, everyone)

    of_alone = _exponent(of_all, target)
    reached = of_all(of_alone)
    if abs(reached / target - 1) > 0.005:
        raise BadInput(
            f"enrollments.rows_per_member: {target:g} cannot be reached, {reached:.2f} can; "
            f"change it or enrollments.first_plan_year ({settings.enrollments.first_plan_year})"
        )
    return Tenure((of_alone, of_couple, of_family), reached)


def kind_of(has_spouse: bool, size: int) -> int:
    """ALONE, COUPLE or FAMILY (with dependents)."""
    if size > 1 + has_spouse:
        return FAMILY
    return COUPLE if has_spouse else ALONE


def _expected_rows(settings: CoverageSettings) -> Callable[[int, float], float]:
    """Expected rows of a member who could have had `cap` years of cover, under an exponent."""
    years = settings.plan_year - settings.enrollments.first_plan_year
    shares = settings.enrollments.scenarios
    current = settings.enrollments.current_rows_per_member
    ends_early = shares["plan_transition"] + shares["historical_only"]  # their row of the past year is a current one

    def rows(cap: int, exponent: float) -> float:
        at_least: list[float] = [1.0 - (t / (years + 1)) ** exponent for t in range(1, min(cap, years) + 1)]
        return current + sum(at_least) - ends_early * (at_least[0] if at_least else 0.0)

    return rows


def _caps(settings: CoverageSettings, patterns: list[list[Slot]]) -> dict[tuple[int, int], Caps]:
    """By (kind of household, role): in how many slots how many years of cover are possible."""
    ages = [
        [settings.population.age_of_rank((stratum + (step + 0.5) / _SUBSTEPS) / BLOCK) for step in range(_SUBSTEPS)]
        for stratum in range(BLOCK)
    ]
    caps: dict[tuple[int, int], Caps] = {(kind, role): Counter() for kind in range(3) for role in range(3)}
    for slot, head in _with_heads(patterns):
        counter = caps[kind_of(slot.has_spouse, slot.size), slot.role]
        for age, head_age in zip(ages[slot.stratum], ages[head.stratum], strict=True):
            counter[min(_possible_years(age, slot.role), _possible_years(head_age, 0))] += 1
    return caps


def _with_heads(patterns: Iterable[list[Slot]]) -> Iterator[tuple[Slot, Slot]]:
    for pattern in patterns:
        for place, slot in enumerate(pattern):
            yield slot, pattern[place - slot.offset]


def _possible_years(age: float, role: int) -> int:
    """Plan years before the current one in which a person of this age could be covered in this role."""
    is_child = role == 2 or age < 18
    return -int(-age // 1) if is_child else int(age - 18)


def _mean(rows: Callable[[int, float], float], exponent: float, caps: Caps) -> float:
    return _mean_of(rows, [(caps, exponent)])


def _mean_of(rows: Callable[[int, float], float], parts: list[tuple[Caps, float]]) -> float:
    total = sum(sum(caps.values()) for caps, _ in parts)
    of_all = sum(n * rows(cap, exponent) for caps, exponent in parts for cap, n in caps.items())
    return of_all / total if total else 0.0  # of a kind of household that the population has none of


def _exponent(rows: Callable[[float], float], target: float) -> float:
    """The exponent under which the rows, which rise with it, are as many as the target."""
    return round(float(bisected(lambda exponent: rows(exponent) > target, _LOW, _HIGH)), _DIGITS)
