"""/tickets/<number>/clocks: how each deadline was counted, and the pauses that staff set."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import DateTimeLocalField, RadioField, TextAreaField
from wtforms.validators import InputRequired, Length

from app.core.clock import SHANGHAI
from app.core.errors import Conflict, Invalid
from app.core.policy import Permission, current_actor, permit
from app.tickets.queries import receipt as receipts
from app.tickets.service import pauses
from app.tickets.sla.metrics import METRIC_LABELS, PAUSE_REASONS, PauseReason
from app.ui import toasts
from app.ui.forms import PortalForm

bp = Blueprint("promises", __name__, url_prefix="/tickets", template_folder="../templates")
READ, TRIAGE = Permission.TICKETS_READ, Permission.TICKETS_TRIAGE
WHY = {key: reason.label for key, reason in PAUSE_REASONS.items()} | {"stopped": _l("时钟已停")}


class PauseForm(PortalForm):
    """Which clocks a reason stops and for how long at most stands beside it."""

    reason = RadioField(_l("原因"), validate_choice=False, validators=[InputRequired(_l("请选择一个原因。"))])
    until = DateTimeLocalField(
        _l("最迟到"), [InputRequired(_l("暂停必须有结束时间。"))], description=_l("北京时间；可以提前结束。")
    )
    note = TextAreaField(
        _l("依据"),
        [InputRequired(_l("请写明依据，例如谁在什么时候提出。")), Length(max=pauses.NOTE_MAX_CHARS)],
        description=_l("同事在时限凭据上看到，用户看不到。"),
    )

    def offer(self, reasons: Mapping[str, PauseReason]) -> None:
        self.reason.choices = [(key, _choice(reason)) for key, reason in reasons.items()]


def _choice(reason: PauseReason) -> str:
    stops = [str(METRIC_LABELS[m]) for m in METRIC_LABELS if m in reason.stops]
    return _(
        "%(reason)s（停：%(clocks)s；最多 %(hours)s 个工作小时）",
        reason=reason.label, clocks=_("、").join(stops), hours=reason.most_hours,
    )  # fmt: skip


@bp.get("/<number>/clocks")
@permit(READ)
def receipt(number: str) -> ResponseReturnValue:
    """As a page, and inside the sheet over the ticket's page."""
    return _draw(number, PauseForm(formdata=None))


@bp.post("/<number>/clocks/pause")
@permit(TRIAGE)
def pause(number: str) -> ResponseReturnValue:
    actor, form = current_actor(), PauseForm()
    row = receipts.find(actor, number)
    if not form.validate_on_submit() or form.until.data is None:
        return _draw(number, form, 422)
    try:
        until = form.until.data.replace(tzinfo=SHANGHAI)
        pauses.pause(actor, row.id, form.reason.data or "", until, form.note.data or "")
    except Invalid as refusal:
        form.take(refusal)
        return _draw(number, form, 422)
    except Conflict as refusal:
        form.form_errors.append(str(refusal.message))
        return _draw(number, form, 409)
    toasts.show("done", _("时钟已暂停，最迟到 %(until)s。", until=form.until.data.strftime("%Y-%m-%d %H:%M")))
    return redirect(url_for(".receipt", number=number), 303)


@bp.post("/<number>/clocks/resume")
@permit(TRIAGE)
def resume(number: str) -> ResponseReturnValue:
    actor = current_actor()
    row = receipts.find(actor, number)
    try:
        pauses.end(actor, row.id, request.form.get("pause", ""))
    except Conflict as refusal:
        form = PauseForm(formdata=None)
        form.form_errors.append(str(refusal.message))
        return _draw(number, form, 409)
    toasts.show("done", _("暂停已提前结束。"))
    return redirect(url_for(".receipt", number=number), 303)


def _draw(number: str, form: PauseForm, status: int = 200) -> tuple[str, int]:
    actor = current_actor()
    row = receipts.find(actor, number)
    inside = request.headers.get("HX-Request") == "true"
    form.offer(pauses.reasons(row))
    page = render_template(
        "tickets/clocks_sheet.html" if inside else "tickets/clocks.html",
        found=receipts.of(row), row=row, form=form, metrics=METRIC_LABELS, why=WHY,
        may_pause=pauses.may_pause(actor, row) and not inside, by_staff=pauses.BY_STAFF,
    )  # fmt: skip
    return page, status
