"""Tenure: exponents under which members of every role have the documented rows, and targets that are refused."""

from __future__ import annotations

import numpy as np
import pytest

from payerlake.contract import settings
from payerlake.errors import BadInput
from payerlake.person.coverage import tenure
from payerlake.person.coverage.tenure import ALONE, COUPLE, FAMILY
from payerlake.person.households import BLOCK, ROLES, Slot, patterns
from payerlake.pharmacy.settings import PharmacySettings
from payerlake.sampling.draws import Draws

MEMBERS = 200_000


def loaded(*options: str) -> PharmacySettings:
    return settings.load(PharmacySettings, options=dict(settings.set_option(PharmacySettings, o) for o in options))


def slots_of(chosen: PharmacySettings) -> list[list[Slot]]:
    return patterns(chosen.population.households, Draws(chosen.seed, "person").on_driver("people", "households"))


def rows_by_role(chosen: PharmacySettings, solved: tenure.Tenure) -> dict[str, float]:
    """Rows per member of each role, by playing households through instead of by the solver's own sums."""
    rng = np.random.default_rng(1)
    made = slots_of(chosen)
    slot_of = [(slot, pattern[place - slot.offset]) for pattern in made for place, slot in enumerate(pattern)]
    picked = rng.integers(len(slot_of), size=MEMBERS)
    ages = np.array([chosen.population.age_of_rank((i + 0.5) / (20 * BLOCK)) for i in range(20 * BLOCK)])

    def age(stratum: np.ndarray) -> np.ndarray:
        return ages[20 * stratum + rng.integers(20, size=MEMBERS)]

    fields = np.array([(s.stratum, h.stratum, s.role, tenure.kind_of(s.has_spouse, s.size)) for s, h in slot_of])[
        picked
    ]
    own_age, role, kind = age(fields[:, 0]), fields[:, 2], fields[:, 3]
    head_age = np.where(role == 0, own_age, age(fields[:, 1]))
    possible = np.minimum(possible_years(own_age, role == 2), possible_years(head_age, np.zeros(MEMBERS, bool)))
    years = chosen.plan_year - chosen.enrollments.first_plan_year
    drawn = np.floor((years + 1) * rng.random(MEMBERS) ** (1 / np.array(solved.exponents)[kind]))
    past = np.minimum(drawn, possible)
    scenario = rng.choice(4, MEMBERS, p=list(chosen.enrollments.scenarios.values()))
    rows = past + np.array([1, 2, 2, 1])[scenario] - ((scenario >= 2) & (past >= 1))
    return {name: rows[role == i].mean() for i, name in enumerate(ROLES)} | {"all": rows.mean()}


def possible_years(age: np.ndarray, is_dependent: np.ndarray) -> np.ndarray:
    """Years before this one in which a child was alive, or an adult 18 on 1 January."""
    return np.where(is_dependent | (age < 18), np.ceil(age), np.floor(age - 18))


def test_every_role_has_ten_rows_in_the_pharmacy_population() -> None:
    chosen = loaded()
    solved = tenure.solve(chosen, slots_of(chosen))
    assert solved.rows_per_member == pytest.approx(10.0, abs=1e-6)
    assert rows_by_role(chosen, solved) == pytest.approx(dict.fromkeys([*ROLES, "all"], 10.0), rel=0.01)


def test_the_others_make_up_for_dependents_too_young_for_ten_rows() -> None:
    """Dependents of the shared population cannot have ten rows each; spouses have them, and all members together."""
    chosen = loaded("population=shared")
    solved = tenure.solve(chosen, slots_of(chosen))
    rows = rows_by_role(chosen, solved)
    assert rows["all"] == pytest.approx(10.0, rel=0.01)
    assert rows["SPOUSE"] == pytest.approx(10.0, rel=0.015)
    assert 9.0 < rows["DEPENDENT"] < 10.0 < rows["SELF"] < 10.5


@pytest.mark.parametrize("target", [3.0, 6.0, 9.0])
def test_other_targets_are_met_too(target: float) -> None:
    chosen = loaded(f"enrollments.rows_per_member={target}")
    solved = tenure.solve(chosen, slots_of(chosen))
    assert rows_by_role(chosen, solved)["all"] == pytest.approx(target, rel=0.01)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_rows_are_met_whatever_the_seed(seed: int) -> None:
    chosen = loaded(f"seed={seed}")
    assert tenure.solve(chosen, slots_of(chosen)).rows_per_member == pytest.approx(10.0, abs=1e-6)


def test_longer_histories_need_larger_exponents() -> None:
    few, many = (loaded(f"enrollments.rows_per_member={rows}") for rows in (5, 9))
    pairs = zip(tenure.solve(few, slots_of(few)).exponents, tenure.solve(many, slots_of(many)).exponents, strict=True)
    assert all(low < high for low, high in pairs)


@pytest.mark.parametrize("options", [("enrollments.rows_per_member=40",), ("enrollments.first_plan_year=2020",)])
def test_rows_that_the_years_do_not_give_are_refused_with_what_can_be(options: tuple[str, ...]) -> None:
    chosen = loaded(*options)
    message = (
        r"enrollments\.rows_per_member: \d+ cannot be reached, \d+\.\d\d can; change it or enrollments\.first_plan_year"
    )
    with pytest.raises(BadInput, match=message):
        tenure.solve(chosen, slots_of(chosen))


def test_fewer_rows_than_the_scenarios_have_are_refused() -> None:
    chosen = loaded("enrollments.rows_per_member=1")
    with pytest.raises(BadInput, match=r"enrollments\.rows_per_member: 1 cannot be reached, 1\.\d\d can"):
        tenure.solve(chosen, slots_of(chosen))


@pytest.mark.parametrize(
    ("has_spouse", "size", "kind"),
    [(False, 1, ALONE), (True, 2, COUPLE), (False, 2, FAMILY), (True, 3, FAMILY)],
)
def test_households_are_of_three_kinds(has_spouse: bool, size: int, kind: int) -> None:
    assert tenure.kind_of(has_spouse, size) == kind


def test_a_population_of_people_who_live_alone_has_its_rows_too() -> None:
    chosen = loaded("population=medicare_advantage")
    assert tenure.solve(chosen, slots_of(chosen)).rows_per_member == pytest.approx(10.0, abs=1e-6)
