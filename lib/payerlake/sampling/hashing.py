"""Spark's `xxhash64` of whole numbers, on the driver: what tables draw by key can be known there without Spark.

XXH64 (Y. Collet, xxHash, "XXH64 algorithm description") of 8 or 4 bytes. Spark hashes a row's values one after the
other, each under the hash of those before it, the first under `SEED`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

SEED = 42
_P1, _P2, _P3, _P4, _P5 = (
    np.uint64(prime)
    for prime in (0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5)
)

Hashes = np.ndarray[Any, np.dtype[np.uint64]]
Numbers = np.ndarray[Any, np.dtype[np.int64]]


def of_bigint(values: Numbers | int, under: Hashes | int = SEED) -> Hashes:
    """The hashes of bigints, each under its own hash or all under one."""
    mixed = _rotated(_words(values) * _P2, 31) * _P1
    return _finished(_rotated((_words(under) + _P5 + np.uint64(8)) ^ mixed, 27) * _P1 + _P4)


def of_int(value: int, under: Hashes) -> Hashes:
    """The hashes of an int of 0 or more."""
    return _finished(_rotated((under + _P5 + np.uint64(4)) ^ (_words(value) * _P1), 23) * _P2 + _P3)


def _words(values: Numbers | Hashes | int) -> Hashes:
    """As arrays, of one element at least: numpy warns where a lone number overflows, as hashes do."""
    array = np.atleast_1d(np.asarray(values))
    return array if array.dtype == np.uint64 else array.astype(np.int64).view(np.uint64)


def _rotated(words: Hashes, bits: int) -> Hashes:
    return (words << np.uint64(bits)) | (words >> np.uint64(64 - bits))


def _finished(words: Hashes) -> Hashes:
    words = (words ^ (words >> np.uint64(33))) * _P2
    words = (words ^ (words >> np.uint64(29))) * _P3
    return words ^ (words >> np.uint64(32))
