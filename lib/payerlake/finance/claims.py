"""claims: what was billed for the patients' visits, and what came of it."""

from __future__ import annotations

from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from payerlake.contract.schema import Column, Index, Known, Reference, Table
from payerlake.finance.casemix import MONTHS_A_YEAR
from payerlake.finance.columns import PATIENT_COLUMNS, cents, dollars, patient_columns
from payerlake.finance.roster import Roster
from payerlake.finance.services import Services, claims_per_patient
from payerlake.finance.settings import STATUSES, FinanceSettings
from payerlake.person.world import MEMBERS, World
from payerlake.sampling.distributions import choice, integer, string_at, table_choice
from payerlake.sampling.identifiers import numbered

UNPAID_BY_PATIENT = "Not paid by the patient"
_PAID, _DENIED, _PENDING, _PARTLY = range(len(STATUSES))
_LEAST_IN_PART = 2  # cents that can be paid in part


def claims(world: World[FinanceSettings]) -> DataFrame:
    """One row per claim; key ClaimID. How many, for what and what becomes of them: the settings' `claims`, `diagnoses`,
    `procedures`, `plans` and `self_pay`."""
    roster = Roster(world)
    patients = roster.labelled(roster.patients(world.member_keys(world.settings.members_per_file.claims)))
    services = Services(world, roster)
    number = F.col("id") * claims_per_patient(world.settings) + F.col("ordinal") + 1
    return adjudicated(world, roster, services.claimed(patients)).select(
        numbered("CLM", number, digits=8).alias("ClaimID"),
        *[F.col(name).alias(header) for name, header in PATIENT_COLUMNS.items()],
        dollars(roster.payers.copay_cents(F.col("product")), 7).alias("Copay"),
        F.col("clinic").alias("Clinic"),
        roster.clinics.provider_of_month(F.col("month")).alias("Provider"),
        F.col("date").alias("ClaimDate"),
        services.label("place").alias("PlaceOfService"),
        services.place_description().alias("PlaceOfServiceDesc"),
        services.label("diagnosis").alias("PrimaryDiagnosis"),
        services.label("procedure").alias("PrimaryProcedure"),
        *[F.col(f"modifier_{i}").alias(f"Modifier{i}") for i in (1, 2, 3)],
        F.col("units").alias("Units"),
        dollars(F.col("charge")).alias("ChargeAmount"),
        dollars(F.col("allowed")).alias("AllowedAmount"),
        dollars(F.col("paid")).alias("PaidAmount"),
        dollars(F.col("responsibility")).alias("PatientResponsibility"),
        string_at(STATUSES, F.col("status")).alias("ClaimStatus"),
        dollars(F.col("charge") - F.col("allowed")).alias("ContractualAdjustment"),
        _denial(world, roster).alias("DenialReason"),
    )


def adjudicated(world: World[FinanceSettings], roster: Roster, claimed: DataFrame) -> DataFrame:
    """Adds `status` (position, int), `allowed`, `paid` and `responsibility` (bigint, cents).

    A plan pays what is allowed above the copay, or a part of it; of what it denies or has not decided, nothing. Without
    insurance the patient is the payer.
    """
    law, plan = world.settings.claims, F.col("plan")
    allowed = cents(F.col("charge") * roster.payers.allowed(_u(world, "AllowedAmount"), plan))
    with_allowed = claimed.select("*", allowed.alias("allowed"))
    copay = F.least(roster.payers.copay_cents(F.col("product")).cast("bigint"), F.col("allowed"))
    owed, status = F.col("allowed") - F.col("_copay"), F.col("status")
    with_copay = with_allowed.select("*", copay.alias("_copay"))
    with_status = with_copay.select("*", _status(world, roster, owed).alias("status"))
    low, high = law.partial
    part = cents(owed * (_u(world, "PaidAmount") * (high - low) + low))
    in_part = F.greatest(F.lit(1), F.least(part, owed - 1))
    return with_status.select(
        *with_allowed.columns,
        "status",
        F.when(status.isin(_PAID, _PARTLY), F.col("_copay")).otherwise(0).alias("responsibility"),
        F.when(status == _PAID, owed).when(status == _PARTLY, in_part).otherwise(0).alias("paid"),
    )


