"""plan_states: where each plan is sold, and since when. Geography of the enrollments rests on it."""

from __future__ import annotations

from pyspark.sql import DataFrame

from payerlake.contract.schema import Column, Reference, Table
from payerlake.person.coverage.plans import availability
from payerlake.person.world import World
from payerlake.pharmacy.plans import PLAN_CODE
from payerlake.pharmacy.settings import PharmacySettings
from payerlake.sampling.frames import listed


def plan_states(world: World[PharmacySettings]) -> DataFrame:
    """One row per plan code and state where it is sold; key both.

    Sources: those of `availability`.
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
