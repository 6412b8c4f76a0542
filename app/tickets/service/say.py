"""What staff write on a ticket: a message to the customer, a note among ourselves, the record of a call.

A message is queued in the same transaction; whether it arrived is read from the outbox. Where no channel reached the
customer somebody has to ring up, and writes that down here under the key of what did not arrive.
"""

from __future__ import annotations

import uuid

from flask_babel import lazy_gettext as _l

from app.core import audit, clock
from app.core.db import db, new_id
from app.core.errors import Conflict, Invalid
from app.core.policy import Actor, Permission
from app.tickets.models import FAULT_MAX_CHARS, Direction, Ticket, TicketMessage
from app.tickets.service import notices
from app.tickets.service.reach import load
from app.tickets.service.time import idle_at
from app.tickets.workflow import Status

TRIAGE = Permission.TICKETS_TRIAGE


def write_to_customer(actor: Actor, ticket_id: uuid.UUID, text: str) -> TicketMessage:
    """The customer reads it in the mini program and is told that it is there. Raises Invalid, Conflict."""
    row = load(actor, ticket_id, TRIAGE)
    made = _made(row, actor, Direction.TO_CUSTOMER, _checked(text))
    made.outbox_key = notices.send(row, "ticket_message", f"ticket:{made.id.hex}", made.at)
    if made.outbox_key is None:
        raise Conflict(_l("报修人没有可用的小程序账号，请打电话，并把通话写成内部备注。"), code="no_account")
    _keep(row, actor, made)
    audit.record("ticket.message_sent", actor, "ticket", row.id)
    return made


def note(actor: Actor, ticket_id: uuid.UUID, text: str, about: str = "") -> TicketMessage:
    """For us alone. ``about`` is the key of a message that did not arrive: the note is the call made instead."""
    row = load(actor, ticket_id, TRIAGE)
    made = _made(row, actor, Direction.INTERNAL, _checked(text))
    made.outbox_key = about[:120] or None
    _keep(row, actor, made)
    audit.record("ticket.call_recorded" if about else "ticket.noted", actor, "ticket", row.id)
    return made


def _checked(text: str) -> str:
    text = text.strip()
    if not text:
        raise Invalid(fields={"text": [_l("请先写内容。")]})
    if len(text) > FAULT_MAX_CHARS:
        raise Invalid(fields={"text": [_l("最多 %(limit)s 个字。", limit=FAULT_MAX_CHARS)]})
    return text


def _made(row: Ticket, actor: Actor, direction: Direction, text: str) -> TicketMessage:
    return TicketMessage(
        id=new_id(), ticket_id=row.id, subject_id=row.subject_id, direction=direction.value, text=text, questions=[],
        by_kind=actor.kind, by_id=actor.id, by_name=actor.name, at=clock.now(),
    )  # fmt: skip


def _keep(row: Ticket, actor: Actor, made: TicketMessage) -> None:
    """Writing is work on the ticket: it stays in its triager's hands."""
    db.session.add(made)
    if row.status == Status.TRIAGING and row.triager_id == actor.id:
        row.touched_at, row.wakes_at = made.at, idle_at(made.at)
    db.session.flush()
