"""The plain values that go in and out of the verbs, and what guards of the table look at."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from app.grants.standing import Drift


@dataclass(frozen=True, slots=True)
class NodeWish:
    """A department that is asked for; its sub-departments of today too, where ticked."""

    department_id: uuid.UUID
    include_children: bool = False


@dataclass(frozen=True, slots=True)
class Terms:
    """What a grant shall open: whole China days, the last one included."""

    nodes: Sequence[NodeWish]
    lookback_months: int
    starts_on: date
    ends_on: date
    exception_text: str = ""  # why somebody outside of the matrix, or whose position was not seen, needs it


@dataclass(frozen=True, slots=True)
class Facts:
    """What guards look at."""

    now: datetime
    earlier: frozenset[uuid.UUID] = frozenset()  # staff who had a part: proposed, endorsed, approved
    over: tuple[str, ...] = ()  # limits that one approver is not enough for
    drift: Drift | None = None
    note: str = ""
    reduces: bool = False
