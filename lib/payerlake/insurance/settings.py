"""Settings of the insurance dataset; `conf/insurance/base.yaml` has every default and says what it means."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from payerlake import reference
from payerlake.contract.setting_types import FromTo, Frozen, Positive, Share, SharesByNumber, exactly, sums_to_one
from payerlake.contract.settings import DatasetSettings
from payerlake.contract.spine import Spine

SEXES = ("F", "M", "O")
BANDS = ("0-17", "18-34", "35-44", "45-54", "55-64", "65+")  # of the catalogue's prevalence
RISKS = ("obese", "smoker", "drinker", "housing_insecure", "woman")
LATENT = ("smoker", "drinker", "exercise", "sleep", "housing", "employed")
PLAN_TIERS = 5
NPIS_A_DIGIT = 10**8  # eight digits follow the first, and the check digit
_FACILITIES_PER_FILE = 250_000
_MAX_CONDITIONS = 63  # a member's conditions are the bits of one bigint


def _from_zero(steps: dict[int, Any]) -> dict[int, Any]:
    ages = list(steps)
    if not ages or ages[0] != 0 or any(low >= high for low, high in pairwise(ages)) or ages[-1] > 120:
        raise ValueError("ages must begin with 0 and rise, up to 120")
    return steps


def _rising(pair: tuple[float, float]) -> tuple[float, float]:
    if not pair[0] < pair[1]:
        raise ValueError("must be [FROM, TO] with FROM below TO")
    return pair


def _rates(steps: dict[int, float]) -> dict[int, float]:
    if not all(0 <= rate < 1 for rate in steps.values()):
        raise ValueError("rates must be 0 or more and below 1")
    return steps


def _each_sums_to_one(steps: dict[int, tuple[float, ...]]) -> dict[int, tuple[float, ...]]:
    for age, shares in steps.items():
        if len(shares) != PLAN_TIERS:
            raise ValueError(f"from age {age}: {len(shares)} shares; the plans have {PLAN_TIERS} tiers")
        sums_to_one(dict(enumerate(shares)))
    return steps


def _months(factors: dict[int, float]) -> dict[int, float]:
    if not set(factors) <= set(range(1, 13)) or not all(factor > 0 for factor in factors.values()):
        raise ValueError("months are 1 to 12, factors above 0")
    return factors


Steps = Annotated[dict[int, float], AfterValidator(_from_zero)]
"""Values from an age on, up to the next."""

Rates = Annotated[Steps, AfterValidator(_rates)]
Range = Annotated[tuple[float, float], AfterValidator(_rising)]


def at_age(steps: dict[int, Any], age: int) -> Any:
    """The value of steps at this age."""
    return steps[max(first for first in steps if first <= age)]


class MembersPerFile(Frozen):
    """Files of the tables that follow the members: each has the rows of so many members."""

    members: int = Field(gt=0)
    enrollment: int = Field(gt=0)
    member_condition: int = Field(gt=0)
    claims: int = Field(gt=0)


class PlanTier(Frozen):
    """One of an insurer's five plans: USD a month, USD a year."""

    base_rate: Positive
    deductible: float = Field(ge=0)


class Plans(Frozen):
    """What the plans of an insurer cost."""

    base_rate_spread: float = Field(ge=0, lt=1)
    tiers: dict[str, PlanTier] = Field(min_length=PLAN_TIERS, max_length=PLAN_TIERS)


class Facilities(Frozen):
    """How many facilities there are, and what numbers they have."""

    per_member: Positive
    least: int = Field(gt=0)
    issued_npi_range: bool

    @property
    def npi_digits(self) -> tuple[int, ...]:
        """What NPIs begin with, the first 100 million with the first: 1 or 2 where issued (45 CFR 162.406 and the CMS
        check digit notice)."""
        return (1, 2) if self.issued_npi_range else (9, 8, 7, 6, 5, 4, 3)

    @property
    def most(self) -> int:
        """How many facilities can have a number of their own."""
        return len(self.npi_digits) * NPIS_A_DIGIT


