"""Taking the next report: the one whose deadline comes first, which nobody holds, in the actor's region."""

from __future__ import annotations

import sqlalchemy as sa

from app.core import clock
from app.core.db import db
from app.core.policy import Actor, Permission
from app.tickets.models import Ticket
from app.tickets.service.reach import in_region
from app.tickets.service.time import settle
from app.tickets.service.triage import Seen, claim
from app.tickets.workflow import Status

TRIAGE = Permission.TICKETS_TRIAGE


def claim_next(actor: Actor) -> Ticket | None:
    """What one has in hands already comes first, oldest touched; then the next free one. None: nothing waits.

    Two people asking at once get two tickets: a row that is being claimed is skipped.
    """
    held = sa.select(Ticket).where(Ticket.triager_id == actor.id, Ticket.status == Status.TRIAGING)
    held = held.where(*in_region(actor, TRIAGE), Ticket.wakes_at > clock.now())
    mine = db.session.scalars(held.order_by(Ticket.touched_at, Ticket.id).limit(1)).one_or_none()
    if mine is not None:
        return mine
    free = sa.select(Ticket).where(Ticket.status == Status.SUBMITTED, *in_region(actor, TRIAGE))
    first = free.order_by(Ticket.due_at, Ticket.id).limit(1).with_for_update(skip_locked=True)
    row = db.session.scalars(first.execution_options(populate_existing=True)).one_or_none()
    if row is None:
        return None
    settle(row, clock.now())
    return claim(actor, row.id, Seen(row.version))
