"""Drug lists: which products a formulary covers, at which tier and with which restrictions.

Shared by `formularies`, which sums them up, and `formulary_drugs`, which lists them. A formulary fills a quota in each
of six strata of the catalogue (generic, brand, specialty; in protected classes or not). Its products in a stratum of n
are the first of a random order: position j has product (a·j + b) mod n, with a coprime to n, and a and b drawn by the
formulary. So quotas hold exactly, no product comes twice, and nothing is sorted, joined or shuffled to choose; and the
position of a product is a⁻¹·(product − b) mod n, so that whether it is listed is known without the list.
`quotas.examine` refuses settings whose quotas no stratum can fill.
"""

from __future__ import annotations

import math
from functools import cached_property, reduce
from itertools import accumulate

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from payerlake.person.world import World
from payerlake.pharmacy import drugs
from payerlake.pharmacy.catalogue import PROTECTED, TYPES
from payerlake.pharmacy.quotas import substantially_all
from payerlake.pharmacy.settings import FORMULARY_TYPES, PharmacySettings
from payerlake.sampling.distributions import bernoulli, constant_array, integer
from payerlake.sampling.frames import listed

# Values of quantity and days' supply limits by dosage form: formulary-drug document, quantity limits.
LIMITS = {
    "TABLET": (30, 60, 90), "CAPSULE": (30, 60, 90), "SOLUTION": (30, 60), "INJECTION": (30, 90), "CREAM": (30, 60),
    "OINTMENT": (30, 60), "SUSPENSION": (30,), "PATCH": (30,), "INHALER": (30, 90), "SUPPOSITORY": (30,),
}  # fmt: skip  # as the document has them
_STRATA = tuple((type_, protected) for type_ in TYPES for protected in (True, False))
_STRATA_NAMES = tuple(f"{type_}/{protected}" for type_, protected in _STRATA)
_GENERIC, _BRAND, _SPECIALTY = range(0, 6, 2)  # the first stratum of each type
# A limit is a pair of days' supply and a quantity that gives at least one unit a day.
_PAIRS = {form: [(d, q) for d in values for q in values if d <= q] for form, values in LIMITS.items()}


