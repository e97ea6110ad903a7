"""Settings of the pharmacy dataset; `conf/pharmacy/base.yaml` has every default and says what it means."""

from __future__ import annotations

import datetime
from typing import Annotated

from pydantic import AfterValidator, Field

from payerlake.contract.setting_types import (
    FromTo,
    Frozen,
    Share,
    Shares,
    SharesByNumber,
    exactly,
    sums_to_one,
)
from payerlake.contract.spine import Spine
from payerlake.person.coverage.settings import CoverageSettings

SEGMENTS = ("MEDICARE_PART_D", "MEDICARE_ADVANTAGE", "COMMERCIAL", "MEDICAID", "FEDERAL", "REGIONAL")
FORMULARY_TYPES = ("STANDARD", "ENHANCED", "BASIC", "SPECIALTY", "MAIL_ORDER")


def _shares_of_types(types: dict[str, FormularyType]) -> dict[str, FormularyType]:
    sums_to_one({name: type_.share for name, type_ in types.items()})
    return types


def _tiers_from_3_to_6(shares: dict[int, float]) -> dict[int, float]:
    if not set(shares) <= {3, 4, 5, 6}:
        raise ValueError("tier counts must be from 3 to 6")
    return shares


class MembersPerFile(Frozen):
    """Files of the tables that follow the members: each has the rows of so many members."""

    members: int = Field(gt=0)
    households: int = Field(gt=0)
    enrollments: int = Field(gt=0)
    special_enrollments: int = Field(gt=0)


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


class PharmacySettings(CoverageSettings):
    """All settings of the pharmacy dataset."""

    dataset = "pharmacy"
    members_per_file: MembersPerFile
    drugs: DrugCounts
    formularies: Formularies

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
