"""A dealer confirms that what it was shown is deleted or returned: job by job, or all of an ended contract at once."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from app.core import audit, clock
from app.core.db import db
from app.core.errors import Conflict, Invalid, NotFound
from app.core.policy import Actor, Permission
from app.dealers.models import DealerContract, in_force
from app.dispatch.models import Dispatch
from app.dispatch.queries.deletions import ended_at, shown_to_dealer
from app.dispatch.queries.mine import dealer_of
from app.tickets.models import Ticket

VISIT = Permission.VISITS_DO


def confirm_job(actor: Actor, number: str, sure: bool) -> int:
    """Every ended dispatch of this ticket to the actor's dealer; how many. Twice is once.

    Raises NotFound for another dealer's ticket, Conflict while the work goes on, Invalid without the tick.
    """
    dealer_id = _dealer(actor)
    own = sa.select(Dispatch).join(Ticket, Ticket.id == Dispatch.ticket_id)
    own = own.where(Ticket.number == number.upper(), Dispatch.assignee_id == dealer_id, *shown_to_dealer())
    if db.session.scalars(own.limit(1)).first() is None:
        raise NotFound()
    _sure(sure)
    now = clock.now()
    over = own.where(ended_at(now).is_not(None)).with_for_update(of=Dispatch)
    found = db.session.scalars(over).all()
    if not found:
        raise Conflict(_l("这个任务还在进行，结束后再确认。"), code="job_runs")
    return _confirm(actor, found)


def confirm_contract(actor: Actor, contract_id: uuid.UUID, sure: bool) -> DealerContract:
    """An ended contract without a successor: everything of every job is gone. Twice is once.

    Raises NotFound for another dealer's, Conflict while any contract of the dealer is in force, Invalid.
    """
    dealer_id = _dealer(actor)
    query = sa.select(DealerContract).where(DealerContract.id == contract_id, DealerContract.dealer_id == dealer_id)
    row = db.session.scalars(query.with_for_update()).one_or_none()
    if row is None or row.confirmed_at is None:
        raise NotFound()
    _sure(sure)
    now = clock.now()
    running = sa.select(DealerContract.id).where(DealerContract.dealer_id == dealer_id, in_force(now)).limit(1)
    if row.ends_at > now or db.session.scalar(running) is not None:
        raise Conflict(_l("合同还没有终止。"), code="contract_runs")
    left = sa.select(Dispatch).where(Dispatch.assignee_id == dealer_id, *shown_to_dealer())
    _confirm(actor, db.session.scalars(left.where(Dispatch.data_deleted_at.is_(None)).with_for_update()).all())
    if row.deletion_confirmed_at is None:
        row.deletion_confirmed_at = now
        row.version += 1
        audit.record("dealer_contract.deletion_confirmed", actor, "dealer_contract", row.id)
    db.session.flush()
    return row


def _confirm(actor: Actor, found: Sequence[Dispatch]) -> int:
    done = 0
    for one in found:
        if one.data_deleted_at is None:
            one.data_deleted_at = clock.now()
            audit.record("dispatch.deletion_confirmed", actor, "dispatch", one.id)
            done += 1
    db.session.flush()
    return done


def _dealer(actor: Actor) -> uuid.UUID:
    actor.require(VISIT)
    dealer_id = dealer_of(actor)
    if dealer_id is None:
        raise NotFound()
    return dealer_id


def _sure(sure: bool) -> None:
    if not sure:
        raise Invalid(fields={"sure": [_l("请勾选确认。")]})
