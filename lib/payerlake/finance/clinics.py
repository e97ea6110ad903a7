"""Clinics, their providers, and whose patient is on whose panel in which month: by arithmetic, from the patient's key.

Patients of consecutive keys are those of one provider, and providers in a row those of one clinic. Of a provider's
patients, up to the panel's variation come or go within the months: they join later, leave early, or change to the
clinic's next provider. So a panel has never more or fewer than the variation allows.
"""

from __future__ import annotations

import calendar
import datetime
import math

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from payerlake.finance.settings import CHANGE_PROVIDER, JOIN, LEAVE, FinanceSettings
from payerlake.person import names
from payerlake.person.world import World
from payerlake.sampling.distributions import date_at, integer, integer_at, ordered_choice, string_at

_NAME_STEP = 619  # prime to the number of last names: providers of a clinic have different ones


class Clinics:
    """The clinics of one world."""

    def __init__(self, world: World[FinanceSettings]) -> None:
        self._draws = world.draws
        self._settings: FinanceSettings = world.settings

    # providers: numbered from 0 over all clinics

    @property
    def providers(self) -> int:
        """How many providers have patients."""
        return math.ceil(self._settings.members / self._settings.patients_per_provider)

    def clinic_name(self, provider: Column) -> Column:
        """The name of the provider's clinic; beyond those that the settings name, its number."""
        clinic, named = F.floor(provider / self._settings.providers_per_clinic), self._settings.clinics
        # There may be more clinics than an int can tell: beyond the list all are alike.
        place = F.least(clinic, F.lit(len(named))).cast("int")
        name = string_at(named, place)
        return F.coalesce(name, F.concat(F.lit("Clinic "), (clinic + 1).cast("string")))

    def provider_name(self, provider: Column) -> Column:
        """`Dr. Maria Lopez`: no two of a clinic have a last name in common."""
        clinic = F.floor(provider / self._settings.providers_per_clinic)
        last = list(names.last_names())
        turn = integer(self._draws.uniform("clinics", "last_name", clinic), 0, len(last) - 1)
        place = (turn + (provider % self._settings.providers_per_clinic) * _NAME_STEP) % len(last)
        sex = F.when(self._draws.uniform("clinics", "sex", provider) < 0.5, "F").otherwise("M")
        first = names.first_name(self._draws.uniform("clinics", "first_name", provider), sex)
        return F.concat(F.lit("Dr. "), first, F.lit(" "), string_at(last, place.cast("int")))

    # months: numbered from 0 to months_back - 1

    @property
    def months(self) -> list[datetime.date]:
        """The first days of the months."""
        as_of = self._settings.population.as_of
        last = as_of.year * 12 + as_of.month - 1
        return [datetime.date(m // 12, m % 12 + 1, 1) for m in range(last - self._settings.months_back + 1, last + 1)]

    def month_name(self, month: Column) -> Column:
        """`2024-12`."""
        return string_at([f"{day:%Y-%m}" for day in self.months], month)

    def first_day(self, month: Column) -> Column:
        return date_at(self.months, month)

    def day(self, u: Column, month: Column) -> Column:
        """A day of the month; of the last, up to the dataset's own day."""
        days = [calendar.monthrange(day.year, day.month)[1] for day in self.months]
        days[-1] = self._settings.population.as_of.day
        return F.date_add(self.first_day(month), F.floor(u * integer_at(days, month)).cast("int"))

    # panels

    def with_panel(self, patients: DataFrame) -> DataFrame:
        """Adds `own_provider` and `next_provider` (bigint), `first_month` and `last_month`, and `changed_month` (int),
        from which on the patient is on the panel of the next provider; months_back where never."""
        months, size = self._settings.months_back, self._settings.patients_per_provider
        with_own = patients.select("*", F.floor(F.col("id") / size).alias("own_provider"))
        own = F.col("own_provider")
        with_next = with_own.select("*", self._next(own).alias("next_provider"), self._is_mover().alias("_moves"))
        kind = ordered_choice(self._u("change"), self._settings.panel.changes)
        month = integer(self._u("month"), 1, max(1, months - 1)).cast("int")
        kinds = {name: F.col("_moves") & (F.col("_kind") == name) for name in (CHANGE_PROVIDER, JOIN, LEAVE)}
        with_change = with_next.select("*", kind.alias("_kind"), month.alias("_month"))
        changes = kinds[CHANGE_PROVIDER] & (F.col("next_provider") != own)
        return with_change.select(
            *with_own.columns,
            "next_provider",
            F.when(kinds[JOIN], F.col("_month")).otherwise(0).alias("first_month"),
            F.when(kinds[LEAVE], F.col("_month") - 1).otherwise(months - 1).alias("last_month"),
            F.when(changes, F.col("_month")).otherwise(months).alias("changed_month"),
        )

    def provider(self, month: Column) -> Column:
        """The provider (bigint) on whose panel a patient is in a month."""
        return F.when(month >= F.col("changed_month"), F.col("next_provider")).otherwise(F.col("own_provider"))

    def provider_of_month(self, month: Column) -> Column:
        """The name of this provider, of a patient whose names of providers are known."""
        return F.when(month >= F.col("changed_month"), F.col("next_name")).otherwise(F.col("own_name"))

    def _next(self, provider: Column) -> Column:
        """The next provider of the same clinic, after the last the first."""
        each = self._settings.providers_per_clinic
        clinic = F.floor(provider / each)
        there = F.least(F.lit(each), F.lit(self.providers) - clinic * each)
        return clinic * each + (provider - clinic * each + 1) % there

    def _is_mover(self) -> Column:
        """Whether the patient is one of those who may come or go: as many as the smaller of the two panels allows."""
        size, own = self._settings.patients_per_provider, F.col("own_provider")
        if self._settings.months_back == 1:
            return F.lit(False)
        smaller = F.least(self._size(own), self._size(self._next(own)))
        turn = integer(self._draws.uniform("panel", "turn", own), 0, size - 1)
        place = (F.col("id") % size * _step(size) + turn) % size
        return place < F.floor(smaller * self._settings.panel.variation)

    def _size(self, provider: Column) -> Column:
        """How many patients are a provider's own; the last may have fewer."""
        size = self._settings.patients_per_provider
        return F.least(F.lit(size), F.lit(self._settings.members) - provider * size)

    def _u(self, column: str) -> Column:
        return self._draws.uniform("panel", column, F.col("id"))


def _step(size: int) -> int:
    """A number prime to the size, about 0.62 of it: neighbours get places far apart."""
    step = max(1, round(size * 0.618))
    while math.gcd(step, size) > 1:
        step += 1
    return step
