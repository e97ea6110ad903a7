"""What the statistical rules of the finance suites tell at the documented 3,600 patients."""

from __future__ import annotations

from tests.power import Power, told

POWER = Power(
    wrong={
        # A tenth beyond the document's range, its most or its least.
        "capitation.amount_a_month": (360, 660),
        "claims.claims_a_year": (2.7, 5.5),
        "patients.medicare_under_65": (0.22,),
        "patients.risk_at_a_bound": (0.11,),
        "patients.risk_spread": (1.35,),
        "tie_out.collection_rate": (0.63, 0.88),
        # A dollar a claim beyond 70 to 80 % of the charges.
        "claims.paid_above_70_percent": (-1,),
        "claims.paid_above_80_percent": (1,),
        # Panels that stay as they are; one band of ages at no more risk than the younger.
        "capitation.panel_varies": (0.0,),
        "patients.risk_above_younger": (0.75,),
    },
    dull={
        "what the document allows, beside the values that there are": told("claims", charge=0.2, paid=0.2)
        | told("tie_out", capitation_share=0.15),
        "so rare, or so common, that the values there are tell no less": told("claims", pending_of_late=0.8)
        | told("patients", is_self_pay=0.7),
        "of few values": told("claims", status_of_self_pay=0.15)
        | told(
            "patients", age_band=0.15, plan=0.15, universal_has_gold=0.25, bluedot_has_basic=0.3, medicare_has_a=0.4
        ),
    },
)
