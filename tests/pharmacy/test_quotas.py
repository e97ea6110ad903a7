"""Quotas: settings that the catalogue can fill do, and all others are refused before anything is made."""

from __future__ import annotations

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

import payerlake
from payerlake.contract import settings
from payerlake.errors import BadInput
from payerlake.pharmacy.quotas import examine
from payerlake.pharmacy.settings import PharmacySettings
from payerlake.publish import orders

TABLES = ("formularies", "formulary_drugs")


def settings_of(*options: str) -> PharmacySettings:
    return settings.load(PharmacySettings, options=dict(settings.set_option(PharmacySettings, o) for o in options))


def types(name: str, **changed: object) -> tuple[str, ...]:
    return tuple(f"formularies.types.{name}.{setting}={value}" for setting, value in changed.items())


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("seed=7",),
        ("drugs.ndcs=20000",),
        ("formularies.protected_rate=1.0",),
        types("ENHANCED", brands=[0, 743]) + types("ENHANCED", drugs=[3000, 3300]),
        types("SPECIALTY", drugs=[450, 450]),
        types("SPECIALTY", share=0.0, drugs=[0, 0]) + types("STANDARD", share=0.5),
        ("formularies.protected_rate=0.0", *types("BASIC", specialty_rate=0.0)),
    ],
)
def test_settings_that_the_catalogue_can_fill_are_taken(options: tuple[str, ...]) -> None:
    examine(settings_of(*options))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        # A Medicare formulary lists 91 of the 98 protected brands, and at most the 652 others.
        (
            types("BASIC", brands=[0, 744]),
            r"types\.BASIC\.brands is \[0, 744\]: .*; give \[FROM, TO\] with TO at most 743",
        ),
        (types("SPECIALTY", drugs=[449, 1500]), r"types\.SPECIALTY\.drugs is \[449, 1500\]: .* FROM at least 450"),
        (
            types("BASIC", specialty_rate=0.1),
            r"types\.BASIC\.specialty_rate is 0\.1: .* 7 specialty .* from 0\.127 to 1,",
        ),
        (
            types("BASIC", generic_rate=0.1),
            r"types\.BASIC\.generic_rate is 0\.1: .* 244 generics .* from 0\.121 to 0\.989",
        ),
        (types("ENHANCED", generic_rate=1.0, drugs=[3000, 3000]), r"generic_rate is 1\.0: .* 2440 generics"),
        (("drugs.brand=75", "drugs.generic=244", "drugs.specialty=7"), r"types\.STANDARD\.brands is \[0, 98\]"),
    ],
)
def test_settings_that_it_cannot_fill_are_refused_with_what_is_allowed(options: tuple[str, ...], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        examine(settings_of(*options))


@pytest.mark.parametrize("table", ["plans", *TABLES])
def test_they_are_refused_before_spark_starts_whatever_is_made(table: str) -> None:
    wrong = {"formularies.types.BASIC.brands": [0, 900]}
    with pytest.raises(BadInput, match=r"give .* at most 743"):
        orders.order("pharmacy", [table], options=wrong)


def test_more_ndcs_than_package_codes_are_refused_before_spark_starts() -> None:
    wrong = {"drugs.ndcs": 400_000}
    with pytest.raises(BadInput, match=r"drugs\.ndcs is 400,000: .* up to 123 NDCs, and there are 99 package codes"):
        orders.order("pharmacy", ["drugs"], options=wrong)


@pytest.mark.parametrize(
    "options",
    [
        # As many brands and as few generics as there is room for.
        {"formularies.count": 20, "formularies.types.ENHANCED": {"brands": [743, 743], "drugs": [1081, 1081]}},
        # Three specialty drugs, none in a protected class: a stratum is empty.
        {"formularies": {"count": 20}, "drugs": {"specialty": 3}},
    ],
)
def test_at_the_limits_every_formulary_lists_its_drugs_once(spark: SparkSession, options: dict[str, object]) -> None:
    made = payerlake.tables(spark, "pharmacy", TABLES, **options)
    lines = (
        made["formulary_drugs"]
        .groupBy("formulary_code")
        .agg(F.count("*").alias("lines"), F.count_distinct("ndc_code").alias("drugs"))
    )
    found = made["formularies"].join(lines, "formulary_code", "left")
    rows = found.select("drug_count", "lines", "drugs", "formulary_type").collect()
    assert len(rows) == 20
    assert all(row["drug_count"] == row["lines"] == row["drugs"] for row in rows)


def test_twenty_thousand_ndcs_are_unique_and_well_formed(spark: SparkSession) -> None:
    ndcs = payerlake.tables(spark, "pharmacy", ["drugs"], drugs={"ndcs": 20_000})["drugs"].select("ndc_code")
    well_formed = ndcs.where(F.col("ndc_code").rlike(r"^99\d{3}-\d{4}-\d{2}$"))
    assert (well_formed.count(), well_formed.distinct().count()) == (20_000, 20_000)
