"""insurance: who insures."""

from __future__ import annotations

import json

from pyspark.sql import DataFrame

from payerlake import reference
from payerlake.contract.schema import Column, Table
from payerlake.insurance.settings import InsuranceSettings
from payerlake.person.world import World
from payerlake.sampling.frames import listed

CONTACT_INFO = r"^\{.+\}$"


def insurers() -> int:
    """How many insurers there are."""
    return len(reference.rows("insurers"))


def insurance(world: World[InsuranceSettings]) -> DataFrame:
    """One row per insurer; key insurance_id. From conf/reference/insurers.csv."""
    rows = [
        (
            int(row["insurance_id"]),
            row["insurance_name"],
            json.dumps({field: row[field] for field in ("phone", "email", "website")}),
        )
        for row in reference.rows("insurers")
    ]
    return listed(world.spark, rows, TABLE.schema())


TABLE = Table(
    dataset="insurance",
    name="insurance",
    sql_name="INSURANCE",
    grain="One row per insurer",
    key=("insurance_id",),
    csv_stem="insurance",
    documented_rows="8",
    build=insurance,
    unique=(("insurance_name",),),
    columns=(
        Column("insurance_id", "bigint", "Insurer, from 1", low=1),
        Column("insurance_name", "varchar(255)", "Name of the insurer; no company has it"),
        Column("contact_info", "json", "Fictional phone, email and website", nullable=True, pattern=CONTACT_INFO),
    ),
)
