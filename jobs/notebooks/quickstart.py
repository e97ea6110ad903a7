# Databricks notebook source
# MAGIC %md
# MAGIC # payerlake in five minutes
# MAGIC The pharmacy dataset as lazy DataFrames: nothing is written until you write it. `spark` is the session.

# COMMAND ----------

from pyspark.sql import functions as F

import payerlake

tables = payerlake.tables(spark, "pharmacy", members=2_000)  # noqa: F821  notebooks have a session of this name
sorted(tables)

# COMMAND ----------

# MAGIC %md
# MAGIC ## A family
# MAGIC Subscriber, spouse and dependents share home, plan and group.

# COMMAND ----------

family = (
    tables["households"]
    .where(F.col("household_size") >= 4)
    .orderBy("household_id", "person_code")
    .limit(4)
    .join(tables["members"], on="member_number", how="inner")
    .select("household_id", "relationship", "first_name", "last_name", "date_of_birth", "address", "city", "state")
)
family.show(truncate=False)

# COMMAND ----------

# MAGIC %md
# MAGIC ## Who is covered by what today

# COMMAND ----------

active = tables["enrollments"].where(F.col("is_active"))
by_type = (
    active.join(F.broadcast(tables["plans"]), on="plan_code", how="inner")
    .groupBy("plan_type")
    .agg(F.countDistinct("member_number").alias("members"))
    .orderBy(F.desc("members"))
)
by_type.show()

# COMMAND ----------

# MAGIC %md
# MAGIC ## Why cover began within the year

# COMMAND ----------

tables["special_enrollments"].groupBy("event_type").count().orderBy(F.desc("count")).show()
