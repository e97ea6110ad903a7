"""Which formulary a plan has in a state: every plan with a drug benefit one, in every state where it is sold.

Of the formularies whose market segment is the plan's it is one that is in use, before that one of the plan, and before
that one of the state or the nation: as far as there are such. Of several alike it is drawn. Where so few formularies
leave the segment without one, it is any, in use where one is. The whole map is made on the driver, of a few thousand
look-ups; to have a formulary is then to look up one number.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from pyspark.sql import Column
from pyspark.sql import functions as F

from payerlake.contract.settings import solved_once
from payerlake.person.coverage.plans import availability, plan_codes
from payerlake.pharmacy.segments import (
    NATIONAL,
    PLAN_OF_CARRIER,
    by_segment,
    carriers,
    draws_of,
    plans_of_segment,
    sold,
)
from payerlake.pharmacy.settings import SEGMENTS, PharmacySettings
from payerlake.sampling.distributions import chosen, constant_array
from payerlake.sampling.hashing import Numbers

_MOST = 20_000  # formularies of a segment that are looked at: enough for each plan to have some in nearly every state


def formulary_of(settings: PharmacySettings, plan: Column, state_index: Column) -> Column:
    """The key (bigint) of a plan's formulary in a state, null where it is not sold and of a plan without drug benefit.

    plan: position (int) in plan_codes; state_index: in the population's states.
    """
    keys, states = plan_formularies(settings), list(settings.population.states)
    of_cells = [keys.get((code, state), -1) for code in plan_codes() for state in states]
    found = F.get(constant_array(of_cells, "bigint"), plan * len(states) + state_index)
    return F.when(found >= 0, found)


@solved_once("seed", "members", "population", "plan_year", "enrollments", "formularies")
def plan_formularies(settings: PharmacySettings) -> dict[tuple[str, str], int]:
    """The keys of the formularies by plan code and state."""
    segments = zip(SEGMENTS, by_segment(_MOST, settings), strict=True)
    return {cell: key for name, keys in segments for cell, key in _of_segment(settings, name, keys)}


def _of_segment(settings: PharmacySettings, segment: str, keys: Numbers) -> Iterator[tuple[tuple[str, str], int]]:
    plans = plans_of_segment(segment)
    if not len(keys):  # the plans of others are none of these: theirs, below, only part them further
        keys = np.arange(min(settings.formulary_count, _MOST), dtype=np.int64)
    draws = draws_of(settings)
    active = draws.uniforms("formularies", "is_active", keys) < settings.formularies.active_share
    plan, region = plans_and_regions(settings, segment, keys)
    ranks = {code: 4 * active + 2 * (plan == code) + (region == NATIONAL) for code in plans}
    for code, state, _ in availability(settings):
        if code in plans:
            rank = ranks[code] + (region == state)
            best = keys[rank == rank.max()]
            yield (code, state), int(draws.on_driver("formularies", "of_plan", f"{code}/{state}").choice(best))


def plans_and_regions(settings: PharmacySettings, segment: str, keys: Numbers) -> tuple[np.ndarray, np.ndarray]:
    """Plan code and region of each of these formularies of a segment, as the table has them."""
    draws = draws_of(settings)
    of_sale = chosen(draws.uniforms("formularies", "plan_code", keys), sold(segment, settings))
    plans, _, regions = np.char.partition(of_sale, " ").T
    by_carrier = chosen(draws.uniforms("formularies", "carrier", keys), carriers(segment))
    return np.array([PLAN_OF_CARRIER.get(c, p) for c, p in zip(by_carrier, plans, strict=True)]), regions
