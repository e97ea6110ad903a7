"""Catalogue: drug products of real ingredients, as many of each type, class, form and route as the drug document says.

How many products there are of each (type, class, form, route) is settled first, in whole numbers that meet all shares
at once; they are then dealt out over the ingredients that can truthfully fill them, none of which has more than 2 %.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, product
from typing import Any, NamedTuple

from payerlake import reference
from payerlake.errors import BadInput
from payerlake.sampling.draws import Draws
from payerlake.sampling.margins import TooFew, apportioned, controlled_rounding, raked

# Long lists fill their lines, as in the document: `fmt: skip`.
TYPES = ("generic", "brand", "specialty")
NDC_SHARES = {"generic": 75, "brand": 23, "specialty": 2}  # percent of the document's 20,000 NDCs
# Percent of the products by therapeutic category, and the classes over which a category is spread evenly.
CATEGORY_SHARES = {
    "CARDIOVASCULAR": 15, "ANTIBIOTICS": 12, "CNS": 12, "PAIN_MANAGEMENT": 10, "DIABETES": 8, "RESPIRATORY": 8,
    "GASTROINTESTINAL": 7, "ONCOLOGY": 5, "IMMUNOLOGY": 5, "OTHER": 5, "ENDOCRINE": 4, "DERMATOLOGY": 4,
    "OPHTHALMOLOGY": 3, "UROLOGY": 2,
}  # fmt: skip
# Classes of which Medicare formularies hold nearly every product, and their part of each type: 13.1 %, as of classes.
PROTECTED = frozenset((
    "ANTICONVULSANT", "ANTIDEPRESSANT", "ANTIPSYCHOTIC", "BIOLOGIC", "CHEMOTHERAPY", "IMMUNOSUPPRESSANT",
    "IMMUNOTHERAPY", "TARGETED_THERAPY",
))  # fmt: skip
PROTECTED_SHARES = {"generic": 320 / 2440, "brand": 98 / 750, "specialty": 9 / 71}
# Percent of the products by dosage form and route: the table that meets the document's shares of both.
FORM_ROUTE_SHARES = {
    ("TABLET", "ORAL"): 40, ("CAPSULE", "ORAL"): 25, ("SUSPENSION", "ORAL"): 3, ("SOLUTION", "ORAL"): 2,
    ("SOLUTION", "INHALATION"): 3, ("SOLUTION", "OPHTHALMIC"): 3, ("SOLUTION", "OTIC"): 2,
    ("INJECTION", "INJECTION"): 8, ("CREAM", "TOPICAL"): 5, ("OINTMENT", "TOPICAL"): 4, ("PATCH", "TRANSDERMAL"): 1,
    ("PATCH", "TOPICAL"): 1, ("INHALER", "INHALATION"): 2, ("SUPPOSITORY", "RECTAL"): 1,
}  # fmt: skip
PACKAGE_SIZES = {
    "TABLET": (30, 60, 90, 100, 500), "CAPSULE": (30, 60, 90, 100, 500), "SOLUTION": (100, 120, 240, 480),
    "INJECTION": (1, 5, 10, 25), "CREAM": (15, 30, 45, 60), "OINTMENT": (15, 30, 45, 60), "SUSPENSION": (100, 150, 200),
    "PATCH": (5, 10, 30), "INHALER": (1, 2, 3), "SUPPOSITORY": (12, 24, 50),
}  # fmt: skip
BRAND_MANUFACTURERS = (
    "PFIZER", "JOHNSON_JOHNSON", "ROCHE", "NOVARTIS", "MERCK", "SANOFI", "GLAXOSMITHKLINE", "ABBVIE", "GILEAD", "AMGEN",
    "ASTRAZENECA", "BRISTOL_MYERS_SQUIBB", "ELI_LILLY", "BOEHRINGER_INGELHEIM", "BAYER",
)  # fmt: skip
GENERIC_MANUFACTURERS = (
    "TEVA", "MYLAN", "SANDOZ", "ACTAVIS", "DR_REDDY", "SUN_PHARMA", "LUPIN", "CIPLA", "AUROBINDO", "ZYDUS",
)  # fmt: skip
_KINDS = ("in protected classes", "in other classes")
_MOST_OF_ONE_INGREDIENT = 0.02


class Ingredient(NamedTuple):
    """One row of `conf/reference/drug_ingredients.csv`, which says what its columns mean and where they are from."""

    generic_name: str
    drug_class: str
    therapeutic_category: str
    dosage_form: str
    route: str
    strengths: str
    brand_name: str
    manufacturer: str
    brand_approved: str
    generic_since: str
    specialty: str
    dea_schedule: str

    @property
    def types(self) -> tuple[str, ...]:
        """The types of product that it is sold as."""
        branded = "specialty" if self.specialty == "true" else "brand"
        return ("generic",) * bool(self.generic_since) + (branded,) * bool(self.brand_name)

    @property
    def slot(self) -> tuple[str, str]:
        """Therapeutic category and class."""
        return self.therapeutic_category, self.drug_class

    @property
    def form(self) -> tuple[str, str]:
        """Dosage form and route."""
        return self.dosage_form, self.route


@dataclass(frozen=True)
class Product:
    """A product that can be dispensed; `first_year` is the first in which it may have been approved."""

    type: str
    generic_name: str
    brand_name: str | None  # None for a generic
    drug_class: str
    therapeutic_category: str
    dosage_form: str
    route: str
    strength: str
    manufacturer: str
    package_size: int
    dea_schedule: str | None
    first_year: int


def ingredients() -> tuple[Ingredient, ...]:
    """The list of ingredients, in its order."""
    return tuple(Ingredient(**row) for row in reference.rows("drug_ingredients"))


def products(counts: Mapping[str, int], draws: Draws) -> tuple[Product, ...]:
    """So many products of each of TYPES, no two alike, in the order of the list of ingredients.

    The draws decide only which of a cell's ingredients have one product more, which strengths, packages and generic
    manufacturers they have, and who owns a brand of unknown owner. Raises BadInput where the list cannot give so many.
    """
    try:
        dealt = _dealt(counts, draws)
    except TooFew as why:
        wanted = ", ".join(f"{counts[type_]} {type_}" for type_ in TYPES)
        raise BadInput(
            f"drugs: {wanted} products cannot be made: {why}; "
            "ask for other numbers, or add ingredients to conf/reference/drug_ingredients.csv"
        ) from None
    decks: dict[tuple[Any, ...], Iterator[tuple[str, str, int]]] = {}
    made = []
    for (type_, row), count in dealt.items():
        name = _deck_name(type_, row)
        deck = decks.setdefault(name, _deck(type_, row, draws))
        made += [_product(type_, row, *card) for card in islice(deck, count)]
    return tuple(made)


def ndc_counts(of: Sequence[Product], ndcs: int | None = None) -> list[int]:
    """How many NDCs (labeler and pack variants) each product has: at least one, `ndcs` in all, by default one each.

    The types' shares of the NDCs are NDC_SHARES as nearly as can be, and even within a type. Raises BadInput for fewer
    NDCs than products.
    """
    have = Counter(item.type for item in of)
    spare = (len(of) if ndcs is None else ndcs) - len(of)
    if spare < 0:
        raise BadInput(f"drugs: {ndcs} NDCs are too few for {len(of)} products; a product has at least one")
    wanted = apportioned(spare + len(of), {type_: NDC_SHARES[type_] for type_ in have})
    extra = apportioned(spare, {type_: max(0, wanted[type_] - n) for type_, n in have.items()})
    seen: Counter[str] = Counter()
    ndcs_of = []
    for item in of:
        before, n = seen[item.type] * extra[item.type], have[item.type]
        ndcs_of.append(1 + (before + extra[item.type]) // n - before // n)
        seen[item.type] += 1
    return ndcs_of


# how many products each ingredient gives


def _dealt(counts: Mapping[str, int], draws: Draws) -> dict[tuple[str, Ingredient], int]:
    """Products by type and ingredient: each cell's quota, dealt out to its ingredients one by one, in turn."""
    room = _room(sum(counts.values()))
    cells = defaultdict(list)
    for type_, row in room:
        cells[type_, row.slot, row.form].append((type_, row))
    dealt = dict.fromkeys(room, 0)
    for cell, quota in _quotas(counts, cells, room).items():
        draws.on_driver("drugs", "turn", "/".join((cell[0], *cell[1], *cell[2]))).shuffle(cells[cell])
        turn = sorted(cells[cell], key=_is_also)
        left = quota
        while left:
            taking = [sold for sold in turn if dealt[sold] < room[sold]][:left]
            dealt |= {sold: dealt[sold] + 1 for sold in taking}
            left -= len(taking)
    return dealt


