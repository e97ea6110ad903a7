"""The health of a person: size, lifestyle, conditions and when they were found, as functions of the member's key.

Everything that a member's rows, diagnoses and claims have to agree on stands here; each table computes what it needs
of it from the key. A person's conditions are the bits of one bigint, the condition of id k at bit k − 1.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, reduce

import numpy as np
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from payerlake.insurance.body import Bodies
from payerlake.insurance.lifestyle import RISK_TRAITS, Lifestyles
from payerlake.insurance.prevalence import (
    COMBINATIONS,
    PROFILES,
    RISK_BITS,
    Rates,
    bodies_of,
    lifestyles,
    prevalence,
)
from payerlake.insurance.settings import LATENT, SEXES, Comorbidity, InsuranceSettings, at_age
from payerlake.person.people import place_among
from payerlake.person.world import World, planned_once
from payerlake.sampling.distributions import (
    in_rows,
    integer,
    integer_at,
    number_at,
    piecewise_linear,
    place_in_rows,
    table_choice,
    with_normals,
)
from payerlake.sampling.frames import in_a_new_method
from payerlake.sampling.packing import bits_of, has_any

_AT_ONCE = 5  # conditions drawn together
_AGES = range(128)


class Health:
    """The health of the people of one world."""

    def __init__(self, world: World[InsuranceSettings]) -> None:
        self._settings: InsuranceSettings = world.settings
        self._world, self._draws, self._people = world, world.draws, world.people

    @cached_property
    def _lifestyles(self) -> Lifestyles:
        return lifestyles(self._settings)

    @cached_property
    def _bodies(self) -> Bodies:
        return bodies_of(self._settings)

    @cached_property
    def rates(self) -> Rates:
        """How likely each condition is for whom."""
        return prevalence(self._settings)

    # who

    @planned_once
    def people(self, keys: DataFrame) -> DataFrame:
        """keys: `id`. Adds `slot`, `birth_date`, `days` and whole years (`age`) of age at the reference date, `sex`,
        its position `s`, and `place` of age and sex in the tables of `by_age_and_sex`."""
        with_slot = keys.select("id", self._people.slot(F.col("id")).alias("slot"))
        as_of = F.lit(self._settings.population.as_of)
        with_birth = with_slot.select(
            "*",
            # Never null, which Spark cannot know: see `number_at`.
            F.coalesce(self._people.birth_date(F.col("id"), F.col("slot")), as_of).alias("birth_date"),
            self._people.sex(F.col("id"), F.col("slot")).alias("sex"),
        )
        # A population may know other sexes, such as U, not told.
        with_sex = with_birth.withColumn("sex", F.when(F.col("sex").isin(*SEXES), F.col("sex")).otherwise(SEXES[-1]))
        position = F.when(F.col("sex") == SEXES[0], 0).when(F.col("sex") == SEXES[1], 1).otherwise(2)
        with_days = with_sex.select("*", F.datediff(as_of, F.col("birth_date")).alias("days"), position.alias("s"))
        with_age = with_days.select("*", self._people.age(F.col("days")).alias("age"))
        return with_age.select("*", place_in_rows(F.col("age"), F.col("s"), len(SEXES)).alias("place"))

    def profiled(self, people: DataFrame, all_traits: bool = False) -> DataFrame:
        """Adds `height`, `weight`, the normals `z0`, `z1`, `z2` (… `z5`) behind the lifestyle, and what conditions
        depend on: `cell` of age, `smoker`, `drinker`, `housing_insecure`, `obese`, and all of it as `profile`."""
        key, sex, days = F.col("id"), F.col("s"), F.col("days")
        behind = {
            "tall": self._draws.uniform("members", "height", key),
            "heavy": self._draws.uniform("members", "weight", key),
            **self._lifestyles.uniforms(self._draws, key, len(LATENT) if all_traits else RISK_TRAITS),
        }
        normals = in_a_new_method(with_normals(people, **behind))
        tall, heavy = F.col("tall"), F.col("heavy")
        with_bulk = normals.select(
            "*",
            place_among(list(self.rates.cells), F.col("age")).alias("cell"),
            self._bodies.bulk(sex, days, tall, heavy).alias("bulk"),
        )
        with_size = with_bulk.select(
            "*",
            self._bodies.height(sex, days, tall).alias("height"),
            self._bodies.weight(sex, days, F.col("bulk")).alias("weight"),
            self.has_trait("smoker").alias("smoker"),
            self.has_trait("drinker").alias("drinker"),
            self.has_trait("housing").alias("housing_insecure"),
        )
        obese = self._bodies.obese(days, F.col("height"), F.col("weight"), heavy)
        with_risks = with_size.select("*", obese.alias("obese"))
        risks = [F.when(F.col(name), bit).otherwise(0) for name, bit in RISK_BITS.items()]
        profile = place_in_rows(sex, reduce(Column.bitwiseOR, risks), COMBINATIONS)
        return with_risks.select("*", place_in_rows(F.col("cell"), profile, PROFILES).alias("profile"))

    def has_trait(self, name: str) -> Column:
        """Whether a trait of the lifestyle is there, by the normals of the row."""
        threshold = self.by_age_and_sex(lambda age, sex: self._lifestyles.threshold(name, age, sex))
        return self._lifestyles.latent(name, _normals()) > threshold

    def latent(self, name: str) -> Column:
        """The standard normal behind a trait of the lifestyle, by the normals of the row."""
        return self._lifestyles.latent(name, _normals())

    def by_age(self, steps: dict[int, float]) -> Column:
        """The value (double) of steps at the person's age."""
        return number_at([at_age(steps, age) for age in _AGES], F.col("age"))

    def by_age_and_sex(self, value: Callable[[int, int], float]) -> Column:
        """A function (double) of age and position of the sex, at the person's."""
        return number_at(in_rows([[value(age, sex) for sex in range(len(SEXES))] for age in _AGES]), F.col("place"))

    # conditions

    def diagnosed(self, profiled: DataFrame) -> DataFrame:
        """Adds `own`, the conditions that people have of themselves, and `conditions`, with what comorbidity adds."""
        alike = sorted(range(len(self.rates.base)), key=self._what_matters)
        groups = [alike[start : start + _AT_ONCE] for start in range(0, len(alike), _AT_ONCE)]
        tables = [self._table(group) for group in groups]
        with_rows = profiled.select(
            "*", *[integer_at(rows, F.col("profile")).alias(f"row_{i}") for i, (rows, _) in enumerate(tables)]
        )
        with_bits = with_rows.select(
            *profiled.columns,
            *[
                self._drawn(F.col(f"row_{i}"), group, weights).alias(f"bits_{i}")
                for i, (group, (_, weights)) in enumerate(zip(groups, tables, strict=True))
            ],
        )
        own = reduce(Column.bitwiseOR, [F.col(f"bits_{i}") for i in range(len(groups))])
        with_own = with_bits.select(*profiled.columns, own.alias("own"))
        diagnosed = with_own.select("*", F.col("own").alias("conditions"))
        for target in dict.fromkeys(rule.adds for rule in self.rates.order):
            added = reduce(Column.__or__, [self._adds(r) for r, rule in self._rules_that_add(target)])
            bit = F.lit(self.bit(target)).cast("bigint")
            whole = F.when(added, F.col("conditions").bitwiseOR(bit)).otherwise(F.col("conditions"))
            diagnosed = diagnosed.select(*with_own.columns, whole.alias("conditions"))
        return diagnosed

    def has(self, *names: str) -> Column:
        """Whether the person has one of these conditions; those that the dataset does not have, nobody has."""
        mask = reduce(int.__or__, [self.bit(name) for name in names])
        return has_any(F.col("conditions"), mask) if mask else F.lit(False)

    def which(self, *names: str) -> Column:
        """The subset (int) of these conditions that the person has, as bits, the last name's the lowest."""
        bits = [
            F.shiftleft(F.shiftright("conditions", self._id(name) - 1).bitwiseAND(F.lit(1)).cast("int"), shift)
            for shift, name in enumerate(reversed(names))
        ]
        return reduce(Column.bitwiseOR, bits, F.lit(0))

    def bit(self, name: str) -> int:
        """The bit of a condition, 0 where the dataset does not have it."""
        position = self._settings.conditions.position(name)
        return 0 if position is None else bits_of([position])

    def _what_matters(self, i: int) -> tuple[bool, ...]:
        """Whether sex, obesity, smoking, drinking and housing make a difference to the condition."""
        rates = self.rates.base[i].reshape(-1, len(SEXES), 2, 2, 2, 2)
        return tuple(bool(np.ptp(rates, axis=axis).max() > 0) for axis in range(1, 6))

    def _table(self, group: list[int]) -> tuple[list[int], list[list[float]]]:
        """Rows of weights, of each subset of the conditions of the group, and which row each profile has.

        Profiles with the same rates share a row, so that the table stays in the processor's caches.
        """
        rates = self.rates.base[group].reshape(len(group), -1)
        has = np.array([[bool(subset >> k & 1) for k in range(len(group))] for subset in range(2 ** len(group))])
        chances = np.where(has[:, :, None], rates[None], 1 - rates[None]).prod(axis=1)
        weights, row = np.unique(chances.T, axis=0, return_inverse=True)
        return in_rows(row.reshape(-1, PROFILES).tolist()), weights.tolist()

    def _drawn(self, row: Column, group: list[int], weights: list[list[float]]) -> Column:
        """The bits of those conditions of the group that the person has: each with its own rate, independently.

        One draw for all subsets of the group. Fifty draws would be three times the work, and more code than a method
        may have.
        """
        masks = [bits_of(i for k, i in enumerate(group) if subset >> k & 1) for subset in range(2 ** len(group))]
        names = " + ".join(self._settings.conditions.used[i].name for i in group)
        u = self._draws.uniform("member_condition", "condition", F.col("id"), draw=names)
        return table_choice(u, row, weights, masks)

    # comorbidity

    def _rules_that_add(self, target: str) -> list[tuple[int, Comorbidity]]:
        return [(r, rule) for r, rule in enumerate(self.rates.order) if rule.adds == target]

    def _adds(self, r: int) -> Column:
        """Whether rule r adds its condition to this person."""
        rule = self.rates.order[r]
        mask = F.lit(reduce(int.__or__, [self.bit(name) for name in rule.given]))
        u = self._draws.uniform(
            "member_condition", "comorbidity", F.col("id"), draw=f"{' + '.join(rule.given)}: {rule.adds}"
        )
        probability = number_at([float(p) for p in self.rates.rules[r]], F.col("cell"))
        return (F.col("conditions").bitwiseAND(mask) == mask) & (u < probability)

    # when they were found

    def dated(self, diagnosed: DataFrame) -> DataFrame:
        """Adds, for `diagnostic_date`, a column of the date of each condition that rules are given or add: null for
        those who do not have it. What a rule adds is found after what it was given."""
        added = list(dict.fromkeys(rule.adds for rule in self.rates.order))
        given = dict.fromkeys(name for rule in self.rates.order for name in rule.given if name not in added)
        with_since = diagnosed.select("*", self._since_birth().alias("since_birth"))
        own = {name: F.when(self.has(name), self._own_date(F.lit(self._id(name)))) for name in given}
        dates = with_since.select("*", *[date.alias(self._date(name)) for name, date in own.items()])
        for target in added:
            dates = dates.select("*", F.when(self.has(target), self._date_of(target)).alias(self._date(target)))
        return dates

    def diagnostic_date(self) -> Column:
        """The date on which the condition of the row, in column `condition_id`, was found."""
        chosen = self._own_date(F.col("condition_id"))
        for target in dict.fromkeys(rule.adds for rule in self.rates.order):
            chosen = F.when(F.col("condition_id") == self._id(target), F.col(self._date(target))).otherwise(chosen)
        return chosen

    def _id(self, name: str) -> int:
        position = self._settings.conditions.position(name)
        assert position is not None
        return position + 1

    def _date(self, name: str) -> str:
        return f"date_{self._id(name)}"

    def _date_of(self, target: str) -> Column:
        """Of its own, or so many days after the latest that its rule was given; never after the reference date."""
        as_of = F.lit(self._settings.population.as_of)
        date = self._own_date(F.lit(self._id(target)))
        alone = ~has_any(F.col("own"), self.bit(target))
        for r, rule in reversed(self._rules_that_add(target)):
            given = [F.col(self._date(name)) for name in rule.given]
            latest = given[0] if len(given) == 1 else F.greatest(*given)
            delay = integer(self._draws.uniform("member_condition", "delay", F.col("id"), draw=target), *rule.days)
            after = F.least(F.date_add(latest, delay.cast("int")), as_of)
            date = F.when(alone & self._adds(r), after).otherwise(date)
        return date

    def _own_date(self, condition_id: Column) -> Column:
        """By how long ago conditions were found, given that it was after birth."""
        law, edges = self._found_ago
        u = self._draws.uniform("member_condition", "diagnostic_date", F.col("id"), condition_id.cast("int"))
        ago = piecewise_linear(u * F.col("since_birth"), list(law.values()), edges)
        days = F.least(F.floor(ago), F.col("days") - 1).cast("int")
        return F.date_sub(F.lit(self._settings.population.as_of), days)

    def _since_birth(self) -> Column:
        """The share of the diagnoses of people of any age that are no longer ago than this one's birth."""
        law, edges = self._found_ago
        below, result = 1.0, F.lit(1.0)
        for share, low, high in reversed(list(zip(law.values(), edges, edges[1:], strict=False))):
            below -= share
            inside = F.lit(below) + (F.col("days") - low) * (share / (high - low))
            result = F.when(F.col("days") < high, inside).otherwise(result)
        return result

    @property
    def _found_ago(self) -> tuple[dict[int, float], list[float]]:
        law = self._settings.conditions.diagnosed_years_ago
        return law, [0.0, *[float(self._settings.population.days_of_age(years)) for years in law]]


def _normals() -> list[Column]:
    return [F.col(f"z{i}") for i in range(len(LATENT))]
