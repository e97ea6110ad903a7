"""Each plan has one formulary in each state, of its segment; and a formulary says of a drug what its lines say."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from payerlake.contract import settings
from payerlake.person.coverage.plans import availability, plan_codes
from payerlake.person.world import World
from payerlake.pharmacy import drugs, segments
from payerlake.pharmacy.formularies import terms
from payerlake.pharmacy.formulary_drugs import formulary_drugs, listed
from payerlake.pharmacy.plan_formularies import formulary_of, plan_formularies, plans_and_regions
from payerlake.pharmacy.settings import FORMULARIES, FORMULARY_TYPES, SEGMENTS, PharmacySettings
from tests.conftest import compiled

FEW = 60
SAID = ("tier", "status", "requires_prior_auth", "requires_step_therapy", "quantity_limit", "days_supply_limit")


def chosen(**options: object) -> PharmacySettings:
    return settings.load(PharmacySettings, options={name.replace("__", "."): value for name, value in options.items()})


@pytest.fixture(scope="module")
def world(spark: SparkSession) -> World[PharmacySettings]:
    return World(spark, chosen(members=200, formularies__count=FEW, formularies__active_share=0.6), 0, 200)


@pytest.fixture(scope="module")
def formularies(spark: SparkSession, world: World) -> pd.DataFrame:
    """What the table says of each, by its key."""
    asked = terms(world, world.keys(FORMULARIES)).select(
        "id", "formulary_code", "market_segment", "plan_code", "region", "is_active"
    )
    with compiled(spark):
        return asked.toArrow().to_pandas().set_index("id").sort_index()


@pytest.mark.parametrize("count", [1, 7, FEW, 5_000, 1_200_000_000])
def test_every_plan_with_a_drug_benefit_has_a_formulary_wherever_it_is_sold(count: int) -> None:
    of = chosen(members=200 * count)
    sold = {(plan, state) for plan, state, _ in availability(of) if plan != "MCARE-MEDIGAP-001"}
    assert set(plan_formularies(of)) == sold
    assert all(0 <= key < of.formulary_count for key in plan_formularies(of).values())


def test_the_driver_knows_plan_and_region_of_a_formulary_as_the_table_has_them(
    world: World, formularies: pd.DataFrame
) -> None:
    keys = segments.by_segment(FEW, world.settings)
    assert sorted(np.concatenate(keys)) == list(range(FEW))
    for segment, of_segment in zip(SEGMENTS, keys, strict=True):
        rows = formularies.loc[of_segment]
        assert set(rows["market_segment"]) <= {segment}
        found = plans_and_regions(world.settings, segment, of_segment) if len(rows) else ([], [])
        assert [list(values) for values in found] == [list(rows["plan_code"]), list(rows["region"])]


def test_it_is_of_the_plans_segment_in_use_and_of_plan_and_state_as_far_as_there_are_such(
    world: World, formularies: pd.DataFrame
) -> None:
    present = set(formularies["market_segment"])
    assert len(present) > 3
    for segment in SEGMENTS:
        of_segment = formularies[formularies["market_segment"] == segment] if segment in present else formularies
        for (plan, state), key in plan_formularies(world.settings).items():
            if plan not in segments.plans_of_segment(segment):
                continue
            assert key in of_segment.index
            ranks = of_segment["is_active"] * 4
            if segment in present:
                ranks += (of_segment["plan_code"] == plan) * 2 + of_segment["region"].isin([state, "NATIONAL"])
                assert ranks[key] == ranks.max(), (plan, state)
            assert of_segment["is_active"][key] == of_segment["is_active"].any()


def test_of_more_formularies_than_are_listed_the_driver_knows_the_segments_too(spark: SparkSession) -> None:
    of = chosen(members=10**12)
    keys = [(i, int(key)) for i, found in enumerate(segments.by_segment(50, of)) for key in found]
    frame = spark.createDataFrame(keys, "segment int, id bigint")
    cells = frame.select("segment", segments.cell(F.col("id"), of).alias("cell")).toArrow().to_pandas()
    assert list(cells["cell"] // len(FORMULARY_TYPES)) == list(cells["segment"])
    assert set(cells["cell"] % len(FORMULARY_TYPES)) == set(range(len(FORMULARY_TYPES)))


def test_a_formulary_says_of_every_drug_what_its_lines_say_by_arithmetic(
    spark: SparkSession, world: World, formularies: pd.DataFrame
) -> None:
    """Asked by plan and state of some members: the same as the join with the table; and nothing without a formulary."""
    states = list(world.settings.population.states)
    asked = [(plan, state) for plan in range(len(plan_codes())) for state in (0, len(states) // 2)]
    products = drugs.catalogue(world.settings.drugs, world.settings.seed)
    with compiled(spark):
        found = formulary_of(world.settings, F.col("plan"), F.col("state"))
        cells = spark.createDataFrame(asked, "plan int, state int").select("*", found.alias("formulary"))
        keys = cells.toArrow().to_pandas()
        some = cells.where(F.col("formulary").isNull() | (F.col("plan") % 4 == 0)).select("formulary").distinct()
        every = some.select("*", F.explode(F.sequence(F.lit(0), F.lit(len(products) - 1))).alias("product"))
        said = listed(world, every).toArrow().to_pandas()
        lines = formulary_drugs(world).select("formulary_code", "ndc_code", *SAID).toArrow().to_pandas()
    expected = [plan_formularies(world.settings).get((plan_codes()[plan], states[state])) for plan, state in asked]
    assert [None if pd.isna(key) else int(key) for key in keys["formulary"]] == expected
    assert None in expected
    assert said[said["formulary"].isna()][["line", *SAID]].isna().all(axis=None)
    here = said[said["line"].notna()]
    ndcs = [drugs.ndc(p, product.manufacturer, 0) for p, product in enumerate(products)]
    named = here.assign(
        formulary_code=formularies["formulary_code"].loc[here["formulary"].astype(int)].to_numpy(),
        ndc_code=[ndcs[product] for product in here["product"]],
    )
    key = ["formulary_code", "ndc_code"]
    of_table = lines[lines["formulary_code"].isin(named["formulary_code"])]
    assert named["formulary_code"].nunique() > 5
    left, right = (frame.set_index(key)[list(SAID)].sort_index() for frame in (named, of_table))
    pd.testing.assert_frame_equal(left, right, check_dtype=False)
    for _, of_formulary in here.groupby("formulary"):
        assert sorted(of_formulary["line"]) == list(range(len(of_formulary)))
