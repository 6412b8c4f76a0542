"""A proposal for the week: asking for one, calling it off, taking its rows over, taking a row back.

Only one plan at a time is made per province; who asks for a second is told whose the first is. A row becomes an offer
through the service of all offers, judged anew in the same transaction; a row whose ticket is no longer the one that was
planned is refused and written down as refused, never overwritten.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from app.core import audit, clock, jobs
from app.core.db import db
from app.core.errors import Conflict, DomainError, Forbidden, Invalid, NotFound
from app.core.policy import Actor, Permission
from app.core.unit_of_work import savepoint
from app.dispatch.eligibility import Span
from app.dispatch.models import DispatchState, PlanClaim, PlanRow, WeekPlan
from app.dispatch.models.plans import LONGEST
from app.dispatch.planner.states import OPEN, PlanStatus, RowStatus, plan_workflow, row_workflow
from app.dispatch.service import reach
from app.dispatch.service.offer import Order, recall
from app.dispatch.service.place import MOVED, Placement, place
from app.dispatch.service.prove import NotEligible
from app.tickets.models import Ticket
from app.tickets.workflow import Status

JOB = "dispatch.plan"
DISPATCH = Permission.TICKETS_DISPATCH
AT_ONCE = 40  # rows taken over by one request; each is judged against everybody
REASON = "week_plan"
READY = (RowStatus.PROPOSED.value, RowStatus.REFUSED.value)


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of the rows asked for; ``left``: more than one request takes."""

    applied: int
    refused: int
    left: int


