"""Settings of the quality dataset; `conf/quality/base.yaml` has every default and says what it means."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from payerlake import reference
from payerlake.contract.setting_types import Frozen, Share, Shares, exactly, sums_to_one
from payerlake.contract.settings import DatasetSettings
from payerlake.quality.measures import measures

_MAX_CONDITIONS = 31  # a member's conditions are the bits of an int
NO_BARRIER = "none"
LAB_ORDER = "Lab Order Sent"


class PlanMembers(Frozen):
    """A plan's share of the members, and how many care gaps one of them opens in the year."""

    share: Share
    gaps_per_member: float = Field(ge=0)


def _known_plans(plans: dict[str, PlanMembers]) -> dict[str, PlanMembers]:
    known = [row["plan_id"] for row in reference.rows("ma_plans")]
    if list(plans) != known:
        raise ValueError(f"must be the plans of conf/reference/ma_plans.csv, in their order: {', '.join(known)}")
    sums_to_one({plan_id: plan.share for plan_id, plan in plans.items()})
    return plans


class MembersPerFile(Frozen):
    """Rows of plan_members a file; the other tables' files have the rows of so many members."""

    plan_members: int = Field(gt=0)
    member_chronic_conditions: int = Field(gt=0)
    member_gaps: int = Field(gt=0)
    gap_closure_tracking: int = Field(gt=0)
    intervention_costs: int = Field(gt=0)


class Regions(Frozen):
    """Where the members live: shares of the kinds of region, and how much a strong plan draws in its ZIP codes."""

    shares: Shares
    strongest_plan_weight: float = Field(gt=0)

    @model_validator(mode="after")
    def _known(self) -> Regions:
        known = {row["region_type"] for row in reference.rows("pittsburgh_zip_codes")}
        if set(self.shares) != known:
            raise ValueError(f"shares: must be those of {', '.join(sorted(known))}")
        return self


class RiskBand(Frozen):
    """A band of risk scores and its share of the members; scores are even between `low` and `below`."""

    share: Share
    low: float = Field(gt=0)
    below: float = Field(lt=100)


class Risk(Frozen):
    """Risk scores: bands that follow each other, and how much they go with age."""

    bands: dict[str, RiskBand] = Field(min_length=1)
    with_age: Share

    @model_validator(mode="after")
    def _bands_touch(self) -> Risk:
        edge = None
        for name, band in self.bands.items():
            if band.low >= band.below or (edge is not None and band.low != edge):
                raise ValueError(f"bands: {name}: must begin where the band before ends, and end above")
            edge = band.below
        sums_to_one({name: band.share for name, band in self.bands.items()})
        return self


class ChronicCondition(Frozen):
    """A condition of the catalogue. times_with, times_without: how likely it is with one of `given`, and without."""

    condition_code: str = Field(min_length=3, max_length=20)
    condition_name: str = Field(min_length=1)
    prevalence_pct: float = Field(gt=0, lt=100)
    avg_risk_score_impact: float = Field(ge=0, lt=10)
    affects_measures: tuple[str, ...]
    comorbidity_group: str = Field(min_length=1)
    sex: Literal["", "F", "M"]
    onset_from: int = Field(ge=0, le=120)
    onset_to: int = Field(ge=0, le=120)
    within_years: int | None = Field(gt=0)
    given: tuple[str, ...]
    times_with: float = Field(ge=0)
    times_without: float = Field(ge=0)

    @property
    def causes(self) -> tuple[str, ...]:
        """The conditions that it follows from: those without which nobody has it, as diabetes is of its retinopathy."""
        return self.given if self.times_without == 0 else ()

    @model_validator(mode="after")
    def _plausible(self) -> ChronicCondition:
        if self.onset_from >= self.onset_to:
            raise ValueError(f"{self.condition_code}: onset_from must be below onset_to")
        if self.times_with == self.times_without == 0:
            raise ValueError(f"{self.condition_code}: times_with and times_without are both 0, so nobody could have it")
        unknown = set(self.affects_measures) - {measure.measure_id for measure in measures()}
        if unknown:
            raise ValueError(f"{self.condition_code}: affects_measures: unknown {', '.join(sorted(unknown))}")
        return self


def _from_condition_file(catalogue: Any) -> Any:
    """The conditions themselves, or those of a list of `conf/reference` or a CSV file."""
    return list(_conditions(catalogue)) if isinstance(catalogue, str) else catalogue


def _conditions(source: str) -> Iterator[dict[str, Any]]:
    fields = list(ChronicCondition.model_fields)
    for row in reference.rows_of(source):
        if set(row) != set(fields):
            raise ValueError(f"a catalogue of chronic conditions has the columns {', '.join(fields)}")
        lists = {name: [v for v in row[name].split("|") if v] for name in ("affects_measures", "given")}
        yield row | lists | {"within_years": row["within_years"] or None}


