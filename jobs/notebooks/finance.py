# Databricks notebook source
# MAGIC %md
# MAGIC # What the clinics earn
# MAGIC Four clinics, their providers and patients over a year: capitation, claims, and what they sum to. `spark` is the
# MAGIC session; nothing is written. The plots need matplotlib, which Databricks has.

# COMMAND ----------

import matplotlib.pyplot as plt
from pyspark.sql import functions as F

import payerlake

tables = payerlake.tables(
    spark,  # noqa: F821  notebooks have a session of this name
    "finance",
    clinics=["North Clinic", "South Clinic", "East Clinic", "West Clinic"],
    providers_per_clinic=6,
    patients_per_provider=150,
    months_back=12,
)
patients, capitation, claims = tables["patients"], tables["capitation"], tables["claims"]
summary = tables["provider_summary"]

# COMMAND ----------

# MAGIC %md
# MAGIC ## The five providers with the highest revenue

# COMMAND ----------

top_providers = summary.orderBy(F.desc("TotalRevenue")).limit(5)
top_providers.select("Clinic", "Provider", "CapitationAmount", "PaidAmount", "TotalRevenue", "RevenuePMPM").show()

# COMMAND ----------

# MAGIC %md
# MAGIC ## Revenue mix and collection rate
# MAGIC Capitation against fee for service, and how much of what was charged has been paid.

# COMMAND ----------

totals = summary.agg(*[F.sum(name).alias(name) for name in ("CapitationAmount", "PaidAmount", "ChargeAmount")])
revenue = F.col("CapitationAmount") + F.col("PaidAmount")
rates = totals.select(
    F.round(100 * F.col("CapitationAmount") / revenue, 1).alias("capitation_pct"),
    F.round(100 * F.col("PaidAmount") / revenue, 1).alias("fee_for_service_pct"),
    F.round(100 * F.col("PaidAmount") / F.col("ChargeAmount"), 1).alias("collection_rate_pct"),
)
rates.show()

# COMMAND ----------

# MAGIC %md
# MAGIC ## What became of the claims

# COMMAND ----------

outcomes = (
    claims.groupBy("HealthPlan", "ClaimStatus")
    .agg(F.count("*").alias("claims"), F.sum("ChargeAmount").alias("charged"), F.sum("PaidAmount").alias("paid"))
    .orderBy("HealthPlan", "ClaimStatus")
)
outcomes.show(30)

# COMMAND ----------

# MAGIC %md
# MAGIC ## Payer mix
# MAGIC Patients by plan, and what a plan pays a member and month.

# COMMAND ----------

paid_by_plan = capitation.groupBy("HealthPlan").agg(F.round(F.avg("CapitationAmount"), 2).alias("pmpm"))
payer_mix = (
    patients.groupBy(F.col("health_plan").alias("HealthPlan"))
    .agg(F.count("*").alias("patients"))
    .join(paid_by_plan, on="HealthPlan", how="left")
    .orderBy("HealthPlan")
)
payer_mix.show()

# COMMAND ----------

# MAGIC %md
# MAGIC ## Risk scores
# MAGIC Half CMS-HCC V28 from each patient's chronic diagnoses, half age, between 0.5 and 3.5. They rise with age.

# COMMAND ----------

patients.select(F.col("base_raf").cast("double")).describe().show()
decade = F.floor(F.col("age") / 10) * 10
raf_by_age = patients.groupBy(decade.alias("age_from")).agg(F.avg("base_raf").alias("mean_raf")).orderBy("age_from")
raf_by_age.show()

# COMMAND ----------

# MAGIC %md
# MAGIC ## Histograms of age and risk score
# MAGIC Counted by Spark, drawn here.

# COMMAND ----------

WIDTHS = {"age": 5.0, "base_raf": 0.25}
counts = {
    name: patients.groupBy((F.floor(F.col(name) / width) * width).cast("double").alias("from"))
    .agg(F.count("*").alias("patients"))
    .orderBy("from")
    .toPandas()
    for name, width in WIDTHS.items()
}
figure, axes = plt.subplots(1, len(WIDTHS), figsize=(11, 3.5))
for axis, (name, width) in zip(axes, WIDTHS.items(), strict=True):
    axis.bar(counts[name]["from"], counts[name]["patients"], width=width, align="edge", edgecolor="white")
    axis.set(xlabel=name, ylabel="patients")
figure.tight_layout()

# COMMAND ----------

# MAGIC %md
# MAGIC ## Plans and procedures of your own
# MAGIC A plan is added to the others; weight 0 takes one out. A diagnosis may have other procedures.

# COMMAND ----------

own = payerlake.tables(
    spark,  # noqa: F821
    "finance",
    ["patients", "claims"],
    clinics=["North Clinic"],
    plans={
        "Custom Plan": {
            "products": {"CUSTOM-BASIC": {"copay": 15, "weight": 80}, "CUSTOM-PREMIUM": {"copay": 35, "weight": 20}}
        }
    },
    diagnosis_procedures={"Z00.00": ["99213", "99214", "99396"], "I10": ["99213", "99214", "93000"]},
)
custom_members = (
    own["patients"].where(F.col("health_plan") == "Custom Plan").groupBy("product_code", "copay_amount").count()
)
custom_members.show()
billed = (
    own["claims"]
    .where(F.col("PrimaryDiagnosis").isin("Z00.00", "I10"))
    .groupBy("PrimaryDiagnosis", "PrimaryProcedure")
    .count()
    .orderBy("PrimaryDiagnosis", "PrimaryProcedure")
)
billed.show()
