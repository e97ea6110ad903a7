"""Settings of the pharmacy dataset; `conf/pharmacy/base.yaml` has every default and says what it means."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from payerlake import reference
from payerlake.population import Frozen, Population, Shares, Weights
from payerlake.settings import DatasetSettings

Kind = Literal["GRP", "EMP", "UNI", "GOV", "IND"]
KINDS: tuple[Kind, ...] = ("GRP", "EMP", "UNI", "GOV", "IND")
SCENARIOS = ("single_active", "dual_coverage", "plan_transition", "historical_only")
_MAX_MEMBERS = 10**12


def _exactly(names: tuple[str, ...]) -> AfterValidator:
    def check(shares: dict[str, float]) -> dict[str, float]:
        if set(shares) != set(names):
            raise ValueError(f"must name {', '.join(names)}")
        return {name: shares[name] for name in names}

    return AfterValidator(check)


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


PlanWeights = Annotated[Weights, AfterValidator(_known_plans)]


class MembersPerFile(Frozen):
    """Files of the tables that follow the members: each has the rows of so many members."""

    members: int = Field(gt=0)
    households: int = Field(gt=0)
    enrollments: int = Field(gt=0)
    special_enrollments: int = Field(gt=0)


class Enrollments(Frozen):
    """What cover the members have and had."""

    scenarios: Annotated[Shares, _exactly(SCENARIOS)]
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

    special_share: float = Field(ge=0, le=1)
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


class PharmacySettings(DatasetSettings):
    """All settings of the pharmacy dataset."""

    members: int = Field(gt=0, le=_MAX_MEMBERS)
    seed: int
    population: Population
    members_per_file: MembersPerFile
    partition_by: dict[str, list[str]]
    plan_year: int = Field(ge=1967, le=2100)
    enrollments: Enrollments
    seasons: Seasons
    employer_groups: Annotated[dict[Kind, float], _exactly(KINDS)]
    plan_weights: PlanWeightsByHousehold
