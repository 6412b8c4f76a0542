"""What the customer writes into a ticket: messages, and answers to what triage asked."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core import audit, clock
from app.core.db import db
from app.core.errors import Conflict, Invalid
from app.core.files.images import CleanImage
from app.core.policy import Actor
from app.tickets.facts import Facts
from app.tickets.models import Direction, Ticket, TicketMessage
from app.tickets.service.files import attach_photos
from app.tickets.service.move import move
from app.tickets.service.reach import load_own
from app.tickets.service.time import idle_at
from app.tickets.workflow import ENDED

MESSAGE_MAX_CHARS = 500


def write_own(actor: Actor, number: str, text: str, photos: Sequence[CleanImage]) -> TicketMessage:
    """A message to us while the ticket lives. Raises NotFound, Conflict (``ticket_ended``), Invalid when empty."""
    row = open_own(actor, number)
    return _add(row, actor, text, photos)


def answer_own(actor: Actor, number: str, text: str, photos: Sequence[CleanImage]) -> Ticket:
    """The answer to the open question: triage goes on where it stood. A photo alone is an answer too."""
    row = open_own(actor, number)
    said = text.strip() or (_("（见照片）") if photos else "")
    now = clock.now()
    changes = {"touched_at": now, "wakes_at": idle_at(now), "answer_by": None, "final_notice_at": None}
    move(row, "answer_info", actor, Facts(now=now, text=said), changes=changes)
    _add(row, actor, said, photos, answers=open_question(row.id))
    return row


def open_own(actor: Actor, number: str) -> Ticket:
    """The own ticket, locked, if it has not ended; a merged one says where it went on."""
    row = load_own(actor, number)
    if row.status not in ENDED:
        return row
    into = db.session.get(Ticket, row.merged_into_id) if row.merged_into_id is not None else None
    facts: dict[str, Any] = {"ticket_status": row.status}
    if into is not None:
        facts["merged_into"] = into.number
    raise Conflict(_l("这张工单已经结束。如仍有问题，请重新报修。"), code="ticket_ended", **facts)


def open_question(ticket_id: uuid.UUID) -> uuid.UUID | None:
    """The latest message that asks."""
    m = TicketMessage
    query = sa.select(m.id, m.questions).where(m.ticket_id == ticket_id, m.direction == Direction.TO_CUSTOMER.value)
    rows = db.session.execute(query.order_by(m.at.desc(), m.id.desc())).all()
    return next((row.id for row in rows if row.questions), None)


def _add(
    row: Ticket, actor: Actor, text: str, photos: Sequence[CleanImage], *, answers: uuid.UUID | None = None
) -> TicketMessage:
    said = text.strip()
    if not said and not photos:
        raise Invalid(fields={"text": [_l("请写一句话，或附一张照片。")]})
    if len(said) > MESSAGE_MAX_CHARS:
        raise Invalid(fields={"text": [_l("最多 %(limit)s 个字。", limit=MESSAGE_MAX_CHARS)]})
    made = TicketMessage(
        ticket_id=row.id, subject_id=row.subject_id, direction=Direction.FROM_CUSTOMER.value, text=said or None,
        questions=[], answers_id=answers, by_kind=actor.kind, by_id=actor.id, at=clock.now(),
    )  # fmt: skip
    db.session.add(made)
    db.session.flush()
    attach_photos(row, actor, photos, message_id=made.id)
    audit.record("ticket.message_received", actor, "ticket", row.id, note=f"photos={len(photos)}")
    return made
