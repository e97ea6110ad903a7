"""What the views group members by: bands of risk and of age, for Spark and for databases."""

from __future__ import annotations

import datetime

from pyspark.sql import Column
from pyspark.sql import functions as F

from payerlake.contract.population import years_before
from payerlake.quality.settings import QualitySettings

AGE_BANDS = {70: "65-69", 75: "70-74", 80: "75-79", 85: "80-84"}  # below this age; the first has the younger ones too
OLDEST_BAND = "85+"
RISK_CATEGORIES = {1: "Low Risk", 2: "Medium Risk", 3: "High Risk"}  # below this score
HIGHEST_CATEGORY = "Very High Risk"


def risk_category(units: Column) -> Column:
    """The category of a risk score in thousandths."""
    category = F.lit(HIGHEST_CATEGORY)
    for below, name in sorted(RISK_CATEGORIES.items(), reverse=True):
        category = F.when(units < below * 1000, name).otherwise(category)
    return category


def age_band(settings: QualitySettings) -> Column:
    """The band of the age on the day of the dataset."""
    band = F.lit(OLDEST_BAND)
    for day, name in _born_after(settings)[::-1]:
        band = F.when(F.col("birth_date") > F.lit(day), name).otherwise(band)
    return band


def risk_category_sql(column: str) -> str:
    """The category of a risk score, in SQL."""
    cases = [f"WHEN {column} < {below} THEN '{name}'" for below, name in RISK_CATEGORIES.items()]
    return f"CASE {' '.join(cases)} ELSE '{HIGHEST_CATEGORY}' END"


def age_band_sql(column: str, settings: QualitySettings) -> str:
    """The band of the age on the day of the dataset, in SQL."""
    cases = [f"WHEN {column} > DATE '{day}' THEN '{name}'" for day, name in _born_after(settings)]
    return f"CASE {' '.join(cases)} ELSE '{OLDEST_BAND}' END"


def _born_after(settings: QualitySettings) -> list[tuple[datetime.date, str]]:
    return [(years_before(settings.population.as_of, age), name) for age, name in AGE_BANDS.items()]
