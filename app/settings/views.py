"""/settings: business numbers and the calendar."""

from __future__ import annotations

from datetime import MINYEAR

from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.core import calendar, clock, numbers
from app.core.errors import Conflict, Invalid, NotFound
from app.core.policy import Permission, current_actor, permit
from app.settings import queries, service
from app.settings.forms import CalendarForm, NumberForm
from app.ui import toasts
from app.ui.moves import moves_file, summary

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
    """A dry run: the file is checked and kept as a draft, to be looked at before anything counts by it."""
    form = CalendarForm()
    if form.validate_on_submit():
        try:
            upload = form.file.data
            data = upload.stream.read(service.FILE_MAX_BYTES + 1)
            service.draft_calendar(current_actor(), data, upload.filename or "")
            return redirect(url_for("settings.calendar_draft"), 303)
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
        draft=calendar.current_draft(),
        versions=calendar.versions(),
    )
    return page, status


@bp.get("/calendar/draft")
@permit(MANAGE)
def calendar_draft() -> ResponseReturnValue:
    """What the draft changes, and every deadline of open work that it would move."""
    return _draft_page()


@bp.post("/calendar/draft/publish")
@permit(MANAGE)
def publish_calendar() -> ResponseReturnValue:
    follow = request.form.get("follow") == "yes"
    try:
        done = service.publish_calendar(current_actor(), request.form.get("edition", ""), promises_follow=follow)
    except Conflict as refusal:
        return _draft_page(refusal.message, 409)
    toasts.show("done", _("已发布 %(days)s 天的改动。", days=done.changed))
    return redirect(url_for("settings.calendar_page", year=done.last.year), 303)


@bp.post("/calendar/draft/drop")
@permit(MANAGE)
def drop_calendar() -> ResponseReturnValue:
    service.drop_calendar(current_actor())
    toasts.show("done", _("草稿已放弃，日历没有变。"))
    return redirect(url_for("settings.calendar_page"), 303)


@bp.get("/calendar/draft/export")
@permit(MANAGE, evidence=True)
def calendar_moves() -> ResponseReturnValue:
    """The whole preview of moved deadlines as a file."""
    found = calendar.current_draft()
    if found is None:
        raise NotFound()
    return moves_file("calendar", queries.moved(current_actor(), found), request.args.get("format", "csv"))


def _draft_page(refusal: object = None, status: int = 200) -> ResponseReturnValue:
    actor, found = current_actor(), calendar.current_draft()
    context = {}
    if found is not None:
        context = {"changes": calendar.differing(found.days), "moves": summary(queries.moved(actor, found))}
    page = render_template("settings/calendar_draft.html", draft=found, refusal=refusal, **context)
    return page, status


@bp.get("/calendar/<int:year>.csv")
@permit(READ)
def export_calendar(year: int) -> ResponseReturnValue:
    """A loaded year, or a plain week to fill in for the next one."""
    if year not in queries.years(current_actor()) or year <= MINYEAR:
        raise NotFound()
    name = f"attachment; filename=working-days-{year}.csv"
    return Response(calendar.export_csv(year), mimetype="text/csv", headers={"Content-Disposition": name})
