"""Ways to break the rules of the quality suites. ROWS change one row each, which the rule must report; TABLES
change a table so that a rule about it fails; QUERIES show that what a query works out is what its rule says."""

from __future__ import annotations

from tests.edits import Break

# rows


def _of_member(column: str, where: str = "true", **changes: str) -> Break:
    return Break("members", (column,), "plan_members", changes, where, "member_id")


def _of_condition(column: str, where: str = "true", **changes: str) -> Break:
    return Break("conditions", (column,), "member_chronic_conditions", changes, where, "member_id")


def _of_gap(column: str, where: str = "true", **changes: str) -> Break:
    return Break("care_gaps", (column,), "member_gaps", changes, where, "gap_id")


def _of_activity(column: str, where: str = "true", **changes: str) -> Break:
    return Break("interventions", (column,), "gap_closure_tracking", changes, where, "gap_id")


def _of_cost(column: str, where: str = "true", **changes: str) -> Break:
    return Break("interventions", (column,), "intervention_costs", changes, where, "gap_id")


def _of_performance(column: str, where: str = "true", **changes: str) -> Break:
    return Break("plan_performance", (column,), "plan_performance", changes, where, "performance_id")


def _without(*codes: str) -> str:
    listed = ", ".join(f"'{code}'" for code in codes)
    return (
        "member_id NOT IN (SELECT member_id FROM member_chronic_conditions WHERE condition_code IN "
        f"({listed})) AND measure_id = 'HEI'"
    )


def _members(where: str) -> str:
    return f"member_id IN (SELECT member_id FROM plan_members WHERE {where})"


def _gaps(where: str) -> str:
    return f"gap_id IN (SELECT gap_id FROM member_gaps WHERE {where})"


_DIABETICS = "member_id IN (SELECT member_id FROM member_chronic_conditions WHERE condition_code = 'E11')"
_ALONE = "member_id IN (SELECT member_id FROM member_chronic_conditions GROUP BY member_id HAVING count(*) = 1)"
_FIRST = "gap_id IN (SELECT gap_id FROM gap_closure_tracking GROUP BY gap_id HAVING count(*) = 1)"
_SOME_OPEN = "(SELECT min(gap_id) FROM member_gaps WHERE gap_status = 'Open')"
_SECOND = "notes LIKE 'Follow-up%'"
_NO_LAB = "measure_id IN ('BPD', 'CBP', 'HEI')"
_REVIEW = "activity_id IS NULL AND activity_type = 'Medical Record Review'"

