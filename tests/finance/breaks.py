"""Ways to break the rules of the finance suites. ROWS change one row each, which the rule must report; TABLES
change a table so that a rule about it fails; QUERIES show that what a query works out is what its rule says."""

from __future__ import annotations

from tests.edits import Break

# rows


def _of_patient(column: str, where: str = "true", **changes: str) -> Break:
    return Break("patients", (column,), "patients", changes, where, "patient_id_str")


def _of_month(column: str, where: str = "true", **changes: str) -> Break:
    return Break("capitation", (column,), "capitation", changes, f"MonthYear = '2024-06' AND {where}", "PatientID")


def _of_claim(column: str, where: str = "true", **changes: str) -> Break:
    return Break("claims", (column,), "claims", changes, where, "ClaimID")


def _with_each(column: str, where: str, field: str, *codes: str) -> list[Break]:
    """A break for each code, of one claim."""
    return [_of_claim(column, where, **{field: f"'{code}'"}) for code in codes]


def _of_visits(column: str, where: str = "true", **changes: str) -> Break:
    # Of other patients than those whose claims break rules of their own.
    return Break("claims", (column,), "claims", changes, f"PatientID > 'PAT002000' AND {where}", "PatientID")


def _of_provider(column: str, where: str = "true", **changes: str) -> Break:
    return Break("tie_out", (column,), "provider_summary", changes, where, "concat(Clinic, ' ', Provider)")


def _of_registry(column: str, where: str = "true", **changes: str) -> Break:
    return Break("capitation", (column,), "patients", changes, where, "patient_id_str")


def _with(code: str) -> str:
    """A claim of another diagnosis, of a patient who has this one too."""
    having = f"SELECT PatientID FROM claims WHERE PrimaryDiagnosis = '{code}'"
    return f"PrimaryDiagnosis <> '{code}' AND PatientID IN ({having})"


def _paid_for(having: str) -> str:
    # Not IN, of which a negation is a join of every row with every other.
    paid = f"SELECT PatientID AS paid FROM capitation GROUP BY PatientID HAVING {having}"
    return f"EXISTS (SELECT 1 FROM ({paid}) WHERE paid = PatientID)"


_OTHER = "(SELECT max(provider) FROM patients WHERE clinic = 'North Clinic')"
_INSURED = "HealthPlan <> 'Self Pay'"
_ALL_YEAR = _paid_for("count(*) = 12 AND count(DISTINCT Provider) = 1")
_TWO_PROVIDERS = _paid_for("count(*) = 12 AND count(DISTINCT Provider) = 2")
_OFFICE = "PlaceOfService = '11'"

