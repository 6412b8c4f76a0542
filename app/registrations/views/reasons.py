"""The catalogue of reasons: list with versions and order, a new version, retirement."""

from __future__ import annotations

from flask import redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.core.errors import Conflict, DomainError, Invalid, NotFound
from app.core.policy import Permission, current_actor, permit
from app.registrations import reasons as catalogue
from app.registrations.forms import KIND_LABELS, SECTION_LABELS, ReasonForm
from app.registrations.models import ReviewReason
from app.registrations.service import catalogue as keeping
from app.registrations.views import bp
from app.ui import toasts

READ, MANAGE = Permission.REGISTRATIONS_READ, Permission.REASONS_MANAGE


@bp.get("/reasons")
@permit(READ)
def reasons() -> ResponseReturnValue:
    """Every reviewer may read what each reason says to the applicant; leads edit."""
    found = catalogue.versions()
    used = [versions for versions in found.values() if versions[0].active]
    return render_template(
        "registrations/catalogue.html",
        sections=[(label, [v for v in used if v[0].section == key]) for key, label in SECTION_LABELS.items()],
        retired=[versions for versions in found.values() if not versions[0].active],
        may_edit=current_actor().may(MANAGE),
        staff_words=catalogue.staff_words,
        kinds=KIND_LABELS,
    )


@bp.get("/reasons/new")
@permit(MANAGE)
def new_reason() -> ResponseReturnValue:
    return _page(ReasonForm(formdata=None), [])


@bp.post("/reasons/new")
@permit(MANAGE)
def create_reason() -> ResponseReturnValue:
    form = ReasonForm()
    try:
        form.check()
        keeping.create(current_actor(), form.code.data or "", form.words())
    except (Invalid, Conflict) as refusal:
        return _page(form, [], refusal)
    toasts.show("done", _("已加入原因。"))
    return redirect(url_for(".reasons"))


@bp.get("/reasons/<code>")
@permit(MANAGE)
def edit_reason(code: str) -> ResponseReturnValue:
    found = _versions(code)
    return _page(ReasonForm(formdata=None, obj=found[0]), found)


@bp.post("/reasons/<code>")
@permit(MANAGE)
def revise_reason(code: str) -> ResponseReturnValue:
    """A new version; what was decided with an older one keeps it."""
    form = ReasonForm()
    try:
        form.check()
        keeping.revise(current_actor(), code, form.words(), seen_version=int(form.version.data or 0))
    except (Invalid, Conflict) as refusal:
        return _page(form, _versions(code), refusal)
    toasts.show("done", _("已保存为新版本。"))
    return redirect(url_for(".reasons"))


@bp.post("/reasons/<code>/retire")
@permit(MANAGE)
def retire_reason(code: str) -> ResponseReturnValue:
    try:
        keeping.retire(current_actor(), code)
    except Conflict as refusal:
        found = _versions(code)
        return _page(ReasonForm(formdata=None, obj=found[0]), found, refusal)
    toasts.show("done", _("已停用。已作的决定仍显示它。"))
    return redirect(url_for(".reasons"))


@bp.post("/reasons/<code>/<any(up, down):way>")
@permit(MANAGE)
def move_reason(code: str, way: str) -> ResponseReturnValue:
    keeping.move(current_actor(), code, up=way == "up")
    return redirect(url_for(".reasons", _anchor=code))


def _versions(code: str) -> list[ReviewReason]:
    found = catalogue.versions().get(code)
    if not found:
        raise NotFound()
    return found


def _page(form: ReasonForm, found: list[ReviewReason], refusal: DomainError | None = None) -> ResponseReturnValue:
    if isinstance(refusal, Invalid) and not form.errors:  # the form's own complaints stand at its fields already
        form.take(refusal)
    html = render_template("registrations/reason.html", form=form, versions=found, refusal=refusal, kinds=KIND_LABELS)
    return html, refusal.status if refusal is not None else 200
