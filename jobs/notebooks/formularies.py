# Databricks notebook source
# MAGIC %md
# MAGIC # Six questions to formularies
# MAGIC Drugs, the lists that cover them, and what members pay. `spark` is the session; nothing is written.

# COMMAND ----------

from pyspark.sql import functions as F

import payerlake

tables = payerlake.tables(spark, "pharmacy", members=1_000, formularies={"count": 30})  # noqa: F821  the session
in_use = tables["formularies"].where(F.col("is_active"))

# COMMAND ----------

# MAGIC %md
# MAGIC ## What a fill costs
# MAGIC One row per formulary and drug still marketed. The price is that of one package: MAC of generics, WAC of brands.
# MAGIC A member pays the tier's copay, at most the price; without a copay the coinsurance; without either nothing.
# MAGIC Deductible and out-of-pocket maximum are left aside.

# COMMAND ----------

copay, coinsurance = (
    F.element_at(F.array(*(F.col(f"tier{tier}_{name}") for tier in range(1, 6))), F.col("tier"))
    for name in ("copay", "coinsurance")
)
price = F.coalesce("mac_price", "wac_price")
pays = (
    F.when(F.col("copay") > 0, F.least("copay", "price"))
    .when(F.col("coinsurance") > 0, F.round(F.col("coinsurance") * F.col("price"), 2))
    .otherwise(0)
)
coverage = (
    tables["formulary_drugs"]
    .join(F.broadcast(in_use.select("formulary_code", "plan_code")), on="formulary_code", how="inner")
    .join(F.broadcast(tables["plans"]), on="plan_code", how="inner")
    .join(F.broadcast(tables["drugs"].where(F.col("is_active"))), on="ndc_code", how="inner")
    .select(
        *("formulary_code", "plan_code", "ndc_code", "drug_name", "strength", "dosage_form", "drug_class", "tier"),
        *("requires_prior_auth", "requires_step_therapy", "quantity_limit", "days_supply_limit"),
        *(copay.alias("copay"), coinsurance.alias("coinsurance"), price.cast("decimal(12,2)").alias("price")),
    )
    .select("*", pays.cast("decimal(12,2)").alias("pays"))
)

# COMMAND ----------

# MAGIC %md
# MAGIC ## A member and a prescription
# MAGIC A member whose plan has two formularies or more, since few formularies leave many plans without: of basic Part D
# MAGIC if there is one, which has copays and coinsurance. And a drug that requires step therapy, of tier 3 if there is
# MAGIC one.

# COMMAND ----------

lists = in_use.groupBy("plan_code").agg(F.sort_array(F.collect_list("formulary_code")).alias("formularies"))
member = (
    tables["enrollments"]
    .where(F.col("is_active"))
    .join(F.broadcast(lists.where(F.size("formularies") >= 2)), on="plan_code", how="inner")
    .orderBy(F.col("plan_code") != "MCARE-PARTD-001", "member_number", "plan_code")
    .first()
)
formulary, other_formulary = member["formularies"][:2]
listed = coverage.where(F.col("formulary_code") == formulary)
prescription = listed.where(F.col("requires_step_therapy")).orderBy(F.col("tier") != 3, "price", "ndc_code").first()
print(member["member_number"], member["plan_code"], formulary, prescription["ndc_code"], prescription["drug_name"])

# COMMAND ----------

# MAGIC %md
# MAGIC ## 1. Benefit verification
# MAGIC Which formularies of the member's current plan cover the drug, at which tier and cost, with which restrictions?

# COMMAND ----------

benefits = (
    coverage.where((F.col("plan_code") == member["plan_code"]) & (F.col("ndc_code") == prescription["ndc_code"]))
    .select(
        *("formulary_code", "ndc_code", "tier", "copay", "coinsurance", "price", "pays"),
        *("requires_prior_auth", "requires_step_therapy", "quantity_limit", "days_supply_limit"),
    )
    .orderBy("pays", "formulary_code")
)
benefits.show(truncate=False)

# COMMAND ----------

# MAGIC %md
# MAGIC ## 2. Prior authorization
# MAGIC Which drugs of the formulary must the plan approve first, and is the prescription one of them?

# COMMAND ----------

