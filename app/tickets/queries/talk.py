"""The conversation of a ticket as its reporter reads it. Notes of ours are not in the statement at all."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from app.core import keys
from app.core.db import db
from app.core.errors import NotFound
from app.core.policy import Actor
from app.tickets.models import Direction, Ticket, TicketMessage
from app.tickets.queries import files
from app.tickets.workflow import Status

LATEST = 200
ACCEPTED = (
    Status.SCHEDULED, Status.ON_SITE, Status.COLLECTING, Status.IN_DEPOT, Status.WAIT_QUOTE, Status.WAIT_PARTS,
    Status.RELEASE_TEST, Status.RETURNING, Status.RESOLVED,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Message:
    id: uuid.UUID
    at: datetime
    mine: bool
    text: str | None
    questions: Sequence[str]
    answers: uuid.UUID | None
    files: Sequence[files.File]


@dataclass(frozen=True, slots=True)
class Talk:
    """``files`` are the report's own; ``open_questions`` wait for an answer now."""

    messages: Sequence[Message]
    files: Sequence[files.File]
    open_questions: Sequence[str]


def own(actor: Actor, number: str) -> Talk:
    """Of a ticket that this customer reported; a department's rights open no conversation. Raises NotFound."""
    t, m = Ticket, TicketMessage
    found = db.session.execute(
        sa.select(t.id, t.status, t.subject_id).where(t.number == number, t.customer_id == actor.id)
    ).one_or_none()
    if found is None or actor.kind != "customer":
        raise NotFound()
    query = sa.select(m.id, m.at, m.direction, m.text_sealed, m.questions, m.answers_id)
    query = query.where(m.ticket_id == found.id, m.direction != Direction.INTERNAL.value)
    rows = db.session.execute(query.order_by(m.at.desc(), m.id.desc()).limit(LATEST)).all()
    key = keys.keystore.load({found.subject_id}).get(found.subject_id)
    came, unseal = files.by_message(files.of(found.id)), m.text.opener()
    messages = [
        Message(
            r.id, r.at, r.direction == Direction.FROM_CUSTOMER.value, unseal(r.id, r.text_sealed, key),
            r.questions or (), r.answers_id, came.get(r.id, ()),
        )
        for r in reversed(rows)
    ]  # fmt: skip
    asked = next((one.questions for one in reversed(messages) if one.questions), ())
    return Talk(messages, came.get(None, ()), asked if found.status == Status.NEED_INFO else ())


def accepted_by(ticket_id: uuid.UUID) -> str | None:
    """Who comes, once somebody took the job; before that nobody is named."""
    query = sa.select(Ticket.assignee_name).where(Ticket.id == ticket_id, Ticket.status.in_(ACCEPTED))
    return db.session.scalar(query) or None
