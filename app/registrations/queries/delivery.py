"""Whether the applicant was told: review.md 2, no. 4, a case whose message reached nobody says so."""

from __future__ import annotations

import uuid

from app.core import outbox
from app.registrations.queries.case import Case
from app.registrations.workflow import TASKS, Status, workflow


def key_of(event_id: uuid.UUID) -> str:
    """The dedupe key of the message that tells of an event."""
    return f"registration:{event_id}"


def undelivered(found: Case) -> str | None:
    """The error code of the message about the latest decision, when no channel reached the applicant.

    Not asked of a case that waits for us: whoever answered was told. One statement by the key's own index.
    """
    if found.row.status in TASKS:
        return None
    for event in found.events:
        source = Status(event.status_from) if event.status_from else None
        if workflow.find(source, event.action).message is not None:
            return outbox.failure(key_of(event.id))
    return None
