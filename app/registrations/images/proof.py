"""The proof of a review: what was checked, decided and destroyed, signed, and without the person (review.md 3, item 1).

It holds only what stays for good: numbers, verdicts per field, reason codes, staff as decided, versions, hashes and
instants. No name, no phone, no hospital, no free text. The same facts give the same signature.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from app.core.audit import signing
from app.core.db import db
from app.core.policy import Actor, Permission
from app.registrations.images.models import BadgeHold
from app.registrations.images.queries import PhotoLife, holds, live_hold, photos
from app.registrations.models import FieldCheck, Registration, RegistrationEvent
from app.registrations.queries.case import row_by_number
from app.registrations.service.guards import DECIDING

PROOF = Permission.REGISTRATIONS_PROOF
KIND = "badge-review"


@dataclass(frozen=True, slots=True)
class Proof:
    """What the page shows; ``signed`` says the same in one line of JSON."""

    row: Registration
    checks: Sequence[FieldCheck]
    decisions: Sequence[RegistrationEvent]
    photos: Sequence[PhotoLife]
    hold: BadgeHold | None
    signed: signing.Signed

    @property
    def destroyed(self) -> bool:
        """Whether every photo is gone for good."""
        return all(photo.destroyed_at is not None for photo in self.photos)

    @property
    def next_end(self) -> datetime | None:
        """When the next photo that is still there goes; None when a decision is open."""
        ends = [max(p.planned, p.held_until or p.planned) for p in self.photos if not p.gone and p.planned is not None]
        return min(ends, default=None)


def proof(actor: Actor, number: str) -> Proof:
    """The proof of one case. Raises NotFound outside the scope, Forbidden."""
    row = row_by_number(actor, number, PROOF)
    checks = db.session.scalars(
        sa.select(FieldCheck).where(FieldCheck.registration_id == row.id).order_by(FieldCheck.round, FieldCheck.id)
    ).all()
    told = sa.select(RegistrationEvent).where(RegistrationEvent.registration_id == row.id)
    events = db.session.scalars(told.order_by(RegistrationEvent.version)).all()
    undone = {event.undoes_id for event in events}
    decisions = [event for event in events if event.action in DECIDING and event.id not in undone]
    lives = photos(row)
    return Proof(
        row, checks, decisions, lives, live_hold(row), signing.sign(KIND, _facts(row, checks, decisions, lives))
    )


def _facts(
    row: Registration,
    checks: Sequence[FieldCheck],
    decisions: Sequence[RegistrationEvent],
    lives: Sequence[PhotoLife],
) -> dict[str, object]:
    return {
        "v": 1,
        "number": row.number,
        "status": row.status,
        "checked": [
            {"round": c.round, "field": c.field, "verdict": c.verdict, "how": c.how, "by": c.by_id, "at": c.at}
            for c in checks
        ],
        "decided": [
            {"round": e.round, "action": e.action, "reasons": e.reason_codes, "by": e.by_id, "at": e.at}
            for e in decisions
        ],
        "photos": [
            {
                "round": p.round,
                "place": p.place,
                "sha256": p.sha256,
                "policy": p.policy_version,
                "shut": p.shut_at,
                "destroyed": p.destroyed_at,
            }
            for p in lives
        ],
        "holds": [{"from": h.answered_at, "to": h.ended_at or h.ends_at} for h in holds(row) if h.status in KEPT],
    }


KEPT = ("active", "ended")
