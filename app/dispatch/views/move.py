"""移动到…: put a ticket into a half day of somebody, by a form that works without scripts, or by a drop on the board.

A drop is the same POST with what the drop says; what it leaves out (a reason, who told the customer, why not the best
one) is asked for by the form it answers with, and nothing that was chosen is lost.
"""

from __future__ import annotations

from typing import Any

from flask import redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.core import clock
from app.core.errors import DomainError, Forbidden, Invalid, NotFound
from app.core.policy import Actor, Permission, current_actor, permit
from app.core.unit_of_work import savepoint
from app.core.web import fragment_requested
from app.dispatch import service
from app.dispatch.eligibility import half_plans
from app.dispatch.forms import MoveForm
from app.dispatch.service import Placement
from app.dispatch.service.pool import AHEAD
from app.dispatch.service.tell import window_words
from app.dispatch.views import bp
from app.dispatch.views.candidates import order_of
from app.dispatch.views.look import back_to_board, look_at, words_for
from app.dispatch.words import MOVE_REASONS, TOLD_BY, WITHDRAW_REASONS
from app.ui import toasts

DISPATCH = Permission.TICKETS_DISPATCH
HALVES = 20  # half days to choose from


@bp.get("/<number>/move")
@permit(DISPATCH)
def move_form(number: str) -> ResponseReturnValue:
    return _draw(current_actor(), number, MoveForm(formdata=request.args))


@bp.post("/<number>/move")
@permit(DISPATCH)
def move(number: str) -> ResponseReturnValue:
    actor, form = current_actor(), MoveForm()
    try:
        with savepoint():
            wanted = Placement(order_of(form), form.reason.data or "", form.told_by.data or "")
            made = service.place(actor, number, wanted)
    except (NotFound, Forbidden):
        raise
    except DomainError as refusal:
        return _draw(actor, number, form, refusal)
    words = window_words(made.window_from, made.window_until)
    toasts.show("done", _("%(number)s：%(name)s，%(when)s。", number=number, name=made.assignee_name, when=words))
    return redirect(back_to_board(), 303)


def _draw(actor: Actor, number: str, form: MoveForm, refusal: DomainError | None = None) -> Any:
    """The form with whoever can go in the chosen half day on top, the others with what stands in the way."""
    day, _slash, half = (form.when.data or "").partition("/")
    if day:
        form.day.data, form.half.data = day, half
    seen = look_at(actor, number, form, held=True)
    if seen.table is None:
        raise refusal or Invalid(_("这张工单现在不在派工中，不能移动。"), code="not_movable")
    held = seen.held
    page = render_template(
        "dispatch/move.html", layout="ui/sheet.html" if fragment_requested() else "ui/base.html", job=seen.job,
        table=seen.table, plan=seen.plan, held=held, form=form, refusal=refusal, words=window_words,
        plans=half_plans(clock.now() + AHEAD, HALVES), chosen=form.who or (held.assignee_id if held else None),
        move_reasons=MOVE_REASONS, withdraw_reasons=WITHDRAW_REASONS,
        told=TOLD_BY, back=request.values.get("back", "")[:200], **words_for(seen.job),
    )  # fmt: skip
    return page, refusal.status if refusal is not None else 200
