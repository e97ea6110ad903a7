"""Distributions: quantiles against SciPy, shares, order, edges, nulls and refused arguments."""

from __future__ import annotations

import datetime
import random
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import Column, SparkSession
from pyspark.sql import functions as F
from scipy import stats

from payerlake.sampling import distributions as d
from payerlake.sampling.draws import Draws
from tests.conftest import compiled

GRID = 20_000
LARGEST = 1.0 - 2.0**-53  # the largest uniform that there is
EDGES = (0.0, 2.0**-53, 2.0**-30, 0.075, 0.5, 0.925, 1.0 - 2.0**-30, LARGEST)
SEASONS = {"winter": 1.0, "spring": 0.0, "summer": 2.0, "autumn": 5.0}

# Every distribution of one uniform, by name.
OF_U: dict[str, Callable[[Column], Column]] = {
    "bernoulli": lambda u: d.bernoulli(u, 0.3),
    "integer": lambda u: d.integer(u, -3, 6),
    "choice": lambda u: d.choice(u, SEASONS),
    "choice_index": lambda u: d.choice_index(u, list(SEASONS.values())),
    "ordered_choice": lambda u: d.ordered_choice(u, SEASONS),
    "piecewise_linear": lambda u: d.piecewise_linear(u, [0.2, 0.0, 0.5, 0.3], [0, 5, 8, 10, 95]),
    "standard_normal": d.standard_normal,
    "normal": lambda u: d.normal(u, 100.0, 15.0),
    "zipf": lambda u: d.zipf(u, 40),
}
MONOTONE = sorted(set(OF_U) - {"bernoulli", "choice", "choice_index", "ordered_choice"})


@pytest.fixture(scope="module")
def quantiles(spark: SparkSession) -> pd.DataFrame:
    """Every distribution over an even grid of uniforms."""
    u = (F.col("id") + 0.5) / GRID
    columns = [make(u).alias(name) for name, make in OF_U.items()]
    frame = spark.range(0, GRID, 1, 2).select(u.alias("u"), *columns)
    return frame.toArrow().to_pandas().sort_values("u", ignore_index=True)


def at(spark: SparkSession, uniforms: tuple[float | None, ...], *columns: Column) -> list[tuple]:
    """The columns, which read `u`, for each of the uniforms in their order."""
    frame = spark.createDataFrame([(u,) for u in uniforms], "u double").coalesce(1)
    return [tuple(row) for row in frame.select(*columns).collect()]


# quantiles


