"""A dispatcher's acts before somebody has accepted: offer, recall, ask again."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from app.core import audit, clock, numbers
from app.core.db import db
from app.core.errors import Invalid, NotFound
from app.core.policy import Actor
from app.dispatch.eligibility import Plan, Span, Standing, Table, contract_for, plan_of
from app.dispatch.models import Dispatch, DispatchState, Exclusion
from app.dispatch.service import reach, tell
from app.dispatch.service.follow import finish
from app.dispatch.service.prove import admit, everybody, proof, ranking
from app.dispatch.words import OTHER, OVERRIDE_REASONS, RECALL_REASONS
from app.tickets.facts import Facts, Priority
from app.tickets.models import Ticket
from app.tickets.service import move
from app.tickets.service.clocks import terms_of
from app.tickets.service.time import NO_ASSIGNEE
from app.tickets.triage import MODE_LABELS

NOTE_MAX_CHARS = 200


@dataclass(frozen=True, slots=True)
class Order:
    """What the dispatcher chose. ``version`` is the ticket's that the page was made from."""

    version: int
    assignee_id: uuid.UUID
    span: Span
    call_first: bool = False  # the window is our plan; the assignee calls and agrees
    mode: str = ""  # as triaged unless given
    override_reason: str = ""  # where another than the best was chosen
    override_note: str = ""  # the words of the reason "other"


def offer(actor: Actor, number: str, order: Order) -> Dispatch:
    """Row 10. Raises Conflict when somebody was faster, NotEligible with every failed rule, Invalid naming the field.

    Who is judged is everybody, in the same transaction: the place of the chosen one is stored with the offer.
    """
    row = reach.ticket(actor, number)
    reach.expect(row, order.version)
    if order.mode and order.mode not in MODE_LABELS:
        raise Invalid(fields={"mode": [_l("没有这个选项。")]})
    if order.span.until <= clock.now() or order.span.since >= order.span.until:
        raise Invalid(fields={"window": [_l("上门时间须在以后，且先有开始再有结束。")]})
    now, plan = clock.now(), plan_of(order.span, agreed=not order.call_first)
    table, standing = _chosen(row, order, plan, now)
    admit(standing)
    reason = _override(standing, order)
    accept_by = accept_until(row, now)
    person, covering = standing.candidate, contract_for(standing.candidate, plan)
    given = proof(row, standing, plan, now)
    changes: dict[str, Any] = {
        "assignee_kind": person.kind.value, "assignee_id": person.id, "assignee_name": person.name,
        "accept_by": accept_by, "wakes_at": accept_by, "window_from": plan.span.since, "call_first": order.call_first,
        "window_until": plan.span.until, "may_repair": given.may_repair, "service_mode": table.job.mode,
    }  # fmt: skip
    facts = Facts(now=now, proof=given)
    move(row, "offer_ticket", actor, facts, expected_version=order.version, changes=changes)
    made = Dispatch(
        ticket_id=row.id, cycle=row.cycle, state=DispatchState.OFFERED.value, assignee_kind=person.kind.value,
        assignee_id=person.id, assignee_name=person.name, contract_id=covering.id if covering else None,
        mode=table.job.mode, window_from=plan.span.since, window_until=plan.span.until, call_first=order.call_first,
        accept_by=accept_by, offered_at=now, offered_by=actor.id, offered_name=actor.name,
        weights_version=table.weights_version, score=standing.total, rank=standing.rank, override_reason=reason,
        ranking=ranking(table, standing),
    )  # fmt: skip
    if reason == OTHER:
        made.override_note = order.override_note.strip()
    db.session.add(made)
    db.session.flush()
    tell.offered(row, made)
    return made


def recall(actor: Actor, number: str, version: int, reason: str) -> Ticket:
    """Row 11, by a dispatcher: counts against nobody."""
    row = reach.ticket(actor, number)
    reach.expect(row, version)
    known("reason", reason, RECALL_REASONS)
    found = reach.live(row)
    now = clock.now()
    move(row, "recall_offer", actor, Facts(now=now, reason=reason), changes=dict(NO_ASSIGNEE))
    if found is not None:
        finish(found, DispatchState.RECALLED, now, reason)
        tell.recalled(row, found)
    return row


def lift_exclusion(actor: Actor, number: str, assignee_id: uuid.UUID) -> None:
    """Somebody who declined may be asked again. Raises NotFound where nothing excludes him."""
    row = reach.ticket(actor, number)
    query = sa.select(Exclusion).where(
        Exclusion.ticket_id == row.id, Exclusion.cycle == row.cycle, Exclusion.assignee_id == assignee_id,
        Exclusion.lifted_at.is_(None),
    )  # fmt: skip
    found = db.session.scalars(query.with_for_update()).one_or_none()
    if found is None:
        raise NotFound()
    found.lifted_at, found.lifted_by, found.lifted_name = clock.now(), actor.id, actor.name
    db.session.flush()
    audit.record("dispatch.exclusion_lifted", actor, "ticket", row.id)


def accept_until(row: Ticket, now: datetime) -> datetime:
    """Until when an answer is awaited: in the ticket's own working time, which for the most urgent is every hour."""
    hours = numbers.get("accept_hours_p1" if row.priority == Priority.P1 else "accept_hours")
    return terms_of(row, now).calendar.add_working_time(now, timedelta(hours=hours))


def _chosen(row: Ticket, order: Order, plan: Plan, now: datetime) -> tuple[Table, Standing]:
    """Everybody, looked at after the chosen one is locked, so that room for one more is not given away twice."""
    reach.hold_assignee(order.assignee_id)
    table = everybody(row, plan, now, order.mode)
    standing = table.of(order.assignee_id)
    if standing is None:
        raise Invalid(fields={"assignee": [_l("没有这位人员。")]})
    return table, standing


def _override(standing: Standing, order: Order) -> str:
    """Another than the best is chosen for a reason; for the best none is kept. Raises Invalid naming the field."""
    reason = order.override_reason
    if standing.rank <= 1:
        return ""
    known("override_reason", reason, OVERRIDE_REASONS)
    if not reason:
        raise Invalid(
            code="override_reason_required", fields={"override_reason": [_l("没有选首选人员，请选择原因。")]}
        )  # fmt: skip
    if reason == OTHER and not order.override_note.strip():
        raise Invalid(fields={"override_note": [_l("请写明其他原因。")]})
    if len(order.override_note) > NOTE_MAX_CHARS:
        raise Invalid(fields={"override_note": [_l("最多 %(limit)s 个字。", limit=NOTE_MAX_CHARS)]})
    return reason


def known(field: str, code: str, codes: Any) -> None:
    """Raise Invalid for a code that no list has; an empty one is left to the guard."""
    if code and code not in codes:
        raise Invalid(fields={field: [_l("没有这个选项。")]})
