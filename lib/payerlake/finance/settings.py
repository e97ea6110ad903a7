"""Settings of the finance dataset; `conf/finance/base.yaml` has every default and says what it means."""

from __future__ import annotations

import math
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from payerlake.contract.setting_types import FromTo, Frozen, Share, Shares, Weights, exactly
from payerlake.contract.settings import DatasetSettings
from payerlake.finance.catalogue import (
    OLDEST,
    SELF_PAY,
    SEXES,
    Diagnosis,
    Procedure,
    paired,
    read_diagnoses,
    read_procedures,
)
from payerlake.person.coverage.plans import LINES_OF_BUSINESS

SELF_PAY_PRODUCT = "SELF-PAY"
STATUSES = ("Paid", "Denied", "Pending", "Partially Paid")
CHANGE_PROVIDER, JOIN, LEAVE = "change provider", "join later", "leave early"


def _rising(bounds: tuple[float, float]) -> tuple[float, float]:
    if bounds[0] > bounds[1]:
        raise ValueError(f"must be a range from low to high, got {bounds[0]:g} and {bounds[1]:g}")
    return bounds


Range = Annotated[tuple[Share, Share], AfterValidator(_rising)]
"""Shares from low to high."""


class RowsPerFile(Frozen):
    """Rows of patients a file; the other tables' files have the rows of so many patients."""

    patients: int = Field(gt=0)
    capitation: int = Field(gt=0)
    claims: int = Field(gt=0)


class Panel(Frozen):
    """How many of a provider's patients come or go within the months, and how."""

    variation: float = Field(ge=0, le=0.2)
    changes: Annotated[Shares, exactly(CHANGE_PROVIDER, JOIN, LEAVE)]


class Product(Frozen):
    """A product of a plan: what the patient pays for a claim (USD), and its weight within the plan.

    lines: the lines of business that it is of, where patients have the cover that all datasets tell of.
    """

    copay: float = Field(ge=0, le=10_000)
    weight: float = Field(ge=0)
    lines: tuple[str, ...] = ("COMMERCIAL", "EXCHANGE", "FEDERAL")

    @model_validator(mode="after")
    def _known_lines(self) -> Product:
        unknown = set(self.lines) - set(LINES_OF_BUSINESS)
        if unknown:
            raise ValueError(f"lines: {sorted(unknown)[0]!r} is none of {', '.join(LINES_OF_BUSINESS)}")
        return self


class Plan(Frozen):
    """A health plan: its weight among insured patients, whom it covers, and what it pays the clinics."""

    products: dict[str, Product] = Field(min_length=1)
    weight: float = Field(1.0, ge=0)
    from_age: int = Field(0, ge=0, le=OLDEST)
    to_age: int = Field(OLDEST, ge=0, le=OLDEST)
    outside: Share = 0.0
    capitation: float = Field(1.0, ge=0, le=100)
    allowed: Range = (0.90, 0.95)

    @model_validator(mode="after")
    def _has_ages_and_products(self) -> Plan:
        if self.from_age > self.to_age:
            raise ValueError("from_age must not be above to_age")
        if not math.fsum(product.weight for product in self.products.values()) > 0:
            raise ValueError("products: one of them must have a weight above 0")
        return self


def _plans(plans: dict[str, Plan]) -> dict[str, Plan]:
    if SELF_PAY in plans:
        raise ValueError(f"{SELF_PAY} is no plan; its settings are self_pay")
    if not any(plan.weight > 0 for plan in plans.values()):
        raise ValueError("one of them must have a weight above 0")
    products = [name for plan in plans.values() for name in plan.products]
    if len(set(products) | {SELF_PAY_PRODUCT}) <= len(products):
        raise ValueError("a product stands there twice")
    return plans


class SelfPay(Frozen):
    """Patients without insurance."""

    share: Share
    allowed: Range
    status: Shares

    @model_validator(mode="after")
    def _known(self) -> SelfPay:
        unknown = set(self.status) - set(STATUSES)
        if unknown:
            raise ValueError(f"status: {sorted(unknown)[0]!r} is none of {', '.join(STATUSES)}")
        return self


