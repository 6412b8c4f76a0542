"""Lost eligibility: a contract that ends, is revoked or lapses; an account that is disabled.

Access and eligibility are joins on the contract and need no job. What is announced here is what people planned: visits
are unscheduled, offers recalled, and every ticket touched is named. Ending a contract by hand does it at once, in the
same transaction; the minute's job does it for what ended by the calendar.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from app.core import clock, jobs
from app.core.db import db
from app.core.policy import Actor
from app.dealers import service as dealers
from app.dealers.models import DealerContract, EndKind, covers, in_force
from app.dispatch.models import LIVE_STATES, AssigneeKind, Dispatch, Engineer
from app.dispatch.service.follow import align
from app.dispatch.service.visits import lose
from app.staff.models import AccountState, StaffAccount
from app.tickets.models import Ticket
from app.tickets.service import locked

LAPSE = "dispatch.lapse"
EVERY = timedelta(minutes=1)
BATCH = 200
Planned = sa.Select[uuid.UUID, uuid.UUID]  # a ticket and its dispatch


@dataclass(frozen=True, slots=True)
class Touched:
    """A ticket that an ended contract touched; ``unscheduled`` False: work had begun, a dispatcher must look."""

    number: str
    hospital_id: uuid.UUID
    unscheduled: bool


def end_contract(actor: Actor, contract_id: uuid.UUID, kind: EndKind, reason: str) -> list[Touched]:
    """End or revoke a contract now: what rested on it alone is unscheduled at once. Every ticket touched is answered.

    Raises NotFound, Conflict when it has ended already, Invalid without a reason.
    """
    contract = dealers.end_contract(actor, contract_id, kind, reason)
    why = "contract_revoked" if kind is EndKind.REVOKED else "contract_ended"
    return [done for row, found in _of_dealer(contract.dealer_id) if (done := _lost(row, found, why)) is not None]


def touched_by(contract: DealerContract) -> list[tuple[str, str]]:
    """Numbers and statuses of the tickets that would be touched, for the page that asks first."""
    query = sa.select(Ticket.number, Ticket.status).join(Dispatch, Dispatch.ticket_id == Ticket.id)
    query = query.where(Dispatch.assignee_id == contract.dealer_id, Dispatch.state.in_(LIVE_STATES))
    return [(row.number, row.status) for row in db.session.execute(query.order_by(Ticket.number))]


def lapse_due() -> int:
    """Unschedule what lost its basis by the calendar or by a disabled account; how many. A job calls it."""
    d = Dispatch
    working = sa.select(Engineer.staff_id).join(StaffAccount, StaffAccount.id == Engineer.staff_id)
    working = working.where(Engineer.staff_id == d.assignee_id, Engineer.active)
    working = working.where(StaffAccount.state == AccountState.ACTIVE.value)
    begun = Ticket.status.in_(("offered", "scheduled"))
    base = sa.select(d.ticket_id, d.id).join(Ticket, Ticket.id == d.ticket_id).where(d.state.in_(LIVE_STATES), begun)
    lost = (
        (base.where(d.assignee_kind == AssigneeKind.DEALER.value, ~_covered()), "contract_lapsed"),
        (base.where(d.assignee_kind == AssigneeKind.ENGINEER.value, ~working.exists()), "account_disabled"),
    )
    return sum([_lose(query.limit(BATCH), why) for query, why in lost])


def held_by(staff_id: uuid.UUID) -> Planned:
    """Offers and visits of this engineer that have not begun."""
    d, planned = Dispatch, Ticket.status.in_(("offered", "scheduled"))
    query = sa.select(d.ticket_id, d.id).join(Ticket, Ticket.id == d.ticket_id)
    return query.where(d.assignee_id == staff_id, d.state.in_(LIVE_STATES), planned)


def let_go_all_of(staff_id: uuid.UUID) -> int:
    """Whoever leaves goes nowhere any more: the pool gets it back at once; how many."""
    return _lose(held_by(staff_id), "account_disabled")


def _lose(query: Planned, why: str) -> int:
    count = 0
    for ticket_id, dispatch_id in db.session.execute(query.order_by(Dispatch.ticket_id)).all():
        row, found = locked(ticket_id), db.session.get_one(Dispatch, dispatch_id, with_for_update=True)
        align(row)
        count += found.state in LIVE_STATES and lose(row, found, why)
    return count


def _covered() -> sa.ColumnElement[bool]:
    """A contract of the dealer is in force now, and one (the same or its successor) through the planned visit."""
    c, d = DealerContract, Dispatch
    of_it = sa.select(c.id).where(c.dealer_id == d.assignee_id).correlate(d)
    now, then = of_it.where(in_force(clock.now())), of_it.where(covers(d.window_from, d.window_until))
    return sa.and_(now.exists(), then.exists())


def _of_dealer(dealer_id: uuid.UUID) -> Iterable[tuple[Ticket, Dispatch]]:
    """The dealer's live dispatches that no other contract covers through the visit, each with its ticket locked."""
    d = Dispatch
    query = sa.select(d.ticket_id, d.id).where(d.assignee_id == dealer_id, d.state.in_(LIVE_STATES), ~_covered())
    for ticket_id, dispatch_id in db.session.execute(query.order_by(d.ticket_id)).all():
        row = locked(ticket_id)
        found = db.session.get_one(Dispatch, dispatch_id, with_for_update=True)
        align(row)
        if found.state in LIVE_STATES:
            yield row, found


def _lost(row: Ticket, found: Dispatch, why: str) -> Touched | None:
    return Touched(row.number, row.hospital_id, lose(row, found, why))


def install() -> None:
    """Register the job and its rhythm."""

    @jobs.handler(LAPSE)
    def _lapse(_payload: dict[str, Any]) -> None:
        while lapse_due() >= BATCH:
            pass

    jobs.every(LAPSE, EVERY)
