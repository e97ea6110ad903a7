"""The quality dataset: Medicare Advantage members, conditions and gaps in care by HEDIS measure."""

from __future__ import annotations

from payerlake.contract.dataset import Dataset
from payerlake.person import people
from payerlake.person.coverage import spans
from payerlake.quality import (
    activity_cost_standards,
    chronic_conditions_reference,
    gap_closure_tracking,
    hedis_measures,
    intervention_costs,
    ma_plans,
    member_chronic_conditions,
    member_gaps,
    plan_members,
    plan_performance,
    queries,
    star_thresholds,
    vw_condition_impact,
    vw_geographic_performance,
    vw_member_segmentation,
    zip_code_reference,
)
from payerlake.quality.prevalence import prevalence
from payerlake.quality.settings import QualitySettings


def _solve(settings: QualitySettings) -> None:
    """Households; the rates of the conditions and of the gaps."""
    people.solve(settings)
    spans.solve_in_common(settings)
    prevalence(settings).gap_rates()


QUALITY = Dataset(
    settings=QualitySettings,
    tables=(
        hedis_measures.TABLE,
        star_thresholds.TABLE,
        ma_plans.TABLE,
        plan_performance.TABLE,
        zip_code_reference.TABLE,
        chronic_conditions_reference.TABLE,
        plan_members.TABLE,
        member_chronic_conditions.TABLE,
        member_gaps.TABLE,
        activity_cost_standards.TABLE,
        gap_closure_tracking.TABLE,
        intervention_costs.TABLE,
        vw_member_segmentation.TABLE,
        vw_geographic_performance.TABLE,
        vw_condition_impact.TABLE,
    ),
    solve=_solve,
    inspection=queries.inspection,
)
