"""Offers: which plan, or pair of plans, a household may take, by who is in it, where it lives and what its scenario is.

All eligibility is decided here, on the driver, once: a table of pairs for each (household class, zone, mode), from
which a row draws by alias. A zone is the set of states where the same plans are sold.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from functools import cached_property
from itertools import product

from pyspark.sql import Column
from pyspark.sql import functions as F

from payerlake.errors import BadInput
from payerlake.person.coverage.plans import availability, family, plan_codes
from payerlake.person.coverage.settings import CoverageSettings
from payerlake.sampling.distributions import alias_table, constant_array
from payerlake.sampling.packing import Fields

CLASSES = ("child", "young", "single", "family", "mixed", "senior", "senior_couple", "turning_65")
MODES = ("one", "dual", "transition")

# Families within which a household moves from plan to plan and keeps its group.
_MOVES = ({"COMM"}, {"MCARE"}, {"MCAID", "CHIP"}, {"EXCH", "IND"}, {"EMP"}, {"UNION"}, {"GOV"})
_MEDIGAP = "MCARE-MEDIGAP-001"
# What a household holds where its plan is not yet sold: before the exchanges, before its state expanded Medicaid.
_BEFORE = {
    "EXCH-SILVER-001": "IND-SILVER-001",
    "EXCH-GOLD-001": "IND-GOLD-001",
    "MCAID-EXP-001": "IND-BRONZE-001",
}
# Of Medicare Advantage members, by weight, with two plans: a former employer's plan beside it.
_RETIREE_SHARE = 0.10


Zone = tuple[frozenset[str], frozenset[str]]  # the plans sold on the first day of the plan year, of the year before
Pair = tuple[str, str]  # the first plan, and the second or new one (the first again where there is none)
PAIR = Fields(second=15, first=16)  # of positions of plans


@dataclass(frozen=True)
class Offers:
    """The offers of these settings, for the states of the settings' population in their order."""

    settings: CoverageSettings

    @cached_property
    def _sold(self) -> dict[tuple[str, str], datetime.date]:
        return {(plan, state): first for plan, state, first in availability(self.settings)}

    @cached_property
    def _zones(self) -> list[Zone]:
        """The zone of each state."""
        new_years = [datetime.date(self.settings.plan_year - ago, 1, 1) for ago in (0, 1)]
        return [
            (self._sold_in(state, new_years[0]), self._sold_in(state, new_years[1]))
            for state in self.settings.population.states
        ]

    def _sold_in(self, state: str, day: datetime.date) -> frozenset[str]:
        return frozenset(p for p in plan_codes() if self._sold.get((p, state), datetime.date.max) <= day)

    def pairs(self, household_class: str, state: str, mode: str) -> dict[Pair, float]:
        """The pairs of plans open to such a household in this state, with their weights."""
        return self._pairs(household_class, self._zones[list(self.settings.population.states).index(state)], mode)

    def _pairs(self, household_class: str, zone: Zone, mode: str) -> dict[Pair, float]:
        sold = zone[0] & zone[1] if mode == "transition" else zone[0]
        if household_class == "turning_65":
            return _turning(self._weights("single", sold), self._weights("senior", sold))
        weights = self._weights(household_class, sold)
        if mode == "one":
            return {(plan, plan): weight for plan, weight in weights.items()}
        partners = _second_plans if mode == "dual" else _new_plans
        return {
            (plan, other): weight * share
            for plan, weight in weights.items()
            for other, share in partners(plan, weights, household_class).items()
            if other in sold
        }

    def _weights(self, household_class: str, sold: frozenset[str]) -> dict[str, float]:
        weights = getattr(self.settings.plan_weights, household_class)
        return {plan: weight for plan, weight in weights.items() if plan in sold and weight > 0}

    # the tables as columns

    @cached_property
    def tables(self) -> _Tables:
        zones = list(dict.fromkeys(self._zones))
        tables = _Tables([zones.index(zone) for zone in self._zones], len(zones))
        for household_class, zone, mode in product(CLASSES, zones, MODES):
            tables.add(self._pairs(household_class, zone, mode), household_class, mode)
        return tables

    def pair(self, household_class: Column, state_index: Column, mode: Column, u: Column) -> Column:
        """A pair of plan positions, packed as PAIR; class and mode as positions (int)."""
        tables = self.tables
        zone = F.get(constant_array(tables.zone_of_state, "int"), state_index)
        table = (household_class * tables.zones + zone) * len(MODES) + mode
        start = F.get(constant_array(tables.start, "int"), table)
        size = F.get(constant_array(tables.size, "int"), table)
        scaled = u * size
        cell = F.floor(scaled).cast("int")
        here = start + cell
        stays = (scaled - cell) < F.get(constant_array(tables.keep, "double"), here)
        chosen = F.when(stays, here).otherwise(start + F.get(constant_array(tables.alias, "int"), here))
        return F.get(constant_array(tables.packed, "int"), chosen)

    def plan_held(self, plan: Column, state_index: Column, year: Column) -> Column:
        """The plan (position) that stands for this one in a year on whose first day it was not yet sold there."""
        codes, states = plan_codes(), list(self.settings.population.states)
        since = [self._first_whole_year(plan_code, state) for plan_code in codes for state in states]
        before = [codes.index(_BEFORE.get(plan_code, plan_code)) for plan_code in codes]
        first = F.get(constant_array(since, "int"), plan * len(states) + state_index)
        return F.when(year < first, F.get(constant_array(before, "int"), plan)).otherwise(plan)

    def _first_whole_year(self, plan_code: str, state: str) -> int:
        first = self._sold.get((plan_code, state))
        if first is None or plan_code not in _BEFORE:
            return 0
        return first.year + (first > datetime.date(first.year, 1, 1))