class DrugLists:
    """The drug lists of all formularies of a world."""

    def __init__(self, world: World[PharmacySettings]) -> None:
        self._world = world
        self._settings = world.settings.formularies

    @cached_property
    def _strata(self) -> list[list[int]]:
        """The products (positions) of each stratum, in a random order, so that neighbours are unlike."""
        strata: list[list[int]] = [[] for _ in _STRATA]
        for position, item in enumerate(drugs.catalogue(self._world.settings.drugs, self._world.settings.seed)):
            strata[_STRATA.index((item.type, item.drug_class in PROTECTED))].append(position)
        for stratum, name in zip(strata, _STRATA_NAMES, strict=True):
            self._world.draws.on_driver("formulary_drugs", "order", name).shuffle(stratum)
        return strata

    # how many of each stratum

    def quotas(self, formulary_type: Column, is_medicare: Column, key: Column) -> list[Column]:
        """Products (int) that a formulary lists of each stratum; type as a position in FORMULARY_TYPES."""
        types = [self._settings.types[name] for name in FORMULARY_TYPES]
        generic, specialty = (
            len(self._strata[first]) + len(self._strata[first + 1]) for first in (_GENERIC, _SPECIALTY)
        )

        def by_type(values: list[int]) -> Column:
            return F.get(constant_array(values, "int"), formulary_type)

        least = F.when(is_medicare, self._substantially_all(_BRAND)).otherwise(0)
        low = F.greatest(by_type([t.brands[0] for t in types]), least)
        high = F.greatest(by_type([t.brands[1] for t in types]), low)
        brands = integer(self._uniform("brands", key), low, high).cast("int")
        specialties = by_type([round(t.specialty_rate * specialty) for t in types])
        generics = by_type([round(t.generic_rate * generic) for t in types])
        total = integer(
            self._uniform("drugs", key), by_type([t.drugs[0] for t in types]), by_type([t.drugs[1] for t in types])
        ).cast("int")
        counts = (F.least(generics, total - specialties - brands), brands, specialties)
        return [
            part
            for first, count in zip((_GENERIC, _BRAND, _SPECIALTY), counts, strict=True)
            for part in self._split(first, count, is_medicare)
        ]

    def _substantially_all(self, first: int) -> int:
        return substantially_all(self._settings.protected_rate, len(self._strata[first]))

    def _split(self, first: int, count: Column, is_medicare: Column) -> list[Column]:
        """The protected and the other products among so many of a type: Medicare's share of the protected is fixed."""
        protected, other = len(self._strata[first]), len(self._strata[first + 1])
        natural = F.round(count * (protected / (protected + other))).cast("int")
        taken = F.when(is_medicare, F.least(F.lit(self._substantially_all(first)), count)).otherwise(natural)
        return [taken, count - taken]

    # which of them

    def lines(self, formularies: DataFrame) -> DataFrame:
        """One row per formulary and product that it lists, in one stage.

        formularies: `id`, `formulary_code`, `tier_count`, and the quotas as an array `quotas`. Adds `product`
        (position in the catalogue), `ndc_code`, `tier`, `requires_prior_auth`, `requires_step_therapy`, and
        `limit`: the position in the pairs of limits, null without one.
        """
        ends = [reduce(Column.__add__, [F.col("quotas")[i] for i in range(n + 1)]) for n in range(len(_STRATA))]
        with_orders = formularies.select(
            "id", "formulary_code", "tier_count", F.array(*ends).alias("ends"), *self._orders(F.col("id"))
        )
        lines = with_orders.select("*", F.explode(F.sequence(F.lit(0), F.col("ends")[5] - 1)).alias("line"))
        with_stratum = lines.select(
            "id", "formulary_code", "tier_count", "line", "ends", "turns", "shifts", _stratum().alias("stratum")
        )
        product = self._product().alias("product")
        with_product = with_stratum.select("id", "formulary_code", "tier_count", "stratum", product)
        # The one join of the table: 3,261 products, broadcast, looked up by their position.
        with_ndc = with_product.join(F.broadcast(self._products()), on="product", how="inner")
        with_tier = with_ndc.select("*", self._tier().alias("tier"))
        return with_tier.select("id", "formulary_code", "product", "ndc_code", "tier", *self._restrictions())

    def listed(self, asked: DataFrame) -> DataFrame:
        """Adds the line (from 0) of a formulary's list on which a product stands, null where on none: lists inverted.

        asked: `id`, `tier_count` and `quotas` of a formulary, and a `product` (int, position in the catalogue). Adds
        `line`, and `tier`, `requires_prior_auth`, `requires_step_therapy` and `limit`, as `lines` has them; of a
        product that is not listed these say nothing.
        """
        rows, places, stratum = self._product_rows(), self._places(), F.col("stratum")
        with_product = asked.select(
            "*",
            _at([first_pair for *_, first_pair, _ in rows], F.col("product")).alias("first_pair"),
            _at([pairs for *_, pairs in rows], F.col("product")).alias("pairs"),
            _at([stratum for stratum, _ in places], F.col("product")).alias("stratum"),
            _at([place for _, place in places], F.col("product")).alias("place"),
            *self._orders(F.col("id")),
        )
        with_turn = with_product.select("*", self._turns_back().alias("turns_back"))
        before = F.aggregate(F.slice("quotas", 1, stratum), F.lit(0), Column.__add__)
        line = F.when(F.col("turns_back") < F.get("quotas", stratum), before + F.col("turns_back"))
        with_tier = with_turn.select("*", line.alias("line"), self._tier().alias("tier"))
        return with_tier.select("*", *self._restrictions())

    def _turns_back(self) -> Column:
        """The j at which the order of the product's stratum comes to its place: by the inverse of a modulo n."""
        sizes, stratum = [len(stratum) for stratum in self._strata], F.col("stratum")
        inverses = [pow(a, -1, n) if math.gcd(a, n) == 1 else 0 for n in sizes for a in range(1, n + 1)]
        n, begin = _at(sizes, stratum), _at(list(accumulate(sizes, initial=0)), stratum)
        inverse = _at(inverses, begin + F.get("turns", stratum) - 1)
        return F.pmod(F.col("place") - F.get("shifts", stratum), n) * inverse % n

    def _places(self) -> list[tuple[int, int]]:
        """The stratum of each product, and its place in it."""
        of_product = {p: (i, place) for i, stratum in enumerate(self._strata) for place, p in enumerate(stratum)}
        return [place for _, place in sorted(of_product.items())]

    def _orders(self, key: Column) -> list[Column]:
        """For each stratum the a and b of its order in this formulary, as arrays `turns` and `shifts`."""
        turns, shifts = [], []
        for name, stratum in zip(_STRATA_NAMES, self._strata, strict=True):
            n = len(stratum)
            coprime = [a for a in range(1, n + 1) if math.gcd(a, n) == 1] or [1]  # of nothing there is one order
            u = self._uniform("turn", key, name)
            turns.append(F.get(constant_array(coprime, "int"), integer(u, 0, len(coprime) - 1).cast("int")))
            shifts.append(integer(self._uniform("shift", key, name), 0, n - 1).cast("int"))
        return [F.array(*turns).alias("turns"), F.array(*shifts).alias("shifts")]

    def _product(self) -> Column:
        """The product (position in the catalogue) of the line."""
        sizes = [len(stratum) for stratum in self._strata]
        stratum = F.col("stratum")
        start = F.when(stratum == 0, 0).otherwise(F.get("ends", stratum - 1))
        turned = F.get("turns", stratum) * (F.col("line") - start) + F.get("shifts", stratum)
        begins = list(accumulate(sizes, initial=0))
        place = F.get(constant_array(begins, "int"), stratum) + turned % F.get(constant_array(sizes, "int"), stratum)
        return F.get(constant_array([p for stratum in self._strata for p in stratum], "int"), place)

    def _products(self) -> DataFrame:
        """Each product's position, reference NDC, and where the pairs of limits of its form begin and how many."""
        return listed(
            self._world.spark, self._product_rows(), "product int, ndc_code string, first_pair int, pairs int"
        )

    def _product_rows(self) -> list[tuple[int, str, int, int]]:
        counts = {form: len(pairs) for form, pairs in _PAIRS.items()}
        firsts = dict(zip(_PAIRS, accumulate(counts.values(), initial=0), strict=False))
        return [
            (p, drugs.ndc(p, item.manufacturer, 0), firsts[item.dosage_form], counts[item.dosage_form])
            for p, item in enumerate(drugs.catalogue(self._world.settings.drugs, self._world.settings.seed))
        ]

    # at which tier, with which restrictions

    def _tier(self) -> Column:
        """Generics 1; brands 2 or 3; specialty drugs 3, 4 or 5, as many tiers as the formulary has."""
        u = self._line_uniform("tier")
        brand = F.when(bernoulli(u, self._settings.preferred_brand_share), 2).otherwise(3)
        upper = F.when(bernoulli(u, self._settings.standard_specialty_share), 4).otherwise(5)
        specialty = F.when(F.col("tier_count") >= 5, upper).otherwise(F.col("tier_count"))
        return F.when(F.col("stratum") < _BRAND, 1).when(F.col("stratum") < _SPECIALTY, brand).otherwise(specialty)

    def _restrictions(self) -> list[Column]:
        return [
            self._restricted("prior_auth").alias("requires_prior_auth"),
            self._restricted("step_therapy").alias("requires_step_therapy"),
            F.when(self._restricted("quantity_limit"), self._limit()).alias("limit"),
        ]

    def _restricted(self, kind: str) -> Column:
        rates = [getattr(self._settings.tiers[tier], kind) for tier in range(1, 6)]
        return bernoulli(self._line_uniform(kind), F.get(constant_array(rates, "double"), F.col("tier") - 1))

    def _limit(self) -> Column:
        return F.col("first_pair") + integer(self._line_uniform("limit"), 0, F.col("pairs") - 1).cast("int")

    def _line_uniform(self, column: str) -> Column:
        return self._world.draws.uniform("formulary_drugs", column, F.col("id"), F.col("product"))

    def _uniform(self, column: str, key: Column, draw: str = "") -> Column:
        return self._world.draws.uniform("formularies", column, key, draw=draw)


def _at(values: list[int], place: Column) -> Column:
    return F.get(constant_array(values, "int"), place)


def _stratum() -> Column:
    """The stratum (position in _STRATA) of the line."""
    stratum = F.when(F.col("line") < F.col("ends")[0], 0)
    for position in range(1, len(_STRATA)):
        stratum = stratum.when(F.col("line") < F.col("ends")[position], position)
    return stratum


def days_limit(limit: Column) -> Column:
    """The days' supply (int) of a limit's position, null for null."""
    return F.get(constant_array([days for pairs in _PAIRS.values() for days, _ in pairs], "int"), limit)


def quantity_limit(limit: Column) -> Column:
    """The quantity (int) of a limit's position, null for null."""
    return F.get(constant_array([quantity for pairs in _PAIRS.values() for _, quantity in pairs], "int"), limit)
