"""vw_geographic_performance: members and care gaps by ZIP code."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from payerlake import reference
from payerlake.contract.schema import Column, Table
from payerlake.contract.spine import WHOLE
from payerlake.person.world import World
from payerlake.quality.care_gaps import CLOSED, OPEN, CareGaps
from payerlake.quality.plan_members import risk_units
from payerlake.quality.roster import Roster
from payerlake.quality.settings import QualitySettings
from payerlake.quality.zip_code_reference import DENSITIES, zip_code_reference
from payerlake.sampling.distributions import string_at
from payerlake.sampling.numbers import quotient


def vw_geographic_performance(world: World[QualitySettings]) -> DataFrame:
    """One row per ZIP code, also of those without members."""
    care, roster = CareGaps(world), Roster(world)
    people = roster.people(world.member_keys(world.settings.members_per_file.plan_members))
    none = [F.lit(0).alias(name) for name in ("gaps", "open_gaps", "closed_gaps")]
    members = people.select("zip", risk_units(F.col("risk")).alias("units"), *none)
    gaps = care.closed(care.opened(world.settings.members_per_file.plan_members))
    is_closed = (F.col("status") == CLOSED) & world.is_known(F.col("closed"))
    opened = gaps.select(
        "zip",
        F.lit(None).cast("bigint").alias("units"),
        F.lit(1).alias("gaps"),
        (F.col("status").isin(OPEN, CLOSED) & ~is_closed).cast("int").alias("open_gaps"),
        is_closed.cast("int").alias("closed_gaps"),
    )
    sums = [F.coalesce(F.sum(name), F.lit(0)).alias(name) for name in ("units", "gaps", "open_gaps", "closed_gaps")]
    counted = members.unionAll(opened).groupBy("zip").agg(F.count("units").alias("members"), *sums)
    code = string_at([row["zip_code"] for row in reference.rows("pittsburgh_zip_codes")], F.col("zip"))
    with_code = counted.select("*", code.alias("zip_code"))
    return (
        zip_code_reference(world)
        .coalesce(1)
        .join(F.broadcast(with_code), "zip_code", "left")
        .select(
            "zip_code",
            "city",
            "region_type",
            "population_density",
            F.coalesce("members", F.lit(0)).alias("member_count"),
            quotient(F.col("units"), F.col("members") * 1000, 5, 3).alias("avg_risk_score"),
            F.coalesce("gaps", F.lit(0)).alias("total_gaps"),
            F.coalesce("open_gaps", F.lit(0)).alias("open_gaps"),
            F.coalesce("closed_gaps", F.lit(0)).alias("closed_gaps"),
            quotient(F.col("closed_gaps") * 100, F.col("gaps"), 5, 2).alias("closure_rate_pct"),
        )
    )


def sql(_settings: QualitySettings) -> str:
    """The same in a database: members and gaps are counted apart, so that neither multiplies the other."""
    return """
SELECT z.zip_code, z.city, z.region_type, z.population_density,
       COALESCE(m.members, 0) AS member_count, m.avg_risk_score,
       COALESCE(g.gaps, 0) AS total_gaps, COALESCE(g.open_gaps, 0) AS open_gaps,
       COALESCE(g.closed_gaps, 0) AS closed_gaps,
       ROUND(CAST(g.closed_gaps * 100 AS DECIMAL(30,10)) / g.gaps, 2) AS closure_rate_pct
FROM zip_code_reference z
LEFT JOIN (SELECT zip_code, COUNT(*) AS members,
                  ROUND(SUM(CAST(risk_score AS DECIMAL(20,10))) / COUNT(*), 3) AS avg_risk_score
           FROM plan_members GROUP BY zip_code) m ON m.zip_code = z.zip_code
LEFT JOIN (SELECT pm.zip_code, COUNT(*) AS gaps,
                  SUM(CASE WHEN mg.gap_status = 'Open' THEN 1 ELSE 0 END) AS open_gaps,
                  SUM(CASE WHEN mg.gap_status = 'Closed' THEN 1 ELSE 0 END) AS closed_gaps
           FROM member_gaps mg JOIN plan_members pm ON pm.member_id = mg.member_id
           GROUP BY pm.zip_code) g ON g.zip_code = z.zip_code"""


TABLE = Table(
    dataset="quality",
    name="vw_geographic_performance",
    grain="One row per ZIP code",
    key=("zip_code",),
    csv_stem="vw_geographic_performance",
    documented_rows="30",
    build=vw_geographic_performance,
    spine=WHOLE,
    view=sql,
    rules={"gaps_have_a_status": "open_gaps + closed_gaps <= total_gaps"},
    columns=(
        Column("zip_code", "varchar(10)", "ZIP code", pattern=r"^\d{5}$"),
        Column("city", "varchar(100)", "City"),
        Column("region_type", "varchar(20)", "Kind of region", domain=tuple(DENSITIES)),
        Column("population_density", "varchar(20)", "Density of population", domain=tuple(DENSITIES.values())),
        Column("member_count", "bigint", "Members", low=0),
        Column("avg_risk_score", "decimal(5,3)", "Mean risk score; null: no members", nullable=True, low=0),
        Column("total_gaps", "bigint", "Care gaps", low=0),
        Column("open_gaps", "bigint", "Open ones", low=0),
        Column("closed_gaps", "bigint", "Closed ones", low=0),
        Column(
            "closure_rate_pct",
            "decimal(5,2)",
            "Closed of all; null: no gaps",
            nullable=True,
            low=0,
            high=100,
            unit="percent",
        ),
    ),
)