class _Tables:
    """Alias tables of all offers, one after the other in flat lists."""

    def __init__(self, zone_of_state: list[int], zones: int) -> None:
        self.zone_of_state, self.zones = zone_of_state, zones
        self.start: list[int] = []
        self.size: list[int] = []
        self.keep: list[float] = []
        self.alias: list[int] = []
        self.packed: list[int] = []

    def add(self, pairs: dict[Pair, float], household_class: str, mode: str) -> None:
        if not pairs:
            raise BadInput(
                f"plan_weights.{household_class}: no plan of these is sold everywhere for mode '{mode}'; "
                "give weight to two plans of one family, such as COMM-GOLD-001 and COMM-SILVER-001"
            )
        position = {plan_code: i for i, plan_code in enumerate(plan_codes())}
        keep, alias = alias_table(list(pairs.values()))
        self.start.append(len(self.keep))
        self.size.append(len(pairs))
        self.keep += keep
        self.alias += alias
        self.packed += [PAIR.pack(first=position[first], second=position[second]) for first, second in pairs]


def _second_plans(plan: str, weights: dict[str, float], household_class: str) -> dict[str, float]:
    """What may be held beside a plan, with shares: Medigap beside Part D, another policy of the same group, …"""
    if family(plan) == "MCARE":
        return {"COMM-GOLD-001": _RETIREE_SHARE} if "MAPD" in plan else {_MEDIGAP: 1.0}
    if plan == "GOV-TRICARE-001" and household_class == "child":
        return {"MCAID-STD-001": 1.0}
    if plan in ("GOV-TRICARE-001", "GOV-VA-001"):
        return {"GOV-FEHB-001": 1.0}
    if family(plan) in ("COMM", "EMP", "UNION"):
        return _shares({other: w for other, w in weights.items() if family(other) == family(plan) and other != plan})
    return {}


def _new_plans(plan: str, weights: dict[str, float], household_class: str) -> dict[str, float]:
    """Where a household may move from a plan, with shares, within the group that it has."""
    families = next(families for families in _MOVES if family(plan) in families)
    if household_class == "young" and "GOV" in families:
        return {}  # some were under 18 on the old plan's day, when federal employment and service had not begun
    return _shares({other: w for other, w in weights.items() if family(other) in families and other != plan})


def _turning(before: dict[str, float], after: dict[str, float]) -> dict[Pair, float]:
    """From an insured employer plan to Medicare through the same group, as retirees."""
    return {
        (old, new): weight * share
        for old, weight in before.items()
        if family(old) == "COMM"
        for new, share in _shares({p: w for p, w in after.items() if family(p) == "MCARE"}).items()
    }


def _shares(weights: dict[str, float]) -> dict[str, float]:
    total = sum(weights.values())
    return {name: weight / total for name, weight in weights.items()}
