"""Key or random bits in, valid code out: numbers that look right, pass their check, and point at nobody."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from payerlake.distributions import constant_array, integer

EMAIL_DOMAINS = ("example.com", "example.org", "example.net")  # reserved for documentation, RFC 2606


def numbered(prefix: str, number: Column, digits: int = 6) -> Column:
    """`prefix` and the number with at least so many digits: M000001, and M1000000 where six do not do."""
    text = number.cast("string")
    return F.concat(F.lit(prefix), F.lpad(text, F.greatest(F.length(text), F.lit(digits)), F.lit("0")))


def phone(area_code: Column, u: Column) -> Column:
    """`AAA-555-01NN`: a number of the block 555-0100 to 555-0199, which is kept for fiction."""
    return F.concat(area_code, F.lit("-555-0"), integer(u, 100, 199).cast("string"))


def email(first_name: Column, last_name: Column, u: Column) -> Column:
    """`first.last123@example.com`: lower case, 1 to 2,997 draws of number and domain, all reserved domains."""
    ticket = integer(u, 0, 999 * len(EMAIL_DOMAINS) - 1)
    domain = F.get(constant_array(EMAIL_DOMAINS, "string"), (ticket % len(EMAIL_DOMAINS)).cast("int"))
    number = (F.floor(ticket / len(EMAIL_DOMAINS)) + 1).cast("string")
    return F.concat(F.lower(first_name), F.lit("."), F.lower(last_name), number, F.lit("@"), domain)


def uuid4(high: Column, low: Column) -> Column:
    """A version-4 UUID (RFC 9562) of two bigints of random bits: 122 of their 128 bits show."""
    left = F.lpad(F.lower(F.hex(high)), 16, "0")
    right = F.lpad(F.lower(F.hex(low)), 16, "0")
    variant = F.get(constant_array("89ab", "string"), F.shiftrightunsigned(low, 62).cast("int"))
    dash = F.lit("-")
    return F.concat(
        F.substring(left, 1, 8), dash, F.substring(left, 9, 4), dash, F.lit("4"), F.substring(left, 14, 3), dash,
        variant, F.substring(right, 2, 3), dash, F.substring(right, 5, 12),
    )  # fmt: skip
