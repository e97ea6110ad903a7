"""Names by how often people bear them: Faker's weighted lists for the United States, read once on the driver."""

from __future__ import annotations

from functools import cache

from faker.providers.address.en_US import Provider as AddressProvider
from faker.providers.person.en_US import Provider as PersonProvider
from pyspark.sql import Column
from pyspark.sql import functions as F

from payerlake.sampling.distributions import choice, one_of


@cache
def first_names(sex: str) -> dict[str, float]:
    """First names of women (F), men (M), or both where no sex is told, with their weights."""
    women, men = dict(PersonProvider.first_names_female), dict(PersonProvider.first_names_male)
    if sex in ("F", "M"):
        return women if sex == "F" else men
    return {
        name: women.get(name, 0.0) / sum(women.values()) + men.get(name, 0.0) / sum(men.values())
        for name in {**women, **men}
    }


@cache
def last_names() -> dict[str, float]:
    """The 1,000 most frequent last names with their weights."""
    return dict(PersonProvider.last_names)


def street(number_draw: Column, name_draw: Column, suffix_draw: Column) -> Column:
    """House number, street name and suffix. Street names are last names, evenly drawn: `819 Johnson Course`."""
    return F.concat_ws(
        " ",
        one_of([str(number) for number in range(1, 10_000)], number_draw),
        one_of(list(last_names()), name_draw),
        one_of(list(AddressProvider.street_suffixes), suffix_draw),
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
