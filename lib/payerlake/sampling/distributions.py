"""Uniform column in, value column out: the distributions that payer data need.

Every function is pure: the value is the inverse CDF of the uniform it is given, so the same uniform coupled into two
distributions keeps its rank. The one exception is `choice`, whose alias tables are exact and fast but not monotone; use
`ordered_choice` where rank matters. Only exactly rounded operations and Spark's strict math are used: every JVM agrees.
"""

from __future__ import annotations

import datetime
import math
import random
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from itertools import pairwise
from statistics import NormalDist
from typing import Any

import numpy as np
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from payerlake.sampling.hashing import Numbers, of_bigint, of_int

_EPOCH = datetime.date(1970, 1, 1)


def constant_array(values: Sequence[Any], element_type: str) -> Column:
    """A constant array column; the optimizer folds it into one object, whatever its length.

    Written as one string that is split and cast, because thousands of single literals slow every analysis. Strings
    must not hold the unit separator (U+001F).
    """
    text = "\x1f".join(repr(v) if isinstance(v, float) else str(v) for v in values)
    if text.count("\x1f") >= max(1, len(values)):
        raise ValueError("constant_array: a value holds the unit separator U+001F")
    return F.split(F.lit(text), "\x1f").cast(f"array<{element_type}>")


def number_at(values: Sequence[float], place: Column) -> Column:
    """The number (double) at a position of a list. It is not null, whatever the position, nor is what follows from it:
    Spark's code for what may be null is three times as long."""
    return F.coalesce(F.get(constant_array([float(v) for v in values], "double"), place), F.lit(0.0))


def integer_at(values: Sequence[int], place: Column) -> Column:
    """The int at a position of a list, as `number_at` has the doubles; 0 beyond."""
    return F.coalesce(F.get(constant_array(values, "int"), place), F.lit(0))


def string_at(values: Iterable[str], place: Column) -> Column:
    """The string at a position (int) of a list, null beyond."""
    return F.get(constant_array(list(values), "string"), place)


def row_bits(width: int) -> int:
    """The bits of a position in rows of this width, as `in_rows` lays them out."""
    return (width - 1).bit_length()


def in_rows(rows: Sequence[Sequence[Any]]) -> list[Any]:
    """Rows of one width as one list, in which each begins at a power of two: to be read at `place_in_rows`."""
    unused = [0] * ((1 << row_bits(len(rows[0]))) - len(rows[0]))
    return [value for row in rows for value in (*row, *unused)]


def place_in_rows(row: Column, column: Column, width: int) -> Column:
    """The place (int) of a column of a row. Spark looks for overflows when it multiplies, not when it shifts."""
    return F.shiftleft(row, row_bits(width)).bitwiseOR(column)


def line_at(rows: Sequence[Sequence[float]], row: Column, place: Column) -> Column:
    """What a row of knots has (double) at a place (double) from its first to before its last, evenly between knots."""
    slopes = [[high - low for low, high in pairwise(knots)] for knots in rows]
    bases = [
        [low - slope * i for i, (low, slope) in enumerate(zip(knots, of_row, strict=False))]
        for knots, of_row in zip(rows, slopes, strict=True)
    ]
    at = place_in_rows(row, place.cast("int"), len(slopes[0]))
    return number_at(in_rows(bases), at) + number_at(in_rows(slopes), at) * place


def date_at(values: Sequence[datetime.date], place: Column) -> Column:
    """The date at a position (int) of a list, null beyond: to make a date of numbers takes five times as long."""
    days = [(value - _EPOCH).days for value in values]
    return F.date_from_unix_date(F.get(constant_array(days, "int"), place))


def bernoulli(u: Column, probability: float | Column) -> Column:
    """True with this probability."""
    return u < (F.lit(probability) if isinstance(probability, (int, float)) else probability)


def integer(u: Column, low: int | Column, high: int | Column) -> Column:
    """A bigint uniform on low … high, both included."""
    low, high = _column(low), _column(high)
    return low + F.floor(u * (high - low + 1))


def one_of(values: Sequence[str], u: Column) -> Column:
    """One of the strings, all alike likely."""
    return string_at(values, integer(u, 0, len(values) - 1).cast("int"))


def choice(u: Column, weights: Mapping[str, float]) -> Column:
    """One of the names by weight, as a string. Exact to 2^-53 whatever the number of names: an alias table."""
    return string_at(weights, choice_index(u, list(weights.values())))


def chosen(uniforms: np.ndarray[Any, Any], weights: Mapping[str, float]) -> np.ndarray[Any, Any]:
    """What `choice` gives for these uniforms, as an array on the driver."""
    keep, alias = map(np.array, alias_table(list(weights.values())))
    scaled = uniforms * float(len(weights))
    cells = scaled.astype(int)
    return np.array(list(weights))[np.where(scaled - cells < keep[cells], cells, alias[cells])]


