"""/settings: business numbers and the calendar."""

from __future__ import annotations

from datetime import MINYEAR

from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.core import calendar, clock, numbers
from app.core.errors import Invalid, NotFound
from app.core.policy import Permission, current_actor, permit
from app.settings import queries, service
from app.settings.forms import CalendarForm, NumberForm
from app.ui import toasts

bp = Blueprint("settings", __name__, url_prefix="/settings", template_folder="templates")
READ, MANAGE = Permission.SETTINGS_READ, Permission.SETTINGS_MANAGE


def _tabs(current: str) -> list[dict[str, object]]:
    return [
        {"label": _("业务数值"), "url": url_for("settings.index"), "current": current == "numbers"},
        {"label": _("工作日历"), "url": url_for("settings.calendar_page"), "current": current == "calendar"},
    ]


@bp.get("")
@permit(READ)
def index() -> ResponseReturnValue:
    actor = current_actor()
    return render_template(
        "settings/index.html",
        tabs=_tabs("numbers"),
        groups=queries.number_groups(actor),
        days_left=calendar.days_left(),
        days_warning=calendar.DAYS_WARNING,
        may_manage=actor.may(MANAGE),
    )


@bp.get("/numbers/<key>")
@permit(MANAGE)
def edit_number(key: str) -> ResponseReturnValue:
    return _number_page(key, None)


@bp.post("/numbers/<key>")
@permit(MANAGE)
def change_number(key: str) -> ResponseReturnValue:
    form = NumberForm()
    if form.validate_on_submit():
        try:
            service.change_number(current_actor(), key, form.value.data or "")
            toasts.show("done", _("已保存。"))
            return redirect(url_for("settings.index"), 303)
        except Invalid as error:
            form.take(error)
    return _number_page(key, form, 422)


def _number_page(key: str, form: NumberForm | None, status: int = 200) -> ResponseReturnValue:
    spec = numbers.specs.get(key)
    if spec is None:
        raise NotFound()
    value = numbers.text(key) if spec.unit == "text" else numbers.get(key)
    form = form or NumberForm(formdata=None, data={"value": spec.show(value)})
    page = render_template("settings/number.html", spec=spec, form=form, unit=queries.UNITS[spec.unit])
    return page, status


@bp.get("/calendar")
@permit(READ)
def calendar_page() -> ResponseReturnValue:
    return _calendar_page(CalendarForm(formdata=None))


@bp.post("/calendar")
@permit(MANAGE)
def import_calendar() -> ResponseReturnValue:
    form = CalendarForm()
    if form.validate_on_submit():
        try:
            upload = form.file.data
            data = upload.stream.read(service.FILE_MAX_BYTES + 1)
            done = service.import_calendar(current_actor(), data, upload.filename or "")
            toasts.show("done", _("已导入 %(days)s 天的改动。", days=done.changed))
            return redirect(url_for("settings.calendar_page", year=done.last.year), 303)
        except Invalid as error:
            form.take(error)
    return _calendar_page(form, 422)


def _calendar_page(form: CalendarForm, status: int = 200) -> ResponseReturnValue:
    actor = current_actor()
    years = queries.years(actor)
    asked = request.args.get("year", clock.today().year, type=int)
    year = asked if asked in years else years[0]
    page = render_template(
        "settings/calendar.html",
        tabs=_tabs("calendar"),
        form=form,
        year=year,
        years=years,
        months=queries.months(actor, year),
        loaded_until=queries.loaded_until(actor),
        days_left=calendar.days_left(),
        days_warning=calendar.DAYS_WARNING,
        may_manage=actor.may(MANAGE),
    )
    return page, status


@bp.get("/calendar/<int:year>.csv")
@permit(READ)
def export_calendar(year: int) -> ResponseReturnValue:
    """A loaded year, or a plain week to fill in for the next one."""
    if year not in queries.years(current_actor()) or year <= MINYEAR:
        raise NotFound()
    name = f"attachment; filename=working-days-{year}.csv"
    return Response(calendar.export_csv(year), mimetype="text/csv", headers={"Content-Disposition": name})
