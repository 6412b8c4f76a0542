"""The pool, and one ticket's candidates: who can go, with the score's parts; why not the others; one press offers.

Works without scripts: the window is chosen by links and a form, every offer is a form of its own. A refusal answers
with the same page, the latest facts and all that was chosen.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.core import clock, worklist
from app.core.errors import Conflict, DomainError, Forbidden, Invalid, NotFound
from app.core.policy import Actor, Permission, current_actor, permit
from app.core.unit_of_work import savepoint
from app.dispatch import service
from app.dispatch.eligibility import Plan, Table, half_plans, load, plan_of
from app.dispatch.forms import OfferForm, ReasonForm, window_of
from app.dispatch.models import HALF_LABELS
from app.dispatch.queries.pool import POOL
from app.dispatch.service import Order
from app.dispatch.service.pool import AHEAD
from app.dispatch.service.tell import window_words
from app.dispatch.views import bp
from app.dispatch.words import OVERRIDE_REASONS, RECALL_REASONS, WITHDRAW_REASONS
from app.tickets.triage import FAULT_CLASSES, MODE_LABELS
from app.tickets.words import CHIPS, PRIORITY_CHIPS
from app.tickets.workflow import Status
from app.ui import toasts

DISPATCH = Permission.TICKETS_DISPATCH
WINDOWS = 8  # half days offered as links
EXCLUDED_SHOWN = 12


@bp.get("")
@permit(DISPATCH)
def pool() -> ResponseReturnValue:
    return render_template("dispatch/pool.html", page=worklist.page(POOL, current_actor(), request.args))


@bp.get("/<number>/candidates")
@permit(DISPATCH)
def candidates(number: str) -> ResponseReturnValue:
    return draw(current_actor(), number, OfferForm(formdata=request.args))


def draw(actor: Actor, number: str, form: OfferForm, refusal: DomainError | None = None) -> Any:
    """The page for the window that ``form`` names, else for the first half day that can still be reached."""
    found, now = load.job(actor, number), clock.now()
    job = found.job
    mode = form.mode.data or ""
    mode = mode if mode in MODE_LABELS else job.mode
    windows = half_plans(now + AHEAD, WINDOWS)
    plan = chosen_plan(form, windows, now)
    waits = job.status == Status.TO_DISPATCH
    later = tuple(half_plans(plan.span.since, WINDOWS)) if waits else ()
    table = load.table(load.with_mode(found, mode), plan, now, later) if waits else None
    page = render_template(
        "dispatch/candidates.html", job=job, table=table, plan=plan, windows=windows, mode=mode, form=form, now=now,
        refusal=refusal, halves=HALF_LABELS, modes=MODE_LABELS, words=window_words, status_chip=CHIPS[job.status],
        priority=PRIORITY_CHIPS[job.priority], fault=FAULT_CLASSES.get(job.fault_class), overrides=OVERRIDE_REASONS,
        held=None if waits else load.held(job), acts=_acts(job.status), chosen=_named(table, form),
        excluded=_excluded(table), may=actor.may, whole=bool(request.args.get("all")),
    )  # fmt: skip
    return page, refusal.status if refusal is not None else 200


def chosen_plan(form: OfferForm, windows: Sequence[Plan], now: datetime) -> Plan:
    """A window in the past is none."""
    span = window_of(form.day.data or "", form.half.data or "")
    if span is None or span.until <= now or span.since - now > timedelta(days=60):
        return windows[0]
    return plan_of(span)


def _excluded(table: Table | None) -> Sequence[Any]:
    if table is None:
        return ()
    return table.excluded if request.args.get("all") else table.excluded[:EXCLUDED_SHOWN]


def _named(table: Table | None, form: OfferForm) -> Any:
    who = form.who
    return table.of(who) if table is not None and who is not None else None


def _acts(status: str) -> tuple[str, Any] | None:
    """What a dispatcher may take back in this status, with its reasons."""
    return {
        Status.OFFERED: ("dispatch.recall", RECALL_REASONS),
        Status.SCHEDULED: ("dispatch.withdraw", WITHDRAW_REASONS),
    }.get(Status(status))  # fmt: skip


@bp.post("/<number>/offer")
@permit(DISPATCH)
def offer(number: str) -> ResponseReturnValue:
    actor, form = current_actor(), OfferForm()
    try:
        with savepoint():
            made = service.offer(actor, number, _order(form))
    except (NotFound, Forbidden):
        raise
    except DomainError as refusal:
        return draw(actor, number, form, refusal)
    toasts.show("done", _("%(number)s 已派给 %(name)s，等接单。", number=number, name=made.assignee_name))
    return redirect(url_for(".pool"), 303)


def _order(form: OfferForm) -> Order:
    who, span = form.who, form.span
    if who is None or span is None:
        raise Invalid(_("请选择人员和上门时间。"))
    return Order(
        form.version.data or 0, who, span, bool(form.call_first.data), form.mode.data or "",
        form.override_reason.data or "",
    )  # fmt: skip


@bp.post("/<number>/recall")
@permit(DISPATCH)
def recall(number: str) -> ResponseReturnValue:
    return _take_back(number, service.recall, _("已撤回，工单回到待派单。"))


@bp.post("/<number>/withdraw")
@permit(DISPATCH)
def withdraw(number: str) -> ResponseReturnValue:
    return _take_back(number, service.withdraw, _("已取消上门，工单回到待派单。"))


def _take_back(number: str, verb: Any, done: str) -> Any:
    actor, form = current_actor(), ReasonForm()
    try:
        with savepoint():
            verb(actor, number, form.version.data or 0, form.reason.data or "")
    except (Invalid, Conflict) as refusal:
        return draw(actor, number, OfferForm(formdata=None), refusal)
    toasts.show("done", done)
    return redirect(url_for(".candidates", number=number), 303)


@bp.post("/<number>/lift")
@permit(DISPATCH)
def lift_exclusion(number: str) -> ResponseReturnValue:
    form = OfferForm()
    if form.who is None:
        raise NotFound()
    service.lift_exclusion(current_actor(), number, form.who)
    toasts.show("done", _("可以再次询问。"))
    return redirect(url_for(".candidates", number=number), 303)
