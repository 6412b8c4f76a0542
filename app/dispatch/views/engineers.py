"""Engineers: list, page, profile, certificates, shifts, absences."""

from __future__ import annotations

import uuid
from typing import Any

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core import clock, worklist
from app.core.errors import Conflict, Forbidden, Invalid
from app.core.policy import Permission, current_actor, permit
from app.core.unit_of_work import savepoint
from app.dealers.lines import LINE_LABELS
from app.dispatch.forms import WEEKDAYS, AbsenceForm, EngineerForm, ShiftForm, SkillForm
from app.dispatch.models import ABSENCE_REASONS, HALF_LABELS, SKILL_LABELS
from app.dispatch.queries import people as queries
from app.dispatch.service import people as service
from app.dispatch.service.tell import window_words
from app.dispatch.views import engineers_bp as bp
from app.dispatch.words import STATE_CHIPS
from app.hospitals.provinces import title
from app.ui import toasts
from app.ui.frame import language, url_or_none

READ, MANAGE = Permission.ENGINEERS_READ, Permission.ENGINEERS_MANAGE


@bp.get("")
@permit(READ)
def index() -> ResponseReturnValue:
    actor = current_actor()
    return render_template(
        "engineers/index.html", page=worklist.page(queries.ENGINEERS, actor, request.args),
        may_manage=actor.may(MANAGE), waiting=queries.without_profile(actor) if actor.may(MANAGE) else [],
        import_url=url_or_none("people.ask_engineers"),
    )  # fmt: skip


@bp.get("/<uuid:engineer_id>")
@permit(READ)
def detail(engineer_id: uuid.UUID) -> ResponseReturnValue:
    return _page(engineer_id)


def _page(engineer_id: uuid.UUID, absence: AbsenceForm | None = None) -> Any:
    actor = current_actor()
    found = queries.find(actor, engineer_id)
    page = render_template(
        "engineers/detail.html", found=found, row=found.row, account=found.account, today=clock.today(),
        now=clock.now(), skills=SKILL_LABELS, reasons=ABSENCE_REASONS, weekdays=WEEKDAYS, halves=HALF_LABELS,
        provinces=[title(code, language()) for code in found.row.provinces],
        lines=[LINE_LABELS[key] for key in found.row.product_lines], may_manage=actor.may(MANAGE),
        absence_form=absence or AbsenceForm(formdata=None), words=window_words, chips=STATE_CHIPS,
        may_dispatch=actor.may(Permission.TICKETS_DISPATCH),
    )  # fmt: skip
    return page, 422 if absence else 200


@bp.get("/new/<uuid:staff_id>")
@permit(MANAGE)
def new(staff_id: uuid.UUID) -> ResponseReturnValue:
    account = queries.account_without_profile(current_actor(), staff_id)
    return _form(EngineerForm(formdata=None), account.name, url_for(".create", staff_id=staff_id))


@bp.post("/new/<uuid:staff_id>")
@permit(MANAGE)
def create(staff_id: uuid.UUID) -> ResponseReturnValue:
    actor, form = current_actor(), EngineerForm()
    account = queries.account_without_profile(actor, staff_id)
    if form.validate_on_submit():
        try:
            with savepoint():
                service.keep(actor, staff_id, form.values())
            toasts.show("done", _("已建立资料。登记证书后可以派工。"))
            return redirect(url_for(".detail", engineer_id=staff_id), 303)
        except (Invalid, Forbidden) as error:
            form.take(error if isinstance(error, Invalid) else Invalid(error.message))
    return _form(form, account.name, url_for(".create", staff_id=staff_id), 422)


@bp.get("/<uuid:engineer_id>/edit")
@permit(MANAGE)
def edit(engineer_id: uuid.UUID) -> ResponseReturnValue:
    found = queries.find(current_actor(), engineer_id)
    form = EngineerForm.of(found.row)
    form.suggest(request.args)
    return _form(form, found.account.name, url_for(".update", engineer_id=engineer_id))


