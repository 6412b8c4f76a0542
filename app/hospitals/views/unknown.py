"""The queue of typed names: look, map to a candidate, create, or refuse."""

from __future__ import annotations

import uuid

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.core import worklist
from app.core.errors import Invalid
from app.core.policy import Permission, current_actor, permit
from app.core.search import QUERY_MAX_CHARS, normalise
from app.hospitals import queries, service, worklists
from app.hospitals.forms import DepartmentForm, EmptyForm, HospitalForm, TargetForm
from app.hospitals.models import UnknownKind, UnknownName
from app.hospitals.views import bp
from app.ui import toasts
from app.ui.forms import PortalForm

MANAGE = Permission.HOSPITALS_MANAGE


@bp.get("/unknown")
@permit(MANAGE)
def unknown_index() -> ResponseReturnValue:
    page = worklist.page(worklists.unknown_names, current_actor(), request.args)
    return render_template("ui/worklist.html", page=page)


@bp.get("/unknown/<uuid:unknown_id>")
@permit(MANAGE)
def unknown_detail(unknown_id: uuid.UUID) -> ResponseReturnValue:
    return _page(queries.unknown(current_actor(), unknown_id))


def _page(row: UnknownName, form: PortalForm | None = None, status: int = 200) -> ResponseReturnValue:
    """The name with its candidates; ``q`` looks for others by name."""
    is_hospital = row.kind == UnknownKind.HOSPITAL.value
    place = None if is_hospital else queries.place_of(row)
    q = normalise(request.args.get("q", ""))[:QUERY_MAX_CHARS]
    hospitals = (queries.search(q) if q else queries.candidates(row)) if is_hospital else []
    if form is None:
        form = HospitalForm(formdata=None, data={"name": row.text}) if is_hospital else _department_form(row)
    return (
        render_template(
            "hospitals/unknown.html",
            row=row,
            chip=worklists.CHIPS[row.state],
            kind=worklists.KINDS[row.kind],
            q=q,
            place=place,
            hospitals=hospitals,
            departments=queries.departments(place.id) if place else [],
            form=form,
        ),
        status,
    )


def _department_form(row: UnknownName) -> DepartmentForm:
    return DepartmentForm(formdata=None, data={"name": row.text})


@bp.post("/unknown/<uuid:unknown_id>/map")
@permit(MANAGE)
def map_unknown(unknown_id: uuid.UUID) -> ResponseReturnValue:
    """Map to the chosen hospital or department."""
    row = queries.unknown(current_actor(), unknown_id)
    form = TargetForm()
    if not form.validate_on_submit():
        return _page(row, status=422)
    verb = service.map_to_hospital if row.kind == UnknownKind.HOSPITAL.value else service.map_to_department
    verb(current_actor(), unknown_id, uuid.UUID(form.target_id.data))
    return _next(_("已对应。"))


@bp.post("/unknown/<uuid:unknown_id>/create")
@permit(MANAGE)
def create_from_unknown(unknown_id: uuid.UUID) -> ResponseReturnValue:
    """Create the record and map to it."""
    actor, row = current_actor(), queries.unknown(current_actor(), unknown_id)
    form = HospitalForm() if row.kind == UnknownKind.HOSPITAL.value else DepartmentForm()
    if form.validate_on_submit():
        try:
            if isinstance(form, HospitalForm):
                service.map_to_new_hospital(actor, unknown_id, form.values())
            else:
                service.map_to_new_department(actor, unknown_id, form.name.data or "")
            return _next(_("已新建并对应。"))
        except Invalid as error:
            form.take(error)
    return _page(row, form, 422)


@bp.post("/unknown/<uuid:unknown_id>/refuse")
@permit(MANAGE)
def refuse_unknown(unknown_id: uuid.UUID) -> ResponseReturnValue:
    if EmptyForm().validate_on_submit():
        service.refuse_unknown(current_actor(), unknown_id)
    return _next(_("已标为不予对应。"))


def _next(message: str) -> ResponseReturnValue:
    toasts.show("done", message)
    return redirect(url_for("hospitals.unknown_index"), 303)
