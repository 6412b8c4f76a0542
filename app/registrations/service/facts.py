"""The plain values that go in and out of the service verbs."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING

from app.registrations.checks import FIELDS, Verdict, Way

if TYPE_CHECKING:
    from app.core.files.images import CleanImage
    from app.registrations.models import Registration, RegistrationEvent, ReviewReason

PUBLIC_TEXT_MAX = 120
NOTE_MAX = 500


@dataclass(frozen=True, slots=True)
class Claim:
    """What the applicant sends in one round. Ids where records were chosen, names where typed; text limits: the form's.

    ``photos`` passed `core.files.images.intake`, 1 to 3 of them.
    """

    name: str
    position: str
    title: str
    policy_version: str
    badge_consent: bool
    is_adult: bool
    photos: Sequence[CleanImage]
    hospital_id: uuid.UUID | None = None
    hospital_name: str = ""
    department_id: uuid.UUID | None = None
    department_name: str = ""
    consent_ids: Sequence[uuid.UUID] = ()


@dataclass(frozen=True, slots=True)
class Seen:
    """What the decider's page was made from: both must still hold."""

    lease_token: str
    evidence_version: int


@dataclass(frozen=True, slots=True)
class Entered:
    """What the decider entered. ``reasons`` are codes of the catalogue; ``ways`` go with "seen otherwise" alone."""

    checks: Mapping[str, str] = field(default_factory=dict)
    reasons: tuple[str, ...] = ()
    public_text: str = ""
    private_note: str = ""
    ways: Mapping[str, Way] = field(default_factory=dict)
    badge_valid_until: date | None = None

    def unchecked(self) -> tuple[str, ...]:
        """Fields without a verdict."""
        return tuple(name for name in FIELDS if self.checks.get(name) not in tuple(Verdict))

    def to_json(self) -> str:
        values = {
            "checks": dict(self.checks),
            "reasons": list(self.reasons),
            "public_text": self.public_text,
            "private_note": self.private_note,
            "ways": {name: [way.how, way.note] for name, way in self.ways.items()},
            "badge_valid_until": self.badge_valid_until.isoformat() if self.badge_valid_until else None,
        }
        return json.dumps(values)

    @classmethod
    def from_json(cls, text: str) -> Entered:
        values = json.loads(text)
        day = values.get("badge_valid_until")
        return cls(
            values["checks"],
            tuple(values["reasons"]),
            values["public_text"],
            values["private_note"],
            {name: Way(*way) for name, way in values.get("ways", {}).items()},
            date.fromisoformat(day) if day else None,
        )


@dataclass(frozen=True, slots=True)
class Facts:
    """What guards of the table look at."""

    now: datetime
    reasons: tuple[ReviewReason, ...] = ()
    public_text: str = ""
    private_note: str = ""
    unchecked: tuple[str, ...] = ()
    mapped: bool = True
    earlier_deciders: frozenset[uuid.UUID] = frozenset()
    merge_target: uuid.UUID | None = None
    same_person: bool = False  # same verified phone, or confirmed by the reviewer
    rules: tuple[str, ...] = ()  # codes of `rules.RULES` that ask for a second person
    photos_left: bool = False
    other_open: bool = False
    undo_possible: bool = False
    max_rounds: int = 5


@dataclass(frozen=True, slots=True)
class Decided:
    """What a deciding verb did. Until ``effective_at`` nobody outside sees it."""

    registration: Registration
    event: RegistrationEvent

    @property
    def effective_at(self) -> datetime:
        return self.event.effective_at