@bp.post("/<uuid:engineer_id>/edit")
@permit(MANAGE)
def update(engineer_id: uuid.UUID) -> ResponseReturnValue:
    actor, form, status = current_actor(), EngineerForm(), 422
    found = queries.find(actor, engineer_id)
    if form.validate_on_submit():
        try:
            with savepoint():
                service.keep(actor, engineer_id, form.values(), form.version.data or 0)
            toasts.show("done", _("已保存。"))
            return redirect(url_for(".detail", engineer_id=engineer_id), 303)
        except (Invalid, Conflict, Forbidden) as error:
            form.take(error if isinstance(error, Invalid) else Invalid(error.message))
            status = error.status
    return _form(form, found.account.name, url_for(".update", engineer_id=engineer_id), status)


def _form(form: EngineerForm, name: str, action: str, status: int = 200) -> Any:
    return render_template("engineers/form.html", form=form, name=name, action=action), status


@bp.get("/<uuid:engineer_id>/skills/new")
@permit(MANAGE)
def new_skill(engineer_id: uuid.UUID) -> ResponseReturnValue:
    form = SkillForm(formdata=None)
    form.suggest(request.args, clock.today())
    return _small("skill", engineer_id, form)


@bp.post("/<uuid:engineer_id>/skills/new")
@permit(MANAGE)
def add_skill(engineer_id: uuid.UUID) -> ResponseReturnValue:
    form = SkillForm()
    if form.validate_on_submit():
        try:
            days = (form.valid_from.data, form.valid_until.data)
            service.add_skill(current_actor(), engineer_id, form.skill.data or "", form.certificate.data or "", *days)
            toasts.show("done", _("已登记证书。"))
            return redirect(url_for(".detail", engineer_id=engineer_id), 303)
        except Invalid as error:
            form.take(error)
    return _small("skill", engineer_id, form, 422)


@bp.post("/<uuid:engineer_id>/skills/<uuid:skill_id>/end")
@permit(MANAGE)
def end_skill(engineer_id: uuid.UUID, skill_id: uuid.UUID) -> ResponseReturnValue:
    service.end_skill(current_actor(), engineer_id, skill_id)
    toasts.show("done", _("证书从今天起不再有效。"))
    return redirect(url_for(".detail", engineer_id=engineer_id), 303)


@bp.get("/<uuid:engineer_id>/shifts")
@permit(MANAGE)
def shifts(engineer_id: uuid.UUID) -> ResponseReturnValue:
    found = queries.find(current_actor(), engineer_id)
    form = ShiftForm(formdata=None, data={"halves": [f"{day}-{half}" for day, half in found.shifts]})
    return _small("shifts", engineer_id, form)


@bp.post("/<uuid:engineer_id>/shifts")
@permit(MANAGE)
def set_shifts(engineer_id: uuid.UUID) -> ResponseReturnValue:
    form = ShiftForm()
    if form.validate_on_submit():
        try:
            service.set_shifts(current_actor(), engineer_id, form.chosen())
            toasts.show("done", _("已保存。"))
            return redirect(url_for(".detail", engineer_id=engineer_id), 303)
        except Invalid as error:
            form.take(error)
    return _small("shifts", engineer_id, form, 422)


def _small(kind: str, engineer_id: uuid.UUID, form: Any, status: int = 200) -> Any:
    found = queries.find(current_actor(), engineer_id)
    heading = {"skill": _l("登记证书"), "shifts": _l("调整班次")}[kind]
    page = render_template(
        "engineers/small.html", kind=kind, form=form, account=found.account, engineer_id=engineer_id, heading=heading
    )
    return page, status


@bp.post("/<uuid:engineer_id>/absences")
@permit(MANAGE)
def add_absence(engineer_id: uuid.UUID) -> ResponseReturnValue:
    form = AbsenceForm()
    if form.validate_on_submit():
        try:
            days = (form.first.data, form.last.data)
            service.add_absence(current_actor(), engineer_id, *days, form.reason.data or "")
            toasts.show("done", _("已登记缺勤。已排的上门不会自动取消，请查看。"))
            return redirect(url_for(".detail", engineer_id=engineer_id), 303)
        except Invalid as error:
            form.take(error)
    return _page(engineer_id, form)


@bp.post("/<uuid:engineer_id>/absences/<uuid:absence_id>/end")
@permit(MANAGE)
def end_absence(engineer_id: uuid.UUID, absence_id: uuid.UUID) -> ResponseReturnValue:
    service.end_absence(current_actor(), engineer_id, absence_id)
    toasts.show("done", _("已结束缺勤。"))
    return redirect(url_for(".detail", engineer_id=engineer_id), 303)
