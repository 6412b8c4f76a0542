"""Plan this week: proposals, one proposal as a diff, and what a dispatcher takes over of it.

Works without scripts: a plan that is being made says how far it is at every look; every act is a form of its own.
"""

from __future__ import annotations

import uuid
from typing import Any

from flask import redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.core import clock
from app.core.errors import Conflict, DomainError, Forbidden, NotFound
from app.core.policy import Permission, current_actor, permit
from app.core.unit_of_work import savepoint
from app.core.web import fragment_requested
from app.dispatch import service
from app.dispatch.forms import PlanForm
from app.dispatch.models import WeekPlan
from app.dispatch.planner.states import OPEN
from app.dispatch.queries import plans as reads
from app.dispatch.queries.pool import provinces_of
from app.dispatch.service.plans import AT_ONCE, plan_of_actor
from app.dispatch.service.tell import window_words
from app.dispatch.views import bp
from app.dispatch.words import PLAN_CHIPS, PLAN_ERRORS, ROW_CHIPS, ROW_REFUSALS, STATE_CHIPS
from app.tickets.words import PRIORITY_CHIPS
from app.ui import toasts

DISPATCH = Permission.TICKETS_DISPATCH


@bp.get("/plans")
@permit(DISPATCH)
def plans() -> ResponseReturnValue:
    return _list()


@bp.post("/plans")
@permit(DISPATCH)
def request_plan() -> ResponseReturnValue:
    actor, form = current_actor(), PlanForm()
    try:
        with savepoint():
            made = service.request_plan(actor, form.province.data or "")
    except (NotFound, Forbidden):
        raise
    except DomainError as refusal:
        return _list(refusal, form.province.data or "")
    toasts.show("act", _("正在排程，完成后在这里查看。"))
    return redirect(url_for(".plan", plan_id=made.id), 303)


def _list(refusal: DomainError | None = None, province: str = "") -> Any:
    actor = current_actor()
    found = reads.recent(actor)
    running = getattr(refusal, "what", None)
    page = render_template(
        "dispatch/plans.html", plans=[(one, one.shown_status(), reads.region(one)) for one in found], chips=PLAN_CHIPS,
        choices=provinces_of(actor), chosen=province, refusal=refusal,
        running=next((one for one in found if one.id == running), None),
    )  # fmt: skip
    return page, refusal.status if refusal is not None else 200


@bp.get("/plans/<uuid:plan_id>")
@permit(DISPATCH)
def plan(plan_id: uuid.UUID) -> ResponseReturnValue:
    return _draw(plan_of_actor(current_actor(), plan_id))


def _draw(row: WeekPlan, refusal: DomainError | None = None) -> Any:
    status = row.shown_status()
    found = reads.lines(row.id) if status not in OPEN else []
    template = "dispatch/plan_body.html" if fragment_requested() else "dispatch/plan.html"
    page = render_template(
        template, plan=row, status=status, busy=status in OPEN, chips=PLAN_CHIPS, row_chips=ROW_CHIPS,
        states=STATE_CHIPS, refusals=ROW_REFUSALS, errors=PLAN_ERRORS, priorities=PRIORITY_CHIPS, words=window_words,
        people=reads.people(found), unplaced=reads.unplaced(found), region=reads.region(row), at_once=AT_ONCE,
        newer=reads.newer(current_actor(), row) if status not in OPEN else None, now=clock.now(), refusal=refusal,
    )  # fmt: skip
    return page, refusal.status if refusal is not None else 200


@bp.post("/plans/<uuid:plan_id>/cancel")
@permit(DISPATCH)
def cancel_plan(plan_id: uuid.UUID) -> ResponseReturnValue:
    try:
        with savepoint():
            service.cancel_plan(current_actor(), plan_id)
    except Conflict as refusal:
        return _draw(plan_of_actor(current_actor(), plan_id), refusal)
    toasts.show("done", _("排程已取消，已采用的派单不受影响。"))
    return redirect(url_for(".plan", plan_id=plan_id), 303)


@bp.post("/plans/<uuid:plan_id>/apply")
@permit(DISPATCH)
def apply_plan(plan_id: uuid.UUID) -> ResponseReturnValue:
    """Rows that are named, or all that are left; what was refused stands on the page with its reason."""
    actor, form = current_actor(), PlanForm()
    try:
        with savepoint():
            taken = service.apply_rows(actor, plan_id, form.rows)
    except Conflict as refusal:
        return _draw(plan_of_actor(actor, plan_id), refusal)
    if taken.applied:
        toasts.show("done", _("已派出 %(n)s 单，等接单。", n=taken.applied))
    if taken.refused:
        toasts.show("soon", _("%(n)s 单没有派出，原因写在行里。", n=taken.refused))
    if taken.left:
        toasts.show("act", _("还有 %(n)s 单，请再按一次。", n=taken.left))
    return redirect(url_for(".plan", plan_id=plan_id), 303)


@bp.post("/plans/<uuid:plan_id>/rows/<uuid:row_id>/undo")
@permit(DISPATCH)
def undo_plan_row(plan_id: uuid.UUID, row_id: uuid.UUID) -> ResponseReturnValue:
    try:
        with savepoint():
            row = service.undo_row(current_actor(), plan_id, row_id)
    except Conflict as refusal:
        return _draw(plan_of_actor(current_actor(), plan_id), refusal)
    toasts.show("done", _("%(number)s 已撤回，工单回到待派单。", number=row.ticket_number))
    return redirect(url_for(".plan", plan_id=plan_id), 303)