def test_normal_quantiles_are_those_of_scipy(quantiles: pd.DataFrame) -> None:
    expected = stats.norm.ppf(quantiles["u"])
    np.testing.assert_allclose(quantiles["standard_normal"], expected, rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(quantiles["normal"], 100 + 15 * expected, rtol=1e-13)


def test_normal_quantiles_hold_in_the_far_tails(spark: SparkSession) -> None:
    u = tuple(2.0**-k for k in range(1, 54)) + tuple(1 - 2.0**-k for k in range(1, 54))
    measured = [z for (z,) in at(spark, u, d.standard_normal(F.col("u")))]
    np.testing.assert_allclose(measured, stats.norm.ppf(u), rtol=1e-13, atol=1e-15)


def test_integers_have_their_bounds_and_equal_shares(quantiles: pd.DataFrame) -> None:
    assert quantiles["integer"].value_counts().to_dict() == dict.fromkeys(range(-3, 7), GRID // 10)
    np.testing.assert_array_equal(quantiles["integer"], stats.randint.ppf(quantiles["u"], -3, 7))


def test_a_range_of_one_value_gives_that_value(spark: SparkSession) -> None:
    u = F.col("u")
    ones = at(spark, EDGES, d.integer(u, 7, 7), d.zipf(u, 1), d.choice(u, {"a": 0.1}))
    assert set(ones) == {(7, 0, "a")}


def test_bernoulli_is_true_at_its_rate(quantiles: pd.DataFrame) -> None:
    assert quantiles["bernoulli"].sum() == 0.3 * GRID


def test_bernoulli_takes_its_probability_from_a_column(spark: SparkSession) -> None:
    frame = spark.createDataFrame([(0.2, 0.3), (0.4, 0.3), (0.0, 0.0), (LARGEST, 1.0)], "u double, p double")
    assert [r[0] for r in frame.select(d.bernoulli(F.col("u"), F.col("p"))).collect()] == [True, False, False, True]


def test_parameters_may_be_columns(spark: SparkSession) -> None:
    frame = spark.createDataFrame([(0.5, 3.0, 2.0), (0.5, -1.0, 0.5)], "u double, a double, b double")
    u, a, b = F.col("u"), F.col("a"), F.col("b")
    ranged = d.integer(u, a.cast("int"), (a + b).cast("int"))
    rows = frame.select(d.normal(u, a, b), ranged, d.zipf(u, b.cast("int") + 1)).collect()
    assert [tuple(row) for row in rows] == [(3.0, 4, 1), (-1.0, 0, 0)]


# choices


@pytest.mark.parametrize("name", ["choice", "ordered_choice"])
def test_choices_have_their_weights_shares(quantiles: pd.DataFrame, name: str) -> None:
    counts = quantiles[name].value_counts().to_dict()
    assert counts == {"winter": GRID // 8, "summer": GRID // 4, "autumn": 5 * GRID // 8}


def test_a_weight_of_zero_is_never_drawn(spark: SparkSession) -> None:
    u = F.col("u")
    weights = {"never": 0.0, "a": 0.1, "nor": 0.0, "b": 0.7, "nor this": 0.0}
    fine = tuple(i / 1009 for i in range(1009)) + EDGES
    drawn = at(spark, fine, d.choice(u, weights), d.ordered_choice(u, weights), d.choice(u, {"x": 0.0, "y": 3.0}))
    assert set(drawn) <= {("a", "a", "y"), ("b", "b", "y"), ("a", "b", "y"), ("b", "a", "y")}


def test_choice_and_its_index_tell_the_same(quantiles: pd.DataFrame) -> None:
    assert [list(SEASONS)[i] for i in quantiles["choice_index"]] == quantiles["choice"].tolist()


def test_ordered_choice_takes_the_names_in_their_order(quantiles: pd.DataFrame) -> None:
    assert quantiles["ordered_choice"].drop_duplicates().tolist() == ["winter", "summer", "autumn"]


def test_ordered_choice_of_one_name_needs_no_draw(spark: SparkSession) -> None:
    assert set(at(spark, EDGES, d.ordered_choice(F.col("u"), {"only": 2.0}))) == {("only",)}


@pytest.mark.parametrize("draws", [2_000_000, pytest.param(20_000_000, marks=pytest.mark.thorough)])
def test_one_in_a_million_occurs_at_its_rate(spark: SparkSession, draws: int) -> None:
    """A hundred names, of a millionth each in 20 million draws: each has about 20, together 2,000 ± 4.5 σ."""
    weight = 20 / draws
    u = Draws(42, "test").uniform("test", "rare", F.col("id"))
    names = {"common": 1 - 100 * weight, **{f"rare {i}": weight for i in range(100)}}
    drawn = spark.range(0, draws, 1, 4).select(d.choice(u, names).alias("name"))
    with compiled(spark):
        counts = {row["name"]: row["count"] for row in drawn.groupBy("name").count().collect()}
    assert set(counts) == set(names)
    assert 2_000 - 4.5 * 2_000**0.5 < draws - counts.pop("common") < 2_000 + 4.5 * 2_000**0.5
    assert max(counts.values()) < 50  # of a Poisson of 20 less than one in 10^8 is more


@pytest.mark.parametrize("names", [1, 2, 3, 50, 1_000])
def test_alias_tables_give_every_weight_its_exact_share(names: int) -> None:
    rng = random.Random(names)
    weights = [rng.choice([0.0, 1e-9, 1.0, rng.random(), 1e6 * rng.random()]) for _ in range(names - 1)] + [1.0]
    keep, alias = d.alias_table(weights)
    shares = np.array(keep)
    for cell, other in enumerate(alias):
        shares[other] += 1.0 - keep[cell]
    np.testing.assert_allclose(shares / names, np.array(weights) / sum(weights), rtol=1e-12, atol=1e-15)
    assert all(0.0 <= k <= 1.0 for k in keep)


@pytest.mark.parametrize(
    ("values", "type_"), [([0.1, 1e-300, 2.0**-53], "double"), ([3, -1], "int"), (["a b", ""], "string")]
)
def test_constant_arrays_hold_exactly_what_they_were_given(spark: SparkSession, values: list, type_: str) -> None:
    assert spark.range(1).select(d.constant_array(values, type_)).first()[0] == values


# order and shape


@pytest.mark.parametrize("name", MONOTONE)
def test_a_larger_uniform_never_gives_a_smaller_value(quantiles: pd.DataFrame, name: str) -> None:
    assert quantiles[name].is_monotonic_increasing


def test_piecewise_linear_gives_each_interval_its_share_evenly(quantiles: pd.DataFrame) -> None:
    expected = np.interp(quantiles["u"], [0.0, 0.2, 0.2, 0.7, 1.0], [0.0, 5.0, 8.0, 10.0, 95.0])
    np.testing.assert_allclose(quantiles["piecewise_linear"], expected, rtol=1e-12)


def test_piecewise_linear_ends_at_its_last_edge(spark: SparkSession) -> None:
    """Shares that sum to a little less than 1 must not lead beyond the last edge."""
    u = F.col("u")
    tenths = d.piecewise_linear(u, [0.1] * 10, list(range(11)))
    last_empty = d.piecewise_linear(u, [0.5, 0.5, 0.0], [0, 1, 2, 3])
    ((low, first), (high, last)) = at(spark, (0.0, LARGEST), tenths, last_empty)
    assert (low, first) == (0.0, 0.0)
    assert 9.999 < high <= 10.0
    assert 1.999 < last <= 2.0 + 1e-12


def test_zipf_is_large_at_first_and_has_a_long_tail(quantiles: pd.DataFrame) -> None:
    position = np.arange(40)
    expected = np.log((position + 2) / (position + 1)) / np.log(41)
    shares = quantiles["zipf"].value_counts(normalize=True).sort_index()
    assert shares.index.tolist() == position.tolist()
    np.testing.assert_allclose(shares, expected, atol=1.1 / GRID)
    assert stats.linregress(np.log(position[4:] + 1), np.log(shares[4:])).slope == pytest.approx(-1.0, abs=0.06)


# edges


@pytest.fixture(scope="module")
def extremes(spark: SparkSession) -> dict[str, list]:
    """Every distribution's values for the smallest uniform, the largest, and a null."""
    columns = [make(F.col("u")) for make in OF_U.values()]
    rows = at(spark, (0.0, LARGEST, None), *columns)
    return dict(zip(OF_U, map(list, zip(*rows, strict=True)), strict=True))


@pytest.mark.parametrize("name", sorted(OF_U))
def test_the_smallest_and_the_largest_uniform_give_ordinary_values(extremes: dict[str, list], name: str) -> None:
    first, last, _ = extremes[name]
    assert first is not None
    assert last is not None
    if isinstance(first, float):
        assert np.isfinite([first, last]).all()


@pytest.mark.parametrize("name", sorted(OF_U))
def test_null_in_null_out(extremes: dict[str, list], name: str) -> None:
    assert extremes[name][2] is None


def test_integers_stay_in_wide_ranges(spark: SparkSession) -> None:
    u = F.col("u")
    widest = 2**53 - 1
    rows = at(spark, (0.0, LARGEST), d.integer(u, 0, 10**12), d.integer(u, 0, widest), d.zipf(u, 10**12))
    assert rows[0] == (0, 0, 0)
    assert all(value <= bound for value, bound in zip(rows[1], (10**12, widest, 10**12 - 1), strict=True))


def test_null_parameters_give_null(spark: SparkSession) -> None:
    u, none = F.col("u"), F.lit(None).cast("double")
    columns = [
        d.bernoulli(u, none),
        d.integer(u, none, 5),
        d.normal(u, none, 1.0),
        d.zipf(u, none),
        d.permutation(none.cast("bigint"), 10, 1),
    ]
    assert at(spark, (0.5,), *columns) == [(None,) * len(columns)]


# permutations

SIZES = (1, 2, 3, 10, 97, 1000, 12345)
STREAM = Draws(42, "test").stream("test", "permutation")


@pytest.mark.parametrize("stream", [STREAM, 0, -1, 2**63 - 1, -(2**63)])
def test_a_permutation_is_one_to_one_for_any_size_and_stream(spark: SparkSession, stream: int) -> None:
    key = F.col("id")
    frame = spark.range(0, max(SIZES), 1, 1).select(
        *(F.when(key < size, d.permutation(key, size, stream)).alias(str(size)) for size in SIZES)
    )
    places = frame.toArrow().to_pandas()
    for size in SIZES:
        of_size = places[str(size)].dropna().to_numpy(dtype=np.int64)
        assert sorted(of_size) == list(range(size)), size
        if stream not in (0, -1):  # as an int Spark hashes them otherwise; no stream of Draws is so small
            assert list(d.unpermuted(of_size, size, stream)) == list(range(size)), size


def test_a_permutation_is_well_mixed(spark: SparkSession) -> None:
    size, key = 12345, F.col("id")
    frame = spark.range(0, size, 1, 1).select(d.permutation(key, size, STREAM), d.permutation(key, size, STREAM + 1))
    first, second = (column.to_numpy() for column in frame.toArrow().columns)
    steps = np.diff(first) % size
    assert abs(np.corrcoef(np.arange(size), first)[0, 1]) < 4 / size**0.5
    assert abs(np.corrcoef(first, second)[0, 1]) < 4 / size**0.5
    assert (first == np.arange(size)).sum() <= 6  # a random order keeps one place on average
    assert stats.kstest(steps / size, "uniform").pvalue > 1e-3
    assert np.isin(steps, [1, size - 1]).mean() < 0.01  # neighbours rarely stay neighbours
    blocks = np.histogram2d(np.arange(size), first, bins=15)[0]
    assert stats.chisquare(blocks.ravel()).pvalue > 1e-3


def test_small_permutations_take_every_order(spark: SparkSession) -> None:
    """Of 90 streams each of the six orders of three has its share."""
    streams = [Draws(42, "test").stream("test", "order", str(i)) for i in range(90)]
    frame = spark.range(0, 3, 1, 1).select(
        *(d.permutation(F.col("id"), 3, s).alias(f"s{i}") for i, s in enumerate(streams))
    )
    orders = pd.Series([tuple(column.to_pylist()) for column in frame.toArrow().columns]).value_counts()
    assert len(orders) == 6
    assert stats.chisquare(orders).pvalue > 1e-3


# refused arguments


@pytest.mark.parametrize("weights", [[], [0.0, 0.0], [1.0, -0.1], [float("nan"), 1.0]])
def test_weights_that_are_no_weights_are_refused(weights: list[float]) -> None:
    with pytest.raises(ValueError, match="weights must not be negative and not all 0"):
        d.alias_table(weights)


@pytest.mark.usefixtures("spark")
@pytest.mark.parametrize(
    "make",
    [
        lambda u: d.ordered_choice(u, {"a": 0.0}),
        lambda u: d.ordered_choice(u, {"a": 2.0, "b": -1.0}),
        lambda u: d.piecewise_linear(u, [0.5, 0.5], [0, 1]),
        lambda u: d.piecewise_linear(u, [0.5, 0.4], [0, 1, 2]),
        lambda u: d.permutation(u, 0, 1),
        lambda u: d.constant_array(["a\x1fb"], "string"),
    ],
    ids=["no weight", "a negative weight", "an edge too few", "shares below 1",
         "size 0", "a name with the separator"],
)  # fmt: skip
def test_arguments_that_mean_nothing_are_refused(make: Callable[[Column], Column]) -> None:
    with pytest.raises((ValueError, ZeroDivisionError)):
        make(F.col("u"))


# by row


def test_normals_made_together_are_near_the_quantiles(spark: SparkSession) -> None:
    frame = (
        spark.createDataFrame([(u,) for u in EDGES], "u double").coalesce(1).select("u", (1 - F.col("u")).alias("v"))
    )
    both = d.with_normals(frame, one=F.col("u"), other=F.least(F.col("v"), F.lit(LARGEST)))
    assert both.columns == ["u", "v", "one", "other"]
    for row in both.collect():
        assert row["one"] == pytest.approx(stats.norm.ppf(max(row["u"], 2.0**-54)), abs=1e-5)
        assert row["other"] == pytest.approx(stats.norm.ppf(min(max(row["v"], 2.0**-54), LARGEST)), abs=1e-5)


def test_normals_made_together_have_their_moments(spark: SparkSession) -> None:
    drawn = d.with_normals(spark.range(0, GRID, 1, 2), z=(F.col("id") + 0.5) / GRID)
    mean, sd, tail = drawn.agg(F.mean("z"), F.stddev("z"), F.mean((F.col("z") > 3).cast("int"))).first()
    assert (mean, sd) == (pytest.approx(0, abs=1e-5), pytest.approx(1, abs=1e-3))
    assert tail == pytest.approx(stats.norm.sf(3), abs=2 / GRID)


def test_a_number_is_read_at_its_position_and_0_beyond(spark: SparkSession) -> None:
    column = d.number_at([1.5, -2.0], F.col("u").cast("int"))
    assert at(spark, (0.0, 1.0, 2.0, None), column) == [(1.5,), (-2.0,), (0.0,), (0.0,)]
    assert at(spark, (0.0, 1.0, 2.0, None), d.integer_at([7, -3], F.col("u").cast("int"))) == [(7,), (-3,), (0,), (0,)]


def test_a_date_is_read_at_its_position(spark: SparkSession) -> None:
    days = [datetime.date(1969, 12, 31), datetime.date(2024, 2, 29)]
    assert at(spark, (0.0, 1.0, 2.0), d.date_at(days, F.col("u").cast("int"))) == [(days[0],), (days[1],), (None,)]


def test_each_row_has_the_shares_of_its_own_weights(spark: SparkSession) -> None:
    weights, values = [[0.5, 0.3, 0.2], [0.0, 0.0, 1.0], [1e-3, 0.999, 0.0]], [7, -1, 1 << 40]
    u, row = (F.col("id") + 0.5) / GRID, F.col("row")
    rows = spark.range(3).select(F.col("id").cast("int").alias("row"))
    drawn = (
        spark.range(0, GRID, 1, 2).crossJoin(rows).select("row", d.table_choice(u, row, weights, values).alias("value"))
    )
    found = {(r["row"], r["value"]): r["count"] / GRID for r in drawn.groupBy("row", "value").count().collect()}
    stated = {(i, v): w for i, of_row in enumerate(weights) for v, w in zip(values, of_row, strict=True) if w}
    assert found == {key: pytest.approx(share, abs=2 / GRID) for key, share in stated.items()}


@pytest.mark.parametrize("rate", [0.1, 0.31, 2.0, 17.3, 24.9])
def test_candidates_thinned_are_poisson(spark: SparkSession, rate: float) -> None:
    draws, n = Draws(5, "test"), 40_000
    count, share = d.poisson_ladder(draws.uniform("t", "count", F.col("id")), F.lit(rate), 25.0)
    listed = spark.range(0, n, 1, 2).select(
        "id", share.alias("share"), F.explode(F.sequence(F.lit(0), count)).alias("i")
    )
    is_kept = (F.col("i") > 0) & (draws.uniform("t", "kept", F.col("id"), F.col("i")) < F.col("share"))
    counts = listed.groupBy("id").agg(F.count_if(is_kept).cast("double").alias("found"))
    mean, variance, none = counts.agg(
        F.mean("found"), F.variance("found"), F.mean((F.col("found") == 0).cast("int"))
    ).first()
    assert mean == pytest.approx(rate, abs=5 * (rate / n) ** 0.5)
    assert variance == pytest.approx(rate, rel=0.06)
    assert none == pytest.approx(np.exp(-rate), abs=5 * (np.exp(-rate) / n) ** 0.5 + 1e-4)
