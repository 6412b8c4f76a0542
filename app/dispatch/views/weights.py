"""`/dispatch/weights`: the weights in force, what others would have done to past choices, the review of a change."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.core import clock
from app.core.errors import Conflict, DomainError, Forbidden, Invalid
from app.core.policy import Permission, current_actor, permit
from app.core.unit_of_work import savepoint
from app.dispatch.eligibility.score import PART_LABELS
from app.dispatch.forms import WeightsForm
from app.dispatch.queries import replay
from app.dispatch.service import weights as service
from app.dispatch.views import bp
from app.dispatch.words import OVERRIDE_REASONS
from app.ui import toasts

DISPATCH = Permission.TICKETS_DISPATCH


@bp.get("/weights")
@permit(DISPATCH)
def weights() -> ResponseReturnValue:
    form = WeightsForm(formdata=request.args)
    refusal = None
    if request.args.get("try"):
        try:
            service.checked(form.points())
        except Invalid as error:
            refusal = error
    return _draw(form, refusal, trying=bool(request.args.get("try")))


@bp.post("/weights")
@permit(DISPATCH)
def propose_weights() -> ResponseReturnValue:
    form = WeightsForm()
    try:
        with savepoint():
            made = service.propose(current_actor(), form.points(), form.note.data or "")
    except (Invalid, Conflict) as refusal:
        return _draw(form, refusal, trying=True)
    toasts.show("done", _("第 %(n)s 版权重已提出，等另一位发布。", n=made.version))
    return redirect(url_for(".weights"), 303)


@bp.post("/weights/<int:version>/publish")
@permit(DISPATCH)
def publish_weights(version: int) -> ResponseReturnValue:
    try:
        with savepoint():
            service.publish(current_actor(), version)
    except Forbidden as refusal:
        return _draw(WeightsForm(formdata=None), refusal)
    toasts.show("done", _("第 %(n)s 版权重已生效。", n=version))
    return redirect(url_for(".weights"), 303)


@bp.post("/weights/<int:version>/drop")
@permit(DISPATCH)
def drop_weights(version: int) -> ResponseReturnValue:
    service.drop(current_actor(), version)
    toasts.show("done", _("已收回，权重没有改动。"))
    return redirect(url_for(".weights"), 303)


def _draw(form: WeightsForm, refusal: DomainError | None = None, *, trying: bool = False) -> Any:
    """The page; ``trying``: with what the typed weights would have done."""
    actor, current, waiting = current_actor(), replay.in_force(), replay.waiting()
    if not trying:
        form.show(current.content)
    days = form.span
    past = replay.history(clock.now() - timedelta(days=days))
    fits = trying and (refusal is None or refusal.code not in ("weights_sum", "invalid"))
    page = render_template(
        "dispatch/weights.html", current=current, waiting=waiting, form=form, refusal=refusal, days=days,
        labels=PART_LABELS, past=past, reasons=replay.reasons(past.choices), words=OVERRIDE_REASONS,
        before=replay.replay(past.choices, current.content), versions=replay.versions(),
        tried=replay.replay(past.choices, form.whole()) if fits else None,
        proposed=replay.replay(past.choices, waiting.content) if waiting else None,
        own=waiting is not None and waiting.created_by == actor.id, leads=actor.may(service.LEAD),
    )  # fmt: skip
    return page, refusal.status if refusal is not None else 200