def choice_index(u: Column, weights: Sequence[float]) -> Column:
    """The position (int, from 0) of a weighted choice: `choice` where the caller has parallel arrays."""
    keep, alias = alias_table(weights)
    scaled = u * float(len(weights))
    cell = F.floor(scaled).cast("int")
    kept = (scaled - cell) < F.get(constant_array(keep, "double"), cell)
    return F.when(kept, cell).otherwise(F.get(constant_array(alias, "int"), cell))


def table_choice(u: Column, row: Column, weights: Sequence[Sequence[float]], values: Sequence[int]) -> Column:
    """One of the values (bigint) by the weights of a row of a table: `choice` for rows that differ in their weights.

    row: the position (int) in `weights`, whose rows have a weight for every value.
    """
    bits = row_bits(len(values))
    rest_bits, unused = 53 - bits, [0.0] * ((1 << bits) - len(values))
    # A cell's alias and, above it, the share that stays, in one number: one look-up instead of two.
    packed = [
        round(keep * (1 << rest_bits)) << bits | alias
        for of_row in weights
        for keep, alias in zip(*alias_table([*of_row, *unused]), strict=True)
    ]
    drawn = (u * 2.0**53).cast("bigint")
    cell, rest = F.shiftright(drawn, rest_bits).cast("int"), drawn.bitwiseAND(F.lit((1 << rest_bits) - 1))
    found = _bigint_at(packed, place_in_rows(row, cell, len(values)))
    alias = found.bitwiseAND(F.lit((1 << bits) - 1)).cast("int")
    return _bigint_at(values, F.when(rest < F.shiftright(found, bits), cell).otherwise(alias))


def _bigint_at(values: Sequence[int], place: Column) -> Column:
    return F.coalesce(F.get(constant_array(values, "bigint"), place), F.lit(0).cast("bigint"))


def alias_table(weights: Sequence[float]) -> tuple[list[float], list[int]]:
    """Vose's alias table of these weights: for each cell the share that stays, and the position that has the rest."""
    total = _total(weights)
    scaled = [weight * len(weights) / total for weight in weights]
    keep, alias = [1.0] * len(scaled), list(range(len(scaled)))
    small = [i for i, s in enumerate(scaled) if s < 1.0]
    large = [i for i, s in enumerate(scaled) if s >= 1.0]
    while small and large:
        low, high = small.pop(), large[-1]
        keep[low], alias[low] = scaled[low], high
        scaled[high] -= 1.0 - scaled[low]
        if scaled[high] < 1.0:
            small.append(large.pop())
    # What rounding alone left below 1: as a cell of weight 0 it would gain a share that it must not have.
    for rounded in small:
        if weights[rounded] == 0:
            keep[rounded], alias[rounded] = 0.0, max(range(len(weights)), key=weights.__getitem__)
    return keep, alias


def _total(weights: Sequence[float]) -> float:
    total = math.fsum(weights)
    if not total > 0 or min(weights) < 0:
        raise ValueError(f"weights must not be negative and not all 0, got {list(weights)[:5]}…")
    return total


def ordered_choice(u: Column, weights: Mapping[str, float]) -> Column:
    """One of a few names by weight, monotone in u: the first name takes the lowest uniforms."""
    total = _total(list(weights.values()))
    names = list(weights)
    chosen, below = None, 0.0
    for name in names[:-1]:
        below += weights[name] / total
        chosen = F.when(u < below, name) if chosen is None else chosen.when(u < below, name)
    return F.when(u.isNotNull(), names[-1]) if chosen is None else chosen.when(u.isNotNull(), names[-1])


def piecewise_linear(u: Column, shares: Sequence[float], edges: Sequence[float]) -> Column:
    """A double that is uniform between neighbouring edges, which hold these shares: monotone in u.

    `edges` has one element more than `shares`, which must sum to 1.
    """
    if abs(_total(shares) - 1.0) > 1e-6 or len(edges) != len(shares) + 1:
        raise ValueError(f"piecewise_linear: {len(shares)} shares that sum to {sum(shares):g}, {len(edges)} edges")
    value, below = None, 0.0
    for share, low, high in zip(shares, edges, edges[1:], strict=False):
        if share <= 0:
            continue
        inside = F.lit(float(low)) + (u - below) * ((high - low) / share)
        below += share
        value = F.when(u < below, inside) if value is None else value.when(u < below, inside)
        last = inside
    assert value is not None
    return value.when(u.isNotNull(), F.least(last, F.lit(float(edges[-1]))))