ROWS = (
    _of_patient("age_out_of_range", age="17"),
    _of_patient("age_out_of_range", age="86"),
    _of_patient("medicaid_from_65", "age >= 65", health_plan="'Medicaid'"),
    _of_patient("product_of_other_plan", "health_plan = 'Medicare'", product_code="'UH-GOLD'"),
    _of_patient("copay_of_other_product", "product_code = 'UH-GOLD'", copay_amount="50"),
    _of_patient("copay_of_other_product", "product_code = 'BD-PREMIUM'", copay_amount="20"),
    _of_patient("risk_out_of_range", base_raf="0.49"),
    _of_patient("risk_out_of_range", base_raf="3.51"),
    _of_patient("insured_without_capitation", "health_plan <> 'Self Pay'", base_cap="0"),
    _of_patient("capitation_of_other_rate", "health_plan <> 'Self Pay'", base_cap="base_cap + 1"),
    _of_patient("capitation_of_other_rate", "health_plan <> 'Self Pay'", sex="if(sex = 'F', 'M', 'F')"),
    _of_patient("capitation_of_other_rate", "health_plan = 'Universal Health'", health_plan="'Medicare'"),
    Break("patients", ("provider_of_other_size",), "patients", {"provider": _OTHER},
          f"clinic = 'North Clinic' AND provider <> {_OTHER}", "concat(clinic, ' ', provider)"),
    Break("patients", ("clinic_of_other_size",), "patients", {"clinic": "'East Clinic'"}, "clinic = 'West Clinic'",
          "'East Clinic'"),
    _of_registry("paid_for_self_pay", "health_plan = 'Medicare'", health_plan="'Self Pay'"),
    _of_registry("insured_not_paid_for", "health_plan = 'Self Pay'", health_plan="'Medicare'"),
    _of_registry("never_with_own_provider", "health_plan <> 'Self Pay'", provider="'Dr. Nobody'"),
    _of_registry("amount_of_other_rate", "health_plan <> 'Self Pay'", base_cap="base_cap + 0.02"),
    _of_month("months_with_gaps", _ALL_YEAR),
    _of_month("months_with_gaps", _ALL_YEAR, MonthYear="'2024-05'"),
    _of_month("provider_changes_twice", _ALL_YEAR, Provider="'Dr. Nobody'"),
    Break("capitation", ("provider_changes_twice",), "capitation", {"Provider": "'Dr. Nobody'"},
          f"{_TWO_PROVIDERS} AND MonthYear = '2024-12'", "PatientID"),
    _of_month("other_clinic", Clinic="'Clinic of nobody'"),
    _of_month("person_differs", PatientName="'Nobody'"),
    _of_month("person_differs", MemberID="'0123456789AB'"),
    _of_month("person_differs", Age="Age + 1"),
    _of_month("person_differs", Sex="if(Sex = 'F', 'M', 'F')"),
    _of_month("cover_differs", "HealthPlan = 'Medicare'", HealthPlan="'Medicaid'"),
    _of_month("cover_differs", "ProductCode = 'UH-GOLD'", ProductCode="'UH-PLATINUM'"),
    _of_month("risk_out_of_range", RiskScore_RAF="0.499"),
    _of_month("risk_out_of_range", RiskScore_RAF="3.501"),
    _of_month("risk_far_from_base", RiskScore_RAF="RiskScore_RAF * 1.12"),
    _of_month("risk_far_from_base", RiskScore_RAF="RiskScore_RAF * 0.88"),
    _of_month("amount_of_other_rate", _ALL_YEAR, CapitationAmount="CapitationAmount + 0.02"),
    _of_claim("self_pay_outside_office", "HealthPlan = 'Self Pay'", PlaceOfService="'22'"),
    _of_claim("place_of_other_name", _OFFICE, PlaceOfServiceDesc="'Home'"),
    _of_claim("place_of_other_name", _OFFICE, PlaceOfService="'10'"),
    _of_claim("denied_but_paid", "ClaimStatus = 'Denied'", PaidAmount="0.01"),
    _of_claim("denied_but_paid", "ClaimStatus = 'Denied'", PatientResponsibility="0.01"),
    _of_claim("pending_but_paid", "ClaimStatus = 'Pending'", PaidAmount="0.01"),
    _of_claim("pending_but_paid", "ClaimStatus = 'Pending'", PatientResponsibility="0.01"),
    _of_claim("paid_not_in_full", "ClaimStatus = 'Paid' AND PaidAmount > 1", PaidAmount="PaidAmount - 0.01"),
    _of_claim("partly_paid_all_or_nothing", "ClaimStatus = 'Partially Paid'", PaidAmount="0"),
    _of_claim("partly_paid_all_or_nothing", "ClaimStatus = 'Partially Paid'",
              PaidAmount="AllowedAmount - PatientResponsibility"),
    _of_claim("self_pay_partly_paid", "HealthPlan = 'Self Pay'", ClaimStatus="'Partially Paid'"),
    _of_claim("responsibility_not_copay", "ClaimStatus = 'Paid'", PatientResponsibility="PatientResponsibility + 0.01"),
    _of_claim("responsibility_not_copay", "ClaimStatus = 'Paid' AND Copay > 0", PatientResponsibility="0"),
    _of_claim("allowed_out_of_range", "ChargeAmount > 10", AllowedAmount="ChargeAmount * 0.69"),
    _of_claim("allowed_out_of_range", "ChargeAmount > 10", AllowedAmount="ChargeAmount * 0.96"),
    _of_claim("pending_for_long", f"{_INSURED} AND ClaimDate < DATE'2024-11-01'", ClaimStatus="'Pending'"),
    *_with_each("womens_service_of_men", "Sex = 'M'", "PrimaryDiagnosis",
                "O80", "Z34.82", "Z01.419", "Z12.31", "C50.911", "N92.0", "N95.1"),
    *_with_each("womens_service_of_men", "Sex = 'M'", "PrimaryProcedure",
                "59409", "76805", "76830", "88175", "77067", "G0101"),
    *_with_each("mens_service_of_women", "Sex = 'F'", "PrimaryDiagnosis", "N40.1", "C61", "Z12.5"),
    *_with_each("mens_service_of_women", "Sex = 'F'", "PrimaryProcedure", "84153", "G0103"),
    _of_claim("mammogram_under_40", "Age < 40 AND Sex = 'F'", PrimaryDiagnosis="'Z12.31'"),
    _of_claim("mammogram_under_40", "Age < 40 AND Sex = 'F'", PrimaryProcedure="'77067'"),
    *_with_each("maternity_from_50", "Age >= 50 AND Sex = 'F'", "PrimaryDiagnosis", "O80", "Z34.82"),
    _of_claim("maternity_from_50", "Age >= 50 AND Sex = 'F'", PrimaryProcedure="'76805'"),
    _of_claim("colon_screening_under_45", "Age < 45", PrimaryDiagnosis="'Z12.11'"),
    *_with_each("checkup_of_other_age", "Age BETWEEN 18 AND 39", "PrimaryProcedure", "99396", "99397"),
    *_with_each("checkup_of_other_age", "Age BETWEEN 40 AND 64", "PrimaryProcedure", "99395", "99397"),
    *_with_each("checkup_of_other_age", "Age >= 65", "PrimaryProcedure", "99395", "99396"),
    *_with_each("new_though_on_a_panel", _OFFICE, "PrimaryProcedure", "99203", "99385"),
    *_with_each("medicare_service_of_others", f"{_OFFICE} AND HealthPlan = 'Medicaid' AND Sex = 'F'",
                "PrimaryProcedure", "G0101", "G0439"),
    _of_claim("emergency_visit_elsewhere", _OFFICE, PrimaryProcedure="'99284'"),
    *_with_each("visit_at_another_place", _OFFICE, "PrimaryProcedure", "99232", "99309", "99349"),
    _of_claim("visit_at_another_place", f"{_OFFICE} AND PrimaryProcedure = '99213'", PlaceOfService="'23'"),
    *_with_each("place_of_other_services", f"{_OFFICE} AND PrimaryProcedure = '80053'", "PlaceOfService",
                "02", "23", "24", "25"),
    _of_claim("place_of_other_services", "PlaceOfService = '81'", PrimaryProcedure="'71046'"),
    _of_claim("modifier_unknown", Modifier1="'76'"),
    _of_claim("modifier_unknown", "Modifier1 IS NOT NULL", Modifier2="'76'"),
    *_with_each("telehealth_modifier_elsewhere", _OFFICE, "Modifier1", "GT", "95", "GQ"),
    _of_claim("both_sides", "Modifier1 = 'LT'", Modifier2="'RT'"),
    _of_claim("both_sides", "Modifier1 = 'RT'", Modifier3="'50'"),
    _of_claim("both_parts", "Modifier1 = '26'", Modifier2="'TC'"),
    _of_claim("modifier_25_without_visit", "PrimaryProcedure = '80053'", Modifier1="'25'"),
    _of_visits("claim_outside_the_months", _INSURED, ClaimDate="DATE'2023-12-31'"),
    _of_visits("claim_with_other_provider", _INSURED, Provider="'Dr. Nobody'"),
    _of_visits("person_differs", PatientName="'Nobody'"),
    _of_visits("person_differs", MemberID="'0123456789AB'"),
    _of_visits("person_differs", Age="Age + 1"),
    _of_visits("person_differs", Sex="if(Sex = 'F', 'M', 'F')"),
    _of_visits("cover_differs", "HealthPlan = 'Medicare'", HealthPlan="'Medicaid'"),
    _of_visits("cover_differs", "ProductCode = 'UH-GOLD'", ProductCode="'UH-PLATINUM'"),
    _of_visits("cover_differs", "ProductCode = 'UH-GOLD'", Copay="50"),
    _of_visits("clinic_differs", Clinic="'Clinic of nobody'"),
    _of_visits("yearly_service_twice", _with("Z00.00"), PrimaryDiagnosis="'Z00.00'"),
    _of_visits("yearly_service_twice", _with("Z00.00"), PrimaryDiagnosis="'Z00.01'"),
    _of_visits("yearly_service_twice", _with("Z12.31"), PrimaryDiagnosis="'Z12.31'"),
    _of_visits("both_types_of_diabetes", _with("E11.9"), PrimaryDiagnosis="'E10.9'"),
    *(_of_visits("hypertension_twice", _with("I10"), PrimaryDiagnosis=f"'{code}'") for code in ("I11.0", "I12.9")),
    _of_visits("screened_for_what_is_known", _with("C50.911"), PrimaryDiagnosis="'Z12.31'"),
    _of_visits("screened_for_what_is_known", _with("C18.9"), PrimaryDiagnosis="'Z12.11'"),
    _of_visits("screened_for_what_is_known", _with("C61"), PrimaryDiagnosis="'Z12.5'"),
    _of_visits("screened_for_what_is_known", _with("E11.9"), PrimaryDiagnosis="'Z13.1'"),
    _of_visits("screened_for_what_is_known", _with("E78.5"), PrimaryDiagnosis="'Z13.220'"),
    _of_provider("provider_missing"),
    Break("tie_out", ("provider_of_nobody",), "provider_summary", {"Provider": "'Dr. Nobody'"},
          "Clinic = 'West Clinic'", "concat(Clinic, ' Dr. Nobody')"),
    _of_provider("capitation_differs", CapitationAmount="CapitationAmount + 0.01"),
    _of_provider("patients_differ", CapitatedPatients="CapitatedPatients + 1"),
    _of_provider("months_differ", MemberMonths="MemberMonths + 1"),
    _of_provider("risk_differs", AverageRAF="AverageRAF + 0.001"),
    _of_provider("charges_differ", ChargeAmount="ChargeAmount + 0.01"),
    _of_provider("payments_differ", PaidAmount="PaidAmount + 0.01"),
    _of_provider("responsibility_differs", PatientResponsibility="PatientResponsibility + 0.01"),
    _of_provider("claims_differ", TotalClaims="TotalClaims + 1"),
    _of_provider("revenue_a_patient_differs", RevenuePerPatient="RevenuePerPatient + 0.01"),
    _of_provider("revenue_a_month_differs", RevenuePMPM="RevenuePMPM + 0.01"),
    _of_provider("collection_differs", CollectionRate="CollectionRate + 0.0001"),
    Break("tie_out", ("clinics_differ",), "provider_summary", {"ChargeAmount": "ChargeAmount + 0.01"},
          "Clinic = 'South Clinic'", "Clinic"),
)  # fmt: skip