class Conditions(Frozen):
    """Which chronic conditions there are, and how they go with risk and with each other."""

    catalogue: Annotated[
        tuple[ChronicCondition, ...], BeforeValidator(_from_condition_file), Field(max_length=_MAX_CONDITIONS)
    ]
    with_risk: float = Field(ge=0)
    highest: float = Field(gt=0, le=1)

    @model_validator(mode="after")
    def _codes_are_known(self) -> Conditions:
        codes = self.codes
        if len(set(codes)) < len(codes):
            raise ValueError("catalogue: a condition_code stands there twice")
        for condition in self.catalogue:
            unknown = [code for code in condition.given if code not in codes]
            if unknown:
                raise ValueError(
                    f"catalogue: {condition.condition_code}: given {unknown[0]!r} is none of its conditions"
                )
        return self

    @property
    def codes(self) -> list[str]:
        """The codes in the catalogue's order, which is that of the bits of a member's conditions."""
        return [condition.condition_code for condition in self.catalogue]


def _every_measure(counts: dict[str, float]) -> dict[str, float]:
    known = [measure.measure_id for measure in measures()]
    if sorted(counts) != sorted(known):
        raise ValueError(f"must name {', '.join(known)}")
    if min(counts.values()) <= 0:
        raise ValueError("must be above 0")
    return counts


def _has_none(shares: dict[str, float]) -> dict[str, float]:
    if NO_BARRIER not in shares:
        raise ValueError(f"must have the share of {NO_BARRIER}")
    return shares


class Gaps(Frozen):
    """How many care gaps there are of each measure, what becomes of them, and what is done about them."""

    measures: Annotated[dict[str, float], AfterValidator(_every_measure)]
    status: Annotated[Shares, exactly("Open", "Closed", "Excluded")]
    opened_within: int = Field(ge=0, le=180)
    service_before_closing: int = Field(ge=0)
    barriers: Annotated[Shares, AfterValidator(_has_none)]
    outreach_attempts: int = Field(ge=2, le=100)
    tracked: Share
    followed_up: Share
    follow_up_after: int = Field(ge=1)
    activities: Shares
    outcomes: Shares
    assignees: Shares
    record_review: Share

    @model_validator(mode="after")
    def _fits(self) -> Gaps:
        costs = [row["activity_type"] for row in reference.rows("activity_costs")]
        unknown = [name for name in self.activities if name not in costs]
        if unknown:
            raise ValueError(f"activities: {unknown[0]!r} has no cost in conf/reference/activity_costs.csv")
        latest = 1 + self.opened_within + max(measure.days_to for measure in measures())
        if latest > 365:
            raise ValueError(f"opened_within: the last gaps would close on day {latest} of the year; give less")
        shortest = min(measure.days_from for measure in measures())
        if max(self.service_before_closing, self.follow_up_after) > shortest:
            raise ValueError(
                f"service_before_closing and follow_up_after must be at most {shortest}, the days of the fastest gap"
            )
        if self.tracked > self.outreach_attempts / (self.outreach_attempts + 1):
            raise ValueError("tracked: more gaps than have an outreach attempt")
        if self.followed_up > (self.outreach_attempts - 1) / self.outreach_attempts:
            raise ValueError("followed_up: more gaps than have a second outreach attempt")
        if not any(share > 0 for name, share in self.activities.items() if name != LAB_ORDER):
            raise ValueError(f"activities: must have another than {LAB_ORDER}, which most measures have no use for")
        return self


class QualitySettings(DatasetSettings):
    """All settings of the quality dataset."""

    dataset = "quality"
    told = (65, 120)
    members_per_file: MembersPerFile
    plans: Annotated[dict[str, PlanMembers], AfterValidator(_known_plans)]
    regions: Regions
    risk: Risk
    conditions: Conditions
    gaps: Gaps

    def among_members(self, rank: Any) -> Any:
        """Of a rank in the age of the population, a number or a column, the rank among the members."""
        first = self.population.rank_of_age(self.ages[0])
        return (rank - first) * (1 / (1 - first)) if first > 0 else rank

    @property
    def conditions_per_member(self) -> float:
        """How many chronic conditions a member has, on average."""
        return sum(condition.prevalence_pct for condition in self.conditions.catalogue) / 100

    @property
    def days(self) -> tuple[datetime.date, datetime.date]:
        """The measurement year: cover begins on its first day, and the last gaps close by its end."""
        return datetime.date(self.year, 1, 1), datetime.date(self.year, 12, 31)

    @property
    def year(self) -> int:
        """The measurement year."""
        return self.population.as_of.year
