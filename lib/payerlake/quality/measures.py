"""The quality measures of `conf/reference/hedis_measures.csv`: who is eligible, and how their gaps close."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from payerlake import reference

OLDEST = 120
LAB_RESULT = "Lab Result"
RECORD_REVIEW = "Medical Record Review"


@dataclass(frozen=True)
class Measure:
    """One measure. Eligible: has one of `conditions` (none: everybody), this sex ("": any), an age from … to."""

    measure_id: str
    conditions: tuple[str, ...]
    sex: str
    age_from: int
    age_to: int
    days_from: int
    days_to: int
    again_after: int
    methods: dict[str, float]


@cache
def measures() -> tuple[Measure, ...]:
    """The measures in the order of the list."""
    return tuple(
        Measure(
            measure_id=row["measure_id"],
            conditions=tuple(code for code in row["conditions"].split("|") if code),
            sex=row["sex"],
            age_from=int(row["age_from"] or 0),
            age_to=int(row["age_to"] or OLDEST),
            days_from=int(row["days_from"]),
            days_to=int(row["days_to"]),
            again_after=int(row["again_after"]),
            methods={name: float(share) for name, share in (part.split(":") for part in row["methods"].split("|"))},
        )
        for row in reference.rows("hedis_measures")
    )