def plan_of_actor(actor: Actor, plan_id: uuid.UUID, *, lock: bool = False) -> WeekPlan:
    """Raises NotFound for one that reaches beyond the actor's region, Forbidden."""
    scope = actor.scope(DISPATCH)
    query = sa.select(WeekPlan).where(WeekPlan.id == plan_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    found = db.session.scalars(query).one_or_none()
    if found is None or (scope is not None and not set(found.provinces) <= scope):
        raise NotFound()
    return found


def request_plan(actor: Actor, province: str = "") -> WeekPlan:
    """Ask for a proposal for one province, or for all of the actor's that have something to plan.

    Raises NotFound for a province that is not his, Invalid where nothing waits, Conflict while one of the provinces is
    being planned.
    """
    scope = actor.scope(DISPATCH)
    if province and scope is not None and province not in scope:
        raise NotFound()
    wanted = _with_work([province] if province else None if scope is None else sorted(scope))
    if not wanted or actor.id is None:
        raise Invalid(_l("现在没有等待派单的工单，没有什么可排。"), code="nothing_to_plan")
    now = clock.now()
    _refuse_second(wanted, now)
    row = WeekPlan(
        status=plan_workflow.find(None, "request_plan").target.value, provinces=wanted, asked_by=actor.id,
        asked_name=actor.name, created_at=now,
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    _claim(row, now)
    audit.record("week_plan.requested", actor, "week_plan", row.id)
    jobs.enqueue(JOB, {"plan": row.id.hex}, key=f"{JOB}:{row.id.hex}")
    return row


def cancel_plan(actor: Actor, plan_id: uuid.UUID) -> WeekPlan:
    """Call it off, or set a proposal aside; what was taken over stays. Raises NotFound, TransitionRefused."""
    row = plan_of_actor(actor, plan_id, lock=True)
    plan_workflow.fire(row, "cancel_plan", actor, changes={"finished_at": clock.now()})
    release(row)
    return row


def apply_rows(actor: Actor, plan_id: uuid.UUID, row_ids: Sequence[uuid.UUID] | None = None) -> Taken:
    """Take these rows over, or all that are left, at most `AT_ONCE`; each by itself.

    Twice over, since a row may need the room that another one of them leaves. Raises NotFound, Conflict where the plan
    is no proposal any more.
    """
    plan = plan_of_actor(actor, plan_id, lock=True)
    if plan.shown_status() != PlanStatus.PROPOSED:
        raise Conflict(_l("这份排程已经不能采用。"), code="plan_not_open", what=plan.status, when=plan.finished_at)
    query = sa.select(PlanRow).where(PlanRow.plan_id == plan.id, PlanRow.status.in_(READY)).order_by(PlanRow.n)
    if row_ids is not None:
        query = query.where(PlanRow.id.in_(row_ids))
    else:
        query = query.where(PlanRow.status == RowStatus.PROPOSED.value)
    rows = db.session.scalars(query.with_for_update()).all()
    refused = [row for row in rows[:AT_ONCE] if not _apply(actor, row)]
    refused = [row for row in refused if row.refusal == "changed" or not _apply(actor, row)]
    now_asked = min(len(rows), AT_ONCE)
    return Taken(now_asked - len(refused), len(refused), len(rows) - now_asked)


def undo_row(actor: Actor, plan_id: uuid.UUID, row_id: uuid.UUID) -> PlanRow:
    """Take an offer of the plan back, while nobody has answered it. Raises NotFound, Conflict, TransitionRefused."""
    plan = plan_of_actor(actor, plan_id, lock=True)
    row = _row(plan, row_id)
    row_workflow.find(row.status, "undo_row")
    ticket = db.session.get_one(Ticket, row.ticket_id, with_for_update=True, populate_existing=True)
    held = reach.live(ticket)
    if held is None or held.id != row.dispatch_id or held.state != DispatchState.OFFERED:
        raise Conflict(_l("这张工单已有答复或已被改动，不能再撤回。"), code="answered", what=ticket.status)
    recall(actor, row.ticket_number, ticket.version, MOVED)
    row_workflow.fire(row, "undo_row", actor, changes=_by(actor))
    return row


def release(plan: WeekPlan) -> None:
    """Its provinces may be planned again."""
    db.session.execute(sa.delete(PlanClaim).where(PlanClaim.plan_id == plan.id), execution_options=_PLAIN)


_PLAIN = {"synchronize_session": False}


def _apply(actor: Actor, row: PlanRow) -> bool:
    """Whether it is an offer now; otherwise it says why not."""
    if row.assignee_id is None or row.window_from is None or row.window_until is None:
        raise AssertionError("a row without a place was proposed")
    span = Span(row.window_from, row.window_until)
    order = Order(row.ticket_version, row.assignee_id, span, call_first=True, override_reason=REASON)
    try:
        with savepoint():
            made = place(actor, row.ticket_number, Placement(order))
    except Forbidden:
        raise
    except DomainError as error:
        row_workflow.fire(row, "refuse_row", actor, changes={"refusal": _why(error), **_by(actor)})
        return False
    row_workflow.fire(row, "apply_row", actor, changes={"dispatch_id": made.id, "refusal": "", **_by(actor)})
    return True


def _why(error: DomainError) -> str:
    if isinstance(error, NotEligible):
        return "not_eligible"
    return "changed" if isinstance(error, Conflict | NotFound) else error.code[:32]


def _by(actor: Actor) -> dict[str, object]:
    return {"acted_at": clock.now(), "acted_by": actor.id, "acted_name": actor.name}


def _row(plan: WeekPlan, row_id: uuid.UUID) -> PlanRow:
    query = sa.select(PlanRow).where(PlanRow.id == row_id, PlanRow.plan_id == plan.id).with_for_update()
    found = db.session.scalars(query.execution_options(populate_existing=True)).one_or_none()
    if found is None:
        raise NotFound()
    return found


def _with_work(provinces: Sequence[str] | None) -> list[str]:
    query = sa.select(Ticket.province).distinct().where(Ticket.status == Status.TO_DISPATCH)
    if provinces is not None:
        query = query.where(Ticket.province.in_(provinces))
    return list(db.session.scalars(query.order_by(Ticket.province)))


def _refuse_second(provinces: Sequence[str], now: datetime) -> None:
    """Raise Conflict where a claim is held; what ended by itself is cleared away."""
    c, p = PlanClaim, WeekPlan
    gone = sa.or_(c.until <= now, ~sa.select(p.id).where(p.id == c.plan_id, p.status.in_(OPEN)).exists())
    db.session.execute(sa.delete(c).where(c.province.in_(provinces), gone), execution_options=_PLAIN)
    query = sa.select(p).join(c, c.plan_id == p.id).where(c.province.in_(provinces)).limit(1)
    held = db.session.scalars(query).first()
    if held is not None:
        raise _busy(held)


def _claim(row: WeekPlan, now: datetime) -> None:
    """Two who ask in the same instant: the primary key lets one of them in."""
    try:
        with savepoint():
            db.session.add_all(PlanClaim(province=one, plan_id=row.id, until=now + LONGEST) for one in row.provinces)
            db.session.flush()
    except sa.exc.IntegrityError as error:
        raise _busy(None) from error


def _busy(held: WeekPlan | None) -> Conflict:
    words = _l("这个地区正在排程，完成或取消后才能再排。")
    if held is None:
        return Conflict(words, code="plan_running")
    return Conflict(words, code="plan_running", who=held.asked_name, when=held.created_at, what=held.id)
