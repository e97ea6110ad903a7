"""employer_groups: through whom cover is held. Sizes have a long tail; a group has a kind, a state and its plans."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from payerlake import reference
from payerlake.contract.schema import Column, Table
from payerlake.person import names
from payerlake.person.world import World
from payerlake.pharmacy.offers import plans_of
from payerlake.pharmacy.settings import KINDS, PharmacySettings
from payerlake.sampling.distributions import choice, constant_array, string_at, zipf
from payerlake.sampling.frames import listed

GROUP_NUMBER = r"^(GRP|EMP|UNI|GOV|IND)-\d{5}$"
_NUMBERS = 90_000  # of five digits: 10000 to 99999
_STRIDE = 48_271  # coprime to _NUMBERS: scatters neighbouring groups over the numbers, one to one

_TRADES = {
    "Logistics": 9, "Foods": 8, "Manufacturing": 10, "Builders": 9, "Software": 6, "Retail": 10, "Hospitality": 8,
    "Health Services": 8, "Farms": 4, "Energy": 3, "Schools": 5, "Transport": 6, "Textiles": 2, "Insurance Services": 3,
    "Furniture": 3, "Printing": 2, "Plastics": 2, "Engineering": 5,
}  # fmt: skip  # a list of names fills its lines
_FORMS = {"Inc.": 45, "LLC": 40, "Co.": 15}


@dataclass(frozen=True)
class Groups:
    """How many groups of each kind each state has, and the number of each."""

    settings: PharmacySettings

    @cached_property
    def counts(self) -> list[int]:
        """Groups by kind and state, flat: position kind · states + state. At least one of a kind in every state."""
        weights = self.settings.population.states
        total = sum(weights.values())
        counts = []
        for group_kind in KINDS:
            wanted = self.settings.members / 1000 * self.settings.employer_groups[group_kind]
            wanted = min(wanted, _NUMBERS - len(weights))  # by state they are one more each at most
            counts += [max(1, round(wanted * weight / total)) for weight in weights.values()]
        return counts

    @cached_property
    def first(self) -> list[int]:
        """The position of each state's first group among those of its kind."""
        states = len(self.settings.population.states)
        kinds = [self.counts[start : start + states] for start in range(0, len(self.counts), states)]
        return [sum(of_kind[:i]) for of_kind in kinds for i in range(states)]

    def number(self, kind: SparkColumn, state_index: SparkColumn, place: SparkColumn) -> SparkColumn:
        """`GRP-12345` for the place-th (from 0) group of this kind (position) in this state."""
        position = F.get(constant_array(self.first, "int"), self._cell(kind, state_index)) + place
        digits = ((position.cast("bigint") * _STRIDE + kind * 17) % _NUMBERS).cast("int")
        # Looked up in two parts, since to format a number costs every enrollment as much as its draws.
        heads = [f"{name}-{head}" for name in KINDS for head in range(10, 100)]
        head = string_at(heads, (kind * 90 + F.floor(digits / 1000)).cast("int"))
        return F.concat(head, string_at([f"{tail:03d}" for tail in range(1000)], digits % 1000))

    def place(self, kind: SparkColumn, state_index: SparkColumn, u: SparkColumn) -> SparkColumn:
        """Which of the state's groups of this kind: the first are large, the tail is long."""
        return zipf(u, F.get(constant_array(self.counts, "int"), self._cell(kind, state_index)))

    def _cell(self, kind: SparkColumn, state_index: SparkColumn) -> SparkColumn:
        return kind * len(self.settings.population.states) + state_index


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
