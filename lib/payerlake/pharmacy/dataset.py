"""The pharmacy dataset: plans, members, enrollments and formularies of a pharmacy benefit."""

from __future__ import annotations

from payerlake.contract.dataset import Dataset
from payerlake.person import people
from payerlake.person.coverage import spans
from payerlake.pharmacy import (
    drugs,
    employer_groups,
    enrollments,
    formularies,
    formulary_drugs,
    households,
    members,
    plan_states,
    plans,
    quotas,
    special_enrollments,
)
from payerlake.pharmacy.settings import PharmacySettings


def _solve(settings: PharmacySettings) -> None:
    """Households and their years of coverage; offers and groups; the drugs, and what formularies take of them."""
    people.solve(settings)
    spans.solve(settings)
    drugs.examine(settings)
    quotas.examine(settings)


PHARMACY = Dataset(
    settings=PharmacySettings,
    tables=(
        plans.TABLE,
        plan_states.TABLE,
        members.TABLE,
        households.TABLE,
        employer_groups.TABLE,
        enrollments.TABLE,
        special_enrollments.TABLE,
        drugs.TABLE,
        formularies.TABLE,
        formulary_drugs.TABLE,
    ),
    solve=_solve,
)
