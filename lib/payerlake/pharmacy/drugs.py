"""drugs: the drug products that formularies list, of real ingredients, with invented NDCs."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from payerlake.contract.schema import Column, Table
from payerlake.errors import BadInput
from payerlake.person.world import World
from payerlake.pharmacy.catalogue import (
    BRAND_MANUFACTURERS,
    CATEGORY_SHARES,
    FORM_ROUTE_SHARES,
    GENERIC_MANUFACTURERS,
    PACKAGE_SIZES,
    Product,
    ndc_counts,
    products,
)
from payerlake.pharmacy.settings import DrugCounts, PharmacySettings
from payerlake.sampling.distributions import bernoulli, integer
from payerlake.sampling.draws import Draws
from payerlake.sampling.frames import listed
from payerlake.sampling.numbers import exact

NDC = r"^\d{5}-\d{4}-\d{2}$"
MANUFACTURERS = BRAND_MANUFACTURERS + GENERIC_MANUFACTURERS
FORMS = tuple(dict.fromkeys(form for form, _ in FORM_ROUTE_SHARES))
ROUTES = tuple(dict.fromkeys(route for _, route in FORM_ROUTE_SHARES))
SCHEDULES = ("II", "III", "IV", "V")
LAST_YEAR = 2024

_FIRST_LABELER = 99_001  # the FDA hands labeler codes out in rising order and is far from these
_STRIDE, _CODES = 7_919, 10_000  # coprime: product codes are scattered, one to one
_PACKAGES = 99  # package codes, from 01
_ACTIVE = 0.98
# First year of approval, AWP in cents from … to, WAC and MAC as percent of AWP (0: none): drug data document.
_TERMS = {
    "generic": (1980, 10, 5_000, 85, 70),
    "brand": (1990, 1_000, 50_000, 82, 0),
    "specialty": (2010, 100_000, 1_000_000, 80, 0),
}
_FIELDS = (
    "product int, variant int, ndc_code string, drug_name string, generic_name string, strength string, "
    "dosage_form string, route string, manufacturer string, drug_class string, therapeutic_category string, "
    "type string, dea_schedule string, package_size int, first_year int, last_year int, "
    "awp_low int, awp_high int, wac_percent int, mac_percent int"
)


@cache
def catalogue(counts: DrugCounts, seed: int) -> tuple[Product, ...]:
    """The products of these settings, whose position is what formularies draw from."""
    return products(
        {name: getattr(counts, name) for name in ("generic", "brand", "specialty")},
        Draws(seed, PharmacySettings.dataset),
    )


def examine(settings: PharmacySettings) -> None:
    """Raises BadInput for products that the ingredients cannot give, and for more than NDCs have codes for."""
    made = catalogue(settings.drugs, settings.seed)
    if len(made) > _CODES:
        raise BadInput(
            f"drugs: {len(made):,} products are more than the {_CODES:,} product codes of the form 5-4-2; "
            "lower generic, brand or specialty"
        )
    most = max(ndc_counts(made, settings.drugs.ndcs))
    if most > _PACKAGES:
        raise BadInput(
            f"drugs.ndcs is {settings.drugs.ndcs:,}: that gives a product up to {most:,} NDCs, and there are "
            f"{_PACKAGES} package codes; give fewer NDCs, or more products"
        )


def ndc(product: int, manufacturer: str, variant: int) -> str:
    """The 5-4-2 code of a product's variant, from 0: labeler, product, package. No labeler of that code exists."""
    labeler = _FIRST_LABELER + MANUFACTURERS.index(manufacturer)
    return f"{labeler:05d}-{product * _STRIDE % _CODES:04d}-{variant + 1:02d}"


def drugs(world: World[PharmacySettings]) -> DataFrame:
    """One row per NDC; key ndc_code. A product's first NDC, package code 01, is the one that formularies list.

    Counts: the settings' `drugs`. Ingredients, classes, strengths and schedules: `conf/reference/drug_ingredients.csv`,
    which names its sources. Prices, in USD a package, and approval windows: drug data document.
    """
    ndcs = listed(world.spark, _rows(world), _FIELDS)
    key = (F.col("product"), F.col("variant"))

    def draw(column: str) -> SparkColumn:
        return world.draws.uniform("drugs", column, *key)

    first, last = F.make_date("first_year", F.lit(1), F.lit(1)), F.make_date("last_year", F.lit(12), F.lit(31))
    priced = ndcs.select(
        "*",
        integer(draw("awp_price"), F.col("awp_low"), F.col("awp_high")).alias("awp"),
        F.date_add(first, integer(draw("fda_approval_date"), F.lit(0), F.datediff(last, first)).cast("int")).alias(
            "approved"
        ),
    )
    awp, is_generic = F.col("awp"), F.col("type") == "generic"
    values = {
        "is_generic": is_generic,
        "is_brand": ~is_generic,
        "is_specialty": F.col("type") == "specialty",
        "is_controlled": F.col("dea_schedule").isNotNull(),
        "awp_price": exact(awp, 10, 2),
        "wac_price": exact(_percent(awp, F.col("wac_percent")), 10, 2),
        "mac_price": F.when(is_generic, exact(_percent(awp, F.col("mac_percent")), 10, 2)),
        "package_unit": F.when(F.col("dosage_form").isin("TABLET", "CAPSULE"), "EA").otherwise("ML"),
        "fda_approval_date": F.col("approved"),
        "is_active": bernoulli(draw("is_active"), _ACTIVE),
    }
    return priced.select(*(values.get(c.name, F.col(c.name)).cast(c.spark_type).alias(c.name) for c in TABLE.columns))


