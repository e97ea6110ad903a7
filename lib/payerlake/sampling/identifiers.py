"""Key or random bits in, valid code out: numbers that look right, pass their check, and point at nobody."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from pyspark.sql import Column
from pyspark.sql import functions as F

from payerlake.sampling.distributions import constant_array, one_of, string_at

_HALF = 24  # bits of either half of a key

UUID4 = "^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$"
EMAIL_DOMAINS = ("example.com", "example.org", "example.net")  # reserved for documentation, RFC 2606


def numbered(prefix: str, number: Column, digits: int = 6) -> Column:
    """`prefix` and the number with at least so many digits: M000001, and M1000000 where six do not do."""
    short = F.concat(F.lit(prefix), *_blocks(number, digits))
    return F.when(number < 10**digits, short).otherwise(F.concat(F.lit(prefix), number.cast("string")))


def _blocks(number: Column, digits: int) -> list[Column]:
    """The number's digits in blocks of three, looked up: to format and pad a number takes five times as long."""
    widths = [digits % 3] * (digits % 3 > 0) + [3] * (digits // 3)
    below = [sum(widths[i + 1 :]) for i in range(len(widths))]
    return [
        string_at(
            [f"{value:0{width}d}" for value in range(10**width)],
            (F.floor(number / 10**rest) % 10**width).cast("int"),
        )
        for width, rest in zip(widths, below, strict=True)
    ]


def npi(number: Column, first: Column) -> Column:
    """A National Provider Identifier: the first digit, eight digits of a number below 10^8, and the check digit.

    Issued ones begin with 1 or 2. The check digit is Luhn's over the number with 80840 before it, which adds 24.
    """
    body = first * 10**8 + number
    digits = [(F.floor(body / 10**place) % 10).cast("int") for place in range(9)]  # from the right
    doubled = constant_array([0, 2, 4, 6, 8, 1, 3, 5, 7, 9], "int")
    terms = [F.get(doubled, digit) if place % 2 == 0 else digit for place, digit in enumerate(digits)]
    total = reduce(Column.__add__, terms, F.lit(24))
    return F.concat(body.cast("string"), F.pmod(10 - total % 10, F.lit(10)).cast("string"))


def phone(area_code: Column, u: Column) -> Column:
    """`AAA-555-01NN`: a number of the block 555-0100 to 555-0199, which is kept for fiction."""
    return F.concat(area_code, one_of([f"-555-0{number}" for number in range(100, 200)], u))


def email(first_name: Column, last_name: Column, u: Column) -> Column:
    """`first.last123@example.com`: lower case, one of 2,997 endings of a number and a reserved domain."""
    endings = [f"{number}@{domain}" for number in range(1, 1000) for domain in EMAIL_DOMAINS]
    return F.concat(F.lower(first_name), F.lit("."), F.lower(last_name), one_of(endings, u))


def uuid4(high: Column, low: Column) -> Column:
    """A version-4 UUID (RFC 9562) of two bigints of random bits: 122 of their 128 bits show."""
    variants = [f"-{variant}{digit:x}" for variant in "89ab" for digit in range(16)]
    return F.concat(
        _hex(high, 56), _hex(high, 48), _hex(high, 40), _hex(high, 32),
        _hex(high, 24, "-"), _hex(high, 16),
        _hex(high, 8, "-4", digits=1), _hex(high, 0),
        string_at(variants, F.shiftrightunsigned(low, 58).cast("int")), _hex(low, 48),
        _hex(low, 40, "-"), _hex(low, 32), _hex(low, 24), _hex(low, 16), _hex(low, 8), _hex(low, 0),
    )  # fmt: skip  # a line ends where a group does


def hexadecimal(key: Column, streams: Sequence[int]) -> Column:
    """Twelve hexadecimal digits, others for every key below 2^48: a round of a Feistel network for each stream."""
    left, right = F.shiftright(key, _HALF), key.bitwiseAND(F.lit(2**_HALF - 1))
    for stream in streams:
        mixed = F.shiftrightunsigned(F.xxhash64(right, F.lit(stream)), 64 - _HALF)
        left, right = right, left.bitwiseXOR(mixed)
    return F.concat(*[_hex(half, lowest, form="X") for half in (left, right) for lowest in (16, 8, 0)])


def _hex(bits: Column, lowest: int, before: str = "", digits: int = 2, form: str = "x") -> Column:
    """Hexadecimal digits from the bit `lowest` on, looked up: `hex` and its cutting take twice as long. By twos, since
    the lists of all threes do not fit into a processor's cache."""
    texts = [f"{before}{value:0{digits}{form}}" for value in range(16**digits)]
    part = F.shiftrightunsigned(bits, lowest).bitwiseAND(F.lit(16**digits - 1))
    return string_at(texts, part.cast("int"))
