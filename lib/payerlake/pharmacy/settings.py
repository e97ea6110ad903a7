"""Settings of the pharmacy dataset; `conf/pharmacy/base.yaml` has every default and says what it means."""

from __future__ import annotations

import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from payerlake import reference
from payerlake.contract.population import years_before
from payerlake.contract.setting_types import (
    FromTo,
    Frozen,
    Share,
    Shares,
    SharesByNumber,
    Weights,
    exactly,
    sums_to_one,
)
from payerlake.contract.settings import DatasetSettings
from payerlake.contract.spine import Spine

Kind = Literal["GRP", "EMP", "UNI", "GOV", "IND"]
KINDS: tuple[Kind, ...] = ("GRP", "EMP", "UNI", "GOV", "IND")
SEGMENTS = ("MEDICARE_PART_D", "MEDICARE_ADVANTAGE", "COMMERCIAL", "MEDICAID", "FEDERAL", "REGIONAL")
FORMULARY_TYPES = ("STANDARD", "ENHANCED", "BASIC", "SPECIALTY", "MAIL_ORDER")
SCENARIOS = ("single_active", "dual_coverage", "plan_transition", "historical_only")


def _known_plans(weights: dict[str, float]) -> dict[str, float]:
    unknown = set(weights) - {row["plan_code"] for row in reference.rows("pharmacy_plans")}
    if unknown:
        raise ValueError(
            f"not plan codes: {', '.join(sorted(unknown))}; `payerlake describe pharmacy.plans` has the list"
        )
    return weights


def _transition_months(months: dict[int, float]) -> dict[int, float]:
    if not set(months) <= set(range(2, 12)):
        raise ValueError(
            "months must be from 2 to 11: January is open enrollment, and cover must begin within the year"
        )
    return months


def _shares_of_types(types: dict[str, FormularyType]) -> dict[str, FormularyType]:
    sums_to_one({name: type_.share for name, type_ in types.items()})
    return types


def _tiers_from_3_to_6(shares: dict[int, float]) -> dict[int, float]:
    if not set(shares) <= {3, 4, 5, 6}:
        raise ValueError("tier counts must be from 3 to 6")
    return shares


PlanWeights = Annotated[Weights, AfterValidator(_known_plans)]


class MembersPerFile(Frozen):
    """Files of the tables that follow the members: each has the rows of so many members."""

    members: int = Field(gt=0)
    households: int = Field(gt=0)
    enrollments: int = Field(gt=0)
    special_enrollments: int = Field(gt=0)


class Enrollments(Frozen):
    """What cover the members have and had."""

    scenarios: Annotated[Shares, exactly(*SCENARIOS)]
    history: bool
    rows_per_member: float = Field(ge=1)
    first_plan_year: int = Field(ge=1966)
    years_with_a_plan: int = Field(ge=1, le=50)

    @property
    def current_rows_per_member(self) -> float:
        """Rows that the scenario alone gives a member, on average."""
        return 1.0 + self.scenarios["dual_coverage"] + self.scenarios["plan_transition"]

    @property
    def expected_rows_per_member(self) -> float:
        """All rows of a member, on average."""
        return self.rows_per_member if self.history else self.current_rows_per_member


class Event(Frozen):
    """A qualifying event: how often it is the reason, and in which months."""

    weight: float = Field(gt=0)
    months: Annotated[dict[int, float], AfterValidator(_transition_months)]


class Seasons(Frozen):
    """When cover begins: on 1 January, or within the year after a qualifying event."""

    special_share: Share
    events: dict[str, Event] = Field(min_length=1)


class PlanWeightsByHousehold(Frozen):
    """Weights of the plans for each kind of household."""

    child: PlanWeights
    young: PlanWeights
    single: PlanWeights
    family: PlanWeights
    mixed: PlanWeights
    senior: PlanWeights
    senior_couple: PlanWeights


class DrugCounts(Frozen):
    """How many products the catalogue has of each type, and how many NDCs they have together."""

    generic: int = Field(gt=0)
    brand: int = Field(gt=0)
    specialty: int = Field(gt=0)
    ndcs: Annotated[int, Field(gt=0)] | None


class FormularyType(Frozen):
    """What a formulary of this type lists: shares of the generic and specialty products, and how many brands."""

    share: Share
    generic_rate: Share
    specialty_rate: Share
    brands: FromTo
    drugs: FromTo


class TierRates(Frozen):
    """Shares of a tier's drugs with each restriction."""

    prior_auth: Share
    step_therapy: Share
    quantity_limit: Share


class Formularies(Frozen):
    """How many formularies there are, of what kinds, and what they list."""

    count: Annotated[int, Field(gt=0, le=1_000_000)] | None
    per_file: int = Field(gt=0)
    segments: Annotated[Shares, exactly(*SEGMENTS)]
    types: Annotated[dict[str, FormularyType], exactly(*FORMULARY_TYPES), AfterValidator(_shares_of_types)]
    tier_counts: Annotated[SharesByNumber, AfterValidator(_tiers_from_3_to_6)]
    pbms: Shares
    active_share: Share
    protected_rate: Share
    preferred_brand_share: Share
    standard_specialty_share: Share
    non_preferred_share: Share
    tiers: Annotated[dict[int, TierRates], exactly(1, 2, 3, 4, 5)]


class PharmacySettings(DatasetSettings):
    """All settings of the pharmacy dataset."""

    dataset = "pharmacy"
    members_per_file: MembersPerFile
    plan_year: int = Field(ge=1967, le=2100)
    enrollments: Enrollments
    seasons: Seasons
    employer_groups: Annotated[dict[Kind, float], exactly(*KINDS)]
    plan_weights: PlanWeightsByHousehold
    drugs: DrugCounts
    formularies: Formularies

    @model_validator(mode="after")
    def _nobody_is_born_within_the_plan_year(self) -> PharmacySettings:
        as_of, youngest = self.population.as_of, self.population.bands[0][0]
        if years_before(as_of, youngest) > datetime.date(self.plan_year, 1, 1):
            raise ValueError(
                f"plan_year: {self.plan_year} begins before the youngest are born, who are {youngest} on {as_of}; set "
                f"population.as_of to {self.plan_year}-01-01 too"
            )
        return self

    @property
    def days(self) -> tuple[datetime.date, datetime.date]:
        """Up to the end of the plan year, within which cover begins and ends."""
        return datetime.date.min, datetime.date(self.plan_year, 12, 31)

    @property
    def formulary_count(self) -> int:
        """How many formularies there are: the setting, else one for every 200 members and at least 5."""
        return self.formularies.count or max(5, self.members // 200)


FORMULARIES = Spine(
    "formularies",
    number=lambda settings: settings.formulary_count,
    per_file=lambda settings, _: settings.formularies.per_file,
    setting="formularies.count",
)
