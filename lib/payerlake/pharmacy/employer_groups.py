"""employer_groups: through whom cover is held. Sizes have a long tail; a group has a kind, a state and its plans."""

from __future__ import annotations

from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from payerlake import reference
from payerlake.contract.schema import Column, Table
from payerlake.person import names
from payerlake.person.coverage.groups import GROUP_NUMBER, Groups
from payerlake.person.coverage.plans import plans_of
from payerlake.person.coverage.settings import KINDS
from payerlake.person.world import World
from payerlake.pharmacy.settings import PharmacySettings
from payerlake.sampling.distributions import choice, string_at
from payerlake.sampling.frames import listed

_TRADES = {
    "Logistics": 9, "Foods": 8, "Manufacturing": 10, "Builders": 9, "Software": 6, "Retail": 10, "Hospitality": 8,
    "Health Services": 8, "Farms": 4, "Energy": 3, "Schools": 5, "Transport": 6, "Textiles": 2, "Insurance Services": 3,
    "Furniture": 3, "Printing": 2, "Plastics": 2, "Engineering": 5,
}  # fmt: skip  # a list of names fills its lines
_FORMS = {"Inc.": 45, "LLC": 40, "Co.": 15}


def employer_groups(world: World[PharmacySettings]) -> DataFrame:
    """One row per group; key group_number. Companies are invented; counts and kinds: the settings."""
    groups = Groups(world.settings)
    states = {row["state"]: row["name"] for row in reference.rows("us_states")}
    rows = [
        (
            k,
            s,
            states[state],
            " ".join(plans_of(kind, state, world.settings)),
            groups.counts[k * len(world.settings.population.states) + s],
        )
        for k, kind in enumerate(KINDS)
        for s, state in enumerate(world.settings.population.states)
    ]
    cells = listed(world.spark, rows, "kind int, state_index int, state_name string, plan_codes string, groups int")
    with_place = cells.select("*", F.explode(F.sequence(F.lit(0), F.col("groups") - 1)).alias("place"))
    kind, state_index = F.col("kind"), F.col("state_index")
    with_number = with_place.select("*", groups.number(kind, state_index, F.col("place")).alias("group_number"))
    return with_number.select(
        F.col("group_number"),
        _name(world, F.col("group_number"), F.col("state_name")).alias("group_name"),
        string_at(KINDS, kind).alias("group_type"),
        string_at(world.settings.population.states, state_index).alias("state"),
        F.col("plan_codes"),
    )


def _name(world: World[PharmacySettings], number: SparkColumn, state: SparkColumn) -> SparkColumn:
    def draw(part: str) -> SparkColumn:
        return world.draws.uniform("employer_groups", "group_name", number, draw=part)

    founders = F.concat(names.last_name(draw("first")), F.lit("-"), names.last_name(draw("second")))
    company = F.concat_ws(" ", founders, choice(draw("trade"), _TRADES), choice(draw("form"), _FORMS))
    short = F.substring(number, 5, 5)
    return (
        F.when(
            number.startswith("UNI"),
            F.concat_ws(" ", F.lit("United"), choice(draw("trade"), _TRADES), F.lit("Workers Local"), short),
        )
        .when(number.startswith("GOV"), F.concat_ws(" ", state, F.lit("Public Programs Office"), short))
        .when(number.startswith("IND"), F.concat_ws(" ", state, F.lit("Individual Market Pool"), short))
        .otherwise(company)
    )


TABLE = Table(
    dataset="pharmacy",
    name="employer_groups",
    grain="One row per group through which cover is held",
    key=("group_number",),
    csv_stem="us_pharmacy_employer_groups",
    documented_rows="about 12,000",
    build=employer_groups,
    rules={"number_has_type": "left(group_number, 3) = group_type"},
    columns=(
        Column("group_number", "varchar(50)", "Group: kind and five digits", pattern=GROUP_NUMBER),
        Column("group_name", "varchar(200)", "Invented company, union local, public office or pool"),
        Column(
            "group_type",
            "varchar(3)",
            "GRP insured employer, EMP self-funded employer, UNI union, GOV public, IND individual",
            domain=KINDS,
        ),
        Column("state", "char(2)", "State, postal code", pattern="^[A-Z]{2}$"),
        Column("plan_codes", "varchar(500)", "Plans that the group offers, separated by blanks"),
    ),
)