class Demographic(Frozen):
    """The score that age alone gives: at 18, and how much more a year; its weight beside that of the diagnoses."""

    weight: Share
    at_18: float = Field(ge=0, lt=100)
    a_year: float = Field(ge=0, le=1)


class Risk(Frozen):
    """What makes a risk score of that of the model, its bounds, and how much a month's differs from the patient's own.

    normalization: what the model's score is divided by, before it is blended with that of age.
    """

    normalization: float = Field(gt=0, le=100)
    demographic: Demographic
    low: float = Field(gt=0)
    high: float = Field(lt=100)
    drift: Share

    @model_validator(mode="after")
    def _is_range(self) -> Risk:
        if self.low > self.high:
            raise ValueError("low must not be above high")
        return self


class SexRates(Frozen):
    """USD a month for women and men."""

    F: float = Field(ge=0)
    M: float = Field(ge=0)


class Capitation(Frozen):
    """What a plan pays for a patient and month at a risk score of 1: by age from, and sex."""

    rates: dict[int, SexRates] = Field(min_length=1)
    level: float = Field(gt=0)

    @model_validator(mode="after")
    def _ages_rise(self) -> Capitation:
        if list(self.rates) != sorted(self.rates):
            raise ValueError("rates: the ages must rise")
        return self


class Claims(Frozen):
    """How many claims there are, for what, and what becomes of them."""

    per_year: float = Field(gt=0, le=12)
    with_each_condition: Share
    for_chronic: Share
    charge_level: float = Field(gt=0)
    charge_sigma: float = Field(ge=0, le=1)
    status: Annotated[Shares, exactly(*STATUSES)]
    pending_days: FromTo
    partial: Range
    denials: Weights


def _diagnoses(catalogue: Any) -> Any:
    """The diagnoses themselves, or those of a list of `conf/reference` or a CSV file."""
    return list(read_diagnoses(catalogue)) if isinstance(catalogue, str) else catalogue


def _procedures(catalogue: Any) -> Any:
    return list(read_procedures(catalogue)) if isinstance(catalogue, str) else catalogue


class FinanceSettings(DatasetSettings):
    """All settings of the finance dataset."""

    dataset = "finance"
    told = (18, 85)
    clinics: tuple[Annotated[str, Field(min_length=1, max_length=60)], ...] = Field(min_length=1)
    providers_per_clinic: int = Field(gt=0, le=500)
    patients_per_provider: int = Field(gt=0, le=100_000)
    months_back: int = Field(gt=0, le=120)
    members_per_file: RowsPerFile
    panel: Panel
    plans: Annotated[dict[str, Plan], AfterValidator(_plans)]
    self_pay: SelfPay
    diagnoses: Annotated[tuple[Diagnosis, ...], BeforeValidator(_diagnoses), Field(min_length=1)]
    procedures: Annotated[tuple[Procedure, ...], BeforeValidator(_procedures), Field(min_length=1)]
    diagnosis_procedures: dict[str, tuple[str, ...]]
    risk: Risk
    capitation: Capitation
    claims: Claims

    @model_validator(mode="before")
    @classmethod
    def _count_patients(cls, values: Any) -> Any:
        """Without a number of patients, as many as the clinics are for."""
        if values.get("members") is not None:
            return values
        clinics, *each = (values.get(name) for name in ("clinics", "providers_per_clinic", "patients_per_provider"))
        # What is no number above 0 here is refused where it stands, not for the patients that it would give.
        room = math.prod(each) if all(isinstance(number, int) and number > 0 for number in each) else 1
        return values | {"members": room * max(1, len(clinics) if isinstance(clinics, (list, tuple)) else 1)}

    @model_validator(mode="after")
    def _fits(self) -> FinanceSettings:
        if len(set(self.clinics)) < len(self.clinics):
            raise ValueError("clinics: a name stands there twice")
        if not set(self.population.sex) <= set(SEXES):
            raise ValueError("population.sex: must be of F and M alone, as the risk model knows them")
        if min(self.capitation.rates) > self.ages[0]:
            raise ValueError(f"capitation.rates: must begin at {self.ages[0]} years or younger")
        paired(self.diagnoses, self.procedures, self.diagnosis_procedures)
        return self
