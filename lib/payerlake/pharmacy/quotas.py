"""Quotas: how many products of each type a formulary may list, and the settings that ask for other numbers."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from payerlake.errors import BadInput
from payerlake.pharmacy import drugs
from payerlake.pharmacy.catalogue import PROTECTED, TYPES
from payerlake.pharmacy.settings import FormularyType, PharmacySettings

MEDICARE = "MEDICARE"  # how the names of its market segments begin


@dataclass(frozen=True)
class _Room:
    """Products of a type in the catalogue, and how many of them a formulary must and can list."""

    products: int
    least: int
    most: int


@dataclass(frozen=True)
class _Fault:
    """A setting of a formulary type, what it would make, and what is allowed instead."""

    setting: str
    made: str
    allowed: str


def substantially_all(rate: float, protected: int) -> int:
    """How many products of protected classes a Medicare formulary lists: the rate of them, rounded up."""
    return math.ceil(rate * protected - 1e-9)


def examine(settings: PharmacySettings) -> None:
    """Raises BadInput for a formulary type that cannot be had from the catalogue; names the setting, what is allowed.

    A type or a segment that no formulary is of asks for nothing.
    """
    segments = [name for name, share in settings.formularies.segments.items() if share > 0]
    # Medicare first, which has the least room.
    for is_medicare in sorted({name.startswith(MEDICARE) for name in segments}, reverse=True):
        rooms = _rooms(settings, is_medicare)
        for name, type_ in settings.formularies.types.items():
            fault = next(_faults(type_, rooms), None) if type_.share > 0 else None
            if fault:
                value = getattr(type_, fault.setting)
                raise BadInput(
                    f"formularies.types.{name}.{fault.setting} is {list(value) if isinstance(value, tuple) else value}"
                    f": that makes {fault.made} on a {'Medicare ' if is_medicare else ''}formulary; {fault.allowed}, "
                    "or change the numbers of drugs or formularies.protected_rate"
                )


def _rooms(settings: PharmacySettings, is_medicare: bool) -> dict[str, _Room]:
    """The room of each type: Medicare's part of the protected products is fixed, elsewhere anything goes."""
    listed = drugs.catalogue(settings.drugs, settings.seed)
    counts = Counter((item.type, item.drug_class in PROTECTED) for item in listed)
    rooms = {}
    for type_ in TYPES:
        protected, other = counts[type_, True], counts[type_, False]
        fixed = substantially_all(settings.formularies.protected_rate, protected)
        ends = (fixed, fixed + other) if is_medicare else (0, protected + other)
        rooms[type_] = _Room(protected + other, *ends)
    return rooms


def _faults(asked: FormularyType, rooms: dict[str, _Room]) -> Iterator[_Fault]:
    """What a formulary of this type would list too few or too many of, at its fewest and at its most."""
    generic, brand, specialty = (rooms[type_] for type_ in TYPES)
    fewest_brands = max(asked.brands[0], brand.least)
    most_brands = max(asked.brands[1], fewest_brands)
    if most_brands > brand.most:
        yield _Fault("brands", f"up to {most_brands} brands", f"give [FROM, TO] with TO at most {brand.most}")
    specialties = round(asked.specialty_rate * specialty.products)
    if not specialty.least <= specialties <= specialty.most:
        yield _Fault("specialty_rate", f"{specialties} specialty drugs", _rate_for(specialty))
    generics = round(asked.generic_rate * generic.products)
    most_generics = min(generics, asked.drugs[1] - specialties - fewest_brands)
    if generics < generic.least or most_generics > generic.most:
        yield _Fault("generic_rate", f"{generics} generics", _rate_for(generic))
    # The smallest list with the most brands leaves the least room for generics.
    least_drugs = max(1, generic.least + specialties + most_brands)
    if asked.drugs[0] < least_drugs:
        yield _Fault(
            "drugs",
            f"lists of {asked.drugs[0]} drugs beside {specialties} specialty drugs, up to {most_brands} brands and at "
            f"least {generic.least} generics",
            f"give [FROM, TO] with FROM at least {least_drugs}",
        )
    if specialties + fewest_brands + generics < 1:
        yield _Fault("generic_rate", "no drugs at all", "give more than 0")


def _rate_for(room: _Room) -> str:
    low = math.ceil(1000 * room.least / room.products) / 1000
    high = math.floor(1000 * room.most / room.products) / 1000
    return f"give from {low:g} to {high:g}, which is {room.least} to {room.most} of {room.products}"
