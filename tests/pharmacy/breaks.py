"""Ways to break each row rule of the pharmacy suites: one edit of one household, which the rule must then report.

`@breaks(suite, column, who)` registers an edit for the expectation on that column; `who` says which households it fits.
Edits of drugs and formularies are in `formulary_breaks`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.pharmacy.families import Family

Edit = Callable[[Any], None]  # of a Family, or what else `listings` has
Fits = Callable[[Any], bool]


@dataclass(frozen=True)
class Break:
    """An edit that breaks the rule on `column` of `suite`."""

    suite: str
    column: str
    fits: Fits
    edit: Edit

    @property
    def name(self) -> str:
        return self.edit.__name__


BREAKS: list[Break] = []


def breaks(suite: str, column: str, fits: Fits = lambda family: True) -> Callable[[Edit], Edit]:
    def register(edit: Edit) -> Edit:
        BREAKS.append(Break(suite, column, fits, edit))
        return edit

    return register


def _is_couple(family: Family) -> bool:
    return "SPOUSE" in family.roles


def _is_parent(family: Family) -> bool:
    return "DEPENDENT" in family.roles


def _is_alone(family: Family) -> bool:
    return family.size == 1


def _has_past(family: Family) -> bool:
    return len(family.past()) >= 4


def _is_single(family: Family) -> bool:
    return len(family.open_rows()) == 1 and not family.left()


def _is_dual(family: Family) -> bool:
    return len(family.open_rows()) == 2


def _is_transition(family: Family) -> bool:
    return len(family.left()) == 1 and len(family.past()) >= 2


def _is_historical(family: Family) -> bool:
    return not family.open_rows() and len(family.past()) >= 3


def _is_adult(family: Family) -> bool:
    return family.head["date_of_birth"].year < 1980 and bool(family.open_rows())


def _is_minor(family: Family) -> bool:
    return family.head["date_of_birth"].year > 2008 and bool(family.open_rows())


def _lives_in(*states: str) -> Fits:
    return lambda family: family.head["state"] in states


def _event(family: Family, *kinds: str) -> dict:
    return next(event for event in family.events if event["event_type"] in kinds)


def _has_event(*kinds: str) -> Fits:
    return lambda family: any(event["event_type"] in kinds for event in family.events)


DRAWN = ("LOSS_OF_COVERAGE", "NEW_EMPLOYMENT", "MOVE")
DAY = dt.timedelta(days=1)

# members


@breaks("members", "born_after_the_day")
def a_member_is_born_in_february_2024(family: Family) -> None:
    family.head["date_of_birth"] = dt.date(2024, 2, 1)


@breaks("members", "aged_96")
def a_member_is_born_in_1927(family: Family) -> None:
    family.head["date_of_birth"] = dt.date(1927, 6, 1)


@breaks("members", "zip_elsewhere", _lives_in("TX", "FL", "NY"))
def a_member_has_a_zip_code_of_alaska(family: Family) -> None:
    family.head["zip_code"] = "99501"


# households


@breaks("households", "subscribers_not_one", _is_couple)
def both_spouses_subscribe(family: Family) -> None:
    family.place("SPOUSE")["relationship"] = "SELF"


@breaks("households", "subscribers_not_one", _is_couple)
def nobody_subscribes(family: Family) -> None:
    family.place("SELF")["relationship"] = "DEPENDENT"


@breaks("households", "led_by_another")
def the_subscriber_number_is_another_households(family: Family) -> None:
    family.place("SELF")["subscriber_number"] = "M999999"


@breaks("households", "led_by_another", _is_couple)
def the_spouse_subscribes(family: Family) -> None:
    head, spouse = family.place("SELF"), family.place("SPOUSE")
    head["relationship"], spouse["relationship"] = "SPOUSE", "SELF"


@breaks("households", "two_spouses", lambda family: family.has_both)
def a_dependent_becomes_a_second_spouse(family: Family) -> None:
    family.place("DEPENDENT")["relationship"] = "SPOUSE"


@breaks("households", "two_homes", _is_couple)
def a_spouse_moves_out(family: Family) -> None:
    family.member("SPOUSE")["address"] = "1 Elsewhere Road"


@breaks("households", "size_differs")
def a_household_counts_one_too_many(family: Family) -> None:
    for place in family.rows["households"]:
        place["household_size"] += 1


@breaks("households", "places_missing", _is_couple)
def a_person_code_is_given_twice(family: Family) -> None:
    family.place("SPOUSE")["person_code"] = "01"


@breaks("households", "spouse_not_second", lambda family: family.has_both)
def a_dependent_comes_before_the_spouse(family: Family) -> None:
    dependent, spouse = family.place("DEPENDENT"), family.place("SPOUSE")
    dependent["person_code"], spouse["person_code"] = spouse["person_code"], dependent["person_code"]


@breaks("households", "dependent_of_26", _is_parent)
def a_dependent_turns_26_on_the_last_day_of_the_year(family: Family) -> None:
    family.member("DEPENDENT")["date_of_birth"] = dt.date(1998, 12, 31)


@breaks("households", "parent_too_young", lambda family: family.has_both)
def a_spouse_is_15_years_older_than_a_dependent(family: Family) -> None:
    family.member("SPOUSE")["date_of_birth"] = family.member("DEPENDENT")["date_of_birth"] - 15 * 365 * DAY


@breaks("households", "married_minor", _is_couple)
def a_spouse_is_17(family: Family) -> None:
    family.member("SPOUSE")["date_of_birth"] = dt.date(2006, 2, 1)


@breaks("households", "dependent_of_other_name", _is_parent)
def a_dependent_has_a_name_of_its_own(family: Family) -> None:
    family.member("DEPENDENT")["last_name"] = "Ownname"


# coverage_history


@breaks("coverage_history", "never_covered")
def a_member_loses_all_enrollments(family: Family) -> None:
    for row in family.cover():
        family.drop("enrollments", row)


@breaks("coverage_history", "gap_or_overlap", _has_past)
def a_year_of_cover_is_lost(family: Family) -> None:
    family.drop("enrollments", family.past()[1])


@breaks("coverage_history", "gap_or_overlap", _has_past)
def a_day_of_cover_is_lost(family: Family) -> None:
    family.past()[1]["termination_date"] -= DAY


@breaks("coverage_history", "gap_or_overlap", _has_past)
def a_day_is_covered_twice(family: Family) -> None:
    family.past()[2]["effective_date"] -= DAY


@breaks("coverage_history", "gap_or_overlap", _has_past)
def a_past_year_has_two_plans(family: Family) -> None:
    family.add("enrollments", family.past()[1], plan_code="IND-GOLD-001")


@breaks("coverage_history", "three_covers", _is_dual)
def a_third_cover_is_held(family: Family) -> None:
    family.add("enrollments", family.open_rows()[0], plan_code="IND-GOLD-001")


@breaks("coverage_history", "dual_differs", _is_dual)
def both_covers_are_of_one_plan(family: Family) -> None:
    first, second = family.open_rows()
    second["plan_code"] = first["plan_code"]


@breaks("coverage_history", "dual_differs", _is_dual)
def the_second_cover_begins_a_month_later(family: Family) -> None:
    family.open_rows()[1]["effective_date"] = dt.date(2024, 2, 1)


@breaks("coverage_history", "two_groups", _is_dual)
def the_second_cover_is_of_another_group(family: Family) -> None:
    row = family.open_rows()[1]
    state = family.head["state"]
    row["group_number"] = next(
        number for number, group in family.groups.items() if group["state"] == state and number != row["group_number"]
    )


@breaks("coverage_history", "not_since_january", lambda family: _is_single(family) and _has_past(family))
def last_years_cover_goes_on(family: Family) -> None:
    family.drop("enrollments", family.open_rows()[0])
    family.past()[-1]["termination_date"] = None


@breaks("coverage_history", "left_plan_not_of_last_year", _is_transition)
def the_plan_left_was_held_for_two_years(family: Family) -> None:
    family.left()[0]["effective_date"] = family.past()[-1]["effective_date"]
    family.drop("enrollments", family.past()[-1])


@breaks("coverage_history", "moved_on_other_day", _is_transition)
def the_new_plan_begins_on_the_second(family: Family) -> None:
    family.left()[0]["termination_date"] += DAY
    family.open_rows()[0]["effective_date"] += DAY


@breaks("coverage_history", "moved_on_other_day", _is_transition)
def the_new_plan_begins_in_december(family: Family) -> None:
    family.left()[0]["termination_date"] = dt.date(2024, 11, 30)
    family.open_rows()[0]["effective_date"] = dt.date(2024, 12, 1)


@breaks("coverage_history", "moved_to_same_plan", _is_transition)
def the_new_plan_is_the_old_one(family: Family) -> None:
    family.open_rows()[0]["plan_code"] = family.left()[0]["plan_code"]


@breaks("coverage_history", "ended_on_other_day", _is_historical)
def cover_ended_two_years_ago(family: Family) -> None:
    family.drop("enrollments", family.past()[-1])


@breaks("coverage_history", "past_row_not_of_one_year", _has_past)
def two_past_years_are_one_row(family: Family) -> None:
    first, second = family.past()[1:3]
    first["termination_date"] = second["termination_date"]
    family.drop("enrollments", second)


@breaks("coverage_history", "before_birth", _has_past)
def cover_begins_a_day_before_birth(family: Family) -> None:
    family.head["date_of_birth"] = family.cover()[0]["effective_date"] + DAY


@breaks("coverage_history", "before_part_d", _has_past)
def cover_begins_in_2005(family: Family) -> None:
    family.cover()[0]["effective_date"] = dt.date(2005, 7, 1)


@breaks("coverage_history", "other_role", _has_past)
def a_subscriber_was_a_dependent(family: Family) -> None:
    family.past()[0]["relationship"] = "DEPENDENT"


@breaks("coverage_history", "other_role", _is_couple)
def a_spouse_is_enrolled_as_a_dependent(family: Family) -> None:
    for row in family.cover("SPOUSE"):
        row["relationship"] = "DEPENDENT"


def _begins_together(family: Family) -> bool:
    starts = [family.cover(role)[0]["effective_date"] for role in ("SELF", "SPOUSE")] if _is_couple(family) else []
    return len(starts) == 2 and starts[0] == starts[1] and _has_past(family)


@breaks("coverage_history", "before_subscriber", _begins_together)
def a_spouse_is_covered_a_year_before_the_subscriber(family: Family) -> None:
    family.drop("enrollments", family.past()[0])


@breaks("coverage_history", "minor_spouse", _is_couple)
def a_spouse_is_covered_at_17(family: Family) -> None:
    family.member("SPOUSE")["date_of_birth"] = family.cover("SPOUSE")[0]["effective_date"] - (18 * 365 - 30) * DAY


@breaks("coverage_history", "group_elsewhere", _lives_in("TX", "FL", "NY"))
def a_member_moves_and_keeps_the_group(family: Family) -> None:
    family.head["state"] = "WY"


@breaks("coverage_history", "group_elsewhere", _has_past)
def a_past_group_was_of_another_state(family: Family) -> None:
    state = family.head["state"]
    family.past()[0]["group_number"] = next(
        number for number, group in family.groups.items() if group["state"] != state
    )


# coverage_history: what may be held


def _holds(family: Family, *plans: str, role: str = "SELF") -> None:
    for row, plan in zip(family.open_rows(role), plans, strict=True):
        row["plan_code"] = plan


@breaks("coverage_history", "family_divided", lambda family: _is_couple(family) and _is_single(family))
def a_spouse_holds_another_plan(family: Family) -> None:
    _holds(
        family,
        "UNION-PREM-001" if "UNION" not in family.open_rows()[0]["plan_code"] else "COMM-GOLD-001",
        role="SPOUSE",
    )


@breaks("coverage_history", "family_divided", lambda family: _is_couple(family) and _is_single(family))
def a_spouse_holds_the_plan_through_another_group(family: Family) -> None:
    family.open_rows("SPOUSE")[0]["group_number"] = "EMP-00000"


@breaks("coverage_history", "chip_adult", lambda family: _is_adult(family) and _is_single(family))
def an_adult_is_on_chip(family: Family) -> None:
    _holds(family, "CHIP-STD-001")


@breaks("coverage_history", "chip_adult", lambda family: _is_adult(family) and _has_past(family))
def an_adult_was_on_chip(family: Family) -> None:
    family.past()[0]["plan_code"] = "CHIP-STD-001"
    family.head["date_of_birth"] = dt.date(1950, 1, 1)


@breaks("coverage_history", "catastrophic_at_30", lambda family: _is_adult(family) and _is_single(family))
def a_member_over_30_has_catastrophic_cover(family: Family) -> None:
    _holds(family, "IND-CATA-001")


@breaks("coverage_history", "tricare_at_65", lambda family: _is_adult(family) and _is_single(family))
def a_senior_is_on_tricare(family: Family) -> None:
    family.head["date_of_birth"] = dt.date(1950, 1, 1)
    _holds(family, "GOV-TRICARE-001")


@breaks("coverage_history", "va_minor", lambda family: _is_minor(family) and _is_single(family))
def a_child_is_a_veteran(family: Family) -> None:
    _holds(family, "GOV-VA-001")


@breaks("coverage_history", "va_family", lambda family: _is_couple(family) and _is_single(family))
def a_spouse_shares_veterans_cover(family: Family) -> None:
    _holds(family, "GOV-VA-001")
    _holds(family, "GOV-VA-001", role="SPOUSE")


@breaks("coverage_history", "fehb_minor", lambda family: _is_minor(family) and _is_single(family))
def a_child_is_a_federal_employee(family: Family) -> None:
    _holds(family, "GOV-FEHB-001")


@breaks("coverage_history", "medigap_without_part_d", lambda family: _is_adult(family) and _is_single(family))
def medigap_is_held_alone(family: Family) -> None:
    _holds(family, "MCARE-MEDIGAP-001")


@breaks("coverage_history", "medigap_with_advantage", lambda family: _is_adult(family) and _is_dual(family))
def medigap_is_held_beside_medicare_advantage(family: Family) -> None:
    _holds(family, "MCARE-MAPD-001", "MCARE-MEDIGAP-001")


# plan_sales


@breaks("plan_sales", "not_offered")
def a_group_gives_up_a_plan(family: Family) -> None:
    row = family.cover()[0]
    group = family.groups[row["group_number"]]
    group["plan_codes"] = group["plan_codes"].replace(row["plan_code"], "")


@breaks("plan_sales", "not_sold_there", lambda family: _lives_in("TX")(family) and _is_single(family))
def a_plan_of_the_northeast_is_held_in_texas(family: Family) -> None:
    _holds(family, "COMM-GOLD-002")


@breaks("plan_sales", "not_yet_sold", lambda family: _lives_in("VA")(family) and _has_past(family))
def virginia_expands_medicaid_a_year_early(family: Family) -> None:
    row = family.past()[0]
    row["plan_code"], row["effective_date"] = "MCAID-EXP-001", dt.date(2018, 1, 1)


@breaks("plan_sales", "no_expansion", lambda family: _lives_in("FL")(family) and _is_single(family))
def florida_expands_medicaid(family: Family) -> None:
    _holds(family, "MCAID-EXP-001")


@breaks(
    "plan_sales",
    "before_aca",
    lambda family: _has_past(family) and family.past()[0]["effective_date"].year < 2014,
)
def an_exchange_plan_is_held_before_2014(family: Family) -> None:
    family.past()[0]["plan_code"] = "EXCH-SILVER-001"


@breaks("plan_sales", "advantage_in_alaska", lambda family: _is_adult(family) and _is_single(family))
def medicare_advantage_comes_to_alaska(family: Family) -> None:
    _holds(family, "MCARE-MAPD-001")
    family.groups[family.open_rows()[0]["group_number"]]["state"] = "AK"


@breaks("plan_sales", "of_other_kind", lambda family: family.cover()[0]["group_number"].startswith("UNI"))
def a_union_has_an_employers_plan(family: Family) -> None:
    family.cover()[0]["plan_code"] = "EMP-TRAD-001"


# special_enrollments


@breaks("special_enrollments", "unexplained", lambda family: bool(family.events))
def an_event_is_lost(family: Family) -> None:
    family.drop("special_enrollments", family.events[0])


@breaks("special_enrollments", "unexplained", _has_past)
def cover_begins_on_the_second_of_january(family: Family) -> None:
    family.past()[1]["effective_date"] += DAY


@breaks("special_enrollments", "unused", lambda family: bool(family.events))
def an_event_opens_nothing(family: Family) -> None:
    family.add("special_enrollments", family.events[0], event_type="MOVE", effective_date=dt.date(2022, 5, 1))


@breaks("special_enrollments", "unused", lambda family: bool(family.events))
def an_event_opens_what_open_enrollment_does(family: Family) -> None:
    family.add("special_enrollments", family.events[0], event_type="MOVE", effective_date=dt.date(2022, 1, 1))


@breaks("special_enrollments", "other_day", _has_event(*DRAWN))
def an_event_names_another_day(family: Family) -> None:
    event = _event(family, *DRAWN)
    month = event["effective_date"].month
    event["effective_date"] = event["effective_date"].replace(month=month - 1 if month > 2 else 3)


@breaks("special_enrollments", "not_at_birth", _has_event("BIRTH"))
def a_newborn_is_enrolled_a_week_late(family: Family) -> None:
    _event(family, "BIRTH")["event_date"] -= 7 * DAY


@breaks("special_enrollments", "not_at_birth", _has_event("BIRTH"))
def a_birth_is_not_the_members_own(family: Family) -> None:
    for member in family.rows["members"]:
        member["date_of_birth"] -= DAY


@breaks("special_enrollments", "married_alone", lambda family: _is_alone(family) and _has_event(*DRAWN)(family))
def a_person_alone_marries(family: Family) -> None:
    _event(family, *DRAWN)["event_type"] = "MARRIAGE"


@breaks("special_enrollments", "not_at_65", lambda family: _is_alone(family) and _has_event(*DRAWN)(family))
def turning_65_is_on_no_65th_birthday(family: Family) -> None:
    _event(family, *DRAWN)["event_type"] = "TURNED_65"


@breaks("special_enrollments", "not_at_65", lambda family: _is_alone(family) and _has_event(*DRAWN)(family))
def turning_65_opens_cover_two_months_later(family: Family) -> None:
    event = _event(family, *DRAWN)
    event["event_type"] = "TURNED_65"
    event["event_date"] = (event["effective_date"] - 45 * DAY).replace(day=3)
    family.head["date_of_birth"] = event["event_date"].replace(year=event["event_date"].year - 65)


@breaks("special_enrollments", "not_a_first", _has_event(*DRAWN))
def cover_after_an_event_begins_in_december(family: Family) -> None:
    event = _event(family, *DRAWN)
    event["effective_date"] = event["effective_date"].replace(month=12)


@breaks("special_enrollments", "family_divided", lambda family: _is_couple(family) and _shares_event(family))
def a_spouse_has_another_reason(family: Family) -> None:
    event = _event(family, *DRAWN)
    event["event_type"] = next(kind for kind in DRAWN if kind != event["event_type"])


def _shares_event(family: Family) -> bool:
    days = [event["effective_date"] for event in family.events if event["event_type"] in DRAWN]
    return len(days) == 2 and days[0] == days[1]
