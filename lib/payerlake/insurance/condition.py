"""condition: the catalogue of medical conditions."""

from __future__ import annotations

from pyspark.sql import DataFrame

from payerlake.contract.schema import Column, Table
from payerlake.insurance.settings import InsuranceSettings
from payerlake.person.world import World
from payerlake.sampling.frames import listed


def condition(world: World[InsuranceSettings]) -> DataFrame:
    """One row per medical condition; key condition_id. The first `count` of the settings' `conditions.catalogue`."""
    rows = [(c.id, c.name, c.icd10, c.category) for c in world.settings.conditions.used]
    return listed(world.spark, rows, TABLE.schema())


TABLE = Table(
    dataset="insurance",
    name="condition",
    sql_name="CONDITION",
    grain="One row per medical condition",
    key=("condition_id",),
    csv_stem="condition",
    documented_rows="50",
    build=condition,
    unique=(("condition_name",),),
    columns=(
        Column("condition_id", "bigint", "Condition, from 1", low=1, sql_name="Condition_ID"),
        Column("condition_name", "varchar(255)", "Name of the condition", sql_name="Condition_name"),
        Column("icd10_code", "varchar(8)", "ICD-10-CM code", pattern=r"^[A-Z]\d[0-9A-Z](\.[0-9A-Z]{1,4})?$"),
        Column("category", "varchar(50)", "Body system or kind"),
    ),
)
