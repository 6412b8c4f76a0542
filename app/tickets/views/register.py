"""The device register: list, one device with its history, add and correct."""

from __future__ import annotations

import uuid

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core import worklist
from app.core.errors import DomainError, Forbidden, Invalid, NotFound
from app.core.policy import Permission, current_actor, permit
from app.core.unit_of_work import savepoint
from app.hospitals import provinces
from app.hospitals import queries as hospitals
from app.tickets.forms import DeviceForm
from app.tickets.queries import register
from app.tickets.queries.register import REGISTER, Card
from app.tickets.service import register as service
from app.tickets.triage import FAULT_CLASSES
from app.tickets.words import CHIPS
from app.ui import toasts
from app.ui.frame import language
from app.ui.navigation import NavItem, navigation

bp = Blueprint("devices", __name__, url_prefix="/devices", template_folder="../templates")
READ, MANAGE = Permission.DEVICES_READ, Permission.DEVICES_MANAGE
HOSPITALS_SHOWN = 5
OWN = ("devices.detail", "devices.new", "devices.create", "devices.edit", "devices.update")


def install() -> None:
    navigation.add("devices", NavItem("devices", "records", _l("设备"), "scan", "devices.index", READ, 25, also=OWN))


@bp.get("")
@permit(READ)
def index() -> ResponseReturnValue:
    actor = current_actor()
    page = worklist.page(REGISTER, actor, request.args)
    return render_template("tickets/devices.html", page=page, may_manage=actor.may(MANAGE))


@bp.get("/<uuid:device_id>")
@permit(READ)
def detail(device_id: uuid.UUID) -> ResponseReturnValue:
    actor = current_actor()
    card = register.find(actor, device_id)
    return render_template(
        "tickets/device.html", card=card, row=card.row, history=register.history(actor, card), chips=CHIPS,
        faults=FAULT_CLASSES, province=provinces.title(card.hospital.province, language()),
        may_manage=actor.may(MANAGE), may_read_tickets=actor.may(Permission.TICKETS_READ),
    )  # fmt: skip


@bp.get("/new")
@permit(MANAGE)
def new() -> ResponseReturnValue:
    return _draw(DeviceForm(formdata=None), None)


@bp.post("/new")
@permit(MANAGE)
def create() -> ResponseReturnValue:
    actor, form = current_actor(), DeviceForm()
    if form.only_looking or not form.validate():
        return _draw(form, None, 200 if form.only_looking else 422)
    try:
        with savepoint():
            row = service.add_device(actor, form.values())
    except Forbidden:
        raise
    except DomainError as refusal:
        return _refused(form, None, refusal)
    toasts.show("done", _("已登记 %(serial)s。", serial=row.serial_number))
    return redirect(url_for(".detail", device_id=row.id), 303)


@bp.get("/<uuid:device_id>/edit")
@permit(MANAGE)
def edit(device_id: uuid.UUID) -> ResponseReturnValue:
    card = register.find(current_actor(), device_id, MANAGE)
    return _draw(DeviceForm.of(card.row), card)


@bp.post("/<uuid:device_id>/edit")
@permit(MANAGE)
def update(device_id: uuid.UUID) -> ResponseReturnValue:
    actor, form = current_actor(), DeviceForm()
    card = register.find(actor, device_id, MANAGE)
    if form.only_looking or not form.validate():
        return _draw(form, card, 200 if form.only_looking else 422)
    try:
        with savepoint():
            service.change_device(actor, device_id, form.seen_version, form.values())
    except (Forbidden, NotFound):
        raise
    except DomainError as refusal:
        return _refused(form, card, refusal)
    toasts.show("done", _("已保存。"))
    return redirect(url_for(".detail", device_id=device_id), 303)


def _refused(form: DeviceForm, card: Card | None, refusal: DomainError) -> Response:
    if isinstance(refusal, Invalid):
        form.take(refusal)
    else:
        form.form_errors.append(str(refusal.message))
    return _draw(form, card, refusal.status)


def _draw(form: DeviceForm, card: Card | None, status: int = 200) -> Response:
    """The form with hospitals found by the words typed, and the departments of the chosen one."""
    actor = current_actor()
    scope, asked = actor.scope(MANAGE), form.hospital_q.data or ""
    found = hospitals.search(asked, limit=50) if asked else []
    hits = [hit for hit in found if scope is None or hit.province in scope][:HOSPITALS_SHOWN]
    chosen = hospitals.live(form.chosen_hospital) if form.chosen_hospital is not None else None
    if chosen is None and len(hits) == 1:
        chosen = hospitals.live(hits[0].id)
    form.hospital_id.data = str(chosen.id) if chosen is not None else ""
    form.offer(hospitals.departments(chosen.id) if chosen is not None else [])
    html = render_template("tickets/device_form.html", form=form, card=card, chosen=chosen, hits=hits)
    return make_response(html, status)