def _is_also(sold: tuple[str, Ingredient]) -> bool:
    """Whether the ingredient is sold as another type first; as its first type it should be sold at least once."""
    return sold[0] != sold[1].types[0]


def _quotas(counts: Mapping[str, int], cells: Mapping[Any, Any], room: Mapping[Any, int]) -> dict[Any, int]:
    """Products of each cell (type, slot, form) that meet every share: whole by type and slot first, then by form."""
    total = sum(counts.values())
    protected = {type_: round(counts[type_] * share) for type_, share in PROTECTED_SHARES.items()}
    kinds = {(type_, _KINDS[0]): n for type_, n in protected.items()}
    kinds |= {(type_, _KINDS[1]): counts[type_] - n for type_, n in protected.items()}
    slots = _slots(total, sum(protected.values()))
    forms = apportioned(total, FORM_ROUTE_SHARES)
    kind_of = [(type_, _kind(slot)) for type_, slot, _ in cells]
    slot_of, form_of = [slot for _, slot, _ in cells], [form for *_, form in cells]
    limits = [(sum(not _is_also(one) for one in sold), sum(room[one] for one in sold)) for sold in cells.values()]
    weights = [len(sold) for sold in cells.values()]
    amounts = raked(weights, limits, ((kinds, kind_of), (slots, slot_of), (forms, form_of)))

    pair_of = [kind + slot for kind, slot in zip(kind_of, slot_of, strict=True)]
    exact = {pair: math.fsum(a for a, its in zip(amounts, pair_of, strict=True) if its == pair) for pair in pair_of}
    whole = controlled_rounding(list(exact.values()), [(pair[:2], pair[2:]) for pair in exact])
    pairs = dict(zip(exact, whole, strict=True))
    amounts = raked(weights, limits, ((pairs, pair_of), (forms, form_of)))
    return dict(zip(cells, controlled_rounding(amounts, list(zip(pair_of, form_of, strict=True))), strict=True))


