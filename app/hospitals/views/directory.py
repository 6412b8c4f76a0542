"""List, page, create, edit, end and merge hospitals; their departments."""

from __future__ import annotations

import uuid

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core import worklist
from app.core.errors import Invalid
from app.core.policy import Permission, current_actor, permit
from app.hospitals import queries, service, worklists
from app.hospitals.forms import ActiveForm, DepartmentForm, HospitalForm, MergeForm
from app.hospitals.models import Hospital
from app.hospitals.provinces import title
from app.hospitals.views import bp
from app.ui import toasts
from app.ui.frame import language

READ, MANAGE = Permission.HOSPITALS_READ, Permission.HOSPITALS_MANAGE


@bp.get("")
@permit(READ)
def index() -> ResponseReturnValue:
    page = worklist.page(worklists.hospitals, current_actor(), request.args)
    return render_template("hospitals/index.html", page=page, may_manage=current_actor().may(MANAGE))


@bp.get("/<uuid:hospital_id>")
@permit(READ)
def detail(hospital_id: uuid.UUID) -> ResponseReturnValue:
    return _page(queries.get(current_actor(), hospital_id))


def _page(
    row: Hospital, *, department: DepartmentForm | None = None, merge: MergeForm | None = None, status: int = 200
) -> ResponseReturnValue:
    """The hospital's page, with a form that has to be corrected where there is one."""
    return (
        render_template(
            "hospitals/detail.html",
            row=row,
            province=title(row.province, language()),
            merged=queries.live(row.merged_into) if row.merged_into else None,
            departments=queries.departments(row.id, active_only=False),
            may_manage=current_actor().may(MANAGE) and row.merged_into is None,
            department_form=department or DepartmentForm(formdata=None, prefix="department"),
            merge_form=merge or MergeForm(formdata=None, prefix="merge"),
        ),
        status,
    )


@bp.get("/new")
@permit(MANAGE)
def new() -> ResponseReturnValue:
    return _form(HospitalForm(formdata=None), url_for("hospitals.create"), _l("新建医院"))


@bp.post("/new")
@permit(MANAGE)
def create() -> ResponseReturnValue:
    form = HospitalForm()
    if form.validate_on_submit():
        try:
            row = service.create_hospital(current_actor(), form.values())
            toasts.show("done", _("已新建医院。"))
            return redirect(url_for("hospitals.detail", hospital_id=row.id), 303)
        except Invalid as error:
            form.take(error)
    return _form(form, url_for("hospitals.create"), _l("新建医院"), 422)


@bp.get("/<uuid:hospital_id>/edit")
@permit(MANAGE)
def edit(hospital_id: uuid.UUID) -> ResponseReturnValue:
    row = queries.get(current_actor(), hospital_id, MANAGE)
    return _form(HospitalForm.of(row), url_for("hospitals.update", hospital_id=row.id), _l("修改医院"), row=row)


@bp.post("/<uuid:hospital_id>/edit")
@permit(MANAGE)
def update(hospital_id: uuid.UUID) -> ResponseReturnValue:
    row = queries.get(current_actor(), hospital_id, MANAGE)
    form = HospitalForm()
    if form.validate_on_submit():
        try:
            service.update_hospital(current_actor(), hospital_id, form.values())
            toasts.show("done", _("已保存。"))
            return redirect(url_for("hospitals.detail", hospital_id=hospital_id), 303)
        except Invalid as error:
            form.take(error)
    return _form(form, url_for("hospitals.update", hospital_id=hospital_id), _l("修改医院"), 422, row=row)


def _form(
    form: HospitalForm, action: str, heading: object, status: int = 200, row: Hospital | None = None
) -> ResponseReturnValue:
    return render_template("hospitals/form.html", form=form, action=action, heading=heading, row=row), status


@bp.post("/<uuid:hospital_id>/active")
@permit(MANAGE)
def set_active(hospital_id: uuid.UUID) -> ResponseReturnValue:
    form = ActiveForm()
    if form.validate_on_submit():
        service.set_active(current_actor(), hospital_id, form.wanted)
        toasts.show("done", _("已启用。") if form.wanted else _("已停用。"))
    return redirect(url_for("hospitals.detail", hospital_id=hospital_id), 303)


@bp.post("/<uuid:hospital_id>/merge")
@permit(MANAGE)
def merge(hospital_id: uuid.UUID) -> ResponseReturnValue:
    row = queries.get(current_actor(), hospital_id, MANAGE)
    form = MergeForm(prefix="merge")
    if form.validate_on_submit():
        try:
            target = service.merge_hospitals(current_actor(), hospital_id, form.into_code.data or "")
            toasts.show("done", _("已合并。"))
            return redirect(url_for("hospitals.detail", hospital_id=target.id), 303)
        except Invalid as error:
            form.take(error)
    return _page(row, merge=form, status=422)


@bp.post("/<uuid:hospital_id>/departments")
@permit(MANAGE)
def add_department(hospital_id: uuid.UUID) -> ResponseReturnValue:
    row = queries.get(current_actor(), hospital_id, MANAGE)
    form = DepartmentForm(prefix="department")
    if form.validate_on_submit():
        try:
            service.add_department(current_actor(), hospital_id, form.name.data or "")
            toasts.show("done", _("已添加科室。"))
            return redirect(url_for("hospitals.detail", hospital_id=hospital_id), 303)
        except Invalid as error:
            form.take(error)
    return _page(row, department=form, status=422)


@bp.post("/<uuid:hospital_id>/departments/<uuid:department_id>/active")
@permit(MANAGE)
def set_department_active(hospital_id: uuid.UUID, department_id: uuid.UUID) -> ResponseReturnValue:
    form = ActiveForm()
    if form.validate_on_submit():
        service.set_department_active(current_actor(), hospital_id, department_id, form.wanted)
        toasts.show("done", _("已启用。") if form.wanted else _("已停用。"))
    return redirect(url_for("hospitals.detail", hospital_id=hospital_id), 303)