class Nulls(Frozen):
    """Shares of rows in which a column is null."""

    primary_care_facility_id: Share
    weight: Share
    height: Share
    heart_rate: Share
    blood_pressure: Share
    blood_oxygen: Share
    smoker: Share
    drinker: Share
    housing_insecurity: Share
    employment_status: Share
    hours_sleep_per_day: Share
    minutes_exercise_per_week: Share
    npi: Share


class Normal(Frozen):
    """Mean and standard deviation."""

    mean: float
    sd: Positive


NormalBySex = Annotated[dict[str, Normal], exactly(*SEXES)]
Correlation = Annotated[float, Field(gt=-1, lt=1)]


class Body(Frozen):
    """Sizes of adults, and what the growth charts leave open for children."""

    height: NormalBySex
    weight: NormalBySex
    correlation: Annotated[dict[str, Correlation], exactly(*SEXES)]
    height_range: Range
    weight_range: Range
    child_correlation: Correlation
    child_obesity: float = Field(ge=0, le=0.4)


class Vital(Frozen):
    """A vital sign before conditions change it."""

    mean: float
    sd: Positive
    range: Range


class HeartRate(Vital):
    """Beats a minute: what age adds to the mean."""

    by_age: Steps


class Pressure(Vital):
    """mmHg: what every year of age adds to the mean."""

    per_year: float


class Vitals(Frozen):
    """Vital signs before conditions change them."""

    heart_rate: HeartRate
    systolic: Pressure
    diastolic: Pressure
    pressure_correlation: Correlation
    pulse_pressure: int = Field(ge=1)
    blood_oxygen: Vital


class Exercise(Frozen):
    """Minutes a week, log-normal."""

    median: Positive
    sigma: Positive
    range: Range


class Sleep(Frozen):
    """Hours a day, normal by age."""

    mean: Steps
    sd: Steps
    range: Range


class MenToWomen(Frozen):
    """Ratios of the rates of men to those of women."""

    smoker: Positive
    drinker: Positive
    employed: Positive


class Lifestyle(Frozen):
    """How people live, and how that goes together."""

    smoker: Rates
    drinker: Rates
    employed: Rates
    housing_insecure: Rates
    men_to_women: MenToWomen
    exercise: Exercise
    sleep: Sleep
    correlation: Annotated[dict[str, tuple[float, ...]], exactly(*LATENT)]

    @model_validator(mode="after")
    def _is_a_correlation(self) -> Lifestyle:
        cholesky(self.matrix)
        return self

    @property
    def matrix(self) -> list[list[float]]:
        """The correlations, rows and columns in the order of LATENT."""
        return [list(row) for row in self.correlation.values()]


def cholesky(matrix: list[list[float]]) -> list[list[float]]:
    """The lower triangular root of a correlation matrix; ValueError where it is none."""
    size = len(matrix)
    if any(len(row) != size for row in matrix):
        raise ValueError(f"a correlation matrix here has {size} rows of {size} numbers")
    root = [[0.0] * size for _ in range(size)]
    for i in range(size):
        if matrix[i][i] != 1.0 or any(matrix[i][j] != matrix[j][i] for j in range(i)):
            raise ValueError("a correlation matrix is symmetric with ones on its diagonal")
        for j in range(i + 1):
            rest = matrix[i][j] - math.fsum(root[i][k] * root[j][k] for k in range(j))
            if i == j and rest <= 1e-12:
                raise ValueError("the correlations contradict each other (the matrix is not positive definite)")
            root[i][j] = math.sqrt(rest) if i == j else rest / root[j][j]
    return root


class Condition(Frozen):
    """A medical condition of the catalogue. prevalence: shares of the bands in BANDS; sex: of those who get it."""

    id: int = Field(gt=0)
    name: str = Field(min_length=1)
    icd10: str = Field(min_length=3)
    category: str = Field(min_length=1)
    sex: Literal["", "F", "M"]
    prevalence: Annotated[tuple[Share, ...], Field(min_length=len(BANDS), max_length=len(BANDS))]