def standard_normal(u: Column) -> Column:
    """The normal quantile of u, by Wichura's AS 241 (PPND16, relative error about 1e-16): log and sqrt only.

    It names u four dozen times. Where several are needed in a row, and five digits do, see `with_normals`.
    """
    q = F.greatest(u, F.lit(2.0**-54)) - 0.5  # 0 has no quantile; half a grid step does
    root = F.sqrt(-F.log(F.lit(0.5) - F.abs(q)))  # a function of the distance to the nearer end
    tail = F.when(root <= 5.0, _ratio(root - 1.6, _MIDDLE)).otherwise(_ratio(root - 5.0, _FAR))
    central = q * _ratio(F.lit(0.180625) - q * q, _CENTRAL)
    value = F.when(F.abs(q) <= 0.425, central).when(q < 0, -tail).otherwise(tail)
    return F.when(u.isNotNull(), value)


def with_normals(frame: DataFrame, **uniforms: Column) -> DataFrame:
    """Adds a standard normal for each named uniform, none of which is null, to five digits after the point.

    By log-odds of u the quantiles are nearly straight, so they are read from a table of them, evenly between its knots:
    a tenth of the code of `standard_normal`, which is what wide tables run out of, and half of its time.
    """
    places = {name: f"_place_{name}" for name in uniforms}
    placed = frame.select("*", *[_place(u).alias(places[name]) for name, u in uniforms.items()])
    quantiles = [line_at([_knot_values()], F.lit(0), F.col(place)).alias(name) for name, place in places.items()]
    return placed.select(*frame.columns, *quantiles)


_FURTHEST = 37.5  # log-odds, to either side: 53 bits are within
_KNOTS_EACH = 32  # to a unit of log-odds: at most 9·10⁻⁶ beside the quantile


def _place(u: Column) -> Column:
    """Where u stands among the knots (double)."""
    above_0 = F.greatest(u, F.lit(2.0**-54))
    # Spark takes logarithms and quotients for what may be null, and all that follows from them: see `number_at`.
    odds = F.log(above_0 / (F.lit(1.0) - above_0))
    return F.coalesce((odds + _FURTHEST) * float(_KNOTS_EACH), F.lit(0.0))


@cache
def _knot_values() -> list[float]:
    normal = NormalDist()
    odds = [i / _KNOTS_EACH - _FURTHEST for i in range(round(2 * _FURTHEST * _KNOTS_EACH) + 1)]
    # Of the nearer end, which a double tells apart from 0 where it would not from 1; rounded, for libraries of
    # mathematics differ in the last digit.
    return [round(math.copysign(normal.inv_cdf(1 / (1 + math.exp(abs(o)))), o), 12) for o in odds]


def normal(u: Column, mean: float | Column, deviation: float | Column) -> Column:
    """A double from the normal distribution."""
    return _column(mean) + _column(deviation) * standard_normal(u)


def poisson_ladder(u: Column, rate: Column, highest: float) -> tuple[Column, Column]:
    """A count (int) of candidates and the share (double) of them to keep: those kept are Poisson with this rate.

    For a rate that differs by row, above 0 and at most `highest`. The candidates' rate is the rung of a ladder just
    above it, whose counts are drawn exactly from an alias table; keeping each with probability rate ÷ rung makes the
    rate exact, and may depend on more than the row: any further thinning is again Poisson.
    """
    rungs = [_LOWEST_RUNG]
    while rungs[-1] < highest:
        rungs.append(rungs[-1] * _RUNG_RATIO)
    size = 1 + max(_most(rung) for rung in rungs)
    steps = F.ceil(F.log(F.greatest(rate, F.lit(_LOWEST_RUNG)) / _LOWEST_RUNG) / math.log(_RUNG_RATIO) - 1e-9)
    rung = F.coalesce(F.least(steps.cast("int"), F.lit(len(rungs) - 1)), F.lit(0))
    count = table_choice(u, rung, [_poisson_weights(rung_rate, size) for rung_rate in rungs], range(size))
    return count.cast("int"), F.least(rate / number_at(rungs, rung), F.lit(1.0))


_LOWEST_RUNG, _RUNG_RATIO = 0.25, 1.1


def _most(rate: float) -> int:
    """The count beyond which a Poisson of this rate has less than one chance in 2^53."""
    count, term, above = 0, math.exp(-rate), 1.0
    while above > 2.0**-53 or count < rate:
        above -= term
        count += 1
        term *= rate / count
        if count > rate and term < 2.0**-60:
            break
    return count


def _poisson_weights(rate: float, size: int) -> list[float]:
    return [math.exp(k * math.log(rate) - rate - math.lgamma(k + 1)) for k in range(size)]


