"""What a dataset is: its settings, its tables, and what of it is worked out before Spark starts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter
from typing import Any, Generic

from payerlake.contract.inspection import Inspection
from payerlake.contract.schema import Table
from payerlake.contract.settings import S
from payerlake.errors import unknown


@dataclass(frozen=True)
class Dataset(Generic[S]):
    """A dataset: its settings and its tables.

    solve: builds, from the settings, all that the tables look up or draw from, which is then kept for them; raises
    BadInput for settings with which they cannot be made. sql_scripts: names of two scripts for MySQL beside its CSV
    files: to create its tables, and to load them. inspection: from the settings, what a database is asked once the
    dataset stands in it.
    """

    settings: type[S]
    tables: tuple[Table, ...]
    solve: Callable[[S], object]
    sql_scripts: tuple[str, str] | None = None
    inspection: Callable[[Any], Inspection] | None = None

    @property
    def name(self) -> str:
        return self.settings.dataset

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


def dependency_order(tables: Iterable[Table]) -> list[Table]:
    """The tables with every parent before its children; ValueError where references form a cycle."""
    by_name = {table.name: table for table in tables}
    graph = {table.name: table.parents for table in by_name.values()}
    try:
        return [by_name[name] for name in TopologicalSorter(graph).static_order()]
    except CycleError as error:
        raise ValueError(f"tables refer to each other in a circle: {' → '.join(error.args[1])}") from None
