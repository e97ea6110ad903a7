"""households: which members belong together, and who of them is the subscriber."""

from __future__ import annotations

from functools import reduce

from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from payerlake.contract.schema import Column, Known, Reference, Table
from payerlake.person.households import LARGEST, ROLES
from payerlake.person.world import MEMBERS, World
from payerlake.pharmacy.members import MEMBER_NUMBER, known_members, member_number
from payerlake.pharmacy.settings import PharmacySettings
from payerlake.sampling.identifiers import numbered


def household_id(household: SparkColumn) -> SparkColumn:
    """The household's id of its key, which is that of its head: H000001."""
    return numbered("H", household + 1)


def households(world: World[PharmacySettings]) -> DataFrame:
    """One row per member; key member_number. A household's rows follow each other, the subscriber's first."""
    people, key, slot, head = world.people, F.col("id"), F.col("slot"), F.col("household")
    keys = world.member_keys(world.settings.members_per_file.households)
    with_slot = keys.select("id", people.slot(key).alias("slot"))
    with_household = with_slot.select("id", "slot", people.household(key, slot).alias("household"))
    return known_members(world, with_household).select(
        household_id(head).alias("household_id"),
        member_number(head).alias("subscriber_number"),
        member_number(key).alias("member_number"),
        people.role(slot).alias("relationship"),
        F.lpad((key - head + 1).cast("string"), 2, "0").alias("person_code"),
        _size(world).cast("int").alias("household_size"),
    )


def _size(world: World[PharmacySettings]) -> SparkColumn:
    """How many members the household has, of whom those count that are born by the day on which somebody looks."""
    people, head = world.people, F.col("household")
    # The last household may be cut off by the number of members.
    size = F.least(people.household_size(F.col("slot")).cast("bigint"), F.lit(world.settings.members) - head)
    if world.settings.known_at is None:
        return size
    born = [world.is_known(people.birth_date(head + i, people.slot(head + i))) for i in range(LARGEST)]
    return reduce(SparkColumn.__add__, [((i < size) & is_born).cast("int") for i, is_born in enumerate(born)])


TABLE = Table(
    dataset="pharmacy",
    name="households",
    grain="One row per member, with the household that the member belongs to",
    key=("member_number",),
    csv_stem="us_pharmacy_households",
    documented_rows="1,000,000",
    build=households,
    spine=MEMBERS,
    expected_rows=lambda settings: settings.members,
    known=Known(later={"household_size": ""}),
    references=(
        Reference(("member_number",), "members", ("member_number",)),
        Reference(("subscriber_number",), "members", ("member_number",)),
    ),
    rules={
        "subscriber_is_self": "(relationship = 'SELF') = (member_number = subscriber_number)",
        "subscriber_is_01": "(relationship = 'SELF') = (person_code = '01')",
        "person_in_household": "cast(person_code AS int) <= household_size",
    },
    columns=(
        Column(
            "household_id",
            "varchar(50)",
            "Household: H and its subscriber's number",
            pattern=r"^H\d{6,}$",
            high_cardinality=True,
        ),
        Column(
            "subscriber_number",
            "varchar(50)",
            "Member number of the household's subscriber",
            pattern=MEMBER_NUMBER,
            high_cardinality=True,
        ),
        Column("member_number", "varchar(50)", "Member", pattern=MEMBER_NUMBER, high_cardinality=True),
        Column("relationship", "varchar(20)", "Role towards the subscriber", domain=ROLES),
        Column(
            "person_code",
            "char(2)",
            "Place in the household: 01 subscriber, then spouse, then dependents",
            pattern=r"^0[1-7]$",
        ),
        Column("household_size", "int", "Members in the household", low=1, high=7),
    ),
)