def _kind(slot: tuple[str, str]) -> str:
    return _KINDS[0] if slot[1] in PROTECTED else _KINDS[1]


def _slots(total: int, protected: int) -> dict[tuple[str, str], int]:
    """Products of each (category, class): even within a category, and so many in the protected classes together."""
    slots = list(dict.fromkeys(row.slot for row in ingredients()))
    ends = [(category, _kind((category, name))) for category, name in slots]
    categories, kinds = zip(*ends, strict=True)
    margins = (
        (apportioned(total, CATEGORY_SHARES), categories),
        (dict(zip(_KINDS, (protected, total - protected), strict=True)), kinds),
    )
    amounts = raked([1] * len(slots), [(0, total)] * len(slots), margins)
    return dict(zip(slots, controlled_rounding(amounts, ends), strict=True))


def _room(total: int) -> dict[tuple[str, Ingredient], int]:
    """How many products of a type each ingredient can give: all distinct, and not too much of one ingredient."""
    sold = [(type_, row) for row in ingredients() for type_ in row.types]
    times = Counter(row.generic_name for _, row in sold)
    shared = Counter(_deck_name(type_, row) for type_, row in sold)
    return {
        (type_, row): min(
            len(row.strengths.split(";")) * len(_packs(type_, row)) // shared[_deck_name(type_, row)],
            max(1, int(_MOST_OF_ONE_INGREDIENT * total / times[row.generic_name])),
        )
        for type_, row in sold
    }


# the products of one ingredient


def _deck_name(type_: str, row: Ingredient) -> tuple[str, ...]:
    """Ingredients that stand under two classes share one deck of products."""
    return type_, row.generic_name, *row.form, row.strengths


def _packs(type_: str, row: Ingredient, owner: str = "") -> list[tuple[str, int]]:
    """Every (manufacturer, package size)."""
    return list(product(GENERIC_MANUFACTURERS if type_ == "generic" else (owner,), PACKAGE_SIZES[row.dosage_form]))


def _deck(type_: str, row: Ingredient, draws: Draws) -> Iterator[tuple[str, str, int]]:
    """All products as (strength, manufacturer, package size), shuffled, the strengths in turn."""
    unknown = draws.on_driver("drugs", "owner", f"{row.generic_name}/{row.brand_name}").choice(BRAND_MANUFACTURERS)
    packs = _packs(type_, row, row.manufacturer or unknown)
    draw = draws.on_driver("drugs", "products", "/".join(_deck_name(type_, row)))
    strengths = draw.sample(row.strengths.split(";"), row.strengths.count(";") + 1)
    shuffled = [draw.sample(packs, len(packs)) for _ in strengths]
    return ((strengths[i], *shuffled[i][turn]) for turn in range(len(packs)) for i in range(len(strengths)))


def _product(type_: str, row: Ingredient, strength: str, manufacturer: str, package_size: int) -> Product:
    is_generic = type_ == "generic"
    return Product(
        type=type_,
        generic_name=row.generic_name,
        brand_name=None if is_generic else row.brand_name,
        drug_class=row.drug_class,
        therapeutic_category=row.therapeutic_category,
        dosage_form=row.dosage_form,
        route=row.route,
        strength=strength,
        manufacturer=manufacturer,
        package_size=package_size,
        dea_schedule=row.dea_schedule or None,
        first_year=int(row.generic_since if is_generic else row.brand_approved),
    )
