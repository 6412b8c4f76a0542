"""What happens to an accepted visit before it begins: a new time, somebody else, lost eligibility."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l

from app.core import clock, numbers
from app.core.db import db
from app.core.errors import Conflict
from app.core.policy import SYSTEM, Actor, Permission
from app.dispatch.eligibility import Span, contract_for, plan_of
from app.dispatch.models import Dispatch, DispatchState, Visit
from app.dispatch.service import reach, tell
from app.dispatch.service.follow import finish
from app.dispatch.service.offer import known
from app.dispatch.service.prove import may_repair, recheck
from app.dispatch.words import MOVE_REASONS, TOLD_BY, WITHDRAW_REASONS
from app.tickets.facts import Facts
from app.tickets.models import Ticket
from app.tickets.service import move
from app.tickets.service.time import NO_ASSIGNEE

LEAD = Permission.TICKETS_LEAD


@dataclass(frozen=True, slots=True)
class NewTime:
    """A new window, why, and who told the customer."""

    span: Span | None
    reason: str
    told_by: str


def reschedule(actor: Actor, dispatch_id: uuid.UUID, wanted: NewTime) -> Visit:
    """Row 13, by whoever goes. Raises Forbidden when the changes are used up, NotEligible in the new window."""
    row, found, ids = reach.own(actor, dispatch_id)
    return _move(actor, row, found, wanted, "reschedule_visit", ids)


def move_visit(actor: Actor, number: str, version: int, wanted: NewTime) -> Visit:
    """Row 13, by a dispatcher; a lead may move it more often."""
    row = reach.ticket(actor, number)
    reach.expect(row, version)
    found = reach.live(row)
    if found is None:
        raise Conflict(what=row.status)
    return _move(actor, row, found, wanted, "move_visit", frozenset())


def withdraw(actor: Actor, number: str, version: int, reason: str) -> Ticket:
    """Row 14, by a dispatcher: the visit is called off and the ticket waits for somebody else."""
    row = reach.ticket(actor, number)
    reach.expect(row, version)
    known("reason", reason, WITHDRAW_REASONS)
    found = reach.live(row)
    now = clock.now()
    move(row, "withdraw_visit", actor, Facts(now=now, reason=reason), changes=dict(NO_ASSIGNEE))
    if found is not None:
        finish(found, DispatchState.WITHDRAWN, now, reason)
        tell.called_off(row, found)
    return row


def lose(row: Ticket, found: Dispatch, reason: str) -> bool:
    """Rows 11 and 14 by the system: the assignee may not go any more. Whether anything was unscheduled.

    Work that has begun is not torn away: whoever stands beside the device finishes or hands over.
    """
    now, changes = clock.now(), dict(NO_ASSIGNEE)
    action = {"offered": "recall_offer", "scheduled": "lose_eligibility"}.get(row.status)
    if action is None:
        return False
    move(row, action, SYSTEM, Facts(now=now, reason=reason), changes=changes)
    finish(found, DispatchState.LOST, now, reason)
    tell.called_off(row, found)
    tell.back_in_pool(row, found, reason)
    return True


def _move(actor: Actor, row: Ticket, found: Dispatch, wanted: NewTime, action: str, ids: frozenset[uuid.UUID]) -> Visit:
    known("reason", wanted.reason, MOVE_REASONS)
    known("told_by", wanted.told_by, TOLD_BY)
    visit = reach.open_visit(found)
    if visit is None or found.state != DispatchState.ACCEPTED:
        raise Conflict(_l("这次上门已经不在计划中。"), what=found.state, when=found.ended_at)
    now, span = clock.now(), wanted.span
    facts = Facts(
        now=now, reason=wanted.reason, told_by=wanted.told_by, window=(span.since, span.until) if span else None,
        changes=0 if visit.window_from is None else row.reschedules,
        changes_allowed=numbers.get("reschedules_max"), leads=actor.may(LEAD),
        assignee_ids=ids, assigned_to=row.assignee_id,
    )  # fmt: skip
    if span is None or span.since >= span.until or span.until < now:
        move(row, action, actor, facts)  # its guards say what is missing
        raise AssertionError("a window that cannot be was let through")
    reach.hold_assignee(found.assignee_id)
    plan = plan_of(span)
    standing = recheck(row, found, plan, now)
    counted = 0 if visit.window_from is None else 1  # the first appointment, agreed by telephone, is no change of it
    changes: dict[str, Any] = {
        "window_from": span.since, "window_until": span.until, "call_first": False,
        "reschedules": row.reschedules + counted, "may_repair": may_repair(standing, plan),
    }  # fmt: skip
    move(row, action, actor, facts, changes=changes)
    covering = contract_for(standing.candidate, plan)
    found.window_from, found.window_until, found.call_first = span.since, span.until, False
    found.contract_id = covering.id if covering else None
    visit.window_from, visit.window_until, visit.changes = span.since, span.until, visit.changes + counted
    db.session.flush()
    if actor.id != found.assignee_id:
        tell.moved(row, found, visit.changes)
    return visit
