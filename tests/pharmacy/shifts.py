"""Changes of whole tables, in SQL, under which pharmacy rules must fail whose queries work out more than a share.

A shift names the columns whose expectations must fail, and the tables that change: SQL over the tables by name. Shares
of a column itself are left to `power`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import DataFrame, SparkSession

from payerlake.registry import dataset


@dataclass(frozen=True)
class Shift:
    """A change under which the expectations on these columns of the suite fail.

    changed: for each table the SQL expressions that replace its columns. kept: the condition that its rows meet.
    joined: a table whose columns the expressions may use, with the member number in common.
    """

    suite: str
    columns: tuple[str, ...]
    changed: Mapping[str, Mapping[str, str]]
    kept: str = "true"
    joined: str = ""

    def frames(self, spark: SparkSession, frames: Mapping[str, DataFrame]) -> dict[str, DataFrame]:
        """The tables with the change."""
        return dict(frames) | {name: self._table(spark, name, frames) for name in self.changed}

    def _table(self, spark: SparkSession, name: str, frames: Mapping[str, DataFrame]) -> DataFrame:
        columns = dataset("pharmacy").table(name).columns
        new = self.changed[name]
        selected = ", ".join(
            f"CAST({new[c.name]} AS {c.spark_type.simpleString()}) AS {c.name}" if c.name in new else f"t.{c.name}"
            for c in columns
        )
        tables = {"t": frames[name]} | ({"other": frames[self.joined]} if self.joined else {})
        beside = "JOIN {other} o ON t.member_number = o.member_number" if self.joined else ""
        return spark.sql(f"SELECT {selected} FROM {{t}} t {beside} WHERE {self.kept}", **tables)


_IN_TWO = "substr(t.member_number, -1) < '5'"
_IN_TWO_CODES = "substr(t.formulary_code, -1) < '5'"
_OF_THREE_CODES = "substr(t.formulary_code, -4) IN ('0001', '0002', '0003')"
_SHARES = ("on_employer", "on_medicare", "on_medicaid", "on_individual", "on_other")

SHIFTS = (
    Shift(
        "households",
        ("spouses_share_a_name", "couple_of_two_sexes", "couple_within_ten_years"),
        {
            "members": {
                "gender": "'F'",
                "last_name": "if(o.relationship = 'SPOUSE', 'Ownname', t.last_name)",
                "date_of_birth": "if(o.relationship = 'SPOUSE', add_months(t.date_of_birth, -180), t.date_of_birth)",
            }
        },
        joined="households",
    ),
    Shift(
        "households",
        ("one_or_two_dependents",),
        {"households": {}},
        kept="NOT (relationship = 'DEPENDENT' AND household_size <= 4)",
    ),
    Shift(
        "coverage_history",
        ("enrollments", "active_enrollments", "is_single", "is_dual", "is_transition", "is_historical"),
        {
            "enrollments": {
                "termination_date": f"if({_IN_TWO}, coalesce(termination_date, DATE'2023-12-31'), termination_date)"
            }
        },
        kept="effective_date >= DATE'2012-01-01'",
    ),
    Shift(
        "coverage_history",
        ("is_spouse", "is_dependent", "begins_within_year"),
        {
            "households": {"relationship": "if(person_code = '01', 'SELF', 'DEPENDENT')"},
            "enrollments": {"effective_date": "trunc(effective_date, 'YEAR')"},
        },
    ),
    Shift(
        "coverage_history",
        ("is_self",),
        {"households": {"relationship": "'SELF'"}},
    ),
    Shift(
        "coverage_history",
        (*_SHARES, "senior_on_medicare", "younger_on_medicare"),
        {"enrollments": {"plan_code": "if(o.date_of_birth < DATE'1959-01-01', 'GOV-VA-001', 'MCARE-MAPD-001')"}},
        joined="members",
    ),
    Shift(
        "plan_sales",
        ("held_by_largest",),
        {"enrollments": {"group_number": "concat('GRP-', lpad(substr(member_number, 2), 5, '1'))"}},
    ),
    Shift(
        "formularies",
        ("off_by_segment", "off_by_type"),
        {
            "formularies": {
                "market_segment": f"if({_OF_THREE_CODES}, 'FEDERAL', market_segment)",
                "formulary_type": f"if({_OF_THREE_CODES}, 'MAIL_ORDER', formulary_type)",
            }
        },
    ),
    Shift(
        "formularies",
        ("drugs_listed", "drugs_listed_in_whole"),
        {"formulary_drugs": {}},
        kept="pmod(xxhash64(ndc_code), 10) < 7",
    ),
    Shift(
        "formularies",
        ("specialty_in_tier_5",),
        {"formulary_drugs": {"tier": f"if(tier = 4 AND {_IN_TWO_CODES}, 5, tier)"}},
    ),
    Shift(
        "formulary_drugs",
        ("brand_in_tier_2", "tier_3_non_preferred"),
        {
            "formulary_drugs": {
                "tier": "if(tier = 3 AND status = 'NON_PREFERRED', 2, tier)",
            }
        },
    ),
)
