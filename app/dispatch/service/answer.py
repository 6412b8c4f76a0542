"""What whoever was asked says: accept, decline."""

from __future__ import annotations

import uuid
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from app.core import clock
from app.core.db import db
from app.core.errors import Conflict
from app.core.policy import Actor
from app.dispatch.eligibility import Span, contract_for, plan_of
from app.dispatch.models import Dispatch, DispatchState, Exclusion, Visit
from app.dispatch.service import reach, tell
from app.dispatch.service.follow import finish
from app.dispatch.service.offer import known
from app.dispatch.service.prove import proof, recheck
from app.dispatch.words import DECLINE_REASONS
from app.tickets.facts import Facts
from app.tickets.models import Ticket
from app.tickets.service import move
from app.tickets.service.time import NO_ASSIGNEE


def accept(actor: Actor, dispatch_id: uuid.UUID, span: Span | None = None) -> Visit:
    """Row 12. ``span``: another window than the planned one, agreed with the hospital. Twice is once.

    Eligibility is judged again in this transaction. Raises Conflict after the time to answer, NotEligible.
    """
    row, found, ids = reach.own(actor, dispatch_id)
    held = reach.open_visit(found) if found.state == DispatchState.ACCEPTED else None
    if held is not None and found.accepted_by == actor.id:
        return held
    still_offered(found)
    now = clock.now()
    call_first = found.call_first and span is None
    plan = plan_of(span or Span(found.window_from, found.window_until), agreed=not call_first)
    standing = recheck(row, found, plan, now)
    given = proof(row, standing, plan, now)
    window = None if call_first else (plan.span.since, plan.span.until)
    facts = Facts(
        now=now, proof=given, assignee_ids=ids, assigned_to=row.assignee_id, window=window, call_first=call_first
    )  # fmt: skip
    changes: dict[str, Any] = {
        "accept_by": None, "call_first": call_first, "may_repair": given.may_repair,
        "window_from": window[0] if window else None, "window_until": window[1] if window else None,
    }  # fmt: skip
    move(row, "accept_offer", actor, facts, changes=changes)
    covering = contract_for(standing.candidate, plan)
    found.state, found.accepted_at, found.accepted_by = DispatchState.ACCEPTED.value, now, actor.id
    found.accepted_name, found.contract_id = actor.name, covering.id if covering else None
    found.window_from, found.window_until = plan.span.since, plan.span.until
    return first_visit(row, found, window)


def decline(actor: Actor, dispatch_id: uuid.UUID, reason: str) -> Ticket:
    """Row 11, by whoever was asked; he is not asked again for this ticket in this cycle."""
    row, found, ids = reach.own(actor, dispatch_id)
    still_offered(found)
    known("reason", reason, DECLINE_REASONS)
    now = clock.now()
    facts = Facts(now=now, reason=reason, assignee_ids=ids, assigned_to=row.assignee_id)
    move(row, "decline_offer", actor, facts, changes=dict(NO_ASSIGNEE))
    finish(found, DispatchState.DECLINED, now, reason)
    _exclude(row, found, reason)
    tell.back_in_pool(row, found, "declined")
    return row


def still_offered(found: Dispatch) -> None:
    """Raise Conflict with how it ended, where it has."""
    if found.state == DispatchState.OFFERED:
        return
    if found.state == DispatchState.ACCEPTED:
        who, when = found.accepted_name, found.accepted_at
        raise Conflict(_l("这张工单已经接了。"), code="offer_taken", who=who, what=found.state, when=when)
    words = _l("这张工单的接单时间已过，已退回调度。") if found.state == DispatchState.EXPIRED else None
    raise Conflict(words, code="offer_over", what=found.state, when=found.ended_at)


def first_visit(row: Ticket, found: Dispatch, window: tuple[Any, Any] | None) -> Visit:
    """The appointment of an accepted dispatch; without a window somebody calls first."""
    visit = Visit(
        dispatch_id=found.id, n=1, ticket_id=row.id, hospital_id=row.hospital_id, assignee_id=found.assignee_id,
        window_from=window[0] if window else None, window_until=window[1] if window else None,
    )  # fmt: skip
    db.session.add(visit)
    db.session.flush()
    return visit


def _exclude(row: Ticket, found: Dispatch, reason: str) -> None:
    query = sa.select(Exclusion).where(
        Exclusion.ticket_id == row.id, Exclusion.cycle == row.cycle, Exclusion.assignee_id == found.assignee_id
    )
    held = db.session.scalars(query).one_or_none()
    if held is None:
        held = Exclusion(ticket_id=row.id, cycle=row.cycle, assignee_id=found.assignee_id)
        db.session.add(held)
    held.reason, held.made_at, held.lifted_at = reason, clock.now(), None
    db.session.flush()
