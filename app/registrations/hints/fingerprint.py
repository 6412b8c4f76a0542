"""A perceptual hash of 256 bits: near for the same picture in another size, quality or brightness.

The lowest 16 × 16 frequencies of a 64 × 64 grey picture, each above or below their median. 64 bits would not do: the
cards of one hospital look alike (docs/recognition.md). A turned or mirrored picture has the same frequencies in another
order and with other signs, so one stored hash answers for all eight ways: the question is asked eight times.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image

SIDE = 16
BITS = SIDE * SIDE
BYTES = BITS // 8
EDGE = 64
WAYS = tuple((quarter, mirror) for mirror in (False, True) for quarter in range(4))

_places = np.arange(EDGE)
_COSINES = np.cos(np.pi * np.outer(np.arange(SIDE), 2 * _places + 1) / (2 * EDGE))  # DCT-II, unscaled
_SIGNS = (-1.0) ** np.arange(SIDE)


def frequencies(jpeg: bytes) -> Any:
    """The lowest frequencies of a picture, 16 × 16."""
    with Image.open(io.BytesIO(jpeg), formats=["JPEG"]) as source:
        small = source.convert("L").resize((EDGE, EDGE), Image.Resampling.LANCZOS)
    return _COSINES @ np.asarray(small, np.float64) @ _COSINES.T


def pack(low: Any) -> bytes:
    """32 bytes: which frequencies lie above their median."""
    return np.packbits((low > np.median(low)).ravel()).tobytes()


def hash_of(jpeg: bytes) -> bytes:
    return pack(frequencies(jpeg))


def all_ways(jpeg: bytes) -> list[bytes]:
    """The hash of the picture in each of the eight ways of `WAYS`: mirrored or not, then turned by quarters."""
    low = frequencies(jpeg)
    return [pack(_turned(low * _SIGNS if mirror else low, quarter)) for quarter, mirror in WAYS]


def nearest(asked: list[bytes], stored: list[bytes]) -> tuple[Any, Any]:
    """For each stored hash the least distance (bits) to one of those asked for, and which of them (index) it was."""
    if not stored:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    them = np.frombuffer(b"".join(stored), np.uint64).reshape(-1, BYTES // 8)
    each = [
        np.bitwise_count(them ^ np.frombuffer(way, np.uint64)).sum(axis=1, dtype=np.int64) for way in asked
    ]  # a row per way
    table = np.stack(each)
    return table.min(axis=0), table.argmin(axis=0)


def _turned(low: Any, quarter: int) -> Any:
    """Frequencies of the picture turned by quarters against the clock, as `numpy.rot90` turns pixels."""
    for _ in range(quarter):
        low = low.T * _SIGNS[:, None]  # transposed, then upside down
    return low
