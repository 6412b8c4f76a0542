"""A report by telephone on one page: who calls, whom to call, where, which device, what is wrong, who was harmed.

Everything is posted, nothing stands in the address. Each change looks again at what is known beside the report; what
was typed is on every answer, a refusal included. While the same device has an open ticket saving asks once more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, make_response, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core.errors import Conflict, DomainError, Forbidden, Invalid
from app.core.policy import Actor, Permission, current_actor, permit
from app.core.unit_of_work import savepoint
from app.core.web import fragment_requested
from app.hospitals import queries as hospitals
from app.hospitals.models import Department, Hospital
from app.tickets import service
from app.tickets.facts import Harm
from app.tickets.forms import IntakeForm
from app.tickets.queries import devices, similar
from app.tickets.queries.caller import Caller, by_phone
from app.tickets.queries.devices import Found
from app.tickets.queries.similar import Asked, Beside
from app.tickets.service import Intake, Seen, attestation
from app.tickets.service.attestation import Contact
from app.tickets.wording import CONTACT_WORDINGS, CURRENT
from app.ui import toasts

bp = Blueprint("intake", __name__, url_prefix="/tickets/new", template_folder="../templates")
TRIAGE = Permission.TICKETS_TRIAGE
HOSPITALS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Known:
    """What is known about what was typed so far. ``to_account``: the report goes to the caller's account."""

    caller: Caller | None
    hospital: Hospital | None
    hits: Sequence[Any]
    departments: Sequence[Department]
    register: Found | None
    alike: Sequence[Beside]
    to_account: bool

    @property
    def same_device(self) -> list[Beside]:
        return [one for one in self.alike if one.why == "device"]


@bp.get("")
@permit(TRIAGE)
def new() -> ResponseReturnValue:
    form = IntakeForm(formdata=None)
    return _draw(form, look(current_actor(), form))


@bp.post("/look")
@permit(TRIAGE)
def look_up() -> ResponseReturnValue:
    """Nothing is kept: the page, or with scripts its changing parts, with what is known about what was typed."""
    form = IntakeForm()
    return _draw(form, look(current_actor(), form))


@bp.post("")
@permit(TRIAGE)
def save() -> ResponseReturnValue:
    """The ticket; with ``then=triage`` it is in one's hands at once."""
    actor, form = current_actor(), IntakeForm()
    known = look(actor, form)
    try:
        with savepoint():
            owner = known.caller.customer_id if known.caller is not None and known.to_account else None
            row = service.record_ticket(actor, _intake(form, known), customer_id=owner)
            if form.then.data == "triage":
                service.claim(actor, row.id, Seen(row.version))
    except Forbidden:
        raise
    except DomainError as refusal:
        if isinstance(refusal, Invalid):
            _take(form, refusal)
        return _draw(form, known, refusal)
    toasts.show("done", _("已登记 %(number)s。", number=row.number))
    page = "tickets.triage" if form.then.data == "triage" else "tickets.page"
    return redirect(url_for(page, number=row.number), 303)


def _take(form: IntakeForm, refusal: Invalid) -> None:
    """What is wrong with the caller's own number stands at the caller's number."""
    if form.contact_who.data != "other" and "contact_phone" in refusal.fields:
        refusal.fields["caller_phone"] = refusal.fields.pop("contact_phone")
    form.take(refusal)


def look(actor: Actor, form: IntakeForm) -> Known:
    """The caller's account, the hospital with its departments, the register's word, open tickets that are alike.

    Fills what follows from one answer alone: the only hospital found, the account's hospital and department.
    """
    account = by_phone(actor, form.caller_phone.data or "")
    asked = form.hospital_q.data or ""
    provinces = actor.scope(TRIAGE)
    found = hospitals.search(asked, limit=50) if asked else []
    hits = [hit for hit in found if provinces is None or hit.province in provinces][:HOSPITALS_SHOWN]
    hospital = hospitals.live(form.chosen_hospital) if form.chosen_hospital is not None else None
    if hospital is not None and provinces is not None and hospital.province not in provinces:
        hospital = None
    if hospital is None and len(hits) == 1:
        hospital = hospitals.live(hits[0].id)
    if hospital is None and account is not None and not asked:
        hospital = account.hospital
        form.device_department_id.data = form.device_department_id.data or str(account.department_id or "")
    places = hospitals.departments(hospital.id) if hospital is not None else []
    form.hospital_id.data = str(hospital.id) if hospital is not None else ""
    form.offer(places)
    if form.pick.data:
        form.serial_number.data, form.device_model.data = form.pick.data, ""
    serial, model = form.serial_number.data or "", form.device_model.data or ""
    register = devices.look_up(serial, hospital.id, model) if hospital is not None else None
    if register is not None and register.device is not None:
        form.device_model.data = model or register.device.model
    return Known(
        account, hospital, hits, places, register, _alike(actor, form, hospital),
        to_account=account is not None and not account.suspended and form.account.data != "no",
    )  # fmt: skip


def _alike(actor: Actor, form: IntakeForm, hospital: Hospital | None) -> Sequence[Beside]:
    if hospital is None:
        return []
    serial = devices.plain_serial(form.serial_number.data)
    asked = Asked(hospital.id, serial, form.device_model.data or None, form.department(form.device_department_id))
    return similar.similar(actor, asked)


def _intake(form: IntakeForm, known: Known) -> Intake:
    """Raises Invalid naming everything that the page itself asks for; the service adds what it finds."""
    wrong: dict[str, Any] = {}
    if known.hospital is None:
        wrong["hospital_id"] = [_l("请先查找并选择医院。")]
    place = form.department(form.device_department_id)
    if known.departments and place is None:
        wrong["device_department_id"] = [_l("请选择设备所在的科室。")]
    if not form.fault.data:
        wrong["fault"] = [_l("请写下来电人说的故障。")]
    if known.same_device and not form.duplicates_seen.data:
        wrong["duplicates_seen"] = [_l("同一台设备有未结工单，请先看过再决定是否新建。")]
    own = form.contact_who.data != "other"
    phone = form.caller_phone.data if own else form.contact_phone.data
    contact = Contact(own, form.contact_name.data or "", phone or "", form.attested)
    wrong |= attestation.check(contact, has_account=known.to_account)
    if wrong or known.hospital is None:
        raise Invalid(fields=wrong)
    theirs = form.department(form.caller_department_id) or place
    return Intake(
        known.hospital.id, form.fault.data or "", place, form.device_model.data, form.serial_number.data, theirs,
        harm=Harm(form.harm.data) if form.harm.data in tuple(Harm) else Harm.UNANSWERED,
        contact=contact,
    )  # fmt: skip


def _draw(form: IntakeForm, known: Known, refusal: DomainError | None = None) -> Response:
    """The page or, for a script, its changing parts; after a refusal with its status and all that was typed."""
    template = "tickets/intake_parts.html" if fragment_requested() else "tickets/intake.html"
    html = render_template(
        template, form=form, known=known, refusal=refusal, wording=CONTACT_WORDINGS[CURRENT], version=CURRENT,
        repeated=refusal.facts.get("number") if isinstance(refusal, Conflict) else None,
    )  # fmt: skip
    return make_response(html, refusal.status if refusal is not None else 200)
