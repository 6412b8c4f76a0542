"""The same fault again, after the time in which a ticket can be reopened: the new ticket names the one before it."""

from __future__ import annotations

import uuid

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from app.core import audit
from app.core.db import db
from app.core.errors import Invalid
from app.core.policy import Actor, Permission
from app.tickets.models import Ticket
from app.tickets.service.reach import in_region, load
from app.tickets.workflow import ENDED, Status

TRIAGE = Permission.TICKETS_TRIAGE


def name_earlier(actor: Actor, ticket_id: uuid.UUID, number: str) -> Ticket:
    """Row 30: later than the time allowed it is a new ticket, ``repeat_of`` the old one: same device, ended, earlier.

    Earlier by its report, so that no ring of repeats can come about. Raises NotFound, Forbidden, Invalid (``target``).
    """
    row = load(actor, ticket_id, TRIAGE)
    wanted = number.strip().upper()
    earlier = db.session.scalars(
        sa.select(Ticket).where(Ticket.number == wanted, *in_region(actor, TRIAGE))
    ).one_or_none()
    if earlier is None:
        raise _wrong(_l("没有这张工单。"))
    if earlier.opened_at >= row.opened_at or earlier.status not in ENDED or earlier.status == Status.MERGED:
        raise _wrong(_l("只能写已经结束、报修更早的工单。"))
    if earlier.hospital_id != row.hospital_id or not row.serial_number or earlier.serial_number != row.serial_number:
        raise _wrong(_l("两张工单不是同一台设备。"))
    row.repeat_of_id = earlier.id
    db.session.flush()
    audit.record("ticket.repeat_named", actor, "ticket", row.id, fields=("repeat_of_id",))
    return row


def _wrong(message: object) -> Invalid:
    return Invalid(code="repeat_target", fields={"target": [message]})
