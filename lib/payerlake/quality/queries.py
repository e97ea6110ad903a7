"""What a database with the quality dataset is asked: the documented queries, and the checklist."""

from __future__ import annotations

import datetime

from payerlake.contract.inspection import Expected, Inspection, Query
from payerlake.quality.settings import QualitySettings

# A documented dataset of 10,000 members has at least 5,000 rows of conditions and 12,000 care gaps. To be expected are
# 1.32 gaps a member, of which a few hundred members may be short by chance.
CONDITIONS_PER_MEMBER = 0.5
GAPS_PER_MEMBER = 1.2
GAPS_PER_MEMBER_OF_FEW, _FEW = 0.8, 2000
ZIP_CODES = 30
VIEWS = ("vw_member_segmentation", "vw_geographic_performance", "vw_condition_impact")


def inspection(settings: QualitySettings) -> Inspection:
    """The queries and checks for a dataset of these settings."""
    as_of = settings.population.as_of
    return Inspection(queries=(_by_plan(as_of), *_OTHERS), checks=_checks(settings))


def _by_plan(as_of: datetime.date) -> Query:
    born = "EXTRACT(MONTH FROM date_of_birth) * 100 + EXTRACT(DAY FROM date_of_birth)"
    age = (
        f"{as_of.year} - EXTRACT(YEAR FROM date_of_birth)"
        f" - CASE WHEN {born} > {as_of.month * 100 + as_of.day} THEN 1 ELSE 0 END"
    )
    return Query(
        f"Members by plan; ages as of {as_of}",
        f"""
SELECT plan_id, COUNT(*) AS members,
       ROUND(CAST(AVG({age}) AS DECIMAL(20,10)), 1) AS mean_age,
       ROUND(CAST(AVG(risk_score) AS DECIMAL(20,10)), 3) AS mean_risk_score
FROM plan_members
GROUP BY plan_id
ORDER BY plan_id""",
    )


_OTHERS = (
    Query(
        "Care gaps by plan and status",
        """
SELECT m.plan_id, g.gap_status, COUNT(*) AS gaps
FROM member_gaps g JOIN plan_members m ON m.member_id = g.member_id
GROUP BY m.plan_id, g.gap_status
ORDER BY m.plan_id, g.gap_status""",
    ),
    Query(
        "Largest segments of 10 members or more",
        """
SELECT *
FROM vw_member_segmentation
WHERE member_count >= 10
ORDER BY member_count DESC, plan_id, region_type, risk_category, age_band, gender
LIMIT 20""",
    ),
    Query(
        "ZIP codes with most members",
        """
SELECT zip_code, city, member_count, total_gaps, closure_rate_pct
FROM vw_geographic_performance
WHERE member_count > 0
ORDER BY member_count DESC, zip_code
LIMIT 10""",
    ),
    Query(
        "Most frequent chronic conditions",
        """
SELECT condition_code, condition_name, affected_members, prevalence_pct_actual, gaps_per_affected_member
FROM vw_condition_impact
ORDER BY affected_members DESC, condition_code
LIMIT 10""",
    ),
)


def _checks(settings: QualitySettings) -> tuple[Expected, ...]:
    members = settings.members
    gaps_per_member = GAPS_PER_MEMBER_OF_FEW if members < _FEW else GAPS_PER_MEMBER
    conditions_per_member = CONDITIONS_PER_MEMBER
    if settings.known_at:  # so few that day, as nobody states
        gaps_per_member = conditions_per_member = 0.0
    return (
        Expected("members", members, "SELECT COUNT(*) FROM plan_members", of_whole=True),
        Expected("ZIP codes", ZIP_CODES, "SELECT COUNT(*) FROM zip_code_reference"),
        Expected(
            "chronic conditions",
            len(settings.conditions.catalogue),
            "SELECT COUNT(*) FROM chronic_conditions_reference",
        ),
        Expected(
            "rows of members' conditions",
            conditions_per_member * members,
            "SELECT COUNT(*) FROM member_chronic_conditions",
            at_least=True,
            of_whole=True,
        ),
        Expected(
            "care gaps", gaps_per_member * members, "SELECT COUNT(*) FROM member_gaps", at_least=True, of_whole=True
        ),
        Expected("views", len(VIEWS), standing=VIEWS),
    )