def _from_condition_file(catalogue: Any) -> Any:
    """The conditions themselves, or those of a list of `conf/reference` or a CSV file, prevalence in percent."""
    return list(_conditions(catalogue)) if isinstance(catalogue, str) else catalogue


def _conditions(source: str) -> Iterator[dict[str, Any]]:
    columns = ("id", "name", "icd10", "category", "sex")
    for row in reference.rows_of(source):
        try:
            rates = [float(row[band]) / 100 for band in BANDS]
            yield {column: row[column] for column in columns} | {"prevalence": rates}
        except (KeyError, TypeError, ValueError) as error:
            columns_ = ", ".join((*columns, *BANDS))
            raise ValueError(f"a catalogue of conditions has the columns {columns_}, prevalence in percent") from error


class Comorbidity(Frozen):
    """Who has all of `given` is given `adds` too, from an age on, so many days after the latest of them.

    probability: of those who do not have it anyhow; or `to`: as many as are missing until this share of them has it.
    """

    given: tuple[str, ...] = Field(min_length=1)
    adds: str
    probability: Share | None = None
    to: Annotated[float, Field(ge=0, lt=1)] | None = None
    from_age: int = Field(default=0, ge=0, le=120)
    days: FromTo

    @model_validator(mode="after")
    def _one_of_two(self) -> Comorbidity:
        if (self.probability is None) == (self.to is None):
            raise ValueError("give either probability or to")
        return self


class Effect(Frozen):
    """Mean and standard deviation of what a condition adds to a vital sign."""

    systolic: tuple[float, float] = (0.0, 0.0)
    diastolic: tuple[float, float] = (0.0, 0.0)
    heart_rate: tuple[float, float] = (0.0, 0.0)
    blood_oxygen: tuple[float, float] = (0.0, 0.0)


class Risks(Frozen):
    """How many times as likely a condition is for those with the factor."""

    obese: dict[str, Positive]
    smoker: dict[str, Positive]
    drinker: dict[str, Positive]
    housing_insecure: dict[str, Positive]
    woman: dict[str, Positive]


class Conditions(Frozen):
    """Which conditions there are, how common, what makes them likelier, and what they do to vital signs."""

    catalogue: Annotated[tuple[Condition, ...], BeforeValidator(_from_condition_file)]
    count: int = Field(gt=0, le=_MAX_CONDITIONS)
    mean: Steps
    headline: tuple[str, ...]
    least_scale: Share
    highest_risk: Annotated[float, Field(gt=0, lt=1)]
    risks: Risks
    only_obese: tuple[str, ...]
    comorbidities: tuple[Comorbidity, ...]
    effects: dict[str, Effect]
    diagnosed_years_ago: SharesByNumber

    @model_validator(mode="after")
    def _names_are_known(self) -> Conditions:
        ids = [condition.id for condition in self.catalogue]
        if ids != list(range(1, len(ids) + 1)) or len({condition.name for condition in self.catalogue}) < len(ids):
            raise ValueError("catalogue: ids must be 1, 2, 3 …, and names different")
        if self.count > len(ids):
            raise ValueError(f"count: {self.count} is more than the {len(ids)} conditions of the catalogue")
        known = {condition.name for condition in self.catalogue}
        unknown = [name for name in self._named() if name not in known]
        if unknown:
            raise ValueError(f"{unknown[0]!r} is not a condition of the catalogue")
        return self

    def _named(self) -> Iterator[str]:
        yield from (*self.headline, *self.only_obese, *self.effects)
        for factor in RISKS:
            yield from getattr(self.risks, factor)
        for rule in self.comorbidities:
            yield from (*rule.given, rule.adds)

    @property
    def used(self) -> tuple[Condition, ...]:
        """The conditions that this dataset has; what names others of the catalogue is without effect."""
        return self.catalogue[: self.count]

    def position(self, name: str) -> int | None:
        """The place of a condition among those used, from 0; None where it is not used."""
        return next((i for i, condition in enumerate(self.used) if condition.name == name), None)


class CoverageTier(Frozen):
    """Who is covered beside the member: share of enrollments, and premium as a multiple of one person's."""

    share: Share
    factor: Positive


