"""formularies: the drug lists of plans, who keeps them, and what they come to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import accumulate, product

from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from payerlake.contract.schema import Column, Reference, Table
from payerlake.person.coverage.plans import availability, plan_codes
from payerlake.person.world import World
from payerlake.pharmacy import quotas
from payerlake.pharmacy.drug_lists import DrugLists
from payerlake.pharmacy.plans import PLAN_CODE
from payerlake.pharmacy.settings import FORMULARIES, FORMULARY_TYPES, SEGMENTS, PharmacySettings
from payerlake.sampling.distributions import bernoulli, choice, constant_array, permutation, string_at
from payerlake.sampling.frames import gathered
from payerlake.sampling.margins import apportioned, controlled_rounding

FORMULARY_CODE = r"^FORM-[A-Z]{4}-[A-Z_]{2,4}-\d{4}-\d{4,}$"
NATIONAL = "NATIONAL"
_LISTED = 1_000_000  # formularies whose order is listed on the driver; that of more is computed
_NATIONAL_CARRIERS = (
    "HUMANA", "WELLCARE", "AETNA", "CIGNA", "UNITED_HEALTHCARE", "CVS_HEALTH", "ANTHEM", "KAISER", "BCBS", "CENTENE",
)  # fmt: skip  # a list of names fills its lines
_COMMERCIAL_CARRIERS = (
    "UNITED_HEALTHCARE", "ANTHEM", "AETNA", "CIGNA", "HUMANA", "BCBS", "KAISER", "CENTENE", "MOLINA", "HEALTH_NET",
)  # fmt: skip  # a list of names fills its lines
# Who keeps formularies of a segment, and for plans of which families: formulary data document; the families are ours.
CARRIERS = {
    "MEDICARE_PART_D": _NATIONAL_CARRIERS,
    "MEDICARE_ADVANTAGE": (*_NATIONAL_CARRIERS, "MOLINA"),
    "COMMERCIAL": _COMMERCIAL_CARRIERS,
    "MEDICAID": ("CENTENE", "MOLINA", "ANTHEM", "UNITED_HEALTHCARE", "AETNA", "WELLCARE", "HEALTH_NET", "AMERIGROUP",
                 "BCBS"),
    "FEDERAL": ("VA", "TRICARE", "FEHB_BCBS", "FEHB_AETNA", "FEHB_KAISER", "FEHB_UNITED", "FEHB_GEHA"),
    "REGIONAL": _COMMERCIAL_CARRIERS,
}  # fmt: skip  # a segment a line
_PLANS = {
    "MEDICARE_PART_D": ("MCARE-PARTD",),
    "MEDICARE_ADVANTAGE": ("MCARE-MAPD",),
    "COMMERCIAL": ("COMM", "EMP", "UNION"),
    "MEDICAID": ("MCAID", "CHIP"),
    "FEDERAL": ("GOV",),
    "REGIONAL": ("EXCH", "IND"),
}
_OF_STATES = ("MEDICAID", "REGIONAL")
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

    with_cell = keys.select("id", _cell(world, key).alias("cell"))
    with_type = with_cell.select(
        "id",
        F.floor(F.col("cell") / len(FORMULARY_TYPES)).cast("int").alias("segment"),
        (F.col("cell") % len(FORMULARY_TYPES)).alias("type"),
    )
    with_carrier = with_type.select(
        "*",
        _by_segment({name: choice(draw("carrier"), dict.fromkeys(CARRIERS[name], 1.0)) for name in SEGMENTS}).alias(
            "carrier"
        ),
        _by_segment({name: _plan_and_region(draw, name, world.settings) for name in SEGMENTS}).alias("sold"),
        choice(draw("tier_count"), {str(n): share for n, share in settings.tier_counts.items()})
        .cast("int")
        .alias("tier_count"),
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
    is_medicare = F.col("segment").isin([i for i, name in enumerate(SEGMENTS) if name.startswith(quotas.MEDICARE)])
    return with_carrier.select(
        "id",
        code.alias("formulary_code"),
        string_at(SEGMENTS, F.col("segment")).alias("market_segment"),
        "carrier",
        F.when(F.col("carrier") == "VA", "GOV-VA-001")
        .when(F.col("carrier") == "TRICARE", "GOV-TRICARE-001")
        .when(F.col("carrier").startswith("FEHB"), "GOV-FEHB-001")
        .otherwise(F.substring_index("sold", " ", 1))
        .alias("plan_code"),
        F.substring_index("sold", " ", -1).alias("region"),
        choice(draw("pbm"), settings.pbms).alias("pbm"),
        string_at(FORMULARY_TYPES, F.col("type")).alias("formulary_type"),
        "tier_count",
        string_at([_LEVELS[name] for name in FORMULARY_TYPES], F.col("type")).alias("coverage_level"),
        bernoulli(draw("is_active"), settings.active_share).alias("is_active"),
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


def _cell(world: World[PharmacySettings], key: SparkColumn) -> SparkColumn:
    """Segment and type of a formulary, segment · types + type (int), in a random order: both shares hold exactly."""
    counts, total = _cells(world), world.settings.formulary_count
    if total <= _LISTED:
        cells = [cell for cell, count in enumerate(counts) for _ in range(count)]
        world.draws.on_driver("formularies", "cells").shuffle(cells)
        return F.get(constant_array(cells, "int"), key.cast("int"))
    place = permutation(key, total, world.draws.stream("formularies", "cells"))
    return F.size(F.filter(constant_array(list(accumulate(counts)), "bigint"), lambda end: end <= place))


def _cells(world: World[PharmacySettings]) -> list[int]:
    """How many formularies there are of each segment and type."""
    settings, total = world.settings.formularies, world.settings.formulary_count
    segments = apportioned(total, settings.segments)
    types = apportioned(total, {name: type_.share for name, type_ in settings.types.items()})
    ends = list(product(SEGMENTS, FORMULARY_TYPES))
    return controlled_rounding([segments[segment] * types[type_] / total for segment, type_ in ends], ends)


def _plan_and_region(draw: Callable[[str], SparkColumn], segment: str, settings: PharmacySettings) -> SparkColumn:
    """`PLAN REGION`: a plan of the segment, and a state where it is sold, by its weight, or the nation."""
    plans = [code for code in plan_codes() if code.startswith(_PLANS[segment]) and code != "MCARE-MEDIGAP-001"]
    if segment not in _OF_STATES:
        return choice(draw("plan_code"), {f"{code} {NATIONAL}": 1.0 for code in plans})
    weights = settings.population.states
    sold = {f"{code} {state}": weights.get(state, 0.0) for code, state, _ in availability(settings) if code in plans}
    return choice(draw("plan_code"), sold)


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
