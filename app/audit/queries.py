"""Reads of the audit log: one event, the notes beside it, and how far verification and checkpoints have come."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

import sqlalchemy as sa

from app.core.audit import AuditCheckpoint, AuditEvent, AuditNote, AuditVerification, chain
from app.core.db import db
from app.core.errors import NotFound
from app.core.policy import Actor, Permission

RECENT = 20
LARGEST_SEQ = 2**62 - 1


@dataclass(frozen=True, slots=True)
class State:
    """What the verification page shows."""

    runs: list[AuditVerification]  # newest first
    checkpoints: list[AuditCheckpoint]  # newest first
    head: chain.Head | None

    @property
    def behind(self) -> int | None:
        """Rows of the present chain that no checkpoint covers yet; None before the first checkpoint of the month."""
        last = self.checkpoints[0] if self.checkpoints else None
        if self.head is None or last is None or last.chain != self.head.chain:
            return None
        return self.head.seq - last.seq


def number_of(event: AuditEvent) -> str:
    """How people name an event: 2026-11-42."""
    return f"{event.chain}-{event.seq}"


def get_event(actor: Actor, number: str) -> AuditEvent:
    """The event of this number. Raises NotFound, or Forbidden without the right."""
    actor.require(Permission.AUDIT_READ)
    month, _dash, seq = number.rpartition("-")
    found = None
    if seq.isdecimal() and seq.isascii() and int(seq[:20]) <= LARGEST_SEQ:
        found = db.session.scalar(sa.select(AuditEvent).where(AuditEvent.chain == month, AuditEvent.seq == int(seq)))
    if found is None:
        raise NotFound()
    return found


def of_object(kind: str, object_id: uuid.UUID, latest: int) -> list[AuditEvent]:
    """The latest events on one object, newest first, for its own page; who may see that page was asked there."""
    e = AuditEvent
    query = sa.select(e).where(e.object_id == str(object_id), e.object_type == kind)
    return list(db.session.scalars(query.order_by(e.recorded_at.desc(), e.seq.desc()).limit(latest)))


def note_of(actor: Actor, event: AuditEvent) -> AuditNote | None:
    """The side row, still sealed; None when there never was one or it was erased."""
    actor.require(Permission.AUDIT_READ)
    return db.session.scalar(sa.select(AuditNote).where(AuditNote.event_id == event.id))


def state(actor: Actor) -> State:
    """The latest verifications and checkpoints."""
    actor.require(Permission.AUDIT_READ)
    runs = db.session.scalars(sa.select(AuditVerification).order_by(AuditVerification.at.desc()).limit(RECENT))
    marks = db.session.scalars(sa.select(AuditCheckpoint).order_by(AuditCheckpoint.number.desc()).limit(RECENT))
    return State(list(runs), list(marks), chain.read_head(db.session()))
