"""Plans: what may be held, of which line of business, through what kind of group, in which states since when."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

from payerlake import reference
from payerlake.person.coverage.settings import KINDS, CoverageSettings

EXCHANGES_OPEN = datetime.date(2014, 1, 1)  # Affordable Care Act, section 1311

_KIND_OF_FAMILY = {
    "COMM": "GRP", "MCARE": "GRP", "EMP": "EMP", "UNION": "UNI", "GOV": "GOV", "MCAID": "GOV", "CHIP": "GOV",
    "EXCH": "IND", "IND": "IND",
}  # fmt: skip  # a short list fills its lines
# By plan type: NCQA's product lines (commercial, exchange, Medicaid, Medicare), parted where the payment is another:
# Medicare Advantage, which risk adjustment and Star Ratings are about, from Original Medicare with Part D or Medigap;
# CHIP from Medicaid; and the two federal programmes that pay for care themselves. Who buys commercial cover is told by
# the kind of group.
_LINE_OF_TYPE = {
    **dict.fromkeys(("COMMERCIAL", "EMPLOYER", "UNION", "FEHB", "INDIVIDUAL"), "COMMERCIAL"),
    **{name: name for name in ("EXCHANGE", "MEDICARE", "MEDICAID", "CHIP")},
    **dict.fromkeys(("TRICARE", "VA"), "FEDERAL"),
}
MEDICARE_ADVANTAGE = "MEDICARE_ADVANTAGE"
LINES_OF_BUSINESS = ("COMMERCIAL", "EXCHANGE", "MEDICARE", MEDICARE_ADVANTAGE, "MEDICAID", "CHIP", "FEDERAL")
# The regional variants of the commercial plans, by Census region.
_REGIONS = {
    "COMM-GOLD-002": ("NORTHEAST",),
    "COMM-SILVER-002": ("SOUTH", "MIDWEST"),
    "COMM-BRONZE-002": ("WEST",),
}
_NO_MEDICARE_ADVANTAGE = ("AK",)  # CMS, Medicare Advantage landscape 2024: no individual plan offered in Alaska


def plan_codes() -> list[str]:
    """The plan codes in the order of the reference list: what the position of a plan counts in."""
    return [row["plan_code"] for row in reference.rows("pharmacy_plans")]


def lines_of_business() -> list[str]:
    """For each plan position the line of business, one of LINES_OF_BUSINESS."""
    return [
        MEDICARE_ADVANTAGE if row["plan_category"] == "MAPD" else _LINE_OF_TYPE[row["plan_type"]]
        for row in reference.rows("pharmacy_plans")
    ]


def family(plan_code: str) -> str:
    """The first part of the code: COMM, MCARE, …"""
    return plan_code.partition("-")[0]


def kind(plan_code: str) -> str:
    """The kind of group through which the plan is held: GRP, EMP, UNI, GOV or IND."""
    return _KIND_OF_FAMILY[family(plan_code)]


def plan_kinds() -> list[int]:
    """For each plan position the position of its kind of group in KINDS."""
    return [KINDS.index(kind(plan_code)) for plan_code in plan_codes()]


def available_from(plan_code: str, state: dict[str, str], settings: CoverageSettings) -> datetime.date | None:
    """The first day on which the plan is sold in the state (a row of us_states), None where it is not."""
    start = datetime.date(settings.enrollments.first_plan_year, 1, 1)
    if plan_code == "MCAID-EXP-001":
        expansion = state["medicaid_expansion"]
        return max(start, datetime.date.fromisoformat(expansion)) if expansion else None
    if plan_code == "EXCH-GOLD-001" and state["exchange"] != "STATE":
        return None
    if plan_code.startswith("EXCH"):
        return max(start, EXCHANGES_OPEN)
    if plan_code == "MCARE-MAPD-001" and state["state"] in _NO_MEDICARE_ADVANTAGE:
        return None
    if plan_code in _REGIONS and state["region"] not in _REGIONS[plan_code]:
        return None
    return start


def availability(settings: CoverageSettings) -> Iterator[tuple[str, str, datetime.date]]:
    """(plan_code, state, first day) for every plan and state where it is sold in the plan year.

    Sources: `conf/reference/us_states.csv` for Medicaid expansion, exchanges and regions; the regional footprint of the
    three -002 plans, and gold plans on state-run exchanges only, are payerlake's own.
    """
    for plan_code in plan_codes():
        for state in reference.rows("us_states"):
            first = available_from(plan_code, state, settings)
            if first is not None and first.year <= settings.plan_year:
                yield plan_code, state["state"], first


def plans_of(group_kind: str, state: str, settings: CoverageSettings) -> Iterator[str]:
    """The plans that groups of this kind offer in this state, in the order of the plan list."""
    sold = {plan for plan, where, _ in availability(settings) if where == state}
    return (plan for plan in plan_codes() if plan in sold and kind(plan) == group_kind)
