"""facility: where care is given. Facilities of a state have neighbouring ids, as many as its share of people."""

from __future__ import annotations

from itertools import accumulate

from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from payerlake.contract.schema import Column, Index, Table
from payerlake.insurance.insurance import CONTACT_INFO
from payerlake.insurance.settings import FACILITIES, NPIS_A_DIGIT, InsuranceSettings
from payerlake.person import names
from payerlake.person.people import homes
from payerlake.person.places import field
from payerlake.person.world import World
from payerlake.sampling.distributions import constant_array, integer, one_of, permutation
from payerlake.sampling.identifiers import npi, phone
from payerlake.sampling.margins import apportioned

TYPES = (
    "Medical Center", "Hospital", "Clinic", "Health Center", "Family Practice", "Urgent Care", "Care Center",
    "Regional Hospital",
)  # fmt: skip  # a list of names fills its lines
NPI = r"^\d{10}$"


def by_state(settings: InsuranceSettings) -> list[int]:
    """How many facilities each state of the population has: one each if there are enough, the others by population."""
    states, count = settings.population.states, settings.facility_count
    each = 1 if count >= len(states) else 0
    return [each + more for more in apportioned(count - each * len(states), states).values()]


def facility_in_state(settings: InsuranceSettings, u: SparkColumn, state_index: SparkColumn) -> SparkColumn:
    """A facility (bigint) of the state, all alike likely; null where the state has none."""
    counts = by_state(settings)
    first = F.get(constant_array([sum(counts[:i]) + 1 for i in range(len(counts))], "bigint"), state_index)
    count = F.get(constant_array(counts, "bigint"), state_index)
    return F.when(count > 0, integer(u, first, first + count - 1))


def facility(world: World[InsuranceSettings]) -> DataFrame:
    """One row per facility; key facility_id. Cities, ZIP codes and area codes are real, the facilities are not."""
    settings, draws = world.settings, world.draws
    with_id = world.keys(FACILITIES).select((F.col("id") + 1).alias("id"))
    with_state = with_id.select("id", _state_index(settings, F.col("id")).alias("state_index"))

    def u(column: str, draw: str = "") -> SparkColumn:
        return draws.uniform("facility", column, F.col("id"), draw=draw)

    with_place = with_state.select("*", homes(settings).record(u("zip"), F.col("state_index")).alias("place"))
    area = field("area_code", F.col("place"))
    contact = F.struct(
        phone(area, u("phone")).alias("phone"),
        phone(area, u("fax")).alias("fax"),
        names.street(u("street", "number"), u("street", "name"), u("street", "suffix")).alias("address"),
        field("city", F.col("place")).alias("city"),
        field("zip_code", F.col("place")).alias("zip"),
    )
    return with_place.select(
        F.col("id").alias("facility_id"),
        F.when(u("npi") >= settings.nulls.npi, _npi(world, F.col("id"))).alias("npi"),
        F.concat_ws(" ", field("city", F.col("place")), one_of(TYPES, u("type"))).alias("name"),
        field("state", F.col("place")).alias("state"),
        F.to_json(contact).alias("contact_info"),
    )


def _state_index(settings: InsuranceSettings, facility_id: SparkColumn) -> SparkColumn:
    """The position (int) of the facility's state: how many states have all of theirs before it."""
    lasts = constant_array(list(accumulate(by_state(settings))), "bigint")
    return F.size(F.filter(lasts, lambda last: last < facility_id))


def _npi(world: World[InsuranceSettings], facility_id: SparkColumn) -> SparkColumn:
    """Its own number: all of a first digit in a random order, then those of the next."""
    digits = constant_array(world.settings.facilities.npi_digits, "bigint")
    first = F.get(digits, F.floor((facility_id - 1) / NPIS_A_DIGIT).cast("int"))
    stream = world.draws.stream("facility", "npi", "number")
    return npi(permutation(facility_id % NPIS_A_DIGIT, NPIS_A_DIGIT, stream), first)


TABLE = Table(
    dataset="insurance",
    name="facility",
    sql_name="FACILITY",
    grain="One row per facility",
    key=("facility_id",),
    csv_stem="facility",
    documented_rows="about 200",
    build=facility,
    spine=FACILITIES,
    expected_rows=lambda settings: settings.facility_count,
    indexes=(Index(("npi",)), Index(("state",))),
    columns=(
        Column("facility_id", "bigint", "Facility, from 1", low=1, sql_name="Facility_ID"),
        Column(
            "npi",
            "char(10)",
            "National Provider Identifier: passes its check, but lies outside the issued range",
            nullable=True,
            pattern=NPI,
            sql_name="NPI",
        ),
        Column("name", "varchar(255)", "City and type", sql_name="Name"),
        Column("state", "char(2)", "State, postal code", pattern="^[A-Z]{2}$", sql_name="State"),
        Column(
            "contact_info",
            "json",
            "Fictional phone, fax and address in a real city",
            nullable=True,
            pattern=CONTACT_INFO,
            sql_name="Contact_info",
        ),
    ),
)
