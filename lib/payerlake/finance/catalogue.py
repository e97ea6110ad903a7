"""The clinics' catalogue: diagnoses, with who has them, and the procedures that are billed for them.

The lists are `conf/reference/clinic_diagnoses.csv` and `clinic_procedures.csv`, or files of the user's with the same
columns.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from payerlake import reference
from payerlake.contract.setting_types import Frozen

SEXES = ("F", "M")
OLDEST = 120

AGE_BANDS = {"age_18_34": 18, "age_35_49": 35, "age_50_64": 50, "age_65_74": 65, "age_75_up": 75}
"""The age from which each column of the catalogue counts."""

OFFICE, TELEHEALTH = "11", "02"
SELF_PAY = "Self Pay"
CHRONIC, YEARLY = "chronic", "yearly"
OWN_FREQUENCY = 5.0  # of visits for a diagnosis of the user's own: half of a common cold's

MODIFIER_GROUPS = (("25", "59", "XE", "XS", "XP", "XU", "GG"), ("LT", "RT", "50"), ("26", "TC"), ("GT", "95", "GQ"))
"""Modifiers of a group exclude each other: the kind of service, its side, its part, how it was transmitted."""

TRANSMITTED = 3  # the position of the group that only telehealth has

Sex = Literal["", "F", "M"]
Age = Annotated[int, Field(ge=0, le=OLDEST)]


def _weighted(text: Any) -> Any:
    """`99213:4|99214:3` as a mapping; any other value as it is."""
    if not isinstance(text, str):
        return text
    parts = [part.partition(":") for part in text.split("|") if part]
    return {name: float(weight or 1) for name, _, weight in parts}


def _listed(text: Any) -> Any:
    return [part for part in text.split("|") if part] if isinstance(text, str) else text


Weighted = Annotated[dict[str, Annotated[float, Field(ge=0)]], BeforeValidator(_weighted)]
Codes = Annotated[tuple[str, ...], BeforeValidator(_listed)]


class Diagnosis(Frozen):
    """A diagnosis. kind: chronic, had or not; acute, of any visit; yearly, of one visit a year at most. By age band:
    the prevalence in percent of a chronic one, how often others lead to a visit.

    times_for_men: how many times as likely as for a woman. requires, of chronic ones: one of these; excludes: none of
    these, all chronic and before it. procedures: codes with weights.
    """

    icd10_code: str = Field(pattern=r"^[A-Z]\d[0-9A-Z](\.[0-9A-Z]{1,4})?$")
    label: str = Field(min_length=1)
    category: str = Field(min_length=1)
    kind: Literal["chronic", "acute", "yearly"]
    sex: Sex
    from_age: Age
    to_age: Age
    age_18_34: float = Field(ge=0)
    age_35_49: float = Field(ge=0)
    age_50_64: float = Field(ge=0)
    age_65_74: float = Field(ge=0)
    age_75_up: float = Field(ge=0)
    times_for_men: float = Field(ge=0)
    requires: Codes
    excludes: Codes
    procedures: Weighted = Field(min_length=1)

    @property
    def is_chronic(self) -> bool:
        return self.kind == CHRONIC

    def at(self, sex: str, age: int) -> float:
        """The prevalence (percent) or frequency for this sex and age in years; 0 where it cannot be."""
        if self.sex not in ("", sex) or not self.from_age <= age <= self.to_age:
            return 0.0
        band = max((name for name, first in AGE_BANDS.items() if first <= age), key=AGE_BANDS.__getitem__, default="")
        mean: float = getattr(self, band or "age_18_34")
        if self.sex:
            return mean
        return 2 * mean * (self.times_for_men if sex == "M" else 1.0) / (1 + self.times_for_men)


class Procedure(Frozen):
    """A procedure by its CPT or HCPCS code: charge in USD, places of service by share, modifiers by share of claims,
    and the health plans that have it, where not all do."""

    procedure_code: str = Field(pattern=r"^[0-9A-Z]{5}$")
    label: str = Field(min_length=1)
    kind: str = Field(min_length=1)
    charge: float = Field(gt=0)
    places: Weighted = Field(min_length=1)
    modifiers: Weighted
    max_units: int = Field(ge=1, le=100)
    sex: Sex
    from_age: Age
    to_age: Age
    plans: Codes

    @model_validator(mode="after")
    def _known_codes(self) -> Procedure:
        unknown = set(self.places) - set(places_of_service())
        if unknown:
            raise ValueError(f"{self.procedure_code}: places: {sorted(unknown)[0]!r} is not a place of service")
        unknown = set(self.modifiers) - {code for group in MODIFIER_GROUPS for code in group}
        if unknown:
            raise ValueError(f"{self.procedure_code}: modifiers: {sorted(unknown)[0]!r} is none that the clinics use")
        for group in MODIFIER_GROUPS:
            if sum(self.modifiers.get(code, 0.0) for code in group) > 1 + 1e-9:
                raise ValueError(f"{self.procedure_code}: modifiers: {', '.join(group)} exclude each other")
        return self

    def fits(self, sex: str, age: int, plan: str) -> bool:
        """Whether it can be billed for such a patient of this plan, or of SELF_PAY, who is seen in the office only."""
        is_person = self.sex in ("", sex) and self.from_age <= age <= self.to_age
        is_covered = not self.plans or plan in self.plans
        return is_person and is_covered and (plan != SELF_PAY or self.places.get(OFFICE, 0) > 0)


def places_of_service() -> dict[str, str]:
    """Description by code of the places of service that the clinics bill."""
    return {row["code"]: row["description"] for row in reference.rows("places_of_service")}


def read_diagnoses(source: str) -> Iterator[dict[str, Any]]:
    """The rows of a list of diagnoses. ValueError where columns are missing."""
    return _read(source, "a list of diagnoses", list(Diagnosis.model_fields))


def read_procedures(source: str) -> Iterator[dict[str, Any]]:
    """The rows of a list of procedures. ValueError where columns are missing."""
    return _read(source, "a list of procedures", list(Procedure.model_fields))


def _read(source: str, what: str, fields: list[str]) -> Iterator[dict[str, Any]]:
    for row in reference.rows_of(source):
        if set(row) != set(fields):
            raise ValueError(f"{what} has the columns {', '.join(fields)}")
        yield row


def paired(
    diagnoses: Iterable[Diagnosis], procedures: Iterable[Procedure], others: Mapping[str, Iterable[str]]
) -> tuple[Diagnosis, ...]:
    """The diagnoses with their procedures, or those that `others` has for them; last, the diagnoses that are new there.

    ValueError for a code that stands twice or is not known.
    """
    known = {procedure.procedure_code for procedure in procedures}
    of = {diagnosis.icd10_code: diagnosis for diagnosis in diagnoses}
    before = set[str]()  # the chronic ones
    for diagnosis in diagnoses:
        if diagnosis.icd10_code in before:
            raise ValueError(f"diagnoses: {diagnosis.icd10_code} stands there twice")
        if diagnosis.requires and not diagnosis.is_chronic:
            raise ValueError(f"diagnoses: {diagnosis.icd10_code}: requires: only a chronic diagnosis may have it")
        for code in (*diagnosis.requires, *diagnosis.excludes):
            if code not in before:
                raise ValueError(
                    f"diagnoses: {diagnosis.icd10_code}: requires or excludes {code}, which is no chronic diagnosis "
                    f"before it"
                )
        if diagnosis.is_chronic:
            before.add(diagnosis.icd10_code)
    for code, named in others.items():
        weights = dict.fromkeys(named, 1.0)
        of[code] = of[code].model_copy(update={"procedures": weights}) if code in of else _own(code, weights)
    for diagnosis in of.values():
        unknown = [code for code in diagnosis.procedures if code not in known]
        if unknown:
            raise ValueError(f"{diagnosis.icd10_code}: procedure {unknown[0]} is not in the list of procedures")
    return tuple(of.values())


def _own(code: str, procedures: dict[str, float]) -> Diagnosis:
    """A diagnosis of the user's own: adults of any age and sex come for it now and then."""
    by_age = dict.fromkeys(AGE_BANDS, OWN_FREQUENCY)
    return Diagnosis(
        icd10_code=code, label=code, category="Own", kind="acute", sex="", from_age=0, to_age=OLDEST, times_for_men=1.0,
        requires=(), excludes=(), procedures=procedures, **by_age,
    )  # fmt: skip  # in the order of the list's columns
