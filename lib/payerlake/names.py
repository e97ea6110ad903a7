"""Names by how often people bear them: Faker's weighted lists for the United States, read once on the driver."""

from __future__ import annotations

from functools import cache

from faker.providers.address.en_US import Provider as AddressProvider
from faker.providers.person.en_US import Provider as PersonProvider
from pyspark.sql import Column
from pyspark.sql import functions as F

from payerlake.distributions import choice, constant_array, integer


@cache
def first_names(sex: str) -> dict[str, float]:
    """First names of women (F), men (M), or both where no sex is told, with their weights."""
    women, men = dict(PersonProvider.first_names_female), dict(PersonProvider.first_names_male)
    if sex in ("F", "M"):
        return women if sex == "F" else men
    return {name: women.get(name, 0.0) / sum(women.values()) + men.get(name, 0.0) / sum(men.values())
            for name in {**women, **men}}  # fmt: skip


@cache
def last_names() -> dict[str, float]:
    """The 1,000 most frequent last names with their weights."""
    return dict(PersonProvider.last_names)


def street(number_draw: Column, name_draw: Column, suffix_draw: Column) -> Column:
    """House number, street name and suffix. Street names are last names, evenly drawn: `819 Johnson Course`."""
    names, suffixes = list(last_names()), list(AddressProvider.street_suffixes)
    return F.concat_ws(
        " ",
        integer(number_draw, 1, 9999).cast("string"),
        _evenly(name_draw, names),
        _evenly(suffix_draw, suffixes),
    )


def first_name(u: Column, sex: Column) -> Column:
    """A first name that fits the sex; any first name for a sex other than F and M."""
    return (
        F.when(sex == "F", choice(u, first_names("F")))
        .when(sex == "M", choice(u, first_names("M")))
        .otherwise(choice(u, first_names("")))
    )


def last_name(u: Column) -> Column:
    """A last name by its frequency."""
    return choice(u, last_names())


def _evenly(u: Column, values: list[str]) -> Column:
    return F.get(constant_array(values, "string"), integer(u, 0, len(values) - 1).cast("int"))
