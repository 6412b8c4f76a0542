"""A perceptual hash of 256 bits: near for the same picture in another size, quality or brightness.

The lowest 16 × 16 frequencies of a 64 × 64 grey picture, each above or below their median. 64 bits would not do: the
cards of one hospital look alike (docs/recognition.md). A turned or mirrored picture has the same frequencies in another
order and with other signs, so one stored hash answers for all eight ways: the question is asked eight times. A hash
does not survive a narrow crop or a small turn, so it is asked of the picture cut, widened and turned a little, too.
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

CUTS = (0.03, -0.03, 0.06, -0.06, 0.09, -0.09)  # share of each side cut away; below zero: continued outwards
TILTS = (2, -2, 4, -4)  # degrees
SEEN = 320  # pixels of the long edge on which pictures are cut and turned

_places = np.arange(EDGE)
_COSINES = np.cos(np.pi * np.outer(np.arange(SIDE), 2 * _places + 1) / (2 * EDGE))  # DCT-II, unscaled
_SIGNS = (-1.0) ** np.arange(SIDE)


def frequencies(picture: Image.Image) -> Any:
    """The lowest frequencies of a grey picture, 16 × 16."""
    small = picture.resize((EDGE, EDGE), Image.Resampling.LANCZOS)
    return _COSINES @ np.asarray(small, np.float64) @ _COSINES.T


def pack(low: Any) -> bytes:
    """32 bytes: which frequencies lie above their median."""
    return np.packbits((low > np.median(low)).ravel()).tobytes()


def hash_of(jpeg: bytes) -> bytes:
    return pack(frequencies(_grey(jpeg)))


def all_ways(jpeg: bytes) -> list[bytes]:
    """What is asked of one photo, eight hashes at a time, each in the ways of `WAYS` (mirrored or not, then turned by
    quarters): of the picture as it is, then of the picture cut, widened and turned a little."""
    picture = _grey(jpeg)
    asked = [frequencies(picture)]
    picture.thumbnail((SEEN, SEEN))
    edge = _edge(picture)
    asked += [frequencies(_cut(picture, part)) for part in CUTS]
    asked += [frequencies(picture.rotate(by, Image.Resampling.BILINEAR, fillcolor=edge)) for by in TILTS]
    return [
        pack(_turned(low * _SIGNS if mirror else low, quarter)) for low in asked for quarter, mirror in WAYS
    ]  # fmt: skip


def nearest(asked: list[bytes], stored: list[bytes]) -> tuple[Any, Any]:
    """For each stored hash the least distance (bits) to one of those asked for, and in which of `WAYS` (index)."""
    if not stored:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    them = np.frombuffer(b"".join(stored), np.uint64).reshape(-1, BYTES // 8)
    least, found = np.full(len(them), BITS + 1, np.int64), np.zeros(len(them), np.int64)
    for number, way in enumerate(asked):
        bits = np.bitwise_count(them ^ np.frombuffer(way, np.uint64)).sum(axis=1, dtype=np.int64)
        nearer = bits < least
        least[nearer], found[nearer] = bits[nearer], number % len(WAYS)
    return least, found


def _grey(jpeg: bytes) -> Image.Image:
    with Image.open(io.BytesIO(jpeg), formats=["JPEG"]) as source:
        return source.convert("L")


def _cut(picture: Image.Image, part: float) -> Image.Image:
    """Without ``part`` of the picture at each side; below zero, with so much more as its edge goes on."""
    if part > 0:
        x, y = round(picture.width * part), round(picture.height * part)
        return picture.crop((x, y, picture.width - x, picture.height - y))
    x, y = (round(side * -part / (1 + 2 * part)) for side in picture.size)
    return Image.fromarray(np.pad(np.asarray(picture), ((y, y), (x, x)), mode="edge"))


def _edge(picture: Image.Image) -> int:
    """The middle grey of the picture's edge: what a turned picture's corners are filled with."""
    pixels = np.asarray(picture)
    return int(np.median(np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])))


def _turned(low: Any, quarter: int) -> Any:
    """Frequencies of the picture turned by quarters against the clock, as `numpy.rot90` turns pixels."""
    for _ in range(quarter):
        low = low.T * _SIGNS[:, None]  # transposed, then upside down
    return low
