"""People: shares, couples, homes, and that a person belongs to seed and population, not to a dataset."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import zipcodes
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from scipy import stats

from payerlake import registry
from payerlake.contract import settings
from payerlake.contract.population import Population, years_before
from payerlake.person import names, places
from payerlake.person.people import OWN_NAME_SHARE, People
from payerlake.person.world import World
from payerlake.pharmacy.settings import PharmacySettings
from payerlake.resources import resource

PERSONS = 20_000
SURE = 1e-3
SEED = 42


def population_of(name: str, **changes: object) -> Population:
    return Population(**(settings.read_yaml(resource("conf", "populations", f"{name}.yaml")) | changes))


def people_of(population: Population, seed: int = SEED) -> People:
    """The people of this population, in a dataset that has it."""
    return People(settings.load(PharmacySettings).model_copy(update={"population": population, "seed": seed}))


PHARMACY, SHARED = population_of("pharmacy"), population_of("shared")


def persons(
    spark: SparkSession, people: People, first: int = 0, count: int = PERSONS, partitions: int = 2
) -> pd.DataFrame:
    """Everything about the persons of these keys, in the order of the keys."""
    key, slot, household, home = F.col("id"), F.col("slot"), F.col("household"), F.col("home")
    slots = spark.range(first, first + count, 1, partitions).select("id", people.slot(key).alias("slot"))
    housed = slots.select("*", people.household(key, slot).alias("household"), people.sex(key, slot).alias("sex"))
    placed = housed.select(
        "*", people.home(household).alias("home"), people.first_name(key, F.col("sex")).alias("first_name")
    )
    frame = placed.select(
        "id", "household", "sex", "first_name",
        people.household_size(slot).alias("size"),
        people.has_spouse(slot).alias("has_spouse"),
        people.role(slot).alias("role"),
        people.age_rank(key, slot).alias("age_rank"),
        people.birth_date(key, slot).alias("birth_date"),
        people.last_name(key, slot).alias("last_name"),
        people.street(household).alias("street"),
        people.state(household).alias("home_state"),
        *(places.field(field, home).alias(field) for field in ("zip_code", "city", "county", "state", "area_code")),
    )  # fmt: skip
    return frame.toArrow().to_pandas().sort_values("id", ignore_index=True)


@pytest.fixture(scope="module")
def pharmacy(spark: SparkSession) -> pd.DataFrame:
    return persons(spark, people_of(PHARMACY))


@pytest.fixture(scope="module")
def shared(spark: SparkSession) -> pd.DataFrame:
    return persons(spark, people_of(SHARED))


@pytest.fixture(scope="module", params=["pharmacy", "shared"])
def both(request: pytest.FixtureRequest) -> tuple[Population, pd.DataFrame]:
    """Each shipped population with its people."""
    return (PHARMACY if request.param == "pharmacy" else SHARED), request.getfixturevalue(request.param)


def couples(people: pd.DataFrame) -> pd.DataFrame:
    """One row per couple: head and spouse side by side."""
    by_id = people.set_index("id")
    spouses = people[people["role"] == "SPOUSE"]
    heads = by_id.loc[spouses["household"]].reset_index()
    return heads.join(spouses.reset_index(drop=True), lsuffix="_head", rsuffix="_spouse")


# shares


def test_sexes_have_the_shares_of_the_population(both: tuple[Population, pd.DataFrame]) -> None:
    population, people = both
    counts = people["sex"].value_counts()
    assert set(counts.index) == set(population.sex)
    for sex, share in population.sex.items():
        assert abs(counts[sex] - share * PERSONS) < 4 * (share * (1 - share) * PERSONS) ** 0.5, sex


def test_sexes_have_their_shares_in_every_role(pharmacy: pd.DataFrame) -> None:
    women = pharmacy["sex"].eq("F").groupby(pharmacy["role"]).agg(["mean", "count"])
    assert ((women["mean"] - 0.505).abs() < 4 * 0.5 / women["count"] ** 0.5).all()


def test_ages_have_the_shares_of_the_population(both: tuple[Population, pd.DataFrame]) -> None:
    """Far nearer than chance would have it: every two hundred people have each half per cent of the ages once."""
    population, people = both
    births = pd.to_datetime(people["birth_date"])
    for share, (first, last) in zip(population.age_bands.values(), population.bands, strict=True):
        youngest, eldest = years_before(population.as_of, first), years_before(population.as_of, last + 1)
        measured = ((births <= pd.Timestamp(youngest)) & (births > pd.Timestamp(eldest))).mean()
        assert measured == pytest.approx(share, abs=0.004), (first, last)


def test_nobody_is_born_after_the_day_of_the_ages_or_older_than_the_last_band(
    both: tuple[Population, pd.DataFrame],
) -> None:
    population, people = both
    assert people["birth_date"].max() <= population.as_of
    assert people["birth_date"].min() > years_before(population.as_of, 96)


def test_birthdays_fall_on_every_day_of_the_year(pharmacy: pd.DataFrame) -> None:
    months = pd.to_datetime(pharmacy["birth_date"]).dt.month.value_counts().sort_index()
    expected = np.array([31, 28.25, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
    assert stats.chisquare(months, expected / expected.sum() * PERSONS).pvalue > SURE
    assert pd.to_datetime(pharmacy["birth_date"]).dt.dayofyear.nunique() == 366


def test_states_have_the_weights_of_the_population(pharmacy: pd.DataFrame) -> None:
    population, people = PHARMACY, pharmacy
    homes = people.drop_duplicates("household")["state"].value_counts()
    weights = pd.Series(population.states)
    assert set(homes.index) <= set(weights.index)
    assert (
        stats.chisquare(homes.reindex(weights.index, fill_value=0), weights / weights.sum() * homes.sum()).pvalue > SURE
    )


def test_ranks_in_age_are_uniform(pharmacy: pd.DataFrame) -> None:
    assert stats.kstest(pharmacy["age_rank"], "uniform").statistic < 0.005
    assert pharmacy["age_rank"].is_unique


# names


def test_first_names_fit_the_sex_and_are_as_frequent_as_in_the_list(pharmacy: pd.DataFrame) -> None:
    for sex in ("F", "M"):
        weights = pd.Series(names.first_names(sex))
        counts = pharmacy.loc[pharmacy["sex"] == sex, "first_name"].value_counts()
        assert set(counts.index) <= set(weights.index)
        top = weights.nlargest(5).index
        expected = weights[top] / weights.sum() * counts.sum()
        assert ((counts.reindex(top, fill_value=0) - expected).abs() < 4.5 * expected**0.5).all()


def test_people_of_no_told_sex_have_first_names_too(pharmacy: pd.DataFrame) -> None:
    untold = pharmacy.loc[pharmacy["sex"] == "U", "first_name"]
    assert len(untold) > 0
    assert untold.isin(names.first_names("")).all()


def test_children_bear_the_households_name_and_some_spouses_their_own(pharmacy: pd.DataFrame) -> None:
    heads = pharmacy.set_index("id")["last_name"]
    same = pharmacy["last_name"].to_numpy() == heads.loc[pharmacy["household"]].to_numpy()
    assert same[pharmacy["role"] != "SPOUSE"].all()
    assert same[pharmacy["role"] == "SPOUSE"].mean() == pytest.approx(1 - OWN_NAME_SHARE, abs=0.025)


# households


def test_nearly_every_couple_is_of_two_sexes(both: tuple[Population, pd.DataFrame]) -> None:
    pairs = couples(both[1])
    assert len(pairs) == pytest.approx(0.25 * PERSONS, abs=5)
    assert (pairs["sex_head"] != pairs["sex_spouse"]).mean() > 0.97


def test_women_and_men_are_heads_of_couples_alike(pharmacy: pd.DataFrame) -> None:
    assert couples(pharmacy)["sex_head"].eq("F").mean() == pytest.approx(0.505, abs=0.03)


def test_a_household_shares_its_home(both: tuple[Population, pd.DataFrame]) -> None:
    homes = both[1].groupby("household")[["street", "zip_code", "city", "county", "state", "area_code"]].nunique()
    assert homes.eq(1).all(axis=None)


def test_a_household_has_its_size_and_one_head_whose_key_it_bears(pharmacy: pd.DataFrame) -> None:
    by_household = pharmacy.groupby("household")
    assert (by_household["id"].count() == by_household["size"].first()).all()
    assert (by_household["id"].min() == by_household["size"].first().index).all()
    heads = pharmacy[pharmacy["role"] == "SELF"]
    assert (heads["id"] == heads["household"]).all()
    assert heads["household"].is_unique
    assert (pharmacy["id"] - pharmacy["household"] < pharmacy["size"]).all()
    has_spouse = pharmacy["role"].eq("SPOUSE").groupby(pharmacy["household"]).any()
    assert (by_household["has_spouse"].first() == has_spouse).all()


def test_parents_are_18_years_older_than_their_children(both: tuple[Population, pd.DataFrame]) -> None:
    people = both[1].assign(days=pd.to_datetime(both[1]["birth_date"]))
    children = people[people["role"] == "DEPENDENT"].groupby("household")["days"].min()
    parents = people[people["role"] != "DEPENDENT"].groupby("household")["days"].max()
    assert (parents.loc[children.index] + pd.DateOffset(years=18) <= children + pd.Timedelta(days=1)).all()


# homes


def test_zip_city_county_state_and_area_code_are_of_one_place(both: tuple[Population, pd.DataFrame]) -> None:
    known = {row["zip_code"]: row for row in zipcodes.list_all()}
    places = both[1][["zip_code", "city", "county", "state", "area_code"]].drop_duplicates()
    where = both[0].zip_codes
    assert set(places["zip_code"]) == set(where) if where else len(places) > 5_000
    for place in places.itertuples():
        row = known[place.zip_code]
        assert (place.city, place.county, place.state) == (row["city"], row["county"], row["state"])
        assert place.area_code in row["area_codes"]
        assert (row["active"], row["zip_code_type"]) == (True, "STANDARD")


def test_the_state_of_a_zip_code_is_that_drawn_for_the_household(both: tuple[Population, pd.DataFrame]) -> None:
    assert (both[1]["state"] == both[1]["home_state"]).all()


def test_streets_have_number_name_and_kind(pharmacy: pd.DataFrame) -> None:
    assert pharmacy["street"].str.fullmatch(r"[1-9]\d{0,3} [A-Z][A-Za-z']+ [A-Z][a-z]+").all()


# identity


def test_other_age_shares_leave_name_household_and_rank_in_age(spark: SparkSession, pharmacy: pd.DataFrame) -> None:
    older = people_of(population_of("pharmacy", age_bands={"0-64": 0.5, "65-99": 0.5}))
    aged = persons(spark, older, count=2_000)
    young = pharmacy.head(2_000)
    unaged = [column for column in aged.columns if column != "birth_date"]
    pd.testing.assert_frame_equal(aged[unaged], young[unaged])
    assert (aged["birth_date"] != young["birth_date"]).mean() > 0.99
    for people in (aged, young):
        assert people.sort_values("age_rank")["birth_date"].is_monotonic_decreasing


def test_both_shipped_populations_order_their_people_alike(pharmacy: pd.DataFrame, shared: pd.DataFrame) -> None:
    alike = ["household", "role", "last_name", "street", "age_rank"]
    pd.testing.assert_frame_equal(pharmacy[alike], shared[alike])
    ranked = pharmacy.sort_values("age_rank").index
    assert shared["birth_date"].loc[ranked].is_monotonic_decreasing
    assert pharmacy["birth_date"].loc[ranked].is_monotonic_decreasing


@pytest.mark.parametrize("dataset", registry.datasets())
@pytest.mark.parametrize("name", ["shared", "clinic_patients"])
def test_datasets_of_one_population_have_the_same_persons(spark: SparkSession, name: str, dataset: str) -> None:
    expected = persons(spark, people_of(population_of(name)), count=500)
    options = {
        "members": 500,
        "population": name,
        "seed": SEED,
    }
    chosen = settings.load(registry.dataset(dataset).settings, options=options)
    mine = persons(spark, World(spark, chosen, 0, 500).people, count=500)
    pd.testing.assert_frame_equal(mine, expected)


def test_a_person_does_not_depend_on_who_else_is_made(spark: SparkSession, pharmacy: pd.DataFrame) -> None:
    alone = persons(spark, people_of(PHARMACY), first=12_345, count=7, partitions=7)
    pd.testing.assert_frame_equal(alone, pharmacy.iloc[12_345:12_352].reset_index(drop=True))


def test_another_seed_makes_other_people(spark: SparkSession, pharmacy: pd.DataFrame) -> None:
    others = persons(spark, people_of(PHARMACY, SEED + 1), count=2_000)
    same = {column: (others[column] == pharmacy[column].head(2_000)).mean() for column in others.columns}
    assert same["street"] == 0.0
    assert max(same["age_rank"], same["birth_date"], same["zip_code"], same["last_name"], same["first_name"]) < 0.02
    assert same["state"] < 0.08
    assert same["sex"] == pytest.approx(0.5, abs=0.05)
