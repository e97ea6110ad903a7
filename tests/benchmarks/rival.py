"""The members' columns as a user of dbldatagen, the best-known Spark data generator, would write them."""

from __future__ import annotations

import dbldatagen as dg
from faker.providers.address.en_US import Provider as AddressProvider
from faker.providers.person.en_US import Provider as PersonProvider
from pyspark.sql import DataFrame, SparkSession

from payerlake.person.places import zips

_STATES = ("CA", "TX", "FL", "NY", "PA", "IL", "OH", "GA", "NC", "MI")


def rival_members(spark: SparkSession, rows: int, partitions: int) -> DataFrame:
    """Eleven columns of the same names and kinds; every value drawn alone, as dbldatagen has no households."""
    women, last_names = PersonProvider.first_names_female, PersonProvider.last_names
    cities = sorted({place.city for state in _STATES for place in zips(state)})[:2000]
    spec = (
        dg.DataGenerator(spark, name="members", rows=rows, partitions=partitions, randomSeed=42, random=True)
        .withColumn("member_number", "string", baseColumn="id", template=r"Mddddddd")
        .withColumn("first_name", "string", values=list(women), weights=_weights(women))
        .withColumn("last_name", "string", values=list(last_names), weights=_weights(last_names))
        .withColumn("date_of_birth", "date", begin="1928-01-01", end="2024-01-01", interval="1 day")
        .withColumn("gender", "string", values=["F", "M", "U"], weights=[505, 493, 2])
        .withColumn("street", "string", values=list(AddressProvider.street_suffixes), omit=True)
        .withColumn("number", "int", minValue=1, maxValue=9999, omit=True)
        .withColumn("address", "string", expr="concat_ws(' ', number, last_name, street)",
                    baseColumn=["number", "last_name", "street"])
        .withColumn("city", "string", values=cities)
        .withColumn("state", "string", values=list(_STATES), weights=[12, 9, 7, 6, 4, 4, 4, 3, 3, 3])
        .withColumn("zip_code", "string", template=r"ddddd")
        .withColumn("phone", "string", template=r"ddd-555-01dd")
        .withColumn("email", "string", expr="lower(concat(first_name, '.', last_name, number, '@example.com'))",
                    baseColumn=["first_name", "last_name", "number"])
    )  # fmt: skip
    return spec.build()


def _weights(names: dict[str, float]) -> list[int]:
    return [max(1, round(weight * 100_000)) for weight in names.values()]
