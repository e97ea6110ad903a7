"""capitation: what the plans pay the clinics a patient and month, whether the patient comes or not."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from payerlake.contract.schema import Column, Index, Known, Reference, Table
from payerlake.finance.columns import PATIENT_COLUMNS, cents, dollars, patient_columns
from payerlake.finance.roster import Roster
from payerlake.finance.settings import FinanceSettings
from payerlake.person.world import MEMBERS, World
from payerlake.sampling.frames import filtered
from payerlake.sampling.numbers import exact

_MONTH = r"^\d{4}-(0[1-9]|1[0-2])$"


def capitation(world: World[FinanceSettings]) -> DataFrame:
    """One row per insured patient and month on a panel; key PatientID, MonthYear. Rates, and how the risk score moves
    from month to month: the settings' `capitation` and `risk`."""
    roster = Roster(world)
    patients = roster.labelled(roster.patients(world.member_keys(world.settings.members_per_file.capitation)))
    month = F.col("month")
    return paid_months(world, patients).select(
        *[F.col(name).alias(header) for name, header in PATIENT_COLUMNS.items()],
        F.col("clinic").alias("Clinic"),
        roster.clinics.provider_of_month(month).alias("Provider"),
        roster.clinics.month_name(month).alias("MonthYear"),
        exact(F.col("month_raf"), 5, 3).alias("RiskScore_RAF"),
        dollars(F.col("cents"), 10).alias("CapitationAmount"),
    )


def paid_months(world: World[FinanceSettings], patients: DataFrame) -> DataFrame:
    """A row per capitated patient of the roster and month: adds `month` (int), `provider` (bigint), `month_raf` (risk
    score in thousandths, int) and `cents` (bigint)."""
    roster, risk = Roster(world), world.settings.risk
    capitated = filtered(patients, roster.is_capitated())
    monthly = capitated.select(
        "*", roster.rate().alias("rate"), F.explode(F.sequence("first_month", "last_month")).alias("month")
    )
    u = world.draws.uniform("capitation", "RiskScore_RAF", F.col("id"), F.col("month"))
    drifted = F.floor(F.col("raf") * 10 * (u * (2 * risk.drift) + (1 - risk.drift)) + 0.5).cast("int")
    low, high = (F.lit(round(bound * 1000)) for bound in (risk.low, risk.high))
    with_raf = monthly.select(
        "*",
        roster.clinics.provider(F.col("month")).alias("provider"),
        F.least(F.greatest(drifted, low), high).alias("month_raf"),
    )
    return with_raf.select("*", cents(F.col("rate") * F.col("month_raf") / 1000).alias("cents"))


def expected_months(settings: FinanceSettings) -> float:
    """About how many rows there are: for progress alone."""
    return settings.members * settings.months_back * (1 - settings.self_pay.share)


TABLE = Table(
    dataset="finance",
    name="capitation",
    grain="One row per insured patient and month on a provider's panel",
    key=("PatientID", "MonthYear"),
    csv_stem="healthcare_capitation_data",
    documented_rows="about 42,000",
    may_be_empty=True,
    build=capitation,
    spine=MEMBERS,
    expected_rows=expected_months,
    known=Known(since="to_date(concat(MonthYear, '-01'))"),  # what is paid for a month is paid ahead
    references=(Reference(("PatientID",), "patients", ("patient_id_str",)),),
    indexes=(Index(("Clinic", "Provider", "MonthYear")),),
    columns=(
        *patient_columns(),
        Column("Clinic", "varchar(60)", "Clinic of the provider"),
        Column("Provider", "varchar(60)", "Provider on whose panel the patient is in this month"),
        Column("MonthYear", "char(7)", "Month that is paid: YYYY-MM", pattern=_MONTH),
        Column("RiskScore_RAF", "decimal(5,3)", "Risk score of the month, bounded", low=0),
        Column("CapitationAmount", "decimal(10,2)", "What the plan pays for the month", low=0, unit="USD"),
    ),
)
