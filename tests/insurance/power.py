"""What the statistical rules of the insurance suites tell at the documented 100,000 members."""

from __future__ import annotations

from tests.power import Power, told

POWER = Power(
    wrong={
        # The document's range of means, overstepped by a tenth; its one in a thousand likewise.
        "claim_patterns.mean_amount": (900, 5_500),
        "claim_patterns.share_at_least_amount": (0.0011,),
        "claim_patterns.share_at_most_amount": (0.0011,),
        # As many claims of the ill as of the healthy; twelve months alike.
        "claim_patterns.claims_of_ill_to_healthy": (1.0,),
        "claim_patterns.claims_in_winter_to_other_months": (1.0,),
        # As many conditions as everybody has.
        "claims.conditions_of_the_frequent": (1.5,),
        # Nothing to do with each other; and the documented figure off by a tenth, or by its tolerance and a tenth.
        "coherence.height_with_weight_of_men": (0.0, 0.54, 0.66),
        "coherence.height_with_weight_of_women": (0.0, 0.52, 0.64),
        "coherence.systolic_with_diastolic": (0.0, 0.45, 0.94),
        "coherence.exercise_with_sleep": (0.0, 0.16, 0.36),
        "coherence.smoking_with_drinking": (0.0, -0.1),
        "coherence.smoking_with_exercise": (0.0, 0.1),
        "coherence.housing_insecurity_with_work": (0.0, 0.1),
        "coherence.men_smoking_to_women": (1.0, 1.5),
        "coherence.men_drinking_to_women": (1.0, 1.9),
        "coherence.diabetes_of_obese_to_others": (1.0, 11.0),
        "coherence.systolic_of_hypertensives_above_others": (0.0,),
        "coherence.blood_oxygen_of_copd_below_others": (0.0,),
        "coherence.hypertension_of_diabetics": (0.6, 0.9),
        # A tenth beyond what the document has at least, or between.
        "diagnoses.conditions_18_24": (0.36, 0.66),
        "diagnoses.coronary_disease_given_pressure_and_lipids": (0.175,),
        "diagnoses.coronary_disease_given_copd": (0.303,),
        "diagnoses.hyperlipidemia_given_diabetes": (0.483,),
        "diagnoses.heart_failure_given_coronary_disease": (0.217,),
        "diagnoses.anxiety_given_depression": (0.483,),
        "diagnoses.sleep_apnea_given_obesity": (0.483,),
        "diagnoses.kidney_disease_given_diabetes": (0.175,),
        "diagnoses.lung_cancer_given_copd": (0.048,),
        "diagnoses.depression_given_ptsd": (0.25,),
        "diagnoses.renal_failure_given_kidney_disease": (0.117, 0.33),
        # Standard deviations off by a tenth.
        "members.height_of_men_spreads": (6.39, 7.81),
        "members.height_of_women_spreads": (6.21, 7.59),
        "members.weight_of_men_spreads": (17.73, 21.67),
        "members.weight_of_women_spreads": (18.72, 22.88),
        "members.sleep_of_adults_spreads": (1.08, 1.32),
        "members.exercises_over_20_hours": (0.011,),
    },
    dull={
        "what the document allows, beside the values that there are": told("claims", claims_per_member=0.15)
        | told("diagnoses", conditions_per_member=0.15),
        "so rare, or so common, that the values there are tell no less": told(
            "diagnoses",
            hypertension_0_17=0.6,
            hypertension_18_34=0.2,
            diabetes_0_17=0.6,
            diabetes_18_34=0.2,
            diabetes_35_44=0.2,
            copd_18_34=0.6,
            copd_35_44=0.4,
            copd_45_54=0.2,
            copd_55_64=0.15,
            depression_0_17=0.25,
            depression_35_44=0.15,
            depression_45_54=0.2,
            depression_55_64=0.2,
            depression_65_95=0.2,
            kidney_disease_0_17=1.5,
            kidney_disease_18_34=0.4,
            kidney_disease_35_44=0.4,
            kidney_disease_45_54=0.25,
            kidney_disease_55_64=0.2,
            breast_cancer_18_34=2,
            breast_cancer_35_44=1,
            breast_cancer_45_54=0.5,
            breast_cancer_55_64=0.4,
            breast_cancer_65_95=0.2,
        )
        | told(
            "enrollment",
            catastrophic_0_17=0.2,
            platinum_0_17=0.15,
            platinum_18_34=0.2,
            catastrophic_35_44=0.15,
            platinum_35_44=0.25,
            catastrophic_45_54=0.25,
            platinum_45_54=0.2,
            catastrophic_55_64=0.3,
            bronze_65_95=0.15,
        )
        | told("facility", npi_unknown=1.5)
        | told(
            "members",
            is_of_other_sex=0.6,
            employment_unknown=0.15,
            smokers_18_24=0.2,
            smokers_65_74=0.2,
            smokers_75_95=0.3,
            drinkers_65_74=0.2,
            drinkers_75_95=0.3,
            employed_75_95=0.3,
            housing_insecure_0_17=0.15,
            housing_insecure_18_29=0.15,
            housing_insecure_30_44=0.15,
            housing_insecure_45_64=0.15,
            housing_insecure_65_95=0.25,
        ),
        "of few values": told("claims", claims_65_74=0.2, claims_75_95=0.4)
        | told("diagnoses", hypertension_35_44=0.15, diabetes_45_54=0.15)
        | told("enrollment", bronze_55_64=0.15, platinum_55_64=0.15)
        | told(
            "members",
            state=0.15,
            smokers_25_34=0.15,
            smokers_35_44=0.15,
            smokers_45_54=0.15,
            smokers_55_64=0.15,
            drinkers_18_24=0.15,
            drinkers_45_54=0.15,
            drinkers_55_64=0.15,
            employed_35_44=0.15,
            employed_45_54=0.15,
        ),
    },
)
