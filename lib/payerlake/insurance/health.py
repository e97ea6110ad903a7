"""The health of a person: size, lifestyle, conditions and when they were found, as functions of the member's key.

Everything that a member's rows, diagnoses and claims have to agree on stands here; each table computes what it needs
of it from the key. A person's conditions are the bits of one bigint, the condition of id k at bit k − 1.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, reduce

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
from payerlake.insurance.settings import LATENT, SEXES, InsuranceSettings, at_age
from payerlake.person import health
from payerlake.person.conditions import condition_of, listed
from payerlake.person.coverage import spans
from payerlake.person.people import place_among
from payerlake.person.world import World, planned_once
from payerlake.sampling.distributions import (
    in_rows,
    integer,
    number_at,
    piecewise_linear,
    place_in_rows,
    with_normals,
)
from payerlake.sampling.frames import in_a_new_method
from payerlake.sampling.packing import bits_of, has_any

_AGES = range(128)
_OBESITY = "Obesity"  # of conf/reference/health.csv


class Health:
    """The health of the people of one world."""

    def __init__(self, world: World[InsuranceSettings]) -> None:
        self._settings: InsuranceSettings = world.settings
        self._world, self._draws, self._people = world, world.draws, world.people
        self._health = health.Health(world.settings)

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
        its position `s`, and `place` of age and sex in the tables of `by_age_and_sex`; of a population in common the
        days of all cover, `insured_from` and `insured_until`."""
        if self._health.is_in_common:
            cover = spans.in_common(self._world)
            keys = cover.whole(cover.of(keys)).select("id", "insured_from", "insured_until")
        with_slot = keys.select("*", self._people.slot(F.col("id")).alias("slot"))
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
        people = self._health.with_own(people) if self._health.is_in_common else people
        behind = {
            "tall": self._draws.uniform("members", "height", key),
            "heavy": self._heavy(),
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
        with_weight = self._weighed(with_size)
        obese = self._bodies.obese(days, F.col("height"), F.col("weight"), heavy)
        with_risks = with_weight.select("*", obese.alias("obese"))
        risks = [F.when(F.col(name), bit).otherwise(0) for name, bit in RISK_BITS.items()]
        profile = place_in_rows(sex, reduce(Column.bitwiseOR, risks), COMBINATIONS)
        return with_risks.select("*", place_in_rows(F.col("cell"), profile, PROFILES).alias("profile"))

    def _heavy(self) -> Column:
        """The uniform behind the weight. A child that has obesity whatever dataset asks is among the heaviest."""
        u = self._draws.uniform("members", "weight", F.col("id"))
        if not self._health.is_in_common:
            return u
        among = F.lit(1.0) - (F.lit(1.0) - u) * self._bodies.obese_share(0, 0)
        return F.when(self._health.has_own(_OBESITY), among).otherwise(u)

    def _weighed(self, sized: DataFrame) -> DataFrame:
        """With the `weight` of obesity for adults who have it whatever dataset asks."""
        if not self._health.is_in_common:
            return sized
        u = self._draws.uniform("members", "weight", F.col("id"))
        least = self._bodies.weight_of_obesity(F.col("days"), F.col("height"), u)
        weight = F.when(self._health.has_own(_OBESITY), F.greatest("weight", least)).otherwise(F.col("weight"))
        return sized.select(*[F.col(c) for c in sized.columns if c != "weight"], weight.alias("weight"))

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
        """Adds `conditions`, the bits (bigint) of what people have of themselves or by comorbidity."""
        known = (
            self._health.of_own(list(self._drawn.values())) if self._health.is_in_common else F.lit(0).cast("bigint")
        )
        diagnosed = profiled.select("*", known.alias("conditions"))
        for level in self.rates.levels:
            diagnosed = self._health.diagnosed(
                diagnosed, [(self._drawn[name], self._ways(name)) for name in level if not self._is_own(name)]
            )
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

    @property
    def own(self) -> list[str]:
        """The column that `profiled` adds where conditions are in common; what finds and dates them needs it."""
        return ["own"] if self._health.is_in_common else []

    def _is_own(self, name: str) -> bool:
        """Whether the person has the condition or not whatever dataset asks."""
        return self._health.is_in_common and self._drawn[name] in listed()

    @cached_property
    def _drawn(self) -> dict[str, str]:
        """By whose draw somebody has each condition."""
        return {condition.name: condition_of(condition.icd10) for condition in self._settings.conditions.used}

    def _ways(self, name: str) -> list[health.Way]:
        """To have it of oneself, by age, sex and risks, and by the rules that add it to those who have others."""
        position = list(self._drawn).index(name)
        of_oneself = number_at(in_rows(self.rates.base[position].tolist()), F.col("profile"))
        return [health.Way(position, of_oneself), *[self._way(position, r) for r in self._rules_that_add(name)]]

    def _rules_that_add(self, target: str) -> list[int]:
        return [r for r, rule in enumerate(self.rates.order) if rule.adds == target]

    def _way(self, position: int, r: int) -> health.Way:
        rule = self.rates.order[r]
        mask = F.lit(reduce(int.__or__, [self.bit(name) for name in rule.given]))
        probability = number_at(self.rates.rules[r].tolist(), F.col("cell"))
        has_all = F.col("conditions").bitwiseAND(mask) == mask
        return health.Way(position, probability, has_all)

    # when they were found

    def dated(self, diagnosed: DataFrame) -> DataFrame:
        """Adds, for `diagnostic_date`, a column of the date of each condition that rules are given or add: null for
        those who do not have it. What a rule adds is found after what it was given."""
        added = self._added
        rules = [rule for rule in self.rates.order if rule.adds in added]
        given = dict.fromkeys(name for rule in rules for name in rule.given if name not in added)
        with_since = diagnosed.select("*", self._since_birth().alias("since_birth"))
        own = {name: F.when(self.has(name), self._own_date(name)) for name in given}
        dates = with_since.select("*", *[date.alias(self._date(name)) for name, date in own.items()])
        for target in added:
            dates = dates.select("*", F.when(self.has(target), self._date_of(target)).alias(self._date(target)))
        return dates

    def diagnostic_date(self) -> Column:
        """The date on which the condition of the row, in column `condition_id`, was found."""
        drawn, place = list(self._drawn.values()), F.col("condition_id").cast("int") - 1
        chosen = self._found(self._health.earliness_of(drawn, place))
        own = [i + 1 for i, name in enumerate(self._drawn) if self._is_own(name)]
        if own:
            chosen = F.when(F.col("condition_id").isin(own), self._health.found_own(drawn, place)).otherwise(chosen)
        for target in self._added:
            chosen = F.when(F.col("condition_id") == self._id(target), F.col(self._date(target))).otherwise(chosen)
        return chosen

    @cached_property
    def _added(self) -> list[str]:
        """The conditions that rules add, in the order of their dependence."""
        return [name for name in dict.fromkeys(rule.adds for rule in self.rates.order) if not self._is_own(name)]

    def _id(self, name: str) -> int:
        position = self._settings.conditions.position(name)
        assert position is not None
        return position + 1

    def _date(self, name: str) -> str:
        return f"date_{self._id(name)}"

    def _date_of(self, target: str) -> Column:
        """Of its own, or so many days after the latest that its rule was given; never after the reference date."""
        as_of = F.lit(self._settings.population.as_of)
        of_itself, *by_rules = self._health.leads(self._drawn[target], self._ways(target))
        date = F.when(of_itself, self._own_date(target))
        for leads, r in zip(by_rules, self._rules_that_add(target), strict=True):
            rule = self.rates.order[r]
            given = [F.col(self._date(name)) for name in rule.given]
            latest = given[0] if len(given) == 1 else F.greatest(*given)
            delay = integer(self._draws.uniform("member_condition", "delay", F.col("id"), draw=target), *rule.days)
            date = date.when(leads, F.least(F.date_add(latest, delay.cast("int")), as_of))
        return date

    def _own_date(self, name: str) -> Column:
        if self._is_own(name):
            return self._health.found_own([self._drawn[name]], F.lit(0))
        return self._found(self._health.earliness(self._drawn[name]))

    def _found(self, earliness: Column) -> Column:
        """By how long ago conditions were found, given that it was after birth."""
        law, edges = self._found_ago
        ago = piecewise_linear(earliness * F.col("since_birth"), list(law.values()), edges)
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
