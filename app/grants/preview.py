"""What a grant would open, with real rows, before anybody saves it. Rooms above register what they hold."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from app.core.registry import Registry


@dataclass(frozen=True, slots=True)
class SampleRow:
    """One record as the beneficiary would find it in a list; nothing that a granter may not see."""

    number: str
    at: datetime
    department_id: uuid.UUID | None
    what: str  # the device
    status: str  # in words
    fresh: bool  # not visible to this person today


@dataclass(frozen=True, slots=True)
class Preview:
    """Exact figures; inside one grant's scope counting is allowed (decisions.md 13)."""

    records: int  # in the asked departments within the look-back
    by_department: Mapping[uuid.UUID, int]
    oldest: datetime | None
    fresh: int  # of these, not visible to this person today
    before: int  # what this person reads today, own records included
    after: int  # what this person will read
    sample: Sequence[SampleRow]

    @property
    def lost(self) -> int:
        """Visible today, no more afterwards: a renewal over fewer departments."""
        return self.before + self.fresh - self.after


class RecordSource(Protocol):
    """A kind of record that grants open."""

    def preview(
        self, customer_id: uuid.UUID, departments: Sequence[uuid.UUID], since: datetime, replaces: uuid.UUID | None
    ) -> Preview:
        """``replaces``: the grant that ends when the asked one begins."""
        ...


record_sources: Registry[RecordSource] = Registry("records that grants open")
