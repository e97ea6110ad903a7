"""The types that settings are made of: shares, weights, ranges."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from payerlake.contract.schema import NULL_WORDS


class Frozen(BaseModel):
    """Base of all settings: typed, immutable, unknown keys, NaN, infinity and words for null refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @model_validator(mode="after")
    def _no_word_for_null(self) -> Frozen:
        """Names become data, and no text of a table may be such a word."""
        for field, value in self:
            for text in _texts(value):
                if text in NULL_WORDS:
                    raise ValueError(f"{field}: {text!r} is a word that readers take for a null; name it otherwise")
        return self


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, tuple, Mapping)):
        for inner in value:
            yield from _texts(inner)


def sums_to_one(shares: dict[Any, float]) -> dict[Any, float]:
    """The shares themselves; ValueError where one is negative or they do not sum to 1."""
    total = math.fsum(shares.values())
    if min(shares.values(), default=-1) < 0 or abs(total - 1.0) > 1e-6:
        raise ValueError(f"shares must be 0 or more and sum to 1, these sum to {total:.6g}")
    return shares


def exactly(*names: Any) -> AfterValidator:
    """Of a mapping: that it names these and no others; it is put into their order."""

    def check(values: dict[Any, Any]) -> dict[Any, Any]:
        if set(values) != set(names):
            raise ValueError(f"must name {', '.join(map(str, names))}")
        return {name: values[name] for name in names}

    return AfterValidator(check)


def _some_positive(weights: dict[str, float]) -> dict[str, float]:
    if min(weights.values(), default=-1) < 0 or not math.fsum(weights.values()) > 0:
        raise ValueError("weights must be 0 or more, and one of them more")
    return weights


def _from_to(bounds: tuple[int, int]) -> tuple[int, int]:
    if not 0 <= bounds[0] <= bounds[1]:
        raise ValueError("must be [FROM, TO] with 0 ≤ FROM ≤ TO")
    return bounds


Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]

Shares = Annotated[dict[str, float], AfterValidator(sums_to_one)]
"""Named shares that sum to 1."""

SharesByNumber = Annotated[dict[int, float], AfterValidator(sums_to_one)]
"""Shares of whole numbers that sum to 1."""

Weights = Annotated[dict[str, float], AfterValidator(_some_positive)]
"""Named weights of any sum."""

FromTo = Annotated[tuple[int, int], AfterValidator(_from_to)]
"""Whole numbers from 0, the first and the last."""
