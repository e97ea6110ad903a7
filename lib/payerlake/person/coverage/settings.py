"""Settings of coverage: what cover people have and had. `conf/pharmacy/base.yaml` says what each means."""

from __future__ import annotations

import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationError, model_validator

from payerlake import reference
from payerlake.contract.population import years_before
from payerlake.contract.setting_types import Frozen, Share, Shares, Weights, exactly
from payerlake.contract.settings import DatasetSettings, read_yaml, solved_once
from payerlake.errors import BadInput
from payerlake.resources import resource

Kind = Literal["GRP", "EMP", "UNI", "GOV", "IND"]
KINDS: tuple[Kind, ...] = ("GRP", "EMP", "UNI", "GOV", "IND")
SCENARIOS = ("single_active", "dual_coverage", "plan_transition", "historical_only")
SINGLE, DUAL, TRANSITION, HISTORICAL = range(len(SCENARIOS))


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


class CoverageSettings(DatasetSettings):
    """What the coverage of a dataset's members follows from."""

    plan_year: int = Field(ge=1967, le=2100)
    enrollments: Enrollments
    seasons: Seasons
    employer_groups: Annotated[dict[Kind, float], exactly(*KINDS)]
    plan_weights: PlanWeightsByHousehold

    @model_validator(mode="after")
    def _nobody_is_born_within_the_plan_year(self) -> CoverageSettings:
        as_of, youngest = self.population.as_of, self.population.bands[0][0]
        if years_before(as_of, youngest) > datetime.date(self.plan_year, 1, 1):
            raise ValueError(
                f"plan_year: {self.plan_year} begins before the youngest are born, who are {youngest} on {as_of}; set "
                f"population.as_of to {self.plan_year}-01-01 too"
            )
        return self


@solved_once("members", "seed", "population")
def stated(settings: DatasetSettings) -> CoverageSettings:
    """Those of the members of a dataset that has none of its own: as `conf/pharmacy/base.yaml` states them.

    Raises BadInput where they do not go with the dataset's population.
    """
    rules = read_yaml(resource("conf", "pharmacy", "base.yaml"))
    of_dataset = {name: getattr(settings, name) for name in DatasetSettings.model_fields}
    try:
        return CoverageSettings.model_validate({name: rules[name] for name in _OWN} | of_dataset)
    except ValidationError as error:
        raise BadInput(f"population: {error.errors()[0]['msg'].removeprefix('Value error, ')}") from None


_OWN = tuple(name for name in CoverageSettings.model_fields if name not in DatasetSettings.model_fields)