ROWS = (
    _of_member("aged_under_65", date_of_birth="DATE'1960-01-01'"),
    _of_member("aged_over_94", date_of_birth="DATE'1929-12-31'"),
    _of_member("risk_out_of_range", risk_score="0.599"),
    _of_member("risk_out_of_range", risk_score="5.000"),
    _of_member("enrolled_on_another_day", enrollment_date="DATE'2024-02-01'"),
    _of_member("active_after_the_end", disenrollment_date="DATE'2024-06-30'"),
    _of_member("conditions_listed_differ", "chronic_conditions IS NOT NULL", chronic_conditions="NULL"),
    _of_member("conditions_listed_differ", "chronic_conditions IS NULL", chronic_conditions="'E11'"),
    _of_condition("condition_twice", "condition_code = 'I10' AND " + _DIABETICS, condition_code="'E11'"),
    _of_condition("both_diabetes_types", "condition_code = 'I10' AND " + _DIABETICS, condition_code="'E10'"),
    _of_condition("retinopathy_without_diabetes", "condition_code = 'E78' AND " + _ALONE, condition_code="'H35'"),
    _of_condition(
        "breast_cancer_of_men", "condition_code = 'E78' AND " + _members("gender = 'M'"), condition_code="'C50'"
    ),
    _of_condition("found_before_18", "condition_code = 'E78'", diagnosis_date="DATE'1935-01-01'"),
    _of_condition("found_after_the_year", "condition_code = 'E78'", diagnosis_date="DATE'2025-01-01'"),
    _of_condition("retinopathy_before_diabetes", "condition_code = 'H35'", diagnosis_date="DATE'1977-01-01'"),
    _of_condition("active_cancer_of_long_ago", "condition_code = 'C50'", diagnosis_date="DATE'2015-01-01'"),
    *(_of_gap("diabetes_gap_without_diabetes", _without("E11", "E10"), measure_id=f"'{measure}'")
      for measure in ("GSD", "KED", "EED", "PDC-DR", "BPD", "SUPD")),
    *(_of_gap("diabetes_gap_over_75", _DIABETICS + " AND " + _members("date_of_birth < DATE'1948-12-31'"),
              measure_id=f"'{measure}'")
      for measure in ("GSD", "EED", "BPD", "SUPD")),
    *(_of_gap("gap_over_85", _members("date_of_birth < DATE'1938-12-31'"), measure_id=f"'{measure}'")
      for measure in ("KED", "CBP")),
    _of_gap("pressure_gap_without_hypertension", _without("I10"), measure_id="'CBP'"),
    _of_gap("statin_gap_without_need", _without("E78", "I25"), measure_id="'PDC-STA'"),
    _of_gap("ras_gap_without_need", _without("I10", "I25", "I50"), measure_id="'PDC-RASA'"),
    _of_gap("mammography_gap_of_men", _members("gender = 'M'"), measure_id="'BCS'"),
    _of_gap("mammography_gap_over_74", _members("date_of_birth < DATE'1949-12-31'"), measure_id="'BCS'"),
    _of_gap("colorectal_gap_over_75", _members("date_of_birth < DATE'1948-12-31'"), measure_id="'COL'"),
    _of_gap("opened_at_another_time", gap_opened_date="DATE'2023-12-31'"),
    _of_gap("opened_at_another_time", gap_opened_date="DATE'2024-05-01'"),
    _of_gap("closed_after_the_year", "gap_status = 'Closed'", gap_closed_date="DATE'2025-01-01'"),
    _of_gap("closed_too_fast_or_slow", "gap_status = 'Closed'", gap_closed_date="date_add(gap_opened_date, 29)"),
    _of_gap("closed_too_fast_or_slow", "gap_status = 'Closed' AND measure_id = 'HEI'",
            gap_closed_date="date_add(gap_opened_date, 181)"),
    _of_gap("service_long_before_closing", "gap_status = 'Closed'", last_service_date="date_sub(gap_closed_date, 21)"),
    _of_gap("closed_by_a_foreign_lab", "gap_status = 'Closed' AND measure_id = 'BCS'", closure_method="'Lab Result'"),
    _of_gap("more_than_5_attempts", outreach_attempts="6"),
    Break("interventions", ("activity_of_a_gap_not_closed",), "gap_closure_tracking", {"gap_id": _SOME_OPEN},
          "gap_id > 2000", _SOME_OPEN),
    Break("interventions", ("more_than_2_activities",), "gap_closure_tracking",
          {"gap_id": "(SELECT min(gap_id) FROM gap_closure_tracking WHERE notes LIKE 'Follow-up%')"},
          "gap_id > 1000", "(SELECT min(gap_id) FROM gap_closure_tracking WHERE notes LIKE 'Follow-up%')"),
    Break("interventions", ("more_activities_than_attempts",), "member_gaps", {"outreach_attempts": "0"},
          "gap_id > 500 AND gap_id IN (SELECT gap_id FROM gap_closure_tracking)", "gap_id"),
    _of_activity("activity_outside_the_gap", _FIRST, activity_date="DATE'2023-12-31'"),
    _of_activity("activity_outside_the_gap", _FIRST, activity_date="DATE'2025-01-01'"),
    _of_activity("follow_up_on_another_day", _SECOND, activity_date="date_add(activity_date, 1)"),
    _of_activity("lab_order_of_no_use", _FIRST + " AND " + _gaps(_NO_LAB), activity_type="'Lab Order Sent'"),
    _of_cost("activity_without_cost", "activity_id IS NOT NULL"),
    _of_cost("activity_with_other_cost", "activity_id IS NOT NULL", cost_date="date_add(cost_date, 1)"),
    _of_cost("cost_not_standard", unit_cost="unit_cost + 1"),
    _of_cost("cost_of_other_category", cost_category="'Technology'"),
    _of_cost("costs_do_not_tie_out", total_cost="total_cost + 0.01"),
    _of_cost("record_review_of_another_closure", "activity_id IS NOT NULL AND " + _gaps("measure_id = 'HEI'"),
             activity_id="NULL", activity_type="'Medical Record Review'"),
    _of_cost("lab_review_missing_or_odd", "activity_type = 'Lab Result Review'"),
    _of_cost("lab_review_missing_or_odd", _REVIEW, activity_type="'Lab Result Review'"),
    _of_cost("review_on_another_day", _REVIEW, cost_date="date_add(cost_date, 1)"),
    _of_performance("rate_of_other_counts", performance_rate="performance_rate + 0.01"),
    _of_performance("stars_of_other_thresholds", current_star_rating="current_star_rating - 0.5"),
    _of_performance("members_to_go_differ", gap_to_target="gap_to_target + 1"),
    _of_performance("target_reached", target_star_rating="current_star_rating"),
    Break("thresholds", ("not_rising",), "star_thresholds", {"threshold_pct": "50"}, "star_rating = 5", "threshold_id"),
)  # fmt: skip

