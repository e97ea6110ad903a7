"""The finance dataset: patients, capitation and claims of clinics at risk."""

from __future__ import annotations

from payerlake.contract.dataset import Dataset
from payerlake.finance import capitation, claims, patients, provider_summary
from payerlake.finance.casemix import casemix
from payerlake.finance.payers import payers
from payerlake.finance.settings import FinanceSettings
from payerlake.person import people
from payerlake.person.coverage import spans


def _solve(settings: FinanceSettings) -> None:
    """Households; who pays for whom, the rates of the diagnoses, and the case mix."""
    people.solve(settings)
    spans.solve_in_common(settings)
    payers(settings)
    casemix(settings)


FINANCE = Dataset(
    settings=FinanceSettings,
    tables=(
        patients.TABLE,
        capitation.TABLE,
        claims.TABLE,
        provider_summary.TABLE,
    ),
    solve=_solve,
)
