"""The insurance dataset: members, coverage, conditions and claims of health insurers."""

from __future__ import annotations

from payerlake.contract.dataset import Dataset
from payerlake.insurance import claims, condition, enrollment, facility, insurance, member_condition, members, plan
from payerlake.insurance.prevalence import prevalence
from payerlake.insurance.settings import InsuranceSettings
from payerlake.person import people
from payerlake.person.coverage import spans


def _solve(settings: InsuranceSettings) -> None:
    """Households; body sizes, lifestyles and the rates of the conditions; how many claims a member may have."""
    people.solve(settings)
    spans.solve_in_common(settings)
    prevalence(settings)
    claims.most_candidates(settings)


INSURANCE = Dataset(
    settings=InsuranceSettings,
    tables=(
        insurance.TABLE,
        plan.TABLE,
        facility.TABLE,
        condition.TABLE,
        members.TABLE,
        enrollment.TABLE,
        member_condition.TABLE,
        claims.TABLE,
    ),
    solve=_solve,
    sql_scripts=("health_insurance.sql", "load_data.sql"),
)
