"""claims: what was billed to the insurers.

Claims of a member come at random times, as often as age and conditions say. They are drawn as candidates over the days
of coverage within the lookback, dated evenly, and kept by the season of the month: exactly a Poisson number is left.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from itertools import product
from statistics import NormalDist

from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from payerlake.contract.population import years_before
from payerlake.contract.schema import Column, Index, Known, Reference, Table
from payerlake.errors import BadInput
from payerlake.insurance.coverage import Coverage
from payerlake.insurance.health import Health
from payerlake.insurance.settings import Claims, InsuranceSettings
from payerlake.person.people import place_among
from payerlake.person.world import MEMBERS, World
from payerlake.sampling.distributions import choice_index, number_at, place_in_rows, poisson_ladder, with_normals
from payerlake.sampling.frames import filtered, in_a_new_method
from payerlake.sampling.numbers import decimal

_PER_MEMBER = 1000  # claim ids
_MOST_EXPECTED = 650  # candidates of a member, of whom no draw then makes more than there are ids
_YEAR = 365.25


def claims(world: World[InsuranceSettings]) -> DataFrame:
    """One row per claim; key claim_id. Frequency, season and amounts: the settings' `claims`."""
    settings: InsuranceSettings = world.settings
    health = Health(world)
    people = health.people(world.member_keys(settings.members_per_file.claims))
    covered = Coverage(world, health).covered(people).select("*", *_coverage_in_lookback(settings))
    in_lookback = filtered(covered, F.col("is_covered") & (F.col("days_covered") > 0))
    profiled = in_a_new_method(
        health.profiled(in_lookback.select(*people.columns, "insurance_id", "covered_from", "days_covered"))
    )
    diagnosed = health.diagnosed(profiled)
    amounts = _Amounts(world, health)
    counted = diagnosed.select(
        "id",
        "insurance_id",
        "covered_from",
        "days_covered",
        amounts.place_of_member().alias("amount_place"),
        *amounts.visit_flags(),
        *_candidates(world, health),
    )
    return amounts.priced(_dated(world, counted)).select(
        ((F.col("id") + 1) * _PER_MEMBER + F.col("ordinal") + 1).alias("claim_id"),
        (F.col("id") + 1).alias("member_id"),
        decimal(F.col("amount"), 12, 2).alias("amount"),
        F.col("date"),
        F.col("insurance_id"),
    )


def expected_claims(settings: InsuranceSettings) -> float:
    """About how many claims there are: for progress alone."""
    return 4.0 * settings.members * settings.claims.lookback_years


# how often, and when


def _candidates(world: World[InsuranceSettings], health: Health) -> list[SparkColumn]:
    """`count` of candidates over the days of coverage, and `keep`, the share to keep of those in the season's peak."""
    law = world.settings.claims
    by_age = health.by_age(law.frequency)
    added = [F.when(health.has(name), rate).otherwise(0.0) for name, rate in law.frequency_added.items()]
    further = F.greatest(F.bit_count("conditions") - 1, F.lit(0)) * law.frequency_of_each_further
    yearly = reduce(SparkColumn.__add__, added, by_age) + further
    peak = _peak(law)
    rate = F.least(yearly, F.lit(law.highest_frequency)) * F.col("days_covered") * peak
    u = world.draws.uniform("claims", "count", F.col("id"))
    count, keep = poisson_ladder(u, rate, most_candidates(world.settings))
    return [count.alias("count"), keep.alias("keep")]


def most_candidates(settings: InsuranceSettings) -> float:
    """How many are expected of the most frequent. Raises BadInput for more than there are claim ids for."""
    most = settings.claims.highest_frequency * _lookback_days(settings) * _peak(settings.claims)
    if most > _MOST_EXPECTED:
        raise BadInput(
            f"claims: {most:.0f} candidates are expected of a member at most, and claim ids have room for "
            f"{_MOST_EXPECTED}; lower highest_frequency, lookback_years or the peak of season"
        )
    return most


def _coverage_in_lookback(settings: InsuranceSettings) -> list[SparkColumn]:
    """`covered_from`, the first day of coverage within the lookback, and `days_covered`, how many they are."""
    as_of = settings.population.as_of
    first = F.lit(years_before(as_of, settings.claims.lookback_years))
    last = F.lit(as_of - datetime.timedelta(days=1))
    from_ = F.greatest(F.col("start_date"), first)
    # Without an end the least is the last day; later starts have no days at all.
    days = F.datediff(F.least(F.col("end_date"), last), from_) + 1
    return [from_.alias("covered_from"), days.alias("days_covered")]


def _season(law: Claims) -> list[float]:
    """The factor of each month, in proportion, so that they average 1."""
    factors = [law.season.get(month, 1.0) for month in range(1, 13)]
    return [factor * len(factors) / math.fsum(factors) for factor in factors]


def _peak(law: Claims) -> float:
    """The candidates a day, of a rate of one a year."""
    return max(_season(law)) / _YEAR


def _lookback_days(settings: InsuranceSettings) -> int:
    return settings.population.days_of_age(settings.claims.lookback_years)


def _dated(world: World[InsuranceSettings], counted: DataFrame) -> DataFrame:
    """One row a claim: the candidates that are kept."""
    settings, draws = world.settings, world.draws
    season = _season(settings.claims)
    # Of 0 candidates the list is null, which explodes into nothing, as `filtered` does without a filter.
    numbers = F.when(F.col("count") > 0, F.sequence(F.lit(0), F.col("count") - 1))
    candidates = counted.select("*", F.explode(numbers).alias("ordinal"))

    def u(column: str) -> SparkColumn:
        return draws.uniform("claims", column, F.col("id"), F.col("ordinal"))

    day = F.floor(u("date") * F.col("days_covered")).cast("int")
    dated = candidates.select("*", F.date_add("covered_from", day).alias("date"))
    share = number_at([factor / max(season) for factor in season], F.month("date") - 1)
    return dated.where(u("kept") < F.col("keep") * share)


