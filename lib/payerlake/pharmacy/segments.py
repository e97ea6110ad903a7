"""Segments: who keeps formularies, for which plans, and which formularies are of which segment and type."""

from __future__ import annotations

from itertools import accumulate, pairwise, product

import numpy as np
from pyspark.sql import Column
from pyspark.sql import functions as F

from payerlake.person.coverage.plans import availability, plan_codes
from payerlake.pharmacy.settings import FORMULARY_TYPES, SEGMENTS, PharmacySettings
from payerlake.sampling.distributions import constant_array, permutation, unpermuted
from payerlake.sampling.draws import Draws
from payerlake.sampling.hashing import Numbers
from payerlake.sampling.margins import apportioned, controlled_rounding

NATIONAL = "NATIONAL"
_NATIONAL_CARRIERS = (
    "HUMANA", "WELLCARE", "AETNA", "CIGNA", "UNITED_HEALTHCARE", "CVS_HEALTH", "ANTHEM", "KAISER", "BCBS", "CENTENE",
)  # fmt: skip  # a list of names fills its lines
_COMMERCIAL_CARRIERS = (
    "UNITED_HEALTHCARE", "ANTHEM", "AETNA", "CIGNA", "HUMANA", "BCBS", "KAISER", "CENTENE", "MOLINA", "HEALTH_NET",
)  # fmt: skip  # a list of names fills its lines
# Who keeps formularies of a segment, and for plans of which families: formulary data document; the families are ours.
CARRIERS = {
    "MEDICARE_PART_D": _NATIONAL_CARRIERS,
    "MEDICARE_ADVANTAGE": (*_NATIONAL_CARRIERS, "MOLINA"),
    "COMMERCIAL": _COMMERCIAL_CARRIERS,
    "MEDICAID": ("CENTENE", "MOLINA", "ANTHEM", "UNITED_HEALTHCARE", "AETNA", "WELLCARE", "HEALTH_NET", "AMERIGROUP",
                 "BCBS"),
    "FEDERAL": ("VA", "TRICARE", "FEHB_BCBS", "FEHB_AETNA", "FEHB_KAISER", "FEHB_UNITED", "FEHB_GEHA"),
    "REGIONAL": _COMMERCIAL_CARRIERS,
}  # fmt: skip  # a segment a line
_PLANS = {
    "MEDICARE_PART_D": ("MCARE-PARTD",),
    "MEDICARE_ADVANTAGE": ("MCARE-MAPD",),
    "COMMERCIAL": ("COMM", "EMP", "UNION"),
    "MEDICAID": ("MCAID", "CHIP"),
    "FEDERAL": ("GOV",),
    "REGIONAL": ("EXCH", "IND"),
}
_OF_STATES = ("MEDICAID", "REGIONAL")
# Carriers that are one plan's alone.
PLAN_OF_CARRIER = {
    "VA": "GOV-VA-001",
    "TRICARE": "GOV-TRICARE-001",
    **{name: "GOV-FEHB-001" for name in CARRIERS["FEDERAL"] if name.startswith("FEHB")},
}
_LISTED = 1_000_000  # formularies whose order is listed on the driver; that of more is computed


def carriers(segment: str) -> dict[str, float]:
    """Who keeps formularies of a segment, all alike likely."""
    return dict.fromkeys(CARRIERS[segment], 1.0)


def plans_of_segment(segment: str) -> list[str]:
    """The plans with a drug benefit whose formularies are of this segment."""
    return [code for code in plan_codes() if code.startswith(_PLANS[segment]) and code != "MCARE-MEDIGAP-001"]


def sold(segment: str, settings: PharmacySettings) -> dict[str, float]:
    """`PLAN REGION`, with weights: a plan of the segment, and a state where it is sold, or the nation."""
    plans = plans_of_segment(segment)
    if segment not in _OF_STATES:
        return {f"{code} {NATIONAL}": 1.0 for code in plans}
    weights = settings.population.states
    return {f"{code} {state}": weights.get(state, 0.0) for code, state, _ in availability(settings) if code in plans}


def cell(key: Column, settings: PharmacySettings) -> Column:
    """Segment and type of a formulary, segment · types + type (int), in a random order: both shares hold exactly."""
    counts, total = _cells(settings), settings.formulary_count
    if total <= _LISTED:
        return F.get(constant_array(_listed_cells(settings), "int"), key.cast("int"))
    place = permutation(key, total, draws_of(settings).stream("formularies", "cells"))
    return F.size(F.filter(constant_array(list(accumulate(counts)), "bigint"), lambda end: end <= place))


def _listed_cells(settings: PharmacySettings) -> list[int]:
    """The cell of every formulary."""
    cells = [cell for cell, count in enumerate(_cells(settings)) for _ in range(count)]
    draws_of(settings).on_driver("formularies", "cells").shuffle(cells)
    return cells


def _cells(settings: PharmacySettings) -> list[int]:
    """How many formularies there are of each segment and type."""
    total = settings.formulary_count
    segments = apportioned(total, settings.formularies.segments)
    types = apportioned(total, {name: type_.share for name, type_ in settings.formularies.types.items()})
    ends = list(product(SEGMENTS, FORMULARY_TYPES))
    return controlled_rounding([segments[segment] * types[type_] / total for segment, type_ in ends], ends)


def by_segment(most: int, settings: PharmacySettings) -> list[Numbers]:
    """For each segment the keys of its formularies, or so many of them, of all types alike, on the driver."""
    total, types = settings.formulary_count, len(FORMULARY_TYPES)
    if total <= _LISTED:  # in a random order
        segments = np.array(_listed_cells(settings)) // types
        return [np.flatnonzero(segments == i)[:most] for i in range(len(SEGMENTS))]
    ends = list(accumulate(_cells(settings), initial=0))[::types]
    stream = draws_of(settings).stream("formularies", "cells")
    return [unpermuted(_spread(first, end, most), total, stream) for first, end in pairwise(ends)]


def _spread(first: int, end: int, most: int) -> Numbers:
    """The numbers from first to before end, or so many of them, evenly apart."""
    return first + np.arange(min(end - first, most), dtype=np.int64) * max(1, (end - first) // most)


def draws_of(settings: PharmacySettings) -> Draws:
    """The random streams of the dataset."""
    return Draws(settings.seed, settings.dataset)