def _rows(world: World[PharmacySettings]) -> Iterator[tuple[object, ...]]:
    """What is known of each NDC before anything is drawn, in the order of _FIELDS."""
    made = catalogue(world.settings.drugs, world.settings.seed)
    for product, (item, variants) in enumerate(zip(made, ndc_counts(made, world.settings.drugs.ndcs), strict=True)):
        opened, *prices = _TERMS[item.type]
        is_dated = opened <= item.first_year <= LAST_YEAR and item.type != "generic"
        first_year = max(opened, min(item.first_year, LAST_YEAR))
        name = item.brand_name or item.generic_name.capitalize()
        for variant in range(variants):
            manufacturer, package_size = _variant(item, variant)
            yield (
                product, variant, ndc(product, manufacturer, variant), name, item.generic_name, item.strength,
                item.dosage_form, item.route, manufacturer, item.drug_class, item.therapeutic_category,
                item.type, item.dea_schedule, package_size, first_year,
                first_year if is_dated else LAST_YEAR, *prices,
            )  # fmt: skip  # in the lines of _FIELDS


def _variant(item: Product, variant: int) -> tuple[str, int]:
    """Labeler and package size: a generic's variants are of other labelers, a brand's other packages of its owner."""
    if item.type == "generic":
        start = GENERIC_MANUFACTURERS.index(item.manufacturer)
        return GENERIC_MANUFACTURERS[(start + variant) % len(GENERIC_MANUFACTURERS)], item.package_size
    sizes = PACKAGE_SIZES[item.dosage_form]
    return item.manufacturer, sizes[(sizes.index(item.package_size) + variant) % len(sizes)]


def _percent(cents: SparkColumn, percent: SparkColumn) -> SparkColumn:
    """So many percent of the cents, rounded to the nearest cent, half down."""
    return F.floor((cents * percent + 49) / 100)


TABLE = Table(
    dataset="pharmacy",
    name="drugs",
    grain="One row per NDC: a product of one labeler in one package",
    key=("ndc_code",),
    csv_stem="us_pharmacy_drugs",
    documented_rows="3,261",
    build=drugs,
    rules={
        "generic_or_brand": "is_generic <> is_brand",
        "specialty_is_brand": "NOT is_specialty OR is_brand",
        "controlled_has_schedule": "is_controlled = (dea_schedule IS NOT NULL)",
        "only_generics_have_mac": "is_generic = (mac_price IS NOT NULL)",
        "wac_below_awp": "wac_price < awp_price",
        "mac_below_wac": "mac_price IS NULL OR mac_price < wac_price",
        "generic_has_generic_name": "is_brand OR lower(drug_name) = generic_name",
    },
    columns=(
        Column("ndc_code", "varchar(14)", "National Drug Code 5-4-2, of a labeler that does not exist", pattern=NDC),
        Column("drug_name", "varchar(200)", "Brand name, or the generic name with a capital"),
        Column("generic_name", "varchar(200)", "Active ingredient or combination, lower case"),
        Column("strength", "varchar(50)", "Strength of the ingredient in this form"),
        Column("dosage_form", "varchar(50)", "Dosage form", domain=FORMS),
        Column("route", "varchar(50)", "Route of administration", domain=ROUTES),
        Column("manufacturer", "varchar(100)", "Manufacturer or labeler", domain=MANUFACTURERS),
        Column("drug_class", "varchar(100)", "Pharmacologic class"),
        Column("therapeutic_category", "varchar(100)", "Therapeutic category", domain=tuple(CATEGORY_SHARES)),
        Column("is_generic", "boolean", "Whether it is a generic"),
        Column("is_brand", "boolean", "Whether it is a brand, specialty brands included"),
        Column("is_specialty", "boolean", "Whether it is a high-cost drug that specialty pharmacies dispense"),
        Column("is_controlled", "boolean", "Whether it is a controlled substance"),
        Column("dea_schedule", "varchar(5)", "DEA schedule of a controlled one", nullable=True, domain=SCHEDULES),
        Column("awp_price", "decimal(10,2)", "Average wholesale price of a package", low=0, unit="USD"),
        Column("wac_price", "decimal(10,2)", "Wholesale acquisition cost of a package", low=0, unit="USD"),
        Column(
            "mac_price",
            "decimal(10,2)",
            "Maximum allowable cost of a package of a generic",
            nullable=True,
            low=0,
            unit="USD",
        ),
        Column("package_size", "int", "Package units in a package", low=1, high=500),
        Column("package_unit", "varchar(20)", "EA each, ML millilitre or other measure", domain=("EA", "ML")),
        Column("fda_approval_date", "date", "Day of approval by the FDA"),
        Column("is_active", "boolean", "Whether it is still marketed"),
    ),
)
