"""Health: one draw a condition and person, whatever dataset asks and whatever rate it has."""

from __future__ import annotations

from collections import defaultdict

import pandas as pd
import pytest
from pyspark.sql import Column, SparkSession
from pyspark.sql import functions as F
from scipy import stats

from payerlake import reference, registry
from payerlake.contract import settings
from payerlake.person.health import Health, Way, condition_of

PERSONS = 20_000
SURE = 1e-4
LIPIDS, HYPERTENSION = "Disorder of lipids", "Hypertension"


def health(dataset: str = "insurance", seed: int = 42) -> Health:
    known = registry.dataset(dataset).settings
    return Health(settings.load(known, options={"seed": seed}))


def who_has(spark: SparkSession, of: Health, condition: str, *ways: Way) -> pd.Series:
    """The bits that each person has."""
    people = spark.range(0, PERSONS, 1, 2).select("id", F.lit(0).cast("bigint").alias("conditions"))
    return of.diagnosed(people, [(condition, ways)]).toPandas().set_index("id")["conditions"].sort_index()


def at(rate: float, position: int = 0, is_open: Column | None = None) -> Way:
    return Way(position, F.lit(rate), is_open)


@pytest.mark.parametrize(
    ("code", "condition"),
    [
        ("N18.31", "Chronic kidney disease"),
        ("N18.6", "End stage renal disease"),
        ("E11", "Type 2 diabetes"),
        ("E11.9", "Type 2 diabetes"),
        ("E11.319", "Diabetic retinopathy"),
        ("T14.8", "T14.8"),
    ],
)
def test_a_code_is_about_the_condition_with_the_longest_beginning(code: str, condition: str) -> None:
    assert condition_of(code) == condition


def test_codes_of_one_category_that_several_datasets_have_are_about_one_condition() -> None:
    """Chronic ones, but for kidney failure, which is a condition beside kidney disease, and retinopathy."""
    datasets = {
        "insurance": [row["icd10"] for row in reference.rows("conditions")],
        "quality": [row["condition_code"] for row in reference.rows("chronic_conditions")],
        "finance": [row["icd10_code"] for row in reference.rows("clinic_diagnoses") if row["kind"] == "chronic"],
    }
    found = defaultdict(set)
    for name, codes in datasets.items():
        for code in set(codes) - {"N18.6"}:
            found[code[:3]].add((name, condition_of(code), condition_of(code) != code))
    shared = {category: who for category, who in found.items() if len({name for name, *_ in who}) > 1}
    assert len(shared) > 15
    for category, who in shared.items():
        assert len({condition for _, condition, _ in who}) == 1, category
        assert all(listed for *_, listed in who), category


def test_with_equal_rates_every_dataset_has_the_same_people_and_with_a_higher_one_them_and_others(
    spark: SparkSession,
) -> None:
    low, high = (who_has(spark, health("insurance"), LIPIDS, at(rate)) for rate in (0.2, 0.35))
    assert low.equals(who_has(spark, health("quality"), LIPIDS, at(0.2)))
    assert low.equals(who_has(spark, health("finance"), LIPIDS, at(0.2)))
    assert set(low[low > 0].index) < set(high[high > 0].index)
    for has, rate in ((low, 0.2), (high, 0.35)):
        assert stats.binomtest(int((has > 0).sum()), PERSONS, rate).pvalue > SURE


def test_conditions_and_seeds_are_independent(spark: SparkSession) -> None:
    one = who_has(spark, health(), LIPIDS, at(0.5))
    for other in (who_has(spark, health(), HYPERTENSION, at(0.5)), who_has(spark, health(seed=43), LIPIDS, at(0.5))):
        assert stats.binomtest(int((one == other).sum()), PERSONS, 0.5).pvalue > SURE


def test_ways_share_one_draw_and_each_leads_the_stated_share_of_those_who_came_on_none_before(
    spark: SparkSession,
) -> None:
    even = F.col("id") % 2 == 0
    bits = who_has(spark, health(), LIPIDS, at(0.25, 0), at(0.5, 1, even), at(0.2, 2))
    of_even, of_odd = bits[bits.index % 2 == 0], bits[bits.index % 2 == 1]
    assert set(bits) == {0, 1, 2, 4}
    for part, shares in ((of_even, {1: 0.25, 2: 0.375, 4: 0.075}), (of_odd, {1: 0.25, 2: 0.0, 4: 0.15})):
        for bit, share in shares.items():
            assert stats.binomtest(int((part == bit).sum()), len(part), share).pvalue > SURE
    alone = who_has(spark, health(), LIPIDS, at(0.4))  # 1 - 0.75 · 0.8
    assert (of_odd > 0).equals(alone[alone.index % 2 == 1] > 0)


def test_ways_to_the_same_condition_set_its_bit_once(spark: SparkSession) -> None:
    bits = who_has(spark, health(), LIPIDS, at(0.2, 3), at(0.25, 3))
    assert set(bits) == {0, 8}
    assert stats.binomtest(int((bits == 8).sum()), PERSONS, 0.4).pvalue > SURE


def test_how_early_is_the_persons_own_too(spark: SparkSession) -> None:
    names = [HYPERTENSION, LIPIDS]
    of = health("quality")
    early = spark.range(0, 500, 1, 2).select(
        health("insurance").earliness(LIPIDS).alias("one"), of.earliness_of(names, F.lit(1)).alias("other")
    )
    found = early.toPandas()
    assert found["one"].equals(found["other"])
    assert found["one"].between(0, 1, inclusive="left").all()