# how much


@dataclass(frozen=True)
class _Kind:
    """A type of claim by its name, or visits, which have none: the amount's law before age and conditions."""

    name: str
    log_mean: float
    log_sd: float
    low: float
    high: float


class _Amounts:
    """The amounts of claims: log-normal by type, dearer by age and with some conditions, drawn again beyond the bounds.

    All that an amount depends on is the place in one table: kind of claim, age, and who has which of the conditions
    that make claims dearer. An amount beyond its bounds is not moved onto them, which would pile claims up there.
    """

    def __init__(self, world: World[InsuranceSettings], health: Health) -> None:
        self._draws, self._health = world.draws, health
        self._law: Claims = world.settings.claims
        self._dearer = [name for name in self._law.dearer_with if health.bit(name)]
        self._groups = len(self._law.by_age) * 2 ** len(self._dearer)

    def place_of_member(self) -> SparkColumn:
        """The place (int) of age and conditions."""
        place = place_among(list(self._law.by_age), F.col("age"))
        return place_in_rows(place, self._health.which(*self._dearer), 2 ** len(self._dearer))

    def visit_flags(self) -> list[SparkColumn]:
        """`visits_0`, …: whether the member has the conditions of each kind of visit."""
        return [self._health.has(*visits.given).alias(f"visits_{i}") for i, visits in enumerate(self._law.visits)]

    def priced(self, claims: DataFrame) -> DataFrame:
        """Adds `amount` in USD (double)."""
        with_place = claims.select("*", (self._kind() * self._groups + F.col("amount_place")).alias("place"))
        laws = zip(("mean", "sd", "below", "above", "low", "high"), zip(*self._table(), strict=True), strict=True)
        with_law = with_place.select("*", *[number_at(values, F.col("place")).alias(name) for name, values in laws])
        inside = F.col("below") + self._u("amount") * (F.col("above") - F.col("below"))
        value = F.exp(F.col("mean") + F.col("sd") * F.col("z"))
        return with_normals(with_law, z=inside).select(
            *claims.columns, F.least(F.greatest(value, F.col("low")), F.col("high")).alias("amount")
        )

    def _kind(self) -> SparkColumn:
        """The position (int) of the kind of claim: the types, then the visits."""
        types = [type_.share for type_ in self._law.types.values()]
        kind, taken = choice_index(self._u("type"), types), F.lit(0.0)
        u, bounds = self._u("visit"), []
        for i, visits in enumerate(self._law.visits):
            taken = F.when(F.col(f"visits_{i}"), taken + (1 - taken) * visits.share).otherwise(taken)
            bounds.append(taken)
        for i, bound in reversed(list(enumerate(bounds))):
            kind = F.when(u < bound, len(types) + i).otherwise(kind)
        return kind

    def _table(self) -> Iterator[tuple[float, ...]]:
        """Log-mean, log-deviation, the probabilities below the bounds, and the bounds, by place."""
        ages, has = list(self._law.by_age.values()), list(product((False, True), repeat=len(self._dearer)))
        for kind in self._kinds():
            for age, who in product(ages, has):
                with_ = [self._law.dearer_with[name] for name, one in zip(self._dearer, who, strict=True) if one]
                factor = age * math.prod(factors.get(kind.name, 1.0) for factors in with_)
                law = NormalDist(kind.log_mean + math.log(factor), kind.log_sd)
                below, above = (law.cdf(math.log(bound)) for bound in (kind.low, kind.high))
                yield law.mean, law.stdev, below, above, kind.low, kind.high

    def _kinds(self) -> list[_Kind]:
        low, high = self._law.amount_range
        types = [
            _Kind(name, type_.log_mean, type_.log_sd, max(type_.range[0], low), min(type_.range[1], high))
            for name, type_ in self._law.types.items()
        ]
        # The mean of a log-normal is exp(log-mean + log-variance ÷ 2).
        visits = [_Kind("", math.log(v.mean) - v.log_sd**2 / 2, v.log_sd, low, high) for v in self._law.visits]
        return types + visits

    def _u(self, column: str) -> SparkColumn:
        return self._draws.uniform("claims", column, F.col("id"), F.col("ordinal"))


TABLE = Table(
    dataset="insurance",
    name="claims",
    sql_name="CLAIMS",
    grain="One row per claim",
    key=("claim_id",),
    csv_stem="claims",
    documented_rows="about 400,000",
    may_be_empty=True,
    build=claims,
    spine=MEMBERS,
    expected_rows=expected_claims,
    known=Known(since="date"),
    references=(
        Reference(("member_id",), "members", ("member_id",)),
        Reference(("insurance_id",), "insurance", ("insurance_id",)),
    ),
    indexes=(Index(("member_id", "date")), Index(("insurance_id", "date"))),
    columns=(
        Column("claim_id", "bigint", "Claim", low=1, high_cardinality=True),
        Column("member_id", "bigint", "Member", low=1, high_cardinality=True),
        Column("amount", "decimal(12,2)", "Amount", low=0, unit="USD", high_cardinality=True),
        Column("date", "date", "Date of service"),
        Column("insurance_id", "bigint", "Insurer, the member's", low=1),
    ),
)
