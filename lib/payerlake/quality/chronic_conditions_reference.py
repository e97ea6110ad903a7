"""chronic_conditions_reference: the catalogue of chronic conditions."""

from __future__ import annotations

from decimal import Decimal

from pyspark.sql import DataFrame

from payerlake.contract.schema import Column, Table
from payerlake.person.world import World
from payerlake.quality.settings import QualitySettings
from payerlake.sampling.frames import listed

CONDITION_CODE = r"^[A-Z]\d[0-9A-Z](\.[0-9A-Z]{1,4})?$"


def chronic_conditions_reference(world: World[QualitySettings]) -> DataFrame:
    """One row per chronic condition; key condition_code. The settings' `conditions.catalogue`."""
    rows = [
        (
            c.condition_code,
            c.condition_name,
            Decimal(str(c.prevalence_pct)),
            Decimal(str(c.avg_risk_score_impact)),
            ",".join(c.affects_measures) or None,
            c.comorbidity_group,
        )
        for c in world.settings.conditions.catalogue
    ]
    return listed(world.spark, rows, TABLE.schema())


TABLE = Table(
    dataset="quality",
    name="chronic_conditions_reference",
    grain="One row per chronic condition",
    key=("condition_code",),
    csv_stem="chronic_conditions_reference",
    documented_rows="17",
    build=chronic_conditions_reference,
    columns=(
        Column("condition_code", "varchar(20)", "ICD-10-CM category", pattern=CONDITION_CODE),
        Column("condition_name", "varchar(200)", "Name of the condition"),
        Column("prevalence_pct", "decimal(5,2)", "Share of the members who have it", low=0, high=100, unit="percent"),
        Column("avg_risk_score_impact", "decimal(4,3)", "What it adds to the risk score, on average", low=0),
        Column(
            "affects_measures", "varchar(500)", "Measures that it matters to, with commas; null: none", nullable=True
        ),
        Column("comorbidity_group", "varchar(50)", "Group of conditions"),
    ),
)
