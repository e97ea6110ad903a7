"""formularies: the drug lists of plans, who keeps them, and what they come to."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from payerlake.contract.schema import Column, Reference, Table
from payerlake.person.world import World
from payerlake.pharmacy import quotas
from payerlake.pharmacy.drug_lists import DrugLists
from payerlake.pharmacy.plans import PLAN_CODE
from payerlake.pharmacy.segments import CARRIERS, PLAN_OF_CARRIER, carriers, cell, sold
from payerlake.pharmacy.settings import FORMULARIES, FORMULARY_TYPES, SEGMENTS, PharmacySettings
from payerlake.sampling.distributions import bernoulli, choice, string_at
from payerlake.sampling.frames import gathered

FORMULARY_CODE = r"^FORM-[A-Z]{4}-[A-Z_]{2,4}-\d{4}-\d{4,}$"
_PERCENTAGES = ("prior_auth_pct", "step_therapy_pct", "quantity_limit_pct")
# How much a formulary of a type covers.
_LEVELS = {
    "STANDARD": "STANDARD",
    "ENHANCED": "COMPREHENSIVE",
    "BASIC": "BASIC",
    "SPECIALTY": "LIMITED",
    "MAIL_ORDER": "STANDARD",
}
_SHORT = {
    "MEDICARE_PART_D": "MEDD",
    "MEDICARE_ADVANTAGE": "MEDA",
    "COMMERCIAL": "COMM",
    "MEDICAID": "MCAI",
    "FEDERAL": "FEDE",
    "REGIONAL": "REGI",
}


def terms(world: World[PharmacySettings], keys: DataFrame) -> DataFrame:
    """One row per key `id`: the formulary's own columns, its code, and the quotas of its drug list."""
    settings, key = world.settings.formularies, F.col("id")

    def draw(column: str) -> SparkColumn:
        return world.draws.uniform("formularies", column, key)

    with_carrier = list_terms(world, keys).select(
        "*",
        _by_segment({name: choice(draw("carrier"), carriers(name)) for name in SEGMENTS}).alias("carrier"),
        _by_segment({name: choice(draw("plan_code"), sold(name, world.settings)) for name in SEGMENTS}).alias("sold"),
    )
    number = F.lpad((key + 1).cast("string"), max(4, len(str(world.settings.formulary_count))), "0")
    short = F.substring(F.regexp_replace("carrier", "^FEHB_", ""), 1, 4)
    code = F.concat_ws(
        "-",
        F.lit("FORM"),
        string_at(_SHORT.values(), F.col("segment")),
        short,
        F.lit(str(world.settings.plan_year)),
        number,
    )
    return with_carrier.select(
        "id",
        code.alias("formulary_code"),
        string_at(SEGMENTS, F.col("segment")).alias("market_segment"),
        "carrier",
        _plan_of_carrier(F.col("carrier"), F.substring_index("sold", " ", 1)).alias("plan_code"),
        F.substring_index("sold", " ", -1).alias("region"),
        choice(draw("pbm"), settings.pbms).alias("pbm"),
        string_at(FORMULARY_TYPES, F.col("type")).alias("formulary_type"),
        "tier_count",
        string_at([_LEVELS[name] for name in FORMULARY_TYPES], F.col("type")).alias("coverage_level"),
        bernoulli(draw("is_active"), settings.active_share).alias("is_active"),
        "quotas",
    )


def list_terms(world: World[PharmacySettings], keys: DataFrame) -> DataFrame:
    """Adds to formularies `id` what their lists of drugs follow from: segment, type (positions), tier_count, quotas."""
    key, by_number = F.col("id"), {str(n): share for n, share in world.settings.formularies.tier_counts.items()}
    with_cell = keys.select("*", cell(key, world.settings).alias("cell"))
    with_type = with_cell.select(
        "*",
        F.floor(F.col("cell") / len(FORMULARY_TYPES)).cast("int").alias("segment"),
        (F.col("cell") % len(FORMULARY_TYPES)).alias("type"),
    )
    is_medicare = F.col("segment").isin([i for i, name in enumerate(SEGMENTS) if name.startswith(quotas.MEDICARE)])
    return with_type.select(
        "*",
        choice(world.draws.uniform("formularies", "tier_count", key), by_number).cast("int").alias("tier_count"),
        F.array(*DrugLists(world).quotas(F.col("type"), is_medicare, key)).alias("quotas"),
    )