def zipf(u: Column, size: int | Column) -> Column:
    """A position (bigint) from 0 to size − 1 whose share falls like 1/(position + 1): few large, a long tail."""
    size = _column(size)
    # exp(u·log(n + 1)) is (n + 1)^u in a third of the time.
    return F.when(u.isNotNull(), F.least(F.floor(F.exp(u * F.log(size + F.lit(1.0)))) - 1, size - 1))


_ROUNDS = 24  # of a permutation


def permutation(position: Column, size: int, stream: int) -> Column:
    """The place (bigint) of a position in a fixed random order of 0 … size − 1: a bijection, without a table.

    Rounds of the swap-or-not shuffle (Hoang, Morris, Rogaway 2012), centred on the swap. A fold over the rounds, not an
    expression nested in itself: a round names its argument three times, eight rounds 3^8 times. And a position reaches
    2^rounds places at most, so eight rounds would leave an order of thousands visibly uneven.
    """
    keys = constant_array(_round_keys(size, stream), "bigint")

    def turned(place: Column, turn: Column) -> Column:
        centred = F.pmod(place + F.get(keys, turn), F.lit(size)) - (size - 1) // 2
        return _swapped(centred, F.xxhash64(F.abs(centred), F.lit(stream), turn) > 0)

    turns = F.sequence(F.lit(0), F.lit(_ROUNDS - 1))
    return F.pmod(F.aggregate(turns, position.cast("bigint"), turned), F.lit(size))


def unpermuted(places: Numbers, size: int, stream: int) -> Numbers:
    """The positions (bigint) that `permutation` puts at these places, on the driver: its rounds, the last first."""
    half = (size - 1) // 2
    for turn, key in reversed(list(enumerate(_round_keys(size, stream)))):
        centred = (places + half) % size - half
        swap = of_int(turn, of_bigint(stream, of_bigint(np.abs(centred)))).view(np.int64) > 0
        places = (np.where(swap, -centred, centred) + half - key) % size
    return places


def _round_keys(size: int, stream: int) -> list[int]:
    """How far each round turns the places: half of the size, which centres them, and a random part."""
    if size < 1:
        raise ValueError(f"permutation: size {size} is not 1 or more")
    rng = random.Random(stream)
    return [rng.randrange(size) + (size - 1) // 2 for _ in range(_ROUNDS)]


def _swapped(centred: Column, swap: Column) -> Column:
    return F.when(swap, -centred).otherwise(centred)


def _column(value: float | Column) -> Column:
    return value if isinstance(value, Column) else F.lit(value)


def _ratio(x: Column, coefficients: tuple[Sequence[float], Sequence[float]]) -> Column:
    return _polynomial(x, coefficients[0]) / _polynomial(x, coefficients[1])


def _polynomial(x: Column, coefficients: Sequence[float]) -> Column:
    value = F.lit(coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        value = value * x + coefficient
    return value


# Coefficients of AS 241: M. J. Wichura, Applied Statistics 37 (1988), numerator and denominator by rising power.
# Four in a line, which the formatter would not leave.
_CENTRAL = (
    (3.3871328727963666080, 133.14166789178437745, 1971.5909503065514427, 13731.693765509461125,
     45921.953931549871457, 67265.770927008700853, 33430.575583588128105, 2509.0809287301226727),
    (1.0, 42.313330701600911252, 687.18700749205790830, 5394.1960214247511077,
     21213.794301586595867, 39307.895800092710610, 28729.085735721942674, 5226.4952788528545610),
)  # fmt: skip  # coefficients fill their lines
_MIDDLE = (
    (1.42343711074968357734, 4.63033784615654529590, 5.76949722146069140550, 3.64784832476320460504,
     1.27045825245236838258, 0.241780725177450611770, 0.0227238449892691845833, 7.74545014278341407640e-4),
    (1.0, 2.05319162663775882187, 1.67638483018380384940, 0.689767334985100004550,
     0.148103976427480074590, 0.0151986665636164571966, 5.47593808499534494600e-4, 1.05075007164441684324e-9),
)  # fmt: skip  # coefficients fill their lines
_FAR = (
    (6.65790464350110377720, 5.46378491116411436990, 1.78482653991729133580, 0.296560571828504891230,
     0.0265321895265761230930, 1.24266094738807843860e-3, 2.71155556874348757815e-5, 2.01033439929228813265e-7),
    (1.0, 0.599832206555887937690, 0.136929880922735805310, 0.0148753612908506148525,
     7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7, 2.04426310338993978564e-15),
)  # fmt: skip  # coefficients fill their lines