# whole tables


def _whole(suite: str, column: str, table: str, where: str = "true", **changes: str) -> Break:
    return Break(suite, (column,), table, changes, where)


_CODES = (
    *("E11", "E10", "N18", "H35", "I10", "I25", "I50", "I48", "J44", "J45"),
    *("Z85", "C50", "F32", "F41", "M05", "E78", "E66"),
)
_THIRD = "member_condition_id % 32 > 0 AND pmod(xxhash64(member_id), 3) = 0"

TABLES = (
    _whole("plan_performance", "rows_missing", "plan_performance", "performance_id = 36"),
    _whole("thresholds", "thresholds_not_7", "star_thresholds", "threshold_id = 1"),
    _whole("thresholds", "rows_not_84", "star_thresholds", "measure_id = 'HEI'"),
    _whole("views", "members_of_segments_differ", "vw_member_segmentation", "plan_id = 'H9012-003'"),
    _whole("views", "gaps_of_segments_differ", "vw_member_segmentation", total_care_gaps="total_care_gaps * 2"),
    _whole("views", "risk_of_segments_differs", "vw_member_segmentation", avg_risk_score="avg_risk_score * 1.1"),
    _whole("views", "gaps_a_member_differ", "vw_member_segmentation", gaps_per_member="gaps_per_member + 0.02"),
    _whole("views", "members_of_zip_codes_differ", "vw_geographic_performance", member_count="member_count + 1"),
    _whole("views", "gaps_of_zip_codes_differ", "vw_geographic_performance", total_gaps="total_gaps + 1"),
    _whole("views", "status_of_zip_codes_differs", "vw_geographic_performance", open_gaps="open_gaps - 1"),
    _whole("views", "closure_rates_differ", "vw_geographic_performance", closure_rate_pct="closure_rate_pct + 0.02"),
    _whole("views", "zip_codes_not_30", "vw_geographic_performance", "zip_code = '15213'"),
    _whole("views", "members_of_conditions_differ", "vw_condition_impact", affected_members="affected_members + 1"),
    _whole("views", "gaps_of_conditions_differ", "vw_condition_impact", total_gaps="total_gaps + 1000"),
)  # fmt: skip

# What is worked out of other rows or tables; a share or a mean of a column itself is left to `power`.
QUERIES = (
    _whole("members", "region", "plan_members", "pmod(xxhash64(member_id), 9) = 0", zip_code="'15650'"),
    _whole("members", "lives_where_plan_is_strongest", "plan_members", plan_id="'H9012-003'"),
    _whole("members", "risk_with_age", "plan_members", risk_score="1.65"),
    _whole("members", "conditions", "member_chronic_conditions", _THIRD),
    _whole("members", "risk_of_the_healthy", "plan_members", risk_score="least(risk_score + 0.3, 4.9)"),
    _whole("members", "risk_with_1_or_2", "plan_members", risk_score="least(risk_score + 0.5, 4.9)"),
    _whole("members", "risk_with_3_or_4", "plan_members", risk_score="least(risk_score + 1, 4.9)"),
    _whole("members", "risk_with_5_or_more", "plan_members", risk_score="greatest(risk_score - 0.8, 0.6)"),
    *(_whole("members", f"gaps_of_h{plan[1:5]}", "member_gaps",
             "pmod(xxhash64(gap_id), 4) = 0 AND " + _members(f"plan_id = '{plan}'"))
      for plan in ("H1234-001", "H5678-002", "H9012-003")),
    Break("conditions", tuple(f"{code.lower()}_share" for code in _CODES), "member_chronic_conditions",
          where="pmod(xxhash64(member_id), 2) = 0"),
    _whole("conditions", "diabetes_of_the_obese", "member_chronic_conditions",
           "condition_code = 'E11' AND pmod(xxhash64(member_id), 2) = 0"),
    _whole("care_gaps", "days_to_close", "member_gaps", "gap_status = 'Closed'",
           gap_closed_date="date_add(gap_closed_date, 10)"),
    _whole("care_gaps", "days_to_close_eye_exam", "member_gaps", "gap_status = 'Closed'",
           gap_closed_date="date_add(gap_closed_date, 30)"),
    _whole("interventions", "is_tracked", "gap_closure_tracking", "pmod(xxhash64(gap_id), 9) = 0"),
    _whole("interventions", "is_followed_up", "gap_closure_tracking", _SECOND + " AND pmod(xxhash64(gap_id), 4) = 0"),
    _whole("interventions", "record_review_paid", "intervention_costs", _REVIEW + " AND pmod(xxhash64(gap_id), 2) = 0"),
)  # fmt: skip
