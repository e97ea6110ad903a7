"""Who has which chronic diagnosis: prevalence by age and sex, whatever a diagnosis requires or excludes.

A patient's chronic diagnoses are the bits of a bigint, in the catalogue's order. Codes of one condition exclude each
other: who has it has one of them. A code is for patients who have what it requires and nothing that it excludes, at the
rate with which its stated prevalence comes out among all. The rates are solved here, on the driver, cell by cell of age
and sex.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property, reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from payerlake.contract.settings import solved_once
from payerlake.errors import BadInput
from payerlake.finance.catalogue import AGE_BANDS, SEXES, Diagnosis, Procedure, paired
from payerlake.finance.columns import place_of
from payerlake.finance.settings import FinanceSettings
from payerlake.person.health import Health, Way, condition_of
from payerlake.person.people import place_among
from payerlake.sampling.distributions import number_at
from payerlake.sampling.packing import bits_of, has_any
from payerlake.sampling.solving import Dependence, State

MAX_CHRONIC = 62
_CIRCLE = "diagnoses: they require or exclude each other"


class Morbidity:
    """The diagnoses of one set of settings, the cells of age and sex in which they differ, and who has them."""

    def __init__(self, settings: FinanceSettings) -> None:
        self._settings = settings
        known = paired(settings.diagnoses, settings.procedures, settings.diagnosis_procedures)
        self.diagnoses = sorted(known, key=lambda diagnosis: not diagnosis.is_chronic)  # their bits are their positions
        self.chronic = _excluding([diagnosis for diagnosis in self.diagnoses if diagnosis.is_chronic])
        if len(self.chronic) > MAX_CHRONIC:
            raise BadInput(f"diagnoses: {len(self.chronic)} are chronic; allowed: {MAX_CHRONIC}")
        self._position = {diagnosis.icd10_code: i for i, diagnosis in enumerate(self.chronic)}
        looks_at = {diagnosis.icd10_code: _looks_at(diagnosis) for diagnosis in self.chronic}
        self._dependence = Dependence(looks_at, _CIRCLE)
        condition = {code: condition_of(code) for code in looks_at}
        of_conditions: dict[str, set[str]] = {name: set() for name in condition.values()}
        for code, others in looks_at.items():
            of_conditions[condition[code]] |= {condition[other] for other in others} - {condition[code]}
        self._levels = Dependence(of_conditions, _CIRCLE).levels
        self._rates = [self._solved(sex, age) for age, sex in self.cells]

    @cached_property
    def cells(self) -> list[tuple[int, str]]:
        """The least age and the sex of each cell, in the order of `cell`."""
        return [(age, sex) for age in self._ages for sex in SEXES]

    @cached_property
    def _ages(self) -> list[int]:
        """The ages at which something begins or ends that the catalogue says."""
        bands = self._settings.population.bands
        first, last = bands[0][0], bands[-1][1]
        known: list[Diagnosis | Procedure] = [*self._settings.diagnoses, *self._settings.procedures]
        cuts = {first, *AGE_BANDS.values(), *(k.from_age for k in known), *(k.to_age + 1 for k in known)}
        return sorted(age for age in cuts if first <= age <= last)

    def cell(self, age: Column, sex: Column) -> Column:
        """The position (int) of a patient's cell."""
        return place_of(place_among(self._ages, age), sex)

    def diagnosed(self, patients: DataFrame) -> DataFrame:
        """Adds `conditions`, the bits (bigint) of the chronic diagnoses of the patient, whose `cell` is known."""
        health, frame = Health(self._settings), patients.select("*", F.lit(0).cast("bigint").alias("conditions"))
        for level in self._levels:
            frame = health.diagnosed(frame, [(name, self._ways(name)) for name in level])
        return frame

    def mean_conditions(self) -> float:
        """How many chronic diagnoses a patient has, on average."""
        population = self._settings.population
        ends = [*[population.rank_of_age(age) for age in self._ages[1:]], 1.0]
        shares = {age: end - population.rank_of_age(age) for age, end in zip(self._ages, ends, strict=True)}
        return sum(
            sum(d.at(sex, age) for d in self.chronic) / 100 * (shares[age] * population.sex.get(sex, 0.0))
            for age, sex in self.cells
        )

    def _ways(self, condition: str) -> list[Way]:
        """To the codes of a condition, in the catalogue's order."""
        return [
            Way(i, number_at([rates[d.icd10_code] for rates in self._rates], F.col("cell")), self._is_open(d))
            for i, d in enumerate(self.chronic)
            if condition_of(d.icd10_code) == condition
        ]

    def _is_open(self, diagnosis: Diagnosis) -> Column | None:
        """Whether the patient has what it requires and nothing that it excludes, but for codes of its own condition."""
        own, before = condition_of(diagnosis.icd10_code), F.col("conditions")
        excluded = tuple(code for code in diagnosis.excludes if condition_of(code) != own)
        terms = [has_any(before, self.mask(diagnosis.requires))] if diagnosis.requires else []
        terms += [~has_any(before, self.mask(excluded))] if excluded else []
        return reduce(Column.__and__, terms) if terms else None

    def mask(self, codes: tuple[str, ...]) -> int:
        """The bits of these chronic diagnoses."""
        return bits_of(self._position[code] for code in codes)

    def _solved(self, sex: str, age: int) -> dict[str, float]:
        rates: dict[str, float] = {}
        for diagnosis in self.chronic:
            target = diagnosis.at(sex, age) / 100
            room = self._room(diagnosis, rates)
            if target > room + 1e-9:
                raise BadInput(
                    f"diagnoses: {diagnosis.icd10_code}: {target:.1%} of those of {age} years and sex {sex} are more "
                    f"than can have it beside what it requires and excludes: {room:.1%}; lower it"
                )
            rates[diagnosis.icd10_code] = round(target / room, 12) if target else 0.0
        return rates

    def _room(self, diagnosis: Diagnosis, rates: dict[str, float]) -> float:
        """The probability of having what a diagnosis requires and nothing that it excludes."""

        def rate(code: str, has: State) -> float:
            return rates[code] if _is_open(self.chronic[self._position[code]], has) else 0.0

        states = self._dependence.states(_looks_at(diagnosis), rate)
        return math.fsum(likelihood for has, likelihood in states if _is_open(diagnosis, has))


def _excluding(chronic: Sequence[Diagnosis]) -> list[Diagnosis]:
    """These diagnoses, each of which excludes those before it that are codes of the same condition."""
    before: dict[str, tuple[str, ...]] = {}
    excluding = []
    for diagnosis in chronic:
        condition, code = condition_of(diagnosis.icd10_code), diagnosis.icd10_code
        others = dict.fromkeys((*diagnosis.excludes, *before.get(condition, ())))
        excluding.append(diagnosis.model_copy(update={"excludes": tuple(others)}))
        before[condition] = (*before.get(condition, ()), code)
    return excluding


def _looks_at(diagnosis: Diagnosis) -> tuple[str, ...]:
    return (*diagnosis.requires, *diagnosis.excludes)


def _is_open(diagnosis: Diagnosis, has: State) -> bool:
    """Whether those who have these can have the diagnosis."""
    required, excluded = [has[code] for code in diagnosis.requires], [has[code] for code in diagnosis.excludes]
    return (any(required) or not required) and not any(excluded)


@solved_once("population", "diagnoses", "procedures", "diagnosis_procedures")
def morbidity(settings: FinanceSettings) -> Morbidity:
    """The morbidity of these settings; solved once for each."""
    return Morbidity(settings)
