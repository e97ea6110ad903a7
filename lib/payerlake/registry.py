"""All datasets and tables, by name. A new table is one line here; everything else follows from its contract."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter
from typing import Any

from payerlake.contract.inspection import Inspection
from payerlake.contract.schema import Table
from payerlake.contract.settings import DatasetSettings
from payerlake.errors import unknown
from payerlake.finance import capitation, patients, provider_summary
from payerlake.finance import claims as finance_claims
from payerlake.finance.settings import FinanceSettings
from payerlake.insurance import claims, condition, enrollment, facility, insurance, member_condition, plan
from payerlake.insurance import members as insurance_members
from payerlake.insurance.settings import InsuranceSettings
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
    special_enrollments,
)
from payerlake.pharmacy.settings import PharmacySettings
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
from payerlake.quality.settings import QualitySettings


@dataclass(frozen=True)
class Dataset:
    """A dataset: its settings and its tables.

    sql_scripts: names of two scripts for MySQL beside its CSV files: to create its tables, and to load them.
    inspection: from the settings, what a database is asked once the dataset stands in it.
    """

    name: str
    settings: type[DatasetSettings]
    tables: tuple[Table, ...]
    sql_scripts: tuple[str, str] | None = None
    inspection: Callable[[Any], Inspection] | None = None

    def table(self, name: str) -> Table:
        """The table of this name; BadInput with the nearest name where there is none."""
        for table in self.tables:
            if table.name == name:
                return table
        raise unknown("table", f"a table of {self.name}", name, [table.name for table in self.tables])

    def of_a_part(self, table: Table) -> Table:
        """The contract of a table in a part of the dataset: without references to rows that other parts have."""
        within = tuple(r for r in table.references if table.is_cut_with(self.table(r.table)))
        return replace(table, references=within)

    def in_order(self, names: Iterable[str] = ()) -> list[Table]:
        """The named tables, or all, parents before children, and last what sums up the others."""
        wanted = {self.table(name).name for name in names} or {table.name for table in self.tables}
        ordered = [table for table in dependency_order(self.tables) if table.name in wanted]
        return sorted(ordered, key=lambda table: not table.spine.in_parts)


_DATASETS = (
    Dataset(
        "pharmacy",
        PharmacySettings,
        (
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
    ),
    Dataset(
        "insurance",
        InsuranceSettings,
        (
            insurance.TABLE,
            plan.TABLE,
            facility.TABLE,
            condition.TABLE,
            insurance_members.TABLE,
            enrollment.TABLE,
            member_condition.TABLE,
            claims.TABLE,
        ),
        sql_scripts=("health_insurance.sql", "load_data.sql"),
    ),
    Dataset(
        "quality",
        QualitySettings,
        (
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
        inspection=queries.inspection,
    ),
    Dataset(
        "finance",
        FinanceSettings,
        (patients.TABLE, capitation.TABLE, finance_claims.TABLE, provider_summary.TABLE),
    ),
)


def datasets() -> list[str]:
    """The names of all datasets."""
    return [dataset.name for dataset in _DATASETS]


def dataset(name: str) -> Dataset:
    """The dataset of this name; BadInput with the nearest name where there is none."""
    for known in _DATASETS:
        if known.name == name:
            return known
    raise unknown("dataset", "a dataset", name, [*datasets(), "all"])


def dependency_order(tables: Iterable[Table]) -> list[Table]:
    """The tables with every parent before its children; ValueError where references form a cycle."""
    by_name = {table.name: table for table in tables}
    graph = {table.name: table.parents for table in by_name.values()}
    try:
        return [by_name[name] for name in TopologicalSorter(graph).static_order()]
    except CycleError as error:
        raise ValueError(f"tables refer to each other in a circle: {' → '.join(error.args[1])}") from None
