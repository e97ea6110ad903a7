"""What the statistical rules of the quality suites tell at the documented 10,000 members."""

from __future__ import annotations

from tests.power import Power, told

POWER = Power(
    wrong={
        # As of all members: 18.5 % are diabetics, and 0.5·0.35 + 0.34·0.52 + 0.16·0.13 live by chance where their plan
        # is strongest.
        "conditions.diabetes_of_the_obese": (0.185,),
        "members.lives_where_plan_is_strongest": (0.373,),
        # Risk that has nothing to do with age, or with conditions.
        "members.risk_with_age": (0.0,),
        "members.risk_of_the_healthy": (1.65,),
        "members.risk_with_5_or_more": (1.65,),
        # A tenth beyond the document's range.
        "members.risk_with_1_or_2": (0.81, 1.98),
        "members.risk_with_3_or_4": (1.35, 2.75),
    },
    dull={
        "so rare, or so common, that the values there are tell no less": told(
            "conditions",
            e10_share=0.4,
            n18_share=0.25,
            h35_share=0.25,
            i50_share=0.2,
            i48_share=0.2,
            j45_share=0.2,
            z85_share=0.2,
            c50_share=0.4,
            m05_share=0.25,
        ),
        "of few values": told("care_gaps", measure=0.2, barrier=0.2, days_to_close_eye_exam=0.2)
        | told("conditions", e11_share=0.15, i25_share=0.15, j44_share=0.15, f32_share=0.15, f41_share=0.2)
        | told(
            "interventions",
            is_tracked=0.15,
            is_followed_up=0.15,
            assignee=0.2,
            activity_type=0.25,
            record_review_paid=0.4,
        )
        | told("members", gaps_of_h5678=0.15, gaps_of_h9012=0.2),
    },
)
