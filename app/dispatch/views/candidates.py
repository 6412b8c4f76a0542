"""The pool, and one ticket's candidates: who can go, with the score's parts; why not the others; one press offers.

Works without scripts: the window is chosen by links and a form, every offer is a form of its own. A refusal answers
with the same page, the latest facts and all that was chosen.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.core import clock, worklist
from app.core.errors import Conflict, DomainError, Forbidden, Invalid, NotFound
from app.core.policy import Actor, Permission, current_actor, permit
from app.core.unit_of_work import savepoint
from app.dispatch import service
from app.dispatch.eligibility import Table
from app.dispatch.forms import OfferForm, ReasonForm
from app.dispatch.queries.pool import POOL
from app.dispatch.queries.told import told
from app.dispatch.service import Order
from app.dispatch.service.tell import window_words
from app.dispatch.views import bp
from app.dispatch.views.look import back_to_board, look_at, words_for
from app.dispatch.words import RECALL_REASONS, WITHDRAW_REASONS
from app.tickets.triage import MODE_LABELS
from app.tickets.workflow import Status
from app.ui import toasts

DISPATCH = Permission.TICKETS_DISPATCH
EXCLUDED_SHOWN = 12


@bp.get("/list")
@permit(DISPATCH)
def pool() -> ResponseReturnValue:
    """What waits, is offered and is planned as lists: for a phone, for filters and for acts on many."""
    return render_template("dispatch/pool.html", page=worklist.page(POOL, current_actor(), request.args))


@bp.get("/<number>/candidates")
@permit(DISPATCH)
def candidates(number: str) -> ResponseReturnValue:
    return draw(current_actor(), number, OfferForm(formdata=request.args))


def draw(actor: Actor, number: str, form: OfferForm, refusal: DomainError | None = None) -> Any:
    """The page for the window that ``form`` names, else for the first half day that can still be reached."""
    seen = look_at(actor, number, form)
    job, table = seen.job, seen.table
    page = render_template(
        "dispatch/candidates.html", job=job, table=table, plan=seen.plan, windows=seen.windows, mode=seen.mode,
        form=form, now=clock.now(), refusal=refusal, modes=MODE_LABELS, words=window_words, **words_for(job),
        held=seen.held, told=told(actor, [seen.held] if seen.held else []), acts=acts_in(job.status),
        chosen=_named(table, form),
        excluded=_excluded(table), may=actor.may, whole=bool(request.args.get("all")),
    )  # fmt: skip
    return page, refusal.status if refusal is not None else 200


def _excluded(table: Table | None) -> Sequence[Any]:
    if table is None:
        return ()
    return table.excluded if request.args.get("all") else table.excluded[:EXCLUDED_SHOWN]


def _named(table: Table | None, form: OfferForm) -> Any:
    who = form.who
    return table.of(who) if table is not None and who is not None else None


def acts_in(status: str) -> tuple[str, Any] | None:
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
            made = service.offer(actor, number, order_of(form))
    except (NotFound, Forbidden):
        raise
    except DomainError as refusal:
        return draw(actor, number, form, refusal)
    toasts.show("done", _("%(number)s 已派给 %(name)s，等接单。", number=number, name=made.assignee_name))
    return redirect(back_to_board(), 303)


def order_of(form: OfferForm) -> Order:
    """What the form asks for. Raises Invalid where it names nobody, or no half day."""
    who, span = form.who, form.span
    if who is None or span is None:
        raise Invalid(_("请选择人员和上门时间。"))
    return Order(
        form.version.data or 0, who, span, bool(form.call_first.data), form.mode.data or "",
        form.override_reason.data or "", form.override_note.data or "",
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