to_approve = listed.where(F.col("requires_prior_auth")).select("tier", "ndc_code", "drug_name", "drug_class")
to_approve.groupBy("tier").count().orderBy("tier").show()
to_approve.orderBy(F.desc("tier"), "drug_name").show(truncate=False)

print(f"{prescription['drug_name']} needs prior authorization: {prescription['requires_prior_auth']}")

# COMMAND ----------

# MAGIC %md
# MAGIC ## 3. Step therapy
# MAGIC Which drug must be tried before one that requires step therapy: of the same class on the same formulary, without
# MAGIC step therapy itself, of the lowest tier, and of these the cheapest?

# COMMAND ----------

alternatives = listed.where(~F.col("requires_step_therapy")).select(
    "drug_class", *(F.col(name).alias(f"first_{name}") for name in ("tier", "price", "ndc_code", "drug_name"))
)
first_steps = (
    listed.where(F.col("requires_step_therapy"))
    .join(alternatives, on="drug_class", how="inner")
    .where(F.col("first_tier") <= F.col("tier"))
    .groupBy("ndc_code", "drug_name", "drug_class", "tier", "price")
    .agg(F.min(F.struct("first_tier", "first_price", "first_ndc_code", "first_drug_name")).alias("first"))
    .select("ndc_code", "drug_name", "drug_class", "tier", "price", "first.*")
    .orderBy(F.desc("tier"), "ndc_code")
)
first_steps.show(truncate=False)

# COMMAND ----------

# MAGIC %md
# MAGIC ## 4. Cost estimation
# MAGIC What does the member pay for a fill of the prescription, and for each drug that could be tried instead?

# COMMAND ----------

is_prescribed = F.col("ndc_code") == prescription["ndc_code"]
is_alternative = ~F.col("requires_step_therapy") & (F.col("tier") <= prescription["tier"])
costs = (
    listed.where((F.col("drug_class") == prescription["drug_class"]) & (is_prescribed | is_alternative))
    .select(
        *("ndc_code", "drug_name", "strength", "dosage_form", "tier", "price", "copay", "coinsurance", "pays"),
        (F.lit(prescription["pays"]) - F.col("pays")).alias("saves"),
    )
    .orderBy(~is_prescribed, F.desc("saves"), "ndc_code")
)
costs.show(truncate=False)

# COMMAND ----------

# MAGIC %md
# MAGIC ## 5. Formulary comparison
# MAGIC Which drugs are on one of two formularies of the plan only, and which are on both at different tiers?

# COMMAND ----------

one, another = (
    tables["formulary_drugs"].where(F.col("formulary_code") == code).select("ndc_code", F.col("tier").alias(name))
    for code, name in ((formulary, "tier"), (other_formulary, "other_tier"))
)
differences = (
    one.join(another, on="ndc_code", how="full")
    .select(
        "*",
        F.when(F.col("other_tier").isNull(), f"only on {formulary}")
        .when(F.col("tier").isNull(), f"only on {other_formulary}")
        .when(F.col("tier") < F.col("other_tier"), f"lower tier on {formulary}")
        .when(F.col("tier") > F.col("other_tier"), f"lower tier on {other_formulary}")
        .alias("difference"),
    )
    .where(F.col("difference").isNotNull())
)
differences.groupBy("difference").count().orderBy("difference").show(truncate=False)

# COMMAND ----------

# MAGIC %md
# MAGIC ## 6. Utilization analysis
# MAGIC How many percent of drugs need prior authorization, require step therapy or have a quantity limit, by tier, type
# MAGIC of formulary and market segment?

# COMMAND ----------

restrictions = {
    "prior_auth_pct": F.col("requires_prior_auth"),
    "step_therapy_pct": F.col("requires_step_therapy"),
    "quantity_limit_pct": F.col("quantity_limit").isNotNull(),
}
lines = tables["formulary_drugs"].join(F.broadcast(tables["formularies"]), on="formulary_code", how="inner")
utilization = {
    by: lines.groupBy(by)
    .agg(
        F.count("*").alias("drugs"), *(F.avg(flag.cast("int") * 100).alias(name) for name, flag in restrictions.items())
    )
    .select(by, "drugs", *(F.round(name, 1).alias(name) for name in restrictions))
    .orderBy(by)
    for by in ("tier", "formulary_type", "market_segment")
}
for shares in utilization.values():
    shares.show()
