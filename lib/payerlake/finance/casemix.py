"""What leads whom to a visit, and what is billed for it: the catalogue as tables, made once on the driver.

`who` is a patient's cell of age and sex, and the kind of payer: plans that have the same procedures are of one kind,
and patients who pay alone, who are seen in the office only, of another.
"""

from __future__ import annotations

from collections.abc import Sequence

from payerlake.contract.settings import solved_once
from payerlake.errors import BadInput
from payerlake.finance.catalogue import SELF_PAY, YEARLY
from payerlake.finance.morbidity import Morbidity, morbidity
from payerlake.finance.payers import payers
from payerlake.finance.settings import FinanceSettings

MONTHS_A_YEAR = 12

_Choice = tuple[tuple[int, float], ...]  # positions of procedures with weights


class CaseMix:
    """Diagnoses and procedures of one set of settings, for each `who`: sex, least age, a plan of the kind of payer.

    kind_of: the kind of each payer. visits: by `who`, how often each diagnosis that is not chronic leads to a visit;
    what one ordinal alone may have, so much oftener. open_to_all: the same of those that no patient is refused.
    choices: ways to choose a procedure, each of positions with weights. choice_of: which of them a diagnosis has, by
    diagnosis and `who`.

    Raises BadInput where a patient could have no visit, or a chronic diagnosis no procedure.
    """

    def __init__(self, settings: FinanceSettings) -> None:
        self.morbidity: Morbidity = morbidity(settings)
        self.diagnoses = self.morbidity.diagnoses
        self.kind_of, kinds = _kinds(settings)
        self.kinds = len(kinds)
        self.whos = [(sex, age, plan) for age, sex in self.morbidity.cells for plan in kinds]
        self._billed = self._procedures(settings)
        once = max(1.0, settings.claims.per_year * settings.months_back / MONTHS_A_YEAR)
        self.visits = self._weights([once if d.kind == YEARLY else 1.0 for d in self.diagnoses])
        self.open_to_all = self._weights([float(d.kind != YEARLY and not d.excludes) for d in self.diagnoses])
        rows: dict[_Choice, int] = {}
        self.choice_of = [
            rows.setdefault(choice or ((0, 1.0),), len(rows))  # where nobody has it, any will do
            for of_diagnosis in self._billed
            for choice in of_diagnosis
        ]
        self.choices = list(rows)
        self._check()

    def _procedures(self, settings: FinanceSettings) -> list[list[_Choice]]:
        """By diagnosis and `who`, the procedures that can be billed."""
        billed = []
        for weights in (diagnosis.procedures for diagnosis in self.diagnoses):
            listed = [(i, p) for i, p in enumerate(settings.procedures) if weights.get(p.procedure_code, 0) > 0]
            of_who = [[(i, weights[p.procedure_code]) for i, p in listed if p.fits(*who)] for who in self.whos]
            billed.append([tuple(choice) for choice in of_who])
        return billed

    def _weights(self, times: Sequence[float]) -> list[list[float]]:
        return [
            [
                d.at(sex, age) * times[i] if self._billed[i][who] else 0.0
                for i, d in enumerate(self.diagnoses)
                if not d.is_chronic
            ]
            for who, (sex, age, _) in enumerate(self.whos)
        ]

    def _check(self) -> None:
        for who, (sex, age, plan) in enumerate(self.whos):
            if not sum(self.open_to_all[who]) > 0:
                raise BadInput(
                    f"diagnoses: no acute one without excludes leads a patient of {age} years and sex {sex} to a "
                    f"visit {_covered(plan)}; add one"
                )
        for diagnosis, billed in zip(self.diagnoses, self._billed, strict=True):
            for (sex, age, plan), choice in zip(self.whos, billed, strict=True):
                if not choice and diagnosis.is_chronic and diagnosis.at(sex, age) > 0:
                    raise BadInput(
                        f"diagnoses: {diagnosis.icd10_code}: none of its procedures can be billed for patients of "
                        f"{age} years and sex {sex} {_covered(plan)}; add one"
                    )


def _kinds(settings: FinanceSettings) -> tuple[list[int], list[str]]:
    """The kind of each payer, those who pay alone last, and of each kind one payer that is of it."""
    named = [procedure.plans for procedure in settings.procedures if procedure.plans]
    first: dict[tuple[bool, ...], int] = {}
    names = payers(settings).names
    kinds = [first.setdefault((plan == SELF_PAY, *(plan in plans for plans in named)), len(first)) for plan in names]
    return kinds, [names[kinds.index(kind)] for kind in range(len(first))]


def _covered(plan: str) -> str:
    return "in the office, where those without insurance are seen" if plan == SELF_PAY else f"covered by {plan}"


@solved_once(
    "population", "plans", "self_pay", "diagnoses", "procedures", "diagnosis_procedures", "claims", "months_back"
)
def casemix(settings: FinanceSettings) -> CaseMix:
    """The case mix of these settings; made once for each."""
    return CaseMix(settings)


def examine(settings: FinanceSettings) -> None:
    """Raises BadInput for settings that leave somebody without plan, visit or procedure."""
    payers(settings)
    casemix(settings)
