"""provider_summary: what each provider's panel and claims sum to."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from payerlake.contract.schema import Column, Table
from payerlake.contract.spine import WHOLE
from payerlake.finance.capitation import paid_months
from payerlake.finance.claims import adjudicated
from payerlake.finance.columns import dollars
from payerlake.finance.roster import Roster
from payerlake.finance.services import Services
from payerlake.finance.settings import FinanceSettings
from payerlake.person.world import World
from payerlake.sampling.frames import gathered
from payerlake.sampling.numbers import quotient

_SUMS = ("capitation", "patients", "months", "raf", "charge", "paid", "responsibility", "claims")


def provider_summary(world: World[FinanceSettings]) -> DataFrame:
    """One row per provider who has patients; key Clinic, Provider. Nothing is drawn: everything sums up capitation and
    claims."""
    roster = Roster(world)
    per_file = world.settings.members_per_file
    paid = paid_months(world, roster.patients(world.member_keys(per_file.capitation)))
    months = world.known(paid, roster.clinics.first_day(F.col("month")))
    # A patient is with a provider in months in a row: to count their first ones needs no list of patients.
    is_new = F.col("month").isin(F.col("first_month"), F.col("changed_month"))
    capitated = months.groupBy("provider").agg(
        F.sum("cents").alias("capitation"),
        F.sum(is_new.cast("bigint")).alias("patients"),
        F.count("*").alias("months"),
        F.sum("month_raf").alias("raf"),
    )
    visited = roster.patients(world.member_keys(per_file.claims))
    claimed = world.known(adjudicated(world, roster, Services(world, roster).claimed(visited)), F.col("date"))
    billed = (
        claimed.select("*", roster.clinics.provider(F.col("month")).alias("provider"))
        .groupBy("provider")
        .agg(
            F.sum("charge").alias("charge"),
            F.sum("paid").alias("paid"),
            F.sum("responsibility").alias("responsibility"),
            F.count("*").alias("claims"),
        )
    )
    count = roster.clinics.providers
    providers = world.spark.range(0, count, 1, 1).select(F.col("id").alias("provider"))
    joined = gathered(gathered(providers, capitated, "provider", "left", count), billed, "provider", "left", count)
    summed = joined.select("provider", *[F.coalesce(name, F.lit(0)).alias(name) for name in _SUMS])
    revenue = F.col("capitation") + F.col("paid")
    return summed.select(
        roster.clinics.clinic_name(F.col("provider")).alias("Clinic"),
        roster.clinics.provider_name(F.col("provider")).alias("Provider"),
        dollars(F.col("capitation"), 14).alias("CapitationAmount"),
        F.col("patients").alias("CapitatedPatients"),
        dollars(F.col("charge"), 14).alias("ChargeAmount"),
        dollars(F.col("paid"), 14).alias("PaidAmount"),
        dollars(F.col("responsibility"), 14).alias("PatientResponsibility"),
        F.col("claims").alias("TotalClaims"),
        dollars(revenue, 14).alias("TotalRevenue"),
        quotient(revenue, F.col("patients") * 100, 12, 2).alias("RevenuePerPatient"),
        F.col("months").alias("MemberMonths"),
        quotient(F.col("raf"), F.col("months") * 1000, 5, 3).alias("AverageRAF"),
        quotient(F.col("paid"), F.col("charge"), 5, 4).alias("CollectionRate"),
        quotient(revenue, F.col("months") * 100, 12, 2).alias("RevenuePMPM"),
    )


TABLE = Table(
    dataset="finance",
    name="provider_summary",
    grain="One row per provider",
    key=("Clinic", "Provider"),
    csv_stem="provider_financial_summary",
    documented_rows="24",
    build=provider_summary,
    spine=WHOLE,
    rules={"revenue_is_capitation_and_claims": "TotalRevenue = CapitationAmount + PaidAmount"},
    columns=(
        Column("Clinic", "varchar(60)", "Clinic"),
        Column("Provider", "varchar(60)", "Provider; invented"),
        Column("CapitationAmount", "decimal(14,2)", "Capitation of all months", low=0, unit="USD"),
        Column("CapitatedPatients", "bigint", "Patients with capitation in any month", low=0),
        Column("ChargeAmount", "decimal(14,2)", "Charges of all claims", low=0, unit="USD"),
        Column("PaidAmount", "decimal(14,2)", "What was paid for claims", low=0, unit="USD"),
        Column("PatientResponsibility", "decimal(14,2)", "What insured patients owe", low=0, unit="USD"),
        Column("TotalClaims", "bigint", "Claims", low=0),
        Column("TotalRevenue", "decimal(14,2)", "Capitation and what was paid for claims", low=0, unit="USD"),
        Column(
            "RevenuePerPatient",
            "decimal(12,2)",
            "Revenue a capitated patient; null: none",
            nullable=True,
            low=0,
            unit="USD",
        ),
        Column("MemberMonths", "bigint", "Months of capitation of all patients", low=0),
        Column("AverageRAF", "decimal(5,3)", "Mean risk score of these months; null: none", nullable=True, low=0),
        Column("CollectionRate", "decimal(5,4)", "Paid of charged; null: no claims", nullable=True, low=0, high=1),
        Column(
            "RevenuePMPM", "decimal(12,2)", "Revenue a member and month; null: none", nullable=True, low=0, unit="USD"
        ),
    ),
)
