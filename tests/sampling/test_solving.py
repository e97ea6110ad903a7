"""Rates that are solved: the highest that is not beyond its target, and how likely what goes together is."""

from __future__ import annotations

import math

import numpy as np
import pytest

from payerlake.errors import BadInput
from payerlake.sampling.solving import Dependence, State, bisected

LOOKS_AT = {"retinopathy": ["diabetes"], "diabetes": ["obesity"], "asthma": [], "obesity": []}


def test_a_number_is_found_at_which_the_target_is_reached() -> None:
    assert bisected(lambda x: x * x > 2, 0.0, 10.0) == pytest.approx(math.sqrt(2), abs=1e-12)


def test_numbers_of_an_array_are_found_each_for_itself() -> None:
    targets = np.array([-1.0, 0.25, 9.0])
    found = bisected(lambda x: x * x > targets, np.zeros(3), np.ones(3))
    assert found == pytest.approx([0.0, 0.5, 1.0], abs=1e-12)


def test_a_condition_stands_after_all_that_it_looks_at() -> None:
    dependence = Dependence(LOOKS_AT, "")
    assert [set(level) for level in dependence.levels] == [{"asthma", "obesity"}, {"diabetes"}, {"retinopathy"}]
    assert set(dependence.order) == set(LOOKS_AT)


def test_a_circle_is_bad_input_that_names_its_conditions() -> None:
    with pytest.raises(BadInput, match=r"^conditions: they depend on each other in a circle: (\w) → (\w) → \1$"):
        Dependence({"A": ["B"], "B": ["A"], "C": []}, "conditions: they depend on each other")


def test_states_are_of_all_that_a_condition_depends_on_and_sum_to_one() -> None:
    """Half are obese; of them 0.2 have diabetes, of the others 0.1; of those 0.3 a retinopathy, nobody else."""

    def rate(name: str, has: State) -> float:
        of = {"obesity": lambda: 0.5, "diabetes": lambda: 0.2 if has["obesity"] else 0.1}
        return of[name]() if name in of else 0.3 * has["diabetes"]

    states = list(Dependence(LOOKS_AT, "").states(["retinopathy"], rate))
    assert [list(has) for has, _ in states] == [["obesity", "diabetes", "retinopathy"]] * 8
    assert math.fsum(likelihood for _, likelihood in states) == pytest.approx(1.0)
    assert math.fsum(p for has, p in states if has["retinopathy"]) == pytest.approx(0.5 * (0.2 + 0.1) * 0.3)


def test_of_no_condition_there_is_one_state() -> None:
    assert list(Dependence(LOOKS_AT, "").states([], lambda *_: 0.5)) == [({}, 1.0)]