def formularies(world: World[PharmacySettings]) -> DataFrame:
    """One row per formulary; key formulary_code. Its count and percentages are those of its lines in `formulary_drugs`.

    Shares of segments, types, tier counts and pharmacy benefit managers: the settings' `formularies`; segment and type
    hold together, in whole numbers. The only shuffle is that of the sums: a row a formulary.
    """
    with_terms = terms(world, world.keys(FORMULARIES))
    sums = (
        DrugLists(world)
        .lines(with_terms)
        .groupBy("id")
        .agg(
            F.count("*").cast("int").alias("drug_count"),
            F.count_if("requires_prior_auth").alias("prior_auth_pct"),
            F.count_if("requires_step_therapy").alias("step_therapy_pct"),
            F.count("limit").alias("quantity_limit_pct"),
        )
    )
    with_sums = gathered(with_terms, sums, "id", "inner", world.settings.formulary_count)
    year = world.settings.plan_year
    return with_sums.select(
        F.col("formulary_code"),
        _title(year).alias("formulary_name"),
        "plan_code",
        "market_segment",
        "carrier",
        "pbm",
        "formulary_type",
        "tier_count",
        "coverage_level",
        F.make_date(F.lit(year), F.lit(1), F.lit(1)).alias("effective_date"),
        F.make_date(F.lit(year), F.lit(12), F.lit(31)).alias("termination_date"),
        F.col("region"),
        F.col("drug_count"),
        *(F.round(F.col(name) * 100 / F.col("drug_count")).cast("int").alias(name) for name in _PERCENTAGES),
        F.col("is_active"),
    )


def _plan_of_carrier(carrier: SparkColumn, other: SparkColumn) -> SparkColumn:
    """The plan of a carrier that has one alone, else the other."""
    for name, plan in PLAN_OF_CARRIER.items():
        other = F.when(carrier == name, plan).otherwise(other)
    return other


def _by_segment(columns: Mapping[str, SparkColumn]) -> SparkColumn:
    chosen = F.when(F.col("segment") == 0, columns[SEGMENTS[0]])
    for i, name in enumerate(SEGMENTS[1:], start=1):
        chosen = chosen.when(F.col("segment") == i, columns[name])
    return chosen


def _title(year: int) -> SparkColumn:
    """`Humana Medicare Part D Standard 4-Tier 2024`."""
    parts = (F.initcap(F.translate(F.col(name), "_", " ")) for name in ("carrier", "market_segment", "formulary_type"))
    return F.concat_ws(" ", *parts, F.concat(F.col("tier_count").cast("string"), F.lit("-Tier")), F.lit(str(year)))


def _percentage(name: str, of: str) -> Column:
    return Column(name, "int", f"Percent of its drugs with {of}, rounded", low=0, high=100, unit="%")


TABLE = Table(
    dataset="pharmacy",
    name="formularies",
    grain="One row per formulary: the drug list of a plan",
    key=("formulary_code",),
    csv_stem="us_pharmacy_formularies",
    documented_rows="5,000",
    build=formularies,
    spine=FORMULARIES,
    references=(Reference(("plan_code",), "plans", ("plan_code",)),),
    rules={
        "ends_after_start": "termination_date > effective_date",
        "region_by_segment": "(region = 'NATIONAL') = (market_segment NOT IN ('MEDICAID', 'REGIONAL'))",
    },
    columns=(
        Column("formulary_code", "varchar(50)", "Formulary: segment, carrier, year, number", pattern=FORMULARY_CODE),
        Column("formulary_name", "varchar(200)", "Carrier, segment, type, tiers and year"),
        Column("plan_code", "varchar(50)", "Plan that the formulary belongs to", pattern=PLAN_CODE),
        Column("market_segment", "varchar(50)", "Market segment", domain=SEGMENTS),
        Column(
            "carrier", "varchar(50)", "Carrier that keeps it", domain=tuple(dict.fromkeys(sum(CARRIERS.values(), ())))
        ),
        Column("pbm", "varchar(50)", "Pharmacy benefit manager"),
        Column("formulary_type", "varchar(20)", "What kind of list it is", domain=FORMULARY_TYPES),
        Column("tier_count", "int", "Cost-sharing tiers of the plan; drugs stand in tiers 1 to 5", low=3, high=6),
        Column(
            "coverage_level",
            "varchar(20)",
            "How much it covers, by its type",
            domain=("COMPREHENSIVE", "STANDARD", "BASIC", "LIMITED"),
        ),
        Column("effective_date", "date", "First day of the plan year"),
        Column("termination_date", "date", "Last day of the plan year"),
        Column(
            "region", "varchar(10)", "State, for MEDICAID and REGIONAL, else NATIONAL", pattern="^([A-Z]{2}|NATIONAL)$"
        ),
        Column("drug_count", "int", "Drugs that it lists", low=1),
        _percentage("prior_auth_pct", "prior authorization"),
        _percentage("step_therapy_pct", "step therapy"),
        _percentage("quantity_limit_pct", "a quantity limit"),
        Column("is_active", "boolean", "Whether it is in use"),
    ),
)
