"""Doubles of 0 or more to a few decimals: as doubles, and as exact decimals.

Spark's own `round`, and its cast from double to decimal, go through the number's text, which takes three times as long.
"""

from __future__ import annotations

from decimal import Decimal

from pyspark.sql import Column
from pyspark.sql import functions as F


def rounded(value: Column, digits: int) -> Column:
    """The double to so many decimals, halves up."""
    scale: int = 10**digits
    return F.floor(value * scale + 0.5) / scale


def decimal(value: Column, precision: int, scale: int) -> Column:
    """The double as decimal(precision, scale), halves up."""
    return exact(F.floor(value * 10**scale + 0.5), precision, scale)


def quotient(numerator: Column, denominator: Column, precision: int, scale: int) -> Column:
    """Of two bigints, both 0 or more, as decimal(precision, scale), halves up, exactly; null where the second is 0."""
    units = F.try_divide(numerator * (2 * 10**scale) + denominator, denominator * 2)
    return exact(F.floor(units), precision, scale)


def exact(units: Column, precision: int, scale: int) -> Column:
    """Whole units of the last decimal place, such as cents, as decimal(precision, scale)."""
    whole = units.cast(f"decimal({precision + 2},0)")
    return (whole * F.lit(Decimal(1).scaleb(-scale))).cast(f"decimal({precision},{scale})")
