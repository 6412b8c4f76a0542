"""What a report counts over: a stretch of time, perhaps in one province."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Span:
    """From ``since`` (included) to ``until`` (excluded), perhaps one province."""

    since: datetime
    until: datetime
    province: str | None = None