def _status(world: World[FinanceSettings], roster: Roster, owed: SparkColumn) -> SparkColumn:
    """As drawn; but what a plan had pending and has paid by the day as of which the data are is paid, and so is, in
    full, what leaves it too little to pay in part."""
    law, alone = world.settings.claims, F.col("plan") == roster.payers.self_pay
    shares = [[of.get(name, 0.0) for name in STATUSES] for of in (law.status, world.settings.self_pay.status)]
    drawn = table_choice(_u(world, "ClaimStatus"), alone.cast("int"), shares, range(len(STATUSES))).cast("int")
    days = integer(_u(world, "pending"), *law.pending_days).cast("int")
    is_late = ~alone & (F.date_add("date", days) <= F.lit(world.settings.seen_on))
    is_paid = ((drawn == _PENDING) & is_late) | ((drawn == _PARTLY) & (owed < _LEAST_IN_PART))
    return F.when(is_paid, _PAID).otherwise(drawn)


def _denial(world: World[FinanceSettings], roster: Roster) -> SparkColumn:
    by_plan = choice(_u(world, "DenialReason"), world.settings.claims.denials)
    reason = F.when(F.col("plan") == roster.payers.self_pay, UNPAID_BY_PATIENT).otherwise(by_plan)
    return F.when(F.col("status") == _DENIED, reason)


def _u(world: World[FinanceSettings], column: str) -> SparkColumn:
    return world.draws.uniform("claims", column, F.col("id"), F.col("ordinal"))


def expected_claims(settings: FinanceSettings) -> float:
    """About how many claims there are: for progress alone."""
    return settings.members * settings.claims.per_year * settings.months_back / MONTHS_A_YEAR


TABLE = Table(
    dataset="finance",
    name="claims",
    grain="One row per claim",
    key=("ClaimID",),
    csv_stem="healthcare_claims_data",
    documented_rows="about 15,000",
    may_be_empty=True,
    build=claims,
    spine=MEMBERS,
    expected_rows=expected_claims,
    known=Known(since="ClaimDate", later={"ClaimStatus": "", "PaidAmount": "", "PatientResponsibility": ""}),
    references=(Reference(("PatientID",), "patients", ("patient_id_str",)),),
    indexes=(Index(("Clinic", "Provider", "ClaimDate")), Index(("PrimaryDiagnosis",))),
    rules={
        "charge_is_allowed_and_adjustment": "ChargeAmount = AllowedAmount + ContractualAdjustment",
        "denied_with_a_reason": "(ClaimStatus = 'Denied') = (DenialReason IS NOT NULL)",
        "modifiers_from_the_first": "(Modifier2 IS NULL OR Modifier1 IS NOT NULL) AND "
        "(Modifier3 IS NULL OR Modifier2 IS NOT NULL)",
    },
    columns=(
        Column("ClaimID", "varchar(20)", "Claim: CLM00000001", pattern=r"^CLM\d{8,}$", high_cardinality=True),
        *patient_columns(),
        Column("Copay", "decimal(7,2)", "Copay of the product", low=0, unit="USD"),
        Column("Clinic", "varchar(60)", "Clinic of the provider"),
        Column("Provider", "varchar(60)", "Provider on whose panel the patient was in this month"),
        Column("ClaimDate", "date", "Day of the service"),
        Column("PlaceOfService", "char(2)", "Place of service, CMS code", pattern=r"^\d{2}$"),
        Column("PlaceOfServiceDesc", "varchar(60)", "What the code means"),
        Column("PrimaryDiagnosis", "varchar(10)", "ICD-10-CM code", pattern=r"^[A-Z]\d[0-9A-Z](\.[0-9A-Z]{1,4})?$"),
        Column("PrimaryProcedure", "char(5)", "CPT or HCPCS code", pattern="^[0-9A-Z]{5}$"),
        Column("Modifier1", "char(2)", "First modifier; null: none", nullable=True),
        Column("Modifier2", "char(2)", "Second modifier; null: none", nullable=True),
        Column("Modifier3", "char(2)", "Third modifier; null: none", nullable=True),
        Column("Units", "int", "Units of the procedure", low=1),
        Column("ChargeAmount", "decimal(12,2)", "What the provider charges", low=0, unit="USD"),
        Column("AllowedAmount", "decimal(12,2)", "What of it the payer's contract allows", low=0, unit="USD"),
        Column("PaidAmount", "decimal(12,2)", "What the plan paid, without one the patient", low=0, unit="USD"),
        Column("PatientResponsibility", "decimal(12,2)", "What an insured patient owes: the copay", low=0, unit="USD"),
        Column("ClaimStatus", "varchar(20)", "What came of it until the day of the dataset", domain=STATUSES),
        Column("ContractualAdjustment", "decimal(12,2)", "What of the charge is not allowed", low=0, unit="USD"),
        Column("DenialReason", "varchar(60)", "Why it was denied; null: it was not", nullable=True),
    ),
)
