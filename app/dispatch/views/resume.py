"""The parts of a repair on the spot are here: dispatch agrees on the next visit (row 19), or lets whoever goes call."""

from __future__ import annotations

from typing import Any

from flask import redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, IntegerField, RadioField, StringField
from wtforms.validators import Optional
from wtforms.widgets import HiddenInput

from app.core import clock
from app.core.errors import DomainError, Forbidden, Invalid, NotFound
from app.core.policy import Permission, current_actor, permit
from app.core.unit_of_work import savepoint
from app.dispatch.eligibility import load
from app.dispatch.forms import window_of
from app.dispatch.models import HALF_LABELS
from app.dispatch.service.resume import resume as resume_visit
from app.dispatch.views.visiting import visits_bp as bp
from app.tickets.service.field_parts import open_lines
from app.ui import toasts
from app.ui.forms import PortalForm

DISPATCH = Permission.TICKETS_DISPATCH


class ResumeForm(PortalForm):
    """A half day, or a call first."""

    version = IntegerField(widget=HiddenInput(), validators=[Optional()])
    day = StringField(_l("日期"))
    half = RadioField(_l("半天"), choices=list(HALF_LABELS.items()), validate_choice=False, validators=[Optional()])
    call_first = BooleanField(_l("先由承接人电话约定"))


@bp.get("/<number>/resume")
@permit(DISPATCH)
def ask(number: str) -> ResponseReturnValue:
    form = ResumeForm(formdata=None)
    return _page(number, form)


@bp.post("/<number>/resume")
@permit(DISPATCH)
def resume(number: str) -> ResponseReturnValue:
    actor, form = current_actor(), ResumeForm()
    span = window_of(form.day.data or "", form.half.data or "")
    try:
        with savepoint():
            resume_visit(actor, number, form.version.data or 0, span, call_first=bool(form.call_first.data))
    except (NotFound, Forbidden):
        raise
    except DomainError as refusal:
        return _page(number, form, refusal), refusal.status
    toasts.show("done", _("%(number)s：备件已到，已约下次上门。", number=number))
    return redirect(url_for("tickets.page", number=number), 303)


def _page(number: str, form: ResumeForm, refusal: DomainError | None = None) -> Any:
    job = load.job(current_actor(), number).job
    if refusal is None:
        form.version.data = job.version
    if isinstance(refusal, Invalid):
        form.take(refusal)
    return render_template(
        "dispatch/resume.html", job=job, form=form, refusal=refusal, lines=open_lines(job.ticket_id),
        today=clock.today(),
    )  # fmt: skip
