"""Claims: as many as there are claim ids for, and no more."""

from __future__ import annotations

import pytest

from payerlake.contract import settings
from payerlake.errors import BadInput
from payerlake.insurance.claims import most_candidates
from payerlake.insurance.dataset import INSURANCE
from payerlake.insurance.settings import InsuranceSettings


def loaded(*options: str) -> InsuranceSettings:
    return settings.load(InsuranceSettings, options=dict(settings.set_option(InsuranceSettings, o) for o in options))


def test_the_longest_lookback_and_the_highest_frequency_have_ids_for_all_claims() -> None:
    assert 500 < most_candidates(loaded("claims.lookback_years=10", "claims.highest_frequency=50")) < 650


def test_more_candidates_than_claim_ids_are_refused_with_what_to_lower() -> None:
    chosen = loaded("claims.lookback_years=10", "claims.highest_frequency=50", "claims.season={1: 3}")
    with pytest.raises(BadInput, match=r"^claims: 1\d\d\d candidates .* room for 650; lower highest_frequency"):
        most_candidates(chosen)
    with pytest.raises(BadInput, match=r"^claims: 1\d\d\d candidates .* room for 650; lower highest_frequency"):
        INSURANCE.solve(chosen)
