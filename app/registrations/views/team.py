"""The reviewers' page of a lead: how many each may hold, who is away, what each holds now."""

from __future__ import annotations

import uuid

from flask import redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.core import clock, numbers
from app.core.errors import Conflict, DomainError, Invalid
from app.core.policy import Actor, Permission, current_actor, permit
from app.hospitals import provinces
from app.registrations import service
from app.registrations.forms import AbsenceForm, LimitForm
from app.registrations.queries import team as queries
from app.registrations.views import bp
from app.ui import toasts
from app.ui.frame import language

LEAD = Permission.REGISTRATIONS_LEAD


@bp.get("/team")
@permit(LEAD)
def team() -> ResponseReturnValue:
    return _page(current_actor())


@bp.post("/team/<uuid:staff_id>/limit")
@permit(LEAD)
def set_limit(staff_id: uuid.UUID) -> ResponseReturnValue:
    """Empty: the common number counts."""
    actor, form = current_actor(), LimitForm()
    try:
        form.check()
        service.set_limit(actor, staff_id, form.open_cases.data)
    except Invalid as refusal:
        return _page(actor, refusal, staff_id)
    toasts.show("done", _("已保存件数上限。"))
    return redirect(url_for(".team"))


@bp.post("/team/<uuid:staff_id>/absence")
@permit(LEAD)
def set_absence(staff_id: uuid.UUID) -> ResponseReturnValue:
    """What the person holds returns to the queue when the days begin."""
    actor, form = current_actor(), AbsenceForm()
    try:
        form.check()
        service.set_absence(actor, staff_id, form.first_day.data, form.last_day.data)
    except (Invalid, Conflict) as refusal:
        return _page(actor, refusal, staff_id)
    toasts.show("done", _("已登记不在岗；从那天起，手上和转来的件都回到队列。"))
    return redirect(url_for(".team"))


@bp.post("/team/absence/<uuid:absence_id>/cancel")
@permit(LEAD)
def cancel_absence(absence_id: uuid.UUID) -> ResponseReturnValue:
    service.cancel_absence(current_actor(), absence_id)
    toasts.show("done", _("已取消这几天的不在岗。"))
    return redirect(url_for(".team"))


def _page(actor: Actor, refusal: DomainError | None = None, at: uuid.UUID | None = None) -> ResponseReturnValue:
    html = render_template(
        "registrations/team.html",
        members=queries.overview(actor),
        common=numbers.get("open_leases"),
        provinces=dict(provinces.choices(language())),
        limit_form=LimitForm() if refusal is not None else LimitForm(formdata=None),
        absence_form=AbsenceForm() if refusal is not None else AbsenceForm(formdata=None),
        today=clock.today(),
        refusal=refusal,
        at=at,
    )
    return html, refusal.status if refusal is not None else 200
