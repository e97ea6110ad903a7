"""What the statistical rules of the pharmacy suites tell at the documented 1,000,000 members."""

from __future__ import annotations

from tests.power import Power, told

POWER = Power(
    wrong={
        # A tenth beyond the document's range, its most or its least.
        "coverage_history.begins_within_year": (0.09, 0.44),
        "coverage_history.senior_on_medicare": (0.81,),
        "coverage_history.younger_on_medicare": (0.033,),
        "drugs.is_controlled": (0.072, 0.165),
        "households.couple_within_ten_years": (0.765,),
        "plan_sales.held_by_largest": (0.09,),
        # Off by a tenth of the share or its rest.
        "drugs.is_generic": (0.725, 0.775),
        "drugs.is_plain_brand": (0.207, 0.253),
        "drugs.is_specialty": (0.017, 0.025),
        "drugs.is_protected": (0.118, 0.144),
        # Spouses of any sex.
        "households.couple_of_two_sexes": (0.5,),
        # A formulary more, or one less, than the shares of all make.
        "formularies.off_by_segment": (1.0,),
        "formularies.off_by_type": (1.0,),
    },
    dull={
        "what the document allows, beside the values that there are": told(
            "coverage_history", on_medicare=0.15, on_medicaid=0.2, on_individual=0.6, on_other=0.5
        )
        | told(
            "formulary_drugs",
            in_tier_2=0.15,
            in_tier_3=0.15,
            in_tier_4=0.15,
            in_tier_5=0.4,
            is_preferred=0.15,
            is_non_preferred=0.25,
            is_specialty=0.15,
        )
        | told("households", spouses_share_a_name=0.2, one_or_two_dependents=0.4),
        "so rare, or so common, that the values there are tell no less": told("drugs", is_active=0.7)
        | told("formularies", is_active=0.4)
        | told("members", is_not_told=0.15),
        "of few values": told("drugs", brand_awp=0.15, specialty_awp=0.4) | told("formularies", pbm=0.15),
    },
)
