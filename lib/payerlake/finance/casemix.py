"""What leads whom to a visit, and what is billed for it: the catalogue as tables, made once on the driver.

`who` is a patient's cell of age and sex, and whether the patient pays alone, who is seen in the office only.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, lru_cache

from payerlake.errors import BadInput
from payerlake.finance.catalogue import YEARLY
from payerlake.finance.morbidity import Morbidity, morbidity
from payerlake.finance.payers import payers
from payerlake.finance.settings import FinanceSettings
from payerlake.settings import ByParts

MONTHS_A_YEAR = 12


class CaseMix:
    """Diagnoses and procedures of one set of settings, for each `who`."""

    def __init__(self, settings: FinanceSettings) -> None:
        self._settings = settings
        self.morbidity: Morbidity = morbidity(settings)
        self.diagnoses = self.morbidity.diagnoses

    @cached_property
    def whos(self) -> list[tuple[str, int, bool]]:
        """Sex, least age and whether the patient pays alone, in the order of `who`."""
        return [(sex, age, alone) for age, sex in self.morbidity.cells for alone in (False, True)]

    def check(self) -> None:
        """Raises BadInput where a patient could have no visit, or a diagnosis no procedure."""
        _ = self.open_to_all, self.billed

    # visits: for the diagnoses that are not chronic

    @cached_property
    def visits(self) -> list[list[float]]:
        """By `who`, how often each of them leads to a visit; what one ordinal alone may have, so much oftener."""
        once = max(1.0, self._settings.claims.per_year * self._settings.months_back / MONTHS_A_YEAR)
        return self._weights([once if d.kind == YEARLY else 1.0 for d in self.diagnoses])

    @cached_property
    def open_to_all(self) -> list[list[float]]:
        """The same of those that no patient is refused. BadInput where there are none."""
        weights = self._weights([float(d.kind != YEARLY and not d.excludes) for d in self.diagnoses])
        for (sex, age, alone), of_who in zip(self.whos, weights, strict=True):
            if not sum(of_who) > 0:
                where = " in the office" if alone else ""
                raise BadInput(
                    f"diagnoses: no acute one without excludes leads a patient of {age} years and sex {sex} to a "
                    f"visit{where}; add one"
                )
        return weights

    def _weights(self, times: Sequence[float]) -> list[list[float]]:
        return [
            [
                d.at(sex, age) * times[i] if self._billed(i, sex, age, alone) else 0.0
                for i, d in enumerate(self.diagnoses)
                if not d.is_chronic
            ]
            for sex, age, alone in self.whos
        ]

    # procedures

    @cached_property
    def billed(self) -> tuple[list[tuple[tuple[int, float], ...]], list[int]]:
        """Choices of procedures, each of positions with weights; and which of them a diagnosis has, by diagnosis and
        `who`. BadInput for a chronic diagnosis that has none."""
        rows: dict[tuple[tuple[int, float], ...], int] = {}
        row_of = []
        for i, diagnosis in enumerate(self.diagnoses):
            for sex, age, alone in self.whos:
                choices = tuple(self._billed(i, sex, age, alone).items())
                if not choices and diagnosis.is_chronic and diagnosis.at(sex, age) > 0:
                    where = " in the office, where those without insurance are seen" if alone else ""
                    raise BadInput(
                        f"diagnoses: {diagnosis.icd10_code}: none of its procedures can be billed for patients of "
                        f"{age} years and sex {sex}{where}; add one"
                    )
                row_of.append(rows.setdefault(choices or ((0, 1.0),), len(rows)))  # nobody has it: any will do
        return list(rows), row_of

    def _billed(self, diagnosis: int, sex: str, age: int, alone: bool) -> dict[int, float]:
        """The weights of the procedures, by position, that can be billed for such a patient."""
        weights = self.diagnoses[diagnosis].procedures
        return {
            i: weights[p.procedure_code]
            for i, p in enumerate(self._settings.procedures)
            if weights.get(p.procedure_code, 0) > 0 and p.fits(sex, age, office_only=alone)
        }


def casemix(settings: FinanceSettings) -> CaseMix:
    """The case mix of these settings; made once for each."""
    parts = ("population", "diagnoses", "procedures", "diagnosis_procedures", "claims", "months_back")
    return _made(ByParts(settings, *parts))


@lru_cache(maxsize=8)
def _made(key: ByParts) -> CaseMix:
    return CaseMix(key.settings)


def examine(settings: FinanceSettings) -> None:
    """Raises BadInput for settings that leave somebody without plan, visit or procedure."""
    payers(settings)
    casemix(settings).check()
