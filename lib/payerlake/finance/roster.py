"""The patients as functions of their keys: who they are, what they have, who pays, and whose panel they are on.

Every table begins with it, and joins nothing. Money is in whole cents.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from payerlake.finance.catalogue import SEXES
from payerlake.finance.clinics import Clinics
from payerlake.finance.columns import place_of
from payerlake.finance.morbidity import morbidity
from payerlake.finance.payers import payers
from payerlake.finance.risk import RiskModel
from payerlake.finance.settings import FinanceSettings, Risk
from payerlake.person.coverage import spans
from payerlake.person.people import place_among
from payerlake.person.world import World, planned_once
from payerlake.sampling.distributions import integer_at
from payerlake.sampling.frames import filtered, in_a_new_method
from payerlake.sampling.identifiers import hexadecimal, numbered

_ADULT = 18  # the age from which the demographic score counts the years
_ROUNDS = ("first", "second", "third", "fourth")  # of mixing a key into a member id


class Roster:
    """The patients of one world."""

    def __init__(self, world: World[FinanceSettings]) -> None:
        self._world, self._people, self._draws = world, world.people, world.draws
        self._settings: FinanceSettings = world.settings
        self.clinics, self.payers = Clinics(world), payers(self._settings)
        self.morbidity = morbidity(self._settings)
        self._member_streams = [self._draws.stream("patients", "member_id", draw=name) for name in _ROUNDS]

    @planned_once
    def patients(self, keys: DataFrame) -> DataFrame:
        """Adds `age` (int), `sex`, `cell` (of both, int), `product` and `plan` (positions of product and plan, int),
        `conditions` (bits, bigint), `raf` (blended and bounded risk score in hundredths, int), and where the patient is
        when, as `Clinics.with_panel` has it."""
        key, in_common = F.col("id"), self._settings.population.in_common
        if in_common:
            coverage = spans.in_common(self._world)
            covered = coverage.on(coverage.of(keys), self._settings.population.as_of)
            keys = covered.select(*keys.columns, F.col("line_of_business").alias("line"))
        with_slot = keys.select("*", self._people.slot(key).alias("slot"))
        days = F.datediff(F.lit(self._settings.population.as_of), self._people.birth_date(key, F.col("slot")))
        with_birth = with_slot.select(
            *keys.columns,
            F.coalesce(days, F.lit(0)).alias("_days"),
            self._people.sex(key, F.col("slot")).alias("sex"),
            self._people.last_name(key, F.col("slot")).alias("last_name"),
        )
        with_age = with_birth.select(*keys.columns, "sex", "last_name", self._people.age(F.col("_days")).alias("age"))
        u = self._draws.uniform("patients", "health_plan", key)
        if in_common:
            with_age = filtered(with_age, F.col("age").between(*self._settings.ages))
            product = self.payers.product_of(u, F.col("line"))
        else:
            product = self.payers.product(u, F.col("age"))
        with_payer = with_age.select(
            "*", self.morbidity.cell(F.col("age"), F.col("sex")).alias("cell"), product.alias("product")
        ).select("*", self.payers.plan(F.col("product")).alias("plan"))
        return in_a_new_method(self.clinics.with_panel(self._scored(with_payer)))

    def _scored(self, patients: DataFrame) -> DataFrame:
        diagnosed = self.morbidity.diagnosed(in_a_new_method(patients))
        scored = RiskModel(self.morbidity.chronic).scored(diagnosed)
        risk = self._settings.risk
        low, high = (F.lit(round(bound * 100)) for bound in (risk.low, risk.high))
        hundredths = F.floor(_blended(risk) + 0.5).cast("int")
        return scored.select(*diagnosed.columns, F.least(F.greatest(hundredths, low), high).alias("raf"))

    # what the rows say of a patient

    @planned_once
    def labelled(self, patients: DataFrame) -> DataFrame:
        """Adds, once a patient, what each of the patient's rows repeats: `patient_id`, `name`, `member_id`,
        `health_plan`, `product_code`, `clinic`, and the names of `own_provider` and `next_provider`."""
        own, next_ = F.col("own_provider"), F.col("next_provider")
        with_labels = patients.select(
            "*",
            numbered("PAT", F.col("id") + 1).alias("patient_id"),
            F.concat(self._people.first_name(F.col("id"), F.col("sex")), F.lit(" "), F.col("last_name")).alias("name"),
            hexadecimal(F.col("id"), self._member_streams).alias("member_id"),
            self.payers.plan_name(F.col("product")).alias("health_plan"),
            self.payers.product_code(F.col("product")).alias("product_code"),
            self.clinics.clinic_name(own).alias("clinic"),
            self.clinics.provider_name(own).alias("own_name"),
            F.when(F.col("changed_month") < self._settings.months_back, self.clinics.provider_name(next_)).alias(
                "next_name"
            ),
        )
        return in_a_new_method(with_labels)

    # capitation

    def is_capitated(self) -> Column:
        return (F.col("plan") != self.payers.self_pay) & (self.payers.capitation(F.col("plan")) > 0)

    def rate(self) -> Column:
        """What the plan pays a month at a risk score of 1 (double, cents); Self Pay 0."""
        rates = self._settings.capitation.rates
        by_sex = [round(getattr(of_age, sex) * 100) for of_age in rates.values() for sex in SEXES]
        of_person = integer_at(by_sex, place_of(place_among(list(rates), F.col("age")), F.col("sex")))
        return of_person * self._settings.capitation.level * self.payers.capitation(F.col("plan"))


def _blended(risk: Risk) -> Column:
    """The model's `score`, normalized, and the score of `age`, each by its weight (double, hundredths)."""
    of_age, weight = risk.demographic, risk.demographic.weight
    demographic = F.lit(of_age.at_18 * 100) + (F.col("age") - _ADULT) * (of_age.a_year * 100)
    return F.col("score") / (risk.normalization * 10) * (1 - weight) + demographic * weight
