"""Ways to break each row rule of the suites of drugs and formularies, added to those of the other pharmacy suites.

An edit of `drugs` is of one drug, any other of one formulary with its lines.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from tests.pharmacy.breaks import BREAKS, Fits, breaks
from tests.pharmacy.families import Row
from tests.pharmacy.listings import Drug, Listing

__all__ = ["BREAKS"]

CENTS = Decimal("0.02")


def _is(**wanted: object) -> Fits:
    return lambda drug: all(drug.row[name] == value for name, value in wanted.items())


def _is_plain_brand(drug: Drug) -> bool:
    return drug.row["is_brand"] and not drug.row["is_specialty"]


def _is_on(**wanted: object) -> Fits:
    return lambda listing: all(listing.formulary[name] == value for name, value in wanted.items())


def _generic(drug: Row) -> bool:
    return drug["is_generic"]


def _brand(drug: Row) -> bool:
    return drug["is_brand"] and not drug["is_specialty"]


def _specialty(drug: Row) -> bool:
    return drug["is_specialty"]


# drugs


@breaks("drugs", "route_of_other_form", _is(dosage_form="TABLET"))
def a_tablet_is_injected(drug: Drug) -> None:
    drug.row["route"] = "INJECTION"


@breaks("drugs", "route_of_other_form", _is(dosage_form="SUPPOSITORY"))
def a_suppository_is_swallowed(drug: Drug) -> None:
    drug.row["route"] = "ORAL"


@breaks("drugs", "package_of_other_form", _is(dosage_form="PATCH"))
def patches_come_by_the_hundred(drug: Drug) -> None:
    drug.row["package_size"] = 100


@breaks("drugs", "package_of_other_form", _is(dosage_form="CAPSULE"))
def capsules_come_in_an_inhaler_s_package(drug: Drug) -> None:
    drug.row["package_size"] = 3


@breaks("drugs", "unit_of_other_form", _is(dosage_form="TABLET"))
def tablets_are_measured(drug: Drug) -> None:
    drug.row["package_unit"] = "ML"


@breaks("drugs", "class_of_other_category", _is(drug_class="STATIN"))
def a_statin_is_for_the_skin(drug: Drug) -> None:
    drug.row["therapeutic_category"] = "DERMATOLOGY"


@breaks("drugs", "wac_differs", _is(is_generic=True))
def a_generics_wac_is_two_cents_higher(drug: Drug) -> None:
    drug.row["wac_price"] += CENTS


@breaks("drugs", "wac_differs", _is(is_specialty=True))
def a_specialty_drug_is_priced_like_a_brand(drug: Drug) -> None:
    drug.row["wac_price"] = (drug.row["awp_price"] * Decimal("0.82")).quantize(CENTS)


@breaks("drugs", "mac_differs", _is(is_generic=True))
def a_generics_mac_is_two_cents_lower(drug: Drug) -> None:
    drug.row["mac_price"] -= CENTS


@breaks("drugs", "awp_of_other_type", _is(is_generic=True))
def a_generic_costs_more_than_50_dollars(drug: Drug) -> None:
    drug.row["awp_price"] = Decimal("50.01")


@breaks("drugs", "awp_of_other_type", _is_plain_brand)
def a_brand_costs_less_than_10_dollars(drug: Drug) -> None:
    drug.row["awp_price"] = Decimal("9.99")


@breaks("drugs", "awp_of_other_type", _is(is_specialty=True))
def a_specialty_drug_costs_less_than_1000_dollars(drug: Drug) -> None:
    drug.row["awp_price"] = Decimal("999.99")


@breaks("drugs", "approved_in_other_years", _is(is_generic=True))
def a_generic_is_approved_in_1979(drug: Drug) -> None:
    drug.row["fda_approval_date"] = dt.date(1979, 12, 31)


@breaks("drugs", "approved_in_other_years", _is_plain_brand)
def a_brand_is_approved_in_1989(drug: Drug) -> None:
    drug.row["fda_approval_date"] = dt.date(1989, 12, 31)


@breaks("drugs", "approved_in_other_years", _is(is_specialty=True))
def a_specialty_drug_is_approved_in_2009(drug: Drug) -> None:
    drug.row["fda_approval_date"] = dt.date(2009, 12, 31)


@breaks("drugs", "approved_in_other_years")
def a_drug_is_approved_in_2025(drug: Drug) -> None:
    drug.row["fda_approval_date"] = dt.date(2025, 1, 1)


@breaks("drugs", "maker_of_other_type", _is(is_generic=True))
def a_generic_is_of_a_brand_manufacturer(drug: Drug) -> None:
    drug.row["manufacturer"] = "PFIZER"


@breaks("drugs", "maker_of_other_type", _is_plain_brand)
def a_brand_is_of_a_generic_manufacturer(drug: Drug) -> None:
    drug.row["manufacturer"] = "TEVA"


@breaks("drugs", "labeler_of_two_makers", _is(manufacturer="SANDOZ"))
def a_labeler_code_is_used_by_another_maker(drug: Drug) -> None:
    drug.row["manufacturer"] = "LUPIN"


@breaks("drugs", "maker_with_two_labelers", _is(manufacturer="CIPLA"))
def a_maker_uses_another_labeler_code(drug: Drug) -> None:
    del drug.all[drug.row["ndc_code"]]
    drug.row["ndc_code"] = "98765" + drug.row["ndc_code"][5:]
    drug.all[drug.row["ndc_code"]] = drug.row


def _is_brand_twice(drug: Drug) -> bool:
    name = drug.row["drug_name"]
    return drug.row["is_brand"] and sum(other["drug_name"] == name for other in drug.all.values()) > 1


@breaks("drugs", "brand_of_two_ingredients", _is_brand_twice)
def a_brand_has_another_ingredient(drug: Drug) -> None:
    drug.row["generic_name"] = "another ingredient"


@breaks("drugs", "same_product_twice", _is(is_generic=True))
def two_products_are_alike(drug: Drug) -> None:
    codes = (f"{drug.row['ndc_code'][:6]}{product:04d}-01" for product in range(10_000))
    ndc = next(code for code in codes if code not in drug.all)
    drug.all[ndc] = drug.row | {"ndc_code": ndc}


@breaks("drugs", "scheduled_in_part", _is(generic_name="diazepam"))
def one_strength_is_not_controlled(drug: Drug) -> None:
    drug.row |= {"dea_schedule": None, "is_controlled": False}


@breaks("drugs", "controlled_in_other_class", _is(drug_class="STATIN"))
def a_statin_is_controlled(drug: Drug) -> None:
    drug.row |= {"dea_schedule": "IV", "is_controlled": True}


@breaks("drugs", "scheduled_otherwise", _is(generic_name="oxycodone"))
def oxycodone_is_in_schedule_five(drug: Drug) -> None:
    drug.row["dea_schedule"] = "V"


@breaks("drugs", "scheduled_otherwise", _is(generic_name="gabapentin"))
def gabapentin_is_controlled(drug: Drug) -> None:
    drug.row |= {"dea_schedule": "V", "is_controlled": True}


# formularies; those that fit few of them first


@breaks("formularies", "tier_beyond_its_tiers", _is_on(tier_count=3))
def a_formulary_of_three_tiers_has_a_fourth(listing: Listing) -> None:
    listing.listed(_specialty)[0]["tier"] = 4


@breaks("formularies", "tier_beyond_its_tiers", _is_on(tier_count=4))
def a_formulary_of_four_tiers_has_a_fifth(listing: Listing) -> None:
    listing.listed(_specialty)[0]["tier"] = 5


@breaks("formularies", "specialty_below_its_tier", _is_on(tier_count=5))
def a_specialty_drug_is_in_tier_3_of_five(listing: Listing) -> None:
    listing.listed(_specialty)[0]["tier"] = 3


@breaks("formularies", "number_twice")
def a_number_is_given_twice(listing: Listing) -> None:
    _recode(listing, listing.code[:-4] + "0001" if listing.code[-4:] != "0001" else listing.code[:-4] + "0002")


@breaks("formularies", "code_differs")
def a_code_is_of_another_year(listing: Listing) -> None:
    _recode(listing, listing.code.replace("-2024-", "-2023-"))


@breaks("formularies", "code_differs", _is_on(carrier="HUMANA"))
def a_code_names_another_carrier(listing: Listing) -> None:
    _recode(listing, listing.code.replace("HUMA", "AETN"))


@breaks("formularies", "name_differs")
def a_name_has_no_tiers(listing: Listing) -> None:
    name = listing.formulary["formulary_name"]
    listing.formulary["formulary_name"] = name.replace(f" {listing.formulary['tier_count']}-Tier", "")


@breaks("formularies", "of_other_year")
def a_formulary_begins_in_february(listing: Listing) -> None:
    listing.formulary["effective_date"] = dt.date(2024, 2, 1)


@breaks("formularies", "of_other_year")
def a_formulary_ends_a_day_early(listing: Listing) -> None:
    listing.formulary["termination_date"] = dt.date(2024, 12, 30)


@breaks("formularies", "plan_of_other_segment", _is_on(market_segment="MEDICARE_ADVANTAGE"))
def a_medicare_advantage_formulary_is_of_a_part_d_plan(listing: Listing) -> None:
    listing.formulary["plan_code"] = "MCARE-PARTD-001"


@breaks("formularies", "plan_of_other_segment", lambda listing: listing.is_medicare)
def a_medicare_formulary_is_of_an_exchange_plan(listing: Listing) -> None:
    listing.formulary["plan_code"] = "EXCH-SILVER-001"


@breaks("formularies", "carrier_of_other_segment", lambda listing: listing.is_medicare)
def a_medicare_formulary_is_kept_by_a_carrier_of_medicaid(listing: Listing) -> None:
    listing.formulary["carrier"] = "AMERIGROUP"


@breaks("formularies", "plan_of_other_programme")
def the_va_keeps_a_formulary_of_tricare(listing: Listing) -> None:
    listing.formulary |= {"market_segment": "FEDERAL", "carrier": "VA", "plan_code": "GOV-TRICARE-001"}


@breaks("formularies", "plan_of_other_programme")
def a_commercial_carrier_has_the_federal_employees_plan(listing: Listing) -> None:
    listing.formulary["plan_code"] = "GOV-FEHB-001"


@breaks("formularies", "not_sold_there", _is_on(market_segment="REGIONAL"))
def a_regional_formulary_is_for_a_state_without_the_plan(listing: Listing) -> None:
    listing.formulary |= {"plan_code": "EXCH-GOLD-001", "region": "TX"}


@breaks("formularies", "count_differs")
def a_line_is_lost(listing: Listing) -> None:
    listing.lines.pop()


@breaks("formularies", "count_differs")
def a_formulary_has_no_lines(listing: Listing) -> None:
    listing.lines.clear()


@breaks("formularies", "prior_auth_differs")
def prior_authorization_is_a_point_higher(listing: Listing) -> None:
    listing.formulary["prior_auth_pct"] += 1


@breaks("formularies", "step_therapy_differs")
def step_therapy_is_a_point_higher(listing: Listing) -> None:
    listing.formulary["step_therapy_pct"] += 1


@breaks("formularies", "quantity_limit_differs")
def quantity_limits_are_a_point_lower(listing: Listing) -> None:
    listing.formulary["quantity_limit_pct"] -= 1


@breaks("formularies", "size_of_other_type", lambda listing: len(listing.lines) > 2000)
def a_basic_formulary_lists_more_than_2000_drugs(listing: Listing) -> None:
    listing.formulary["formulary_type"] = "BASIC"


@breaks("formularies", "size_of_other_type", _is_on(formulary_type="SPECIALTY"))
def a_specialty_formulary_lists_499_drugs(listing: Listing) -> None:
    del listing.lines[499:]


@breaks("formularies", "generics_of_other_type", _is_on(formulary_type="STANDARD"))
def a_standard_formulary_lacks_a_generic(listing: Listing) -> None:
    listing.lines.remove(listing.listed(_generic)[0])


@breaks("formularies", "generics_of_other_type", _is_on(formulary_type="BASIC"))
def a_basic_formulary_lists_a_generic_more(listing: Listing) -> None:
    _add(listing, listing.unlisted(_generic)[0], tier=1)


@breaks("formularies", "generics_of_other_type", _is_on(formulary_type="ENHANCED"))
def a_specialty_formulary_lists_85_percent_of_the_generics(listing: Listing) -> None:
    listing.formulary["formulary_type"] = "SPECIALTY"


@breaks("formularies", "specialties_of_other_type", _is_on(formulary_type="ENHANCED"))
def an_enhanced_formulary_lacks_a_specialty_drug(listing: Listing) -> None:
    listing.lines.remove(listing.listed(_specialty)[0])


@breaks("formularies", "protected_classes_missing", lambda listing: listing.is_medicare)
def a_medicare_formulary_drops_antidepressants(listing: Listing) -> None:
    for line in listing.listed(lambda drug: drug["drug_class"] == "ANTIDEPRESSANT"):
        listing.lines.remove(line)


@breaks("formularies", "protected_classes_missing", lambda listing: listing.is_medicare)
def a_medicare_formulary_drops_three_antipsychotics(listing: Listing) -> None:
    for line in listing.listed(lambda drug: drug["drug_class"] == "ANTIPSYCHOTIC")[:3]:
        listing.lines.remove(line)


def _recode(listing: Listing, code: str) -> None:
    for row in (listing.formulary, *listing.lines):
        row["formulary_code"] = code


def _add(listing: Listing, drug: Row, tier: int) -> None:
    listing.lines.append(listing.lines[0] | {"ndc_code": drug["ndc_code"], "tier": tier})


# formulary_drugs


@breaks("formulary_drugs", "generic_in_other_tier")
def a_generic_is_in_tier_2(listing: Listing) -> None:
    listing.lines[:] = listing.listed(_generic)[:1]
    listing.lines[0]["tier"] = 2


def _lists_brands(listing: Listing) -> bool:
    return bool(listing.listed(_brand))


@breaks("formulary_drugs", "brand_in_other_tier", _lists_brands)
def a_brand_is_in_tier_1(listing: Listing) -> None:
    listing.lines[:] = listing.listed(_brand)[:1]
    listing.lines[0]["tier"] = 1


@breaks("formulary_drugs", "brand_in_other_tier", _lists_brands)
def a_brand_is_in_tier_4(listing: Listing) -> None:
    listing.lines[:] = listing.listed(_brand)[:1]
    listing.lines[0]["tier"] = 4


@breaks("formulary_drugs", "specialty_in_other_tier")
def a_specialty_drug_is_in_tier_2(listing: Listing) -> None:
    listing.lines[:] = listing.listed(_specialty)[:1]
    listing.lines[0]["tier"] = 2


def _limit(listing: Listing, form: str, quantity: int, days: int) -> None:
    """Leaves one line, of that form and with those limits."""
    listing.lines[:] = listing.listed(lambda drug: drug["dosage_form"] == form)[:1]
    listing.lines[0] |= {"quantity_limit": quantity, "days_supply_limit": days}


@breaks("formulary_drugs", "quantity_of_other_form")
def sixty_patches_are_allowed(listing: Listing) -> None:
    _limit(listing, "PATCH", 60, 30)


@breaks("formulary_drugs", "quantity_of_other_form")
def ninety_millilitres_of_solution_are_allowed(listing: Listing) -> None:
    _limit(listing, "SOLUTION", 90, 30)


@breaks("formulary_drugs", "quantity_of_other_form")
def forty_five_tablets_are_allowed(listing: Listing) -> None:
    _limit(listing, "TABLET", 45, 30)


@breaks("formulary_drugs", "days_of_other_form")
def an_inhaler_is_for_sixty_days(listing: Listing) -> None:
    _limit(listing, "INHALER", 90, 60)


@breaks("formulary_drugs", "days_of_other_form")
def a_cream_is_for_ninety_days(listing: Listing) -> None:
    _limit(listing, "CREAM", 60, 90)


@breaks("formulary_drugs", "less_than_one_a_day")
def thirty_tablets_are_for_ninety_days(listing: Listing) -> None:
    _limit(listing, "TABLET", 30, 90)
