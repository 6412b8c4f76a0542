"""A lead opens the files of an ended ticket: only while it can be reopened or objected to, with a reason, for an hour.

decisions.md 21: no live task, no file. To judge an objection, or whether to open a ticket again, is such a task; it is
one person's, is written down before the first file opens, and ends by itself.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from app.core import audit, clock, numbers
from app.core.db import db
from app.core.errors import Conflict, Invalid
from app.core.policy import Actor, Permission
from app.tickets import viewing
from app.tickets.models import Ticket, TicketLook
from app.tickets.service.reach import load
from app.tickets.service.triage import find
from app.tickets.triage import LOOK_REASONS
from app.tickets.workflow import ENDED, Status

LEAD = Permission.TICKETS_LEAD
LASTS = timedelta(hours=1)


def may_ask(actor: Actor, row: Ticket, now: datetime) -> bool:
    """Ended by closing, calling off or rejecting, and not longer ago than a ticket may come back."""
    if not actor.may(LEAD) or row.status not in ENDED or row.status == Status.MERGED or row.closed_at is None:
        return False
    return now <= row.closed_at + timedelta(days=numbers.get("reopen_days"))


def begin(actor: Actor, number: str, reason: str) -> Ticket:
    """Raises NotFound, Forbidden, Invalid (``reason``), Conflict once the time is over."""
    row = load(actor, find(actor, number, LEAD), LEAD)
    now = clock.now()
    if reason not in LOOK_REASONS:
        raise Invalid(fields={"reason": [_l("请选择原因。")]})
    if not may_ask(actor, row, now):
        raise Conflict(_l("已超过可以重新打开的期限，照片和录音不再打开。"), code="look_too_late")
    db.session.add(TicketLook(ticket_id=row.id, staff_id=actor.id, reason=reason, at=now, until=now + LASTS))
    audit.record("ticket.files_asked", actor, "ticket", row.id, reason_code=reason)
    db.session.flush()
    return row


def _task(actor: Actor, row: Ticket, now: datetime) -> str | None:
    """The reason given, while it lasts and the ticket could still come back."""
    if not may_ask(actor, row, now):
        return None
    k = TicketLook
    query = sa.select(k.reason).where(k.ticket_id == row.id, k.staff_id == actor.id, k.until > now)
    return db.session.scalars(query.order_by(k.at.desc()).limit(1)).one_or_none()


def install() -> None:
    viewing.sources.add("look", _task)