# whole tables


def _whole(suite: str, column: str, table: str, where: str = "true", **changes: str) -> Break:
    return Break(suite, (column,), table, changes, where)


def _one_of(n: int, key: str) -> str:
    return f"pmod(xxhash64({key}), {n}) = 0"


_FEW_PATIENTS = _one_of(5, "patient_id_str")
_FEW_CLAIMS = _one_of(5, "ClaimID")

TABLES = (
    _whole("patients", "providers_not_24", "patients", "clinic = 'North Clinic'", provider=_OTHER),
    _whole("capitation", "panel_beyond_3_percent", "capitation", "MonthYear = '2024-06' AND Age < 30"),
    _whole("tie_out", "plans_differ", "claims", "HealthPlan = 'Medicaid'", HealthPlan="'Nobody Health'"),
    _whole("tie_out", "all_months_differ", "claims", _FEW_CLAIMS, ClaimDate="DATE'2023-12-31'"),
)  # fmt: skip

# What is worked out of other rows or tables; a share or a mean of a column itself is left to `power`.
QUERIES = (
    _whole("patients", "medicare_under_65", "patients", _FEW_PATIENTS, age="30"),
    Break("patients", ("risk_at_a_bound", "risk_spread", "risk_above_younger"), "patients", {"base_raf": "0.5"}),
    _whole("capitation", "risk_by_base", "capitation", RiskScore_RAF="RiskScore_RAF * 1.01"),
    _whole("capitation", "squared_drift", "capitation", RiskScore_RAF="RiskScore_RAF * 1.02"),
    _whole("capitation", "panel_varies", "capitation", f"NOT {_ALL_YEAR}"),
    _whole("claims", "paid_above_70_percent", "claims", PaidAmount="PaidAmount * 0.9"),
    _whole("claims", "paid_above_80_percent", "claims", PaidAmount="PaidAmount * 1.1"),
    _whole("claims", "status_of_self_pay", "claims", "ClaimStatus = 'Paid' AND " + _one_of(2, "ClaimID"),
           ClaimStatus="'Pending'"),
    _whole("claims", "pending_of_late", "claims", "ClaimStatus = 'Pending'", ClaimStatus="'Paid'"),
    _whole("claims", "claims_a_year", "claims", _one_of(2, "ClaimID")),
    _whole("tie_out", "capitation_share", "provider_summary", CapitationAmount="CapitationAmount * 1.2"),
    _whole("tie_out", "collection_rate", "provider_summary", CollectionRate="CollectionRate - 0.1"),
)  # fmt: skip
