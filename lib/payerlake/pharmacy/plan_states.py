"""plan_states: where each plan is sold, and since when. Geography of the enrollments rests on it."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

from pyspark.sql import DataFrame

from payerlake import reference
from payerlake.contract.schema import Column, Reference, Table
from payerlake.person.world import World
from payerlake.pharmacy.plans import PLAN_CODE, plan_codes
from payerlake.pharmacy.settings import PharmacySettings
from payerlake.sampling.frames import listed

EXCHANGES_OPEN = datetime.date(2014, 1, 1)  # Affordable Care Act, section 1311

# The regional variants of the commercial plans, by Census region.
_REGIONS = {
    "COMM-GOLD-002": ("NORTHEAST",),
    "COMM-SILVER-002": ("SOUTH", "MIDWEST"),
    "COMM-BRONZE-002": ("WEST",),
}
_NO_MEDICARE_ADVANTAGE = ("AK",)  # CMS, Medicare Advantage landscape 2024: no individual plan offered in Alaska


def available_from(plan_code: str, state: dict[str, str], settings: PharmacySettings) -> datetime.date | None:
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


def availability(settings: PharmacySettings) -> Iterator[tuple[str, str, datetime.date]]:
    """(plan_code, state, first day) for every plan and state where it is sold in the plan year."""
    for plan_code in plan_codes():
        for state in reference.rows("us_states"):
            first = available_from(plan_code, state, settings)
            if first is not None and first.year <= settings.plan_year:
                yield plan_code, state["state"], first


def plan_states(world: World[PharmacySettings]) -> DataFrame:
    """One row per plan code and state where it is sold; key both.

    Sources: `conf/reference/us_states.csv` for Medicaid expansion, exchanges and regions; the regional footprint of the
    three -002 plans, and gold plans on state-run exchanges only, are payerlake's own.
    """
    return listed(world.spark, availability(world.settings), TABLE.schema())


TABLE = Table(
    dataset="pharmacy",
    name="plan_states",
    grain="One row per plan code and state where it is sold",
    key=("plan_code", "state"),
    csv_stem="us_pharmacy_plan_states",
    documented_rows="about 1,300",
    build=plan_states,
    references=(Reference(("plan_code",), "plans", ("plan_code",)),),
    columns=(
        Column("plan_code", "varchar(50)", "Plan", pattern=PLAN_CODE),
        Column("state", "char(2)", "State, postal code", pattern="^[A-Z]{2}$"),
        Column("available_from", "date", "First day on which the plan is sold there"),
    ),
)
