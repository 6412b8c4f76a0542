"""The one way in which a registration's status changes: the table fires, the event row is appended."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from app.core import clock
from app.core.db import db
from app.core.policy import SYSTEM, Actor
from app.registrations.models import Registration, RegistrationEvent
from app.registrations.service import erasure, notice
from app.registrations.service.facts import Entered, Facts
from app.registrations.workflow import Status, workflow

NO_LEASE: dict[str, Any] = {
    "lease_staff_id": None,
    "lease_name": None,
    "lease_nonce": None,
    "lease_expires_at": None,
    "lease_ahead": False,
    "passed_to_id": None,
    "passed_until": None,
}


def move(
    row: Registration,
    action: str,
    actor: Actor,
    *,
    facts: Facts | None = None,
    entered: Entered | None = None,
    at: datetime | None = None,
    effective_at: datetime | None = None,
    changes: dict[str, Any] | None = None,
    event: dict[str, Any] | None = None,
) -> RegistrationEvent:
    """Fire ``action`` on ``row`` and append what happened. Raises what the table and its guards raise."""
    when = at or clock.now()
    facts = facts or Facts(now=when)
    entered = entered or Entered()
    source = row.status
    first_code = entered.reasons[0] if entered.reasons else None
    all_changes = {"changed_at": when, "status_before": source, "effective_at": effective_at, **(changes or {})}
    workflow.fire(row, action, actor, facts=facts, at=when, changes=all_changes, reason_code=first_code)
    made = RegistrationEvent(
        registration_id=row.id,
        subject_id=row.subject_id,
        version=row.version,
        round=row.round,
        evidence_version=row.evidence_version,
        action=action,
        status_from=source,
        status_to=row.status,
        reason_codes=list(entered.reasons),
        reason_versions={reason.code: reason.version for reason in facts.reasons},
        public_text=entered.public_text.strip() or None,
        private_note=entered.private_note.strip() or None,
        by_kind=actor.kind,
        by_id=actor.id,
        by_name=actor.name if actor.kind == "staff" else "",
        at=when,
        effective_at=effective_at or when,
        **(event or {}),
    )
    db.session.add(made)
    db.session.flush()
    return made


def settle(row: Registration, now: datetime) -> None:
    """Make true what time changed already, stamped with the time at which it became so (decisions.md 8)."""
    if row.wakes_at is None or row.wakes_at > now:
        return
    if row.status == Status.ON_HOLD:
        move(row, "wake_registration", SYSTEM, at=row.wakes_at, changes={"hold_until": None})
    elif row.status == Status.NEEDS_RESUBMISSION:
        at = row.wakes_at
        event = move(row, "lapse_registration", SYSTEM, at=at, changes={"erase_at": at})
        erasure.erase_now(row)
        notice.tell(row, event)
