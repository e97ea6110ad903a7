"""members: who is insured. The people layer with the pharmacy population's shares."""

from __future__ import annotations

from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from payerlake.contract.schema import Column, Known, Table
from payerlake.person.places import field
from payerlake.person.world import MEMBERS, World
from payerlake.pharmacy.settings import PharmacySettings
from payerlake.sampling.identifiers import numbered

MEMBER_NUMBER = r"^M\d{6,}$"


def member_number(key: SparkColumn) -> SparkColumn:
    """The member's number of a key from 0: M000001 is the first."""
    return numbered("M", key + 1)


def known_members(world: World[PharmacySettings], members: DataFrame) -> DataFrame:
    """Of members with `slot` and `household` those who are known: nobody before birth, and nobody before the
    subscriber, whom the others refer to."""
    people, head = world.people, F.col("household")
    born = people.birth_date(F.col("id"), F.col("slot"))
    return world.known(members, F.greatest(born, people.birth_date(head, people.slot(head))))


def members(world: World[PharmacySettings]) -> DataFrame:
    """One row per member; key member_number. Shares of sex, age and state: the settings' population."""
    people, key, slot, home = world.people, F.col("id"), F.col("slot"), F.col("home")
    with_slot = world.member_keys(world.settings.members_per_file.members).select("id", people.slot(key).alias("slot"))
    with_household = with_slot.select(
        "id",
        "slot",
        people.household(key, slot).alias("household"),
        people.sex(key, slot).alias("gender"),
        people.last_name(key, slot).alias("last_name"),
    )
    with_home = known_members(world, with_household).select(
        "*",
        people.first_name(key, F.col("gender")).alias("first_name"),
        people.state(F.col("household")).alias("state"),
        people.home(F.col("household")).alias("home"),
    )
    return with_home.select(
        member_number(key).alias("member_number"),
        F.col("first_name"),
        F.col("last_name"),
        people.birth_date(key, slot).alias("date_of_birth"),
        F.col("gender"),
        people.street(F.col("household")).alias("address"),
        field("city", home).alias("city"),
        F.col("state"),
        field("zip_code", home).alias("zip_code"),
        people.phone(key, field("area_code", home)).alias("phone"),
        people.email(key, F.col("first_name"), F.col("last_name")).alias("email"),
    )


TABLE = Table(
    dataset="pharmacy",
    name="members",
    grain="One row per member",
    key=("member_number",),
    csv_stem="us_pharmacy_members",
    documented_rows="1,000,000",
    build=members,
    spine=MEMBERS,
    expected_rows=lambda settings: settings.members,
    known=Known(),
    columns=(
        Column(
            "member_number",
            "varchar(50)",
            "Member: M and at least six digits",
            pattern=MEMBER_NUMBER,
            high_cardinality=True,
        ),
        Column("first_name", "varchar(100)", "First name, fits the gender"),
        Column("last_name", "varchar(100)", "Last name, shared in the household but by some spouses"),
        Column("date_of_birth", "date", "Birth date"),
        Column("gender", "char(1)", "F woman, M man, U not told, O other", domain=("F", "M", "U", "O")),
        Column("address", "varchar(255)", "House number and street, shared in the household", high_cardinality=True),
        Column("city", "varchar(100)", "City of the ZIP code"),
        Column("state", "char(2)", "State, postal code", pattern="^[A-Z]{2}$"),
        Column("zip_code", "varchar(10)", "Five-digit ZIP code of the state", pattern=r"^\d{5}$"),
        Column(
            "phone",
            "varchar(20)",
            "Fictional number in an area code of the ZIP code",
            pattern=r"^[2-9]\d{2}-555-01\d{2}$",
            high_cardinality=True,
        ),
        Column(
            "email",
            "varchar(255)",
            "Address under a reserved domain",
            pattern=r"^[a-z.]+\d{1,3}@example\.(com|org|net)$",
            high_cardinality=True,
        ),
    ),
)
