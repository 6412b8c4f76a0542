"""How much a sample can say (S13), and a draw that anybody can repeat from its seed.

Sources: rule of three (Hanley & Lippman-Hand 1983, JAMA 249:1743) in its exact form; hypergeometric discovery sampling.
"""

from __future__ import annotations

import hashlib
from math import comb

DRAW_BITS = 64


def none_found_upper(n: int, confidence: float = 0.95) -> float:
    """No error in ``n`` cases: the true share of errors is below this (exact; about 3/n). Raises ValueError."""
    if n < 1 or not 0 < confidence < 1:
        raise ValueError("a sample has one case at least, and confidence lies between 0 and 1")
    return float(1 - (1 - confidence) ** (1 / n))


def discovery_size(lot: int, bad: int, confidence: float = 0.95) -> int:
    """The smallest sample that holds one of ``bad`` cases of a ``lot`` with ``confidence``. Raises ValueError."""
    if not 1 <= bad <= lot or not 0 < confidence < 1:
        raise ValueError("between one and all cases of the lot are bad")
    for n in range(1, lot + 1):
        missed = comb(lot - bad, n) / comb(lot, n)
        if missed <= 1 - confidence:
            return n
    raise AssertionError("a whole lot holds its bad cases")


def drawn(seed: bytes, case: bytes, share: float) -> bool:
    """Whether ``case`` is in the sample of ``share`` (0 to 1) under ``seed``: fair, and the same each time."""
    return position(seed, case) < share


def position(seed: bytes, case: bytes) -> float:
    """Where the seed puts a case between 0 (included) and 1 (excluded): SHA-256 of both, its first 64 bits."""
    digest = hashlib.sha256(seed + case).digest()
    return int.from_bytes(digest[: DRAW_BITS // 8], "big") / 2.0**DRAW_BITS
