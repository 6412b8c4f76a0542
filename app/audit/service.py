"""What an auditor does: open a note, ask for a verification."""

from __future__ import annotations

from app.audit import queries
from app.audit.work import VERIFY
from app.core import audit, jobs
from app.core.audit import AuditEvent, chain
from app.core.errors import Gone
from app.core.policy import Actor, Permission


def open_note(actor: Actor, number: str) -> tuple[AuditEvent, dict[str, str]]:
    """The event and its free text and network address; the opening is an event itself.

    Raises NotFound, Forbidden, or Gone when the note was erased.
    """
    event = queries.get_event(actor, number)
    note = queries.note_of(actor, event)
    if note is None:
        raise Gone()
    audit.record("audit_note.opened", actor, "audit_event", number)
    return event, chain.open_note(note)


def request_verification(actor: Actor) -> None:
    """Have the worker verify the log now; asking twice is one run."""
    actor.require(Permission.AUDIT_READ)
    jobs.enqueue(VERIFY, key=VERIFY)
    audit.record("audit_log.verification_requested", actor, "audit_log", "all")
