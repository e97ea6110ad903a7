"""A small dataset as plain rows by household, which a test may edit and turn into tables again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from payerlake.contract.schema import Table
from payerlake.pharmacy import employer_groups, enrollments, households, members, special_enrollments

Row = dict[str, Any]
Tables = dict[str, list[Row]]

PEOPLE: tuple[Table, ...] = (
    members.TABLE,
    households.TABLE,
    enrollments.TABLE,
    special_enrollments.TABLE,
)
EDITED: tuple[Table, ...] = (*PEOPLE, employer_groups.TABLE)
YEAR = dt.date(2024, 1, 1)


@dataclass
class Family:
    """All rows of one household. `groups` are all employer groups by number, shared by all families."""

    household_id: str
    groups: dict[str, Row]
    rows: Tables = field(default_factory=lambda: {table.name: [] for table in PEOPLE})

    @property
    def size(self) -> int:
        return len(self.rows["households"])

    @property
    def head(self) -> Row:
        """The subscriber's row of members."""
        return self.member("SELF")

    @property
    def roles(self) -> list[str]:
        return [place["relationship"] for place in self.rows["households"]]

    @property
    def has_both(self) -> bool:
        """Whether there are a spouse and dependents."""
        return {"SPOUSE", "DEPENDENT"} <= set(self.roles)

    @property
    def events(self) -> list[Row]:
        return self.rows["special_enrollments"]

    def place(self, role: str) -> Row:
        """The first row of households with this relationship."""
        return next(place for place in self.rows["households"] if place["relationship"] == role)

    def member(self, role: str = "SELF") -> Row:
        """The row of members of the first person with this relationship."""
        number = self.place(role)["member_number"]
        return next(member for member in self.rows["members"] if member["member_number"] == number)

    def cover(self, role: str = "SELF") -> list[Row]:
        """That person's enrollments, oldest first."""
        number = self.place(role)["member_number"]
        rows = (row for row in self.rows["enrollments"] if row["member_number"] == number)
        return sorted(rows, key=lambda row: row["effective_date"])

    def open_rows(self, role: str = "SELF") -> list[Row]:
        return [row for row in self.cover(role) if row["termination_date"] is None]

    def past(self, role: str = "SELF") -> list[Row]:
        """Enrollments that ended before the plan year, oldest first."""
        return [row for row in self.cover(role) if row["termination_date"] and row["termination_date"] < YEAR]

    def left(self, role: str = "SELF") -> list[Row]:
        """Enrollments that ended within the plan year."""
        return [row for row in self.cover(role) if row["termination_date"] and row["termination_date"] >= YEAR]

    def add(self, table: str, row: Row, **changes: Any) -> None:
        self.rows[table].append(row | changes)

    def drop(self, table: str, row: Row) -> None:
        self.rows[table].remove(row)

    def names(self) -> set[str]:
        """Everything by which a suite may report this family: household, members, groups with plan or state."""
        held = {(row["group_number"], row["plan_code"]) for row in self.rows["enrollments"]}
        states = {(number, self.groups[number]["state"]) for number, _ in held if number in self.groups}
        people = {place["member_number"] for place in self.rows["households"]}
        return {self.household_id} | people | {f"{group} {what}" for group, what in held | states}

    def marks(self) -> set[str]:
        """What no other edit may touch: the household and its groups."""
        return {self.household_id} | {row["group_number"] for row in self.rows["enrollments"]}


class Families:
    """The families of a dataset, in the order of their ids."""

    def __init__(self, frames: Mapping[str, DataFrame]) -> None:
        collected = {table.name: [row.asDict() for row in frames[table.name].collect()] for table in EDITED}
        self.groups = {row["group_number"]: row for row in collected["employer_groups"]}
        self._families: dict[str, Family] = {}
        home = {row["member_number"]: row["household_id"] for row in collected["households"]}
        for table in PEOPLE:
            for row in collected[table.name]:
                household_id = home[row["member_number"]]
                family = self._families.setdefault(household_id, Family(household_id, self.groups))
                family.rows[table.name].append(row)

    def __iter__(self) -> Iterator[Family]:
        return (self._families[household_id] for household_id in sorted(self._families))

    def frames(self, spark: SparkSession) -> dict[str, DataFrame]:
        """The edited tables by name."""
        rows = {table.name: [row for family in self for row in family.rows[table.name]] for table in PEOPLE}
        rows["employer_groups"] = list(self.groups.values())
        return {
            table.name: spark.createDataFrame(
                [tuple(row[name] for name in table.column_names) for row in rows[table.name]], table.schema()
            )
            for table in EDITED
        }
