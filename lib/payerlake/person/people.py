"""The person: household, rank in age, sex, birth date, name, address, phone, e-mail, as functions of a member's key.

Every dataset's members come from here, with the population settings of its own. A person's draws belong to the person
(streams of `people`), not to a dataset: two datasets with the same population settings and seed hold the same person
under the same key; with other age shares still the same name, household and rank in age.

A key is a bigint from 0. All functions are pure column expressions; what belongs to a household is a function of its
head's key, which `household(key)` gives.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from pyspark.sql import Column
from pyspark.sql import functions as F

from payerlake.contract.settings import DatasetSettings, solved_once
from payerlake.person import households, names
from payerlake.person.households import BLOCK, PATTERNS, ROLES, SLOT
from payerlake.person.places import Places
from payerlake.sampling import identifiers
from payerlake.sampling.distributions import (
    bernoulli,
    choice_index,
    constant_array,
    integer_at,
    number_at,
    ordered_choice,
    piecewise_linear,
    string_at,
)
from payerlake.sampling.draws import Draws

_AGES = range(128)

PERSON = "person"  # whose streams are, whatever dataset asks

OWN_NAME_SHARE = 0.20  # of spouses; Pew Research Center 2023: 79 % of women married to men took their husband's name


@solved_once("population", "seed")
def household_patterns(settings: DatasetSettings) -> list[list[households.Slot]]:
    """The household patterns of these people; made once for each population and seed.

    Raises BadInput where its roles and ages form no households.
    """
    draws = Draws(settings.seed, PERSON)
    return households.patterns(settings.population.households, draws.on_driver("people", "households"))


@solved_once("population")
def homes(settings: DatasetSettings) -> Places:
    """Where these people live. Raises BadInput where its ZIP codes are not those of its states."""
    return Places(list(settings.population.states), settings.population.zip_codes)


def solve(settings: DatasetSettings) -> None:
    """All that is worked out of these people before Spark starts. Raises BadInput for a population that cannot be."""
    household_patterns(settings)
    homes(settings)


class People:
    """The people of one population and seed, whatever dataset's settings have them."""

    def __init__(self, settings: DatasetSettings) -> None:
        self.population = settings.population
        self._settings, self._draws = settings, Draws(settings.seed, PERSON)

    @cached_property
    def _packed_slots(self) -> list[int]:
        return [slot.packed() for pattern in household_patterns(self._settings) for slot in pattern]

    # household and role

    def slot(self, key: Column) -> Column:
        """The person's packed place in the pattern of its block: what the functions below read from."""
        block = F.floor(key / BLOCK)
        pattern = F.floor(self._uniform("pattern", block) * PATTERNS)
        return F.get(constant_array(self._packed_slots, "int"), (pattern * BLOCK + key % BLOCK).cast("int"))

    def household(self, key: Column, slot: Column | None = None) -> Column:
        """The key of the head of this person's household: the household's own key."""
        return key - SLOT.unpack("offset", self.slot(key) if slot is None else slot)

    def household_size(self, slot: Column) -> Column:
        """How many people (int) the person's household has."""
        return SLOT.unpack("size", slot)

    def has_spouse(self, slot: Column) -> Column:
        """Whether the person's household has a head and a spouse; the spouse's key follows the head's."""
        return SLOT.unpack("has_spouse", slot) == 1

    def role(self, slot: Column) -> Column:
        """SELF (head of household), SPOUSE or DEPENDENT."""
        position = SLOT.unpack("role", slot)
        return F.when(position == 0, ROLES[0]).when(position == 1, ROLES[1]).otherwise(ROLES[2])

    def age_rank(self, key: Column, slot: Column) -> Column:
        """The share of people (double) who are younger than this person."""
        return (SLOT.unpack("stratum", slot) + self._uniform("age", key)) / BLOCK

    # the person

    def birth_date(self, key: Column, slot: Column) -> Column:
        """The birth date: the person's rank read in the population's ages at its `as_of`."""
        shares = list(self.population.age_bands.values())
        days = piecewise_linear(self.age_rank(key, slot), shares, self.population.age_edges_in_days)
        return F.date_sub(F.lit(self.population.as_of), F.floor(days).cast("int"))

    def age(self, days: Column) -> Column:
        """Whole years (int) of so many days of age at the population's `as_of`.

        No year has more than 366 days, and so many of them fall short by one at most.
        """
        least = F.floor(days * (1 / 366)).cast("int")
        birthdays = [float(self.population.days_of_age(age + 1)) for age in _AGES]
        return least + F.when(days >= number_at(birthdays, least), 1).otherwise(0)

    def sex(self, key: Column, slot: Column) -> Column:
        """The sex, by the population's shares. A spouse's draw is the head's, half a turn further: the shares hold,
        and nearly every couple is of two sexes."""
        spouse = _is_spouse(slot)
        u = self._uniform("sex", F.when(spouse, key - 1).otherwise(key))
        half_turn = F.when(u < 0.5, u + 0.5).otherwise(u - 0.5)
        return ordered_choice(F.when(spouse, half_turn).otherwise(u), self.population.sex)

    def first_name(self, key: Column, sex: Column) -> Column:
        """A first name that fits the sex."""
        return names.first_name(self._uniform("first_name", key), sex)

    def last_name(self, key: Column, slot: Column) -> Column:
        """The household's last name; some spouses keep their own."""
        own = _is_spouse(slot) & bernoulli(self._uniform("own_name", key), OWN_NAME_SHARE)
        named_by = F.when(own, key).otherwise(self.household(key, slot))
        return names.last_name(self._uniform("last_name", named_by))

    def phone(self, key: Column, area_code: Column) -> Column:
        """A fictional number in this area code."""
        return identifiers.phone(area_code, self._uniform("phone", key))

    def email(self, key: Column, first_name: Column, last_name: Column) -> Column:
        """An address of this name under a reserved domain."""
        return identifiers.email(first_name, last_name, self._uniform("email", key))

    # the home, by the household's key

    def state_index(self, household: Column) -> Column:
        """The position (int) of the household's state in the population's list of states."""
        return choice_index(self._uniform("state", household), list(self.population.states.values()))

    def state(self, household: Column) -> Column:
        """The state's postal code."""
        return self.state_at(self.state_index(household))

    def state_at(self, state_index: Column) -> Column:
        """The postal code of the state at a position in the population's list."""
        return string_at(self.population.states, state_index)

    def home(self, household: Column) -> Column:
        """The record of the household's ZIP code, which `places.field` reads."""
        return homes(self._settings).record(self._uniform("zip", household), self.state_index(household))

    def street(self, household: Column) -> Column:
        """House number and street."""
        return names.street(*(self._uniform("street", household, draw) for draw in ("number", "name", "suffix")))

    def _uniform(self, column: str, key: Column, draw: str = "") -> Column:
        return self._draws.uniform("people", column, key, draw=draw)


def place_among(ages: Sequence[int], age: Column) -> Column:
    """The position (int) of the last of these rising ages that somebody of this age has reached, else of the first."""
    return integer_at([max((i for i, first in enumerate(ages) if first <= year), default=0) for year in _AGES], age)


def _is_spouse(slot: Column) -> Column:
    return SLOT.unpack("role", slot) == ROLES.index("SPOUSE")
