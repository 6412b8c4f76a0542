"""What must hold before anybody touches an offer: rows are locked, time is settled, and the two tables agree.

The ticket is locked first, always, then what hangs on it; so that two people who act at once are put in a row.
"""

from __future__ import annotations

import uuid

import sqlalchemy as sa

from app.core import clock
from app.core.db import db
from app.core.errors import NotFound
from app.core.policy import Actor, Permission
from app.dealers.models import Dealer
from app.dispatch.models import LIVE_STATES, Dispatch, Engineer, Visit
from app.dispatch.queries.mine import stands_for
from app.dispatch.service.follow import align
from app.tickets.models import Ticket
from app.tickets.service import locked
from app.tickets.service.reach import in_region
from app.tickets.service.time import settle
from app.tickets.service.triage import changed

DISPATCH = Permission.TICKETS_DISPATCH


def ticket(actor: Actor, number: str) -> Ticket:
    """For a dispatcher: the row, locked, settled and aligned. Raises NotFound outside of the region, Forbidden."""
    query = sa.select(Ticket.id).where(Ticket.number == number, *in_region(actor, DISPATCH))
    found = db.session.scalar(query)
    if found is None:
        raise NotFound()
    return _ready(found)


def live(row: Ticket) -> Dispatch | None:
    """The live dispatch of a ticket in hands."""
    query = sa.select(Dispatch).where(Dispatch.ticket_id == row.id, Dispatch.state.in_(LIVE_STATES))
    return db.session.scalars(query.with_for_update()).one_or_none()


def own(actor: Actor, dispatch_id: uuid.UUID) -> tuple[Ticket, Dispatch, frozenset[uuid.UUID]]:
    """For whoever was asked: his own offer or job, with its ticket locked. Raises NotFound for anybody else's."""
    actor.require(Permission.VISITS_DO)
    ids = stands_for(actor)
    query = sa.select(Dispatch).where(Dispatch.id == dispatch_id, Dispatch.assignee_id.in_(ids))
    found = db.session.scalars(query).one_or_none()
    if found is None:
        raise NotFound()
    row = _ready(found.ticket_id)
    db.session.refresh(found)
    return row, found, ids


def open_visit(found: Dispatch) -> Visit | None:
    """The visit of an accepted dispatch that has not ended."""
    query = sa.select(Visit).where(Visit.dispatch_id == found.id, Visit.ended_at.is_(None))
    return db.session.scalars(query.order_by(Visit.n.desc()).limit(1)).one_or_none()


def hold_assignee(assignee_id: uuid.UUID) -> None:
    """Lock whom it goes to: two offers of different tickets must not both see the last free half day."""
    for table, key in ((Engineer, Engineer.staff_id), (Dealer, Dealer.id)):
        held = sa.select(key).select_from(table).where(key == assignee_id).with_for_update()
        if db.session.scalar(held) is not None:
            return


def expect(row: Ticket, version: int) -> None:
    """Raise Conflict unless the page was made from this version; it says who was faster, and when."""
    if row.version != version:
        raise changed(row)


def _ready(ticket_id: uuid.UUID) -> Ticket:
    row = locked(ticket_id)
    settle(row, clock.now())
    align(row)
    return row
