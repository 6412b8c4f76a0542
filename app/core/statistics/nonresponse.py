"""What those who did not answer could have said (S15): bounds that assume nothing.

Sources: Manski 1989, J. Human Resources 24:343 (worst-case bounds); AAPOR Standard Definitions, response rate 1.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bounds:
    """Of ``asked`` people ``answered`` did, ``hits`` of them positively; of all it is ``low`` to ``high``."""

    asked: int
    answered: int
    hits: int
    low: float
    high: float

    @property
    def response(self) -> float:
        """Complete answers per everybody eligible or unknown (RR1)."""
        return self.answered / self.asked


def bounds(hits: int, answered: int, asked: int) -> Bounds | None:
    """If nobody else were positive, if everybody else were. None without anybody asked."""
    if not 0 <= hits <= answered <= asked:
        raise ValueError("hits are of those who answered, and they are of those who were asked")
    if asked == 0:
        return None
    return Bounds(asked, answered, hits, hits / asked, (hits + asked - answered) / asked)