def _tier_shares(tiers: dict[str, CoverageTier]) -> dict[str, CoverageTier]:
    sums_to_one({name: tier.share for name, tier in tiers.items()})
    return tiers


class Enrollment(Frozen):
    """Who has cover, since when, and of what kind."""

    coverage: Share
    coverage_by_age: Rates
    active_share: Share
    january_share: Share
    started_years_ago: SharesByNumber
    coverage_tiers: Annotated[dict[str, CoverageTier], AfterValidator(_tier_shares)]
    plan_preference: Annotated[
        dict[int, tuple[float, ...]], AfterValidator(_from_zero), AfterValidator(_each_sums_to_one)
    ]

    @model_validator(mode="after")
    def _starts_before(self) -> Enrollment:
        if not set(self.started_years_ago) <= set(range(1, 51)):
            raise ValueError("started_years_ago: years must be from 1 to 50; cover begins before the reference date")
        return self


class Premiums(Frozen):
    """What changes a plan's base rate."""

    full_rate_ages: Annotated[tuple[int, int], AfterValidator(_rising)]
    age_ratio: float = Field(ge=1, le=3)
    states: dict[str, Positive]


class ClaimType(Frozen):
    """A kind of claim: its share, and its log-normal amount between two bounds."""

    share: Share
    log_mean: float
    log_sd: Positive
    range: Range


class Visits(Frozen):
    """Visits for a condition: the share of the claims of those who have one of `given`, and their log-normal amount."""

    given: tuple[str, ...] = Field(min_length=1)
    share: Share
    mean: Positive
    log_sd: Positive


class Claims(Frozen):
    """How often claims come, when, and for how much."""

    lookback_years: int = Field(ge=1, le=10)
    frequency: Steps
    frequency_added: dict[str, Positive]
    frequency_of_each_further: float = Field(ge=0)
    highest_frequency: float = Field(gt=0, le=50)
    season: Annotated[dict[int, float], AfterValidator(_months)]
    amount_range: Range
    types: dict[str, ClaimType] = Field(min_length=1)
    visits: tuple[Visits, ...]
    dearer_with: dict[str, dict[str, Positive]]
    by_age: Steps

    @model_validator(mode="after")
    def _consistent(self) -> Claims:
        sums_to_one({name: type_.share for name, type_ in self.types.items()})
        unknown = [name for factors in self.dearer_with.values() for name in factors if name not in self.types]
        if unknown:
            raise ValueError(f"dearer_with: {unknown[0]!r} is not a type of claim; types are {', '.join(self.types)}")
        return self


class InsuranceSettings(DatasetSettings):
    """All settings of the insurance dataset."""

    dataset = "insurance"
    members_per_file: MembersPerFile
    plans: Plans
    facilities: Facilities
    nulls: Nulls
    body: Body
    vitals: Vitals
    lifestyle: Lifestyle
    conditions: Conditions
    enrollment: Enrollment
    premiums: Premiums
    claims: Claims

    @model_validator(mode="after")
    def _conditions_are_known(self) -> InsuranceSettings:
        known = {condition.name for condition in self.conditions.catalogue}
        visited = [name for visits in self.claims.visits for name in visits.given]
        for name in (*self.claims.frequency_added, *visited, *self.claims.dearer_with):
            if name not in known:
                raise ValueError(f"claims: {name!r} is not a condition of the catalogue")
        return self

    @model_validator(mode="after")
    def _facilities_have_numbers(self) -> InsuranceSettings:
        most = self.facilities.most
        if self.facility_count > most:
            raise ValueError(
                f"members and facilities.per_member: {self.facility_count:,} facilities; at most {most:,} have an NPI "
                "of their own, so lower one of the two"
            )
        return self

    @property
    def facility_count(self) -> int:
        """How many facilities there are."""
        return max(self.facilities.least, math.floor(self.members * self.facilities.per_member))


FACILITIES = Spine(
    "facilities",
    number=lambda settings: settings.facility_count,
    per_file=lambda *_: _FACILITIES_PER_FILE,
    setting="facilities.per_member",
)
"""They grow with the members, so each part of the members has a part of them."""
