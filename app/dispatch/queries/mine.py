"""The read rule of jobs, one place for the list, a page, a file and every verb.

Somebody reads what was offered to him until the time to answer is over, and what he accepted while the ticket is his:
re-dispatch, a call-off and a new cycle end it at once, a closed ticket some days later. Of a dealer's people it asks,
besides, for a contract of that dealer in force at this very moment (decisions.md 8). Nothing has to run for it.
"""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from app.core import numbers
from app.core.db import db
from app.core.errors import Forbidden
from app.core.policy import Actor, Permission
from app.dealers.models import DealerContract, in_force
from app.dispatch.models import AssigneeKind, Dispatch, DispatchState
from app.dispatch.stages import DONE_WITH, IN_HAND
from app.staff.models import StaffAccount
from app.tickets.models import Ticket
from app.tickets.workflow import Status

Clause = sa.ColumnElement[bool]
VISIT = Permission.VISITS_DO
D, T, C = Dispatch, Ticket, DealerContract


def dealer_of(actor: Actor) -> uuid.UUID | None:
    """The dealer that a person works for; None for our own people."""
    if actor.kind != "staff" or actor.id is None:
        raise Forbidden()
    return db.session.scalar(sa.select(StaffAccount.dealer_id).where(StaffAccount.id == actor.id))


def stands_for(actor: Actor) -> frozenset[uuid.UUID]:
    """The assignee ids in whose name this person acts: himself, or the dealer he works for and nobody else."""
    dealer_id = dealer_of(actor)
    if dealer_id is None:
        assert actor.id is not None
        return frozenset({actor.id})
    return frozenset({dealer_id})


def bounds(actor: Actor) -> list[Clause]:
    """The provinces within which the right holds; the same that the verbs of the floor below ask for."""
    provinces = actor.scope(VISIT)
    return [] if provinces is None else [T.province.in_(sorted(provinces))]


def readable(ids: frozenset[uuid.UUID], now: datetime) -> list[Clause]:
    """SQL over a dispatch joined with its ticket: one of ``ids`` may read it now."""
    closed_since = now - timedelta(days=numbers.get("job_access_days"))
    offered = sa.and_(D.state == DispatchState.OFFERED.value, T.status == Status.OFFERED, D.accept_by > now)
    taken = sa.and_(
        D.state.in_((DispatchState.ACCEPTED.value, DispatchState.DONE.value)), T.status.in_((*IN_HAND, *DONE_WITH)),
        sa.or_(T.closed_at.is_(None), T.closed_at > closed_since),
    )  # fmt: skip
    return [
        D.assignee_id.in_(ids), T.assignee_id == D.assignee_id, T.cycle == D.cycle, sa.or_(offered, taken),
        covered(now),
    ]  # fmt: skip


def covered(now: datetime | Any) -> Clause:
    """SQL: our own engineer, or a dealer with a contract in force at that instant."""
    contract = sa.select(C.id).where(C.dealer_id == D.assignee_id, in_force(now)).correlate(D)
    return sa.or_(D.assignee_kind == AssigneeKind.ENGINEER.value, contract.exists())
