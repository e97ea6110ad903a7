"""Offers: every household has a plan to take, sold where it lives, and second plans that may stand beside it."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

import pytest
from pyspark.sql import functions as F

from payerlake.contract import settings
from payerlake.errors import BadInput
from payerlake.person.coverage import offers as offers_module
from payerlake.person.coverage import plans as plans_module
from payerlake.person.coverage.offers import CLASSES, MODES, PAIR, Offers
from payerlake.person.coverage.plans import availability, family, kind, plan_codes, plans_of
from payerlake.person.coverage.settings import KINDS
from payerlake.pharmacy.settings import PharmacySettings

POPULATIONS = ("pharmacy", "insurance")
MEDIGAP, PART_D = "MCARE-MEDIGAP-001", "MCARE-PARTD-"


def offers_of(*options: str) -> Offers:
    return Offers(
        settings.load(PharmacySettings, options=dict(settings.set_option(PharmacySettings, o) for o in options))
    )


@pytest.fixture(scope="module", params=POPULATIONS)
def offers(request: pytest.FixtureRequest) -> Offers:
    return offers_of(f"population={request.param}")


def all_pairs(offers: Offers, *modes: str) -> Iterator[tuple[str, str, str, str, str]]:
    """(class, state, mode, first plan, second plan) of everything on offer."""
    for household_class in CLASSES:
        for state in offers.settings.population.states:
            for mode in modes or MODES:
                for first, second in offers.pairs(household_class, state, mode):
                    yield household_class, state, mode, first, second


def test_every_household_in_every_state_has_plans_for_every_scenario(offers: Offers) -> None:
    for household_class in CLASSES:
        for state in offers.settings.population.states:
            for mode in MODES:
                pairs = offers.pairs(household_class, state, mode)
                assert pairs, (household_class, state, mode)
                assert min(pairs.values()) > 0


def test_every_plan_on_offer_is_sold_in_the_state_on_new_years_day(offers: Offers) -> None:
    new_year = datetime.date(offers.settings.plan_year, 1, 1)
    sold = {(plan, state) for plan, state, first in availability(offers.settings) if first <= new_year}
    for _, state, _, first, second in all_pairs(offers):
        assert (first, state) in sold
        assert (second, state) in sold


def test_a_plan_that_is_left_was_sold_in_the_year_before(offers: Offers) -> None:
    year_before = datetime.date(offers.settings.plan_year - 1, 1, 1)
    since = {(plan, state): first for plan, state, first in availability(offers.settings)}
    assert all(since[first, state] <= year_before for _, state, _, first, _ in all_pairs(offers, "transition"))


def test_medigap_is_held_beside_part_d_only(offers: Offers) -> None:
    with_medigap = [
        (mode, first, second) for _, _, mode, first, second in all_pairs(offers) if MEDIGAP in (first, second)
    ]
    assert with_medigap
    for mode, first, second in with_medigap:
        assert mode == "dual"
        assert first.startswith(PART_D)
        assert second == MEDIGAP


def test_who_has_one_plan_has_no_other(offers: Offers) -> None:
    one = all_pairs(offers, "one")
    assert all(first == second for name, *_, first, second in one if name != "turning_65")


def test_two_covers_are_two_plans(offers: Offers) -> None:
    assert all(first != second for *_, first, second in all_pairs(offers, "dual"))


def test_a_transition_leads_to_another_plan_of_the_same_kind_of_group(offers: Offers) -> None:
    for *_, first, second in all_pairs(offers, "transition"):
        assert first != second
        assert kind(first) == kind(second)


def test_whoever_turns_65_moves_from_an_employer_to_medicare(offers: Offers) -> None:
    moves = {(family(first), family(second)) for name, *_, first, second in all_pairs(offers) if name == "turning_65"}
    assert moves == {("COMM", "MCARE")}


def test_seniors_are_on_medicare_or_federal_cover_and_children_never(offers: Offers) -> None:
    by_class: dict[str, set[str]] = {}
    for household_class, _, _, first, _ in all_pairs(offers):
        by_class.setdefault(household_class, set()).add(family(first))
    assert by_class["senior"] == by_class["senior_couple"] == {"MCARE", "GOV"}
    assert "MCARE" not in by_class["child"] | by_class["family"] | by_class["mixed"]


def test_chip_is_for_children_of_their_own_cover(offers: Offers) -> None:
    classes = {
        household_class for household_class, *_, first, second in all_pairs(offers) if "CHIP-STD-001" in (first, second)
    }
    assert classes == {"child"}


def test_every_plan_is_offered_somewhere(offers: Offers) -> None:
    assert {plan for *_, first, second in all_pairs(offers) for plan in (first, second)} == set(plan_codes())


def test_medicaid_expansion_is_offered_only_where_it_was_adopted(offers: Offers) -> None:
    states = {state for _, state, _, first, _ in all_pairs(offers) if first == "MCAID-EXP-001"}
    assert {"CA", "NY", "NC"} & states == {"CA", "NY"} | ({"NC"} & states)
    assert not {"TX", "FL", "GA", "WY"} & states


def test_groups_offer_the_plans_of_their_kind_that_their_state_has(offers: Offers) -> None:
    sold = {(plan, state) for plan, state, _ in availability(offers.settings)}
    for state in offers.settings.population.states:
        listed = [(group_kind, plan) for group_kind in KINDS for plan in plans_of(group_kind, state, offers.settings)]
        assert all(kind(plan) == group_kind for group_kind, plan in listed)
        assert {(plan, state) for _, plan in listed} == {cell for cell in sold if cell[1] == state}


def test_weights_of_the_settings_are_the_weights_of_single_plans() -> None:
    offers = offers_of("plan_weights.senior={MCARE-PARTD-001: 3, MCARE-MAPD-001: 1, GOV-VA-001: 0}")
    pairs = offers.pairs("senior", "CA", "one")
    assert pairs["MCARE-PARTD-001", "MCARE-PARTD-001"] == 3
    assert not any(first == "GOV-VA-001" for first, _ in pairs)


def test_a_household_without_any_plan_is_refused_with_what_to_weight(tmp_path) -> None:
    file = tmp_path / "my.yml"
    file.write_text("pharmacy: {plan_weights: {senior: {COMM-GOLD-002: 1}}}")
    offers = Offers(settings.load(PharmacySettings, file=file))
    with pytest.raises(
        BadInput,
        match=r"plan_weights\.senior: no plan of these is sold everywhere for mode 'one'; give weight",
    ):
        _ = offers.tables


def test_a_plan_beyond_the_32nd_is_drawn_as_every_other(spark, monkeypatch: pytest.MonkeyPatch) -> None:
    codes = [*(f"COMM-NEW-{i:03d}" for i in range(40)), *plan_codes()]
    for module in (offers_module, plans_module):
        monkeypatch.setattr(module, "plan_codes", lambda: codes)
    offers = offers_of()
    positions = [F.lit(names.index(name)).cast("int") for names, name in ((CLASSES, "senior"), (MODES, "dual"))]
    state = next(iter(offers.settings.population.states))
    pair = offers.pair(positions[0], F.lit(0), positions[1], F.col("id") / 1000)
    drawn = spark.range(1000).select(*(PAIR.unpack(name, pair).alias(name) for name in ("first", "second")))
    found = {(codes[row["first"]], codes[row["second"]]) for row in drawn.distinct().collect()}
    assert found == set(offers.pairs("senior", state, "dual"))
