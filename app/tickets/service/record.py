"""Writing a report down: from the mini program, by phone, or taken over from the system before this one."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from app.core import audit, clock, keys
from app.core.db import db
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.core.files.audio import CleanSound
from app.core.files.images import CleanImage
from app.core.policy import Actor, Permission
from app.core.serials import next_serial
from app.customers import queries as customers
from app.customers.models import Customer
from app.hospitals.models import Department, Hospital
from app.tickets.facts import Harm
from app.tickets.models import (
    FAULT_MAX_CHARS,
    MODEL_MAX_CHARS,
    SERIAL_MAX_CHARS,
    Source,
    Ticket,
    TicketEvent,
    fault_tokens,
)
from app.tickets.queries import devices
from app.tickets.service import attestation, clocks, files, harm, notices
from app.tickets.service.attestation import Contact
from app.tickets.workflow import ENDED, Status


@dataclass(frozen=True, slots=True)
class Intake:
    """What a report says. ``caller_department_id`` is asked of a caller without an account."""

    hospital_id: uuid.UUID
    fault: str
    device_department_id: uuid.UUID | None = None
    device_model: str | None = None
    serial_number: str | None = None
    caller_department_id: uuid.UUID | None = None
    harm: Harm = Harm.UNANSWERED
    contact: Contact | None = None  # None: taken over without one
    photos: Sequence[CleanImage] = ()
    voice: CleanSound | None = None
    voice_text: str = ""


SAME_WITHIN = timedelta(minutes=10)


def record_ticket(actor: Actor, intake: Intake, *, customer_id: uuid.UUID | None = None) -> Ticket:
    """A new ticket. A customer reports for himself; staff for a customer or for a caller without an account.

    The reporter's department is that of his approved registration at this moment, and stays so. Raises Invalid naming
    the field, NotFound for a customer that there is not, Forbidden when a customer speaks for another or a colleague
    takes no calls, Conflict (``report_repeated``) for the same words twice within ten minutes.
    """
    if actor.kind == "customer" and customer_id not in (None, actor.id):
        raise Forbidden()
    if actor.kind == "staff":
        _in_reach(actor, intake.hospital_id)
    reporter_id = actor.id if actor.kind == "customer" else customer_id
    source = Source.MINI_PROGRAM if actor.kind == "customer" else Source.PHONE
    row = _write(actor, intake, reporter_id, source, clock.now(), Status.SUBMITTED, None)
    reporter = db.session.get(Customer, reporter_id) if reporter_id is not None else None
    if intake.contact is not None:
        attestation.add(actor, row, intake.contact, reporter, source.value)
    files.attach_photos(row, actor, intake.photos)
    if intake.voice is not None:
        files.attach_voice(row, actor, intake.voice, intake.voice_text)
    harm.heard(actor, row)
    return row


def take_over(
    actor: Actor,
    intake: Intake,
    *,
    opened_at: datetime,
    closed_at: datetime,
    status: Status = Status.CLOSED,
    customer_id: uuid.UUID | None = None,
) -> Ticket:
    """A report that ended in the system before this one. Raises as `record_ticket`, and Invalid on impossible times."""
    if actor.kind == "customer":
        raise Forbidden()
    if status not in ENDED or not opened_at <= closed_at <= clock.now():
        raise Invalid(_l("接收的工单须已结束，且时间先后正确。"), code="former_ticket_impossible")
    with clock.frozen(opened_at):
        return _write(actor, intake, customer_id, Source.FORMER_SYSTEM, opened_at, status, closed_at)


def _write(
    actor: Actor,
    intake: Intake,
    customer_id: uuid.UUID | None,
    source: Source,
    at: datetime,
    status: Status,
    closed_at: datetime | None,
) -> Ticket:
    hospital = _checked(intake)
    person = db.session.get(Customer, customer_id) if customer_id is not None else None
    if customer_id is not None and (person is None or person.closed_at is not None):
        raise NotFound()
    _check_contact(intake, person)
    serial = devices.plain_serial(intake.serial_number)
    device = devices.at_hospital(serial, hospital.id)
    serial = device.serial_number if device is not None else serial
    if source is not Source.FORMER_SYSTEM:
        _refuse_repeated(intake, serial, customer_id, actor, at)
    row = Ticket(
        number=next_serial("TKT"), subject_id=person.subject_id if person is not None else keys.new_subject(),
        customer_id=customer_id, source=source.value, hospital_id=hospital.id, province=hospital.province,
        reporter_department_id=_reporter_department(intake, customer_id, at),
        device_department_id=intake.device_department_id,
        device_model=(intake.device_model or "").strip() or None,
        serial_number=serial, device_id=device.id if device is not None else None, harm=intake.harm.value,
        fault=intake.fault.strip(), voice_text=intake.voice_text.strip() or None,
        status=status.value, version=1, opened_at=at, changed_at=closed_at or at,
        closed_at=closed_at,
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    action = "record_call" if actor.kind == "staff" and closed_at is None else "submit_ticket"
    first = _note(actor, row, action, at, closed_at)
    if closed_at is None:
        clocks.follow(row, action, actor, at)
    if action == "record_call":
        notices.tell(row, first, "ticket_received")
    fault_tokens.put(row.id, "\n".join(filter(None, (intake.fault, intake.voice_text))))
    audit.record("ticket.submitted", actor, "ticket", row.id, reason_code=source.value, at=at)
    return row


def _note(actor: Actor, row: Ticket, action: str, at: datetime, closed_at: datetime | None) -> TicketEvent:
    """The first event, and for a ticket taken over its last."""
    steps: list[tuple[int, str, str | None, str, datetime]] = [(1, action, None, "submitted", at)]
    if closed_at is not None:
        row.version = 2
        steps.append((2, "take_over", Status.SUBMITTED.value, row.status, closed_at))
    made = [
        TicketEvent(
            ticket_id=row.id, subject_id=row.subject_id, version=version, action=name, status_from=source,
            status_to=target, by_kind=actor.kind, by_id=actor.id, by_name=actor.name if actor.kind == "staff" else "",
            at=when,
        )
        for version, name, source, target, when in steps
    ]  # fmt: skip
    db.session.add_all(made)
    db.session.flush()
    return made[0]


def _reporter_department(intake: Intake, customer_id: uuid.UUID | None, at: datetime) -> uuid.UUID | None:
    if customer_id is None:
        return intake.caller_department_id
    profile = customers.profile_of(customer_id, at)
    if profile is None:
        return intake.caller_department_id
    return profile.department_id


def _checked(intake: Intake) -> Hospital:
    """The hospital, or Invalid with all wrong fields at once."""
    errors: dict[str, list[object]] = {}
    hospital = db.session.get(Hospital, intake.hospital_id)
    if hospital is None:
        errors["hospital_id"] = [_l("没有这家医院。")]
    for name in ("device_department_id", "caller_department_id"):
        department_id = getattr(intake, name)
        if department_id is not None and not _belongs(department_id, intake.hospital_id):
            errors[name] = [_l("这个科室不属于所选医院。")]
    if not intake.fault.strip():
        errors["fault"] = [_l("请填写。")]
    limits = (("fault", FAULT_MAX_CHARS), ("device_model", MODEL_MAX_CHARS), ("voice_text", FAULT_MAX_CHARS))
    for name, limit in limits:
        if len(getattr(intake, name) or "") > limit:
            errors[name] = [_l("最多 %(limit)s 个字。", limit=limit)]
    serial = devices.plain_serial(intake.serial_number)
    if len(serial or "") > SERIAL_MAX_CHARS and devices.at_hospital(serial, intake.hospital_id) is None:
        errors["serial_number"] = [_l("最多 %(limit)s 个字。", limit=SERIAL_MAX_CHARS)]
    if errors or hospital is None:
        raise Invalid(fields=errors)
    return hospital


def _belongs(department_id: uuid.UUID, hospital_id: uuid.UUID) -> bool:
    found = sa.select(Department.id).where(Department.id == department_id, Department.hospital_id == hospital_id)
    return db.session.execute(found).first() is not None


def _check_contact(intake: Intake, reporter: Customer | None) -> None:
    if intake.contact is None:
        return
    wrong = attestation.check(intake.contact, has_account=reporter is not None)
    if "contact_consent" in wrong:
        raise Invalid(wrong["contact_consent"][0], code="contact_consent_required", fields=wrong)
    if wrong:
        raise Invalid(fields=wrong)


def _in_reach(actor: Actor, hospital_id: uuid.UUID) -> None:
    """Who takes calls takes them for the provinces of the right. Raises Forbidden, Invalid."""
    provinces = actor.scope(Permission.TICKETS_TRIAGE)
    hospital = db.session.get(Hospital, hospital_id)
    if hospital is not None and provinces is not None and hospital.province not in provinces:
        raise Invalid(fields={"hospital_id": [_l("这家医院不在您负责的省份。")]})


def _refuse_repeated(
    intake: Intake, serial: str | None, customer_id: uuid.UUID | None, actor: Actor, at: datetime
) -> None:
    """Sent twice with two keys, or pressed twice: the first one's number instead of a second ticket."""
    same_hand = Ticket.customer_id == customer_id
    if customer_id is None:
        if actor.kind != "staff":
            return
        calls = sa.select(TicketEvent.ticket_id).where(TicketEvent.by_id == actor.id, TicketEvent.version == 1)
        same_hand = sa.and_(Ticket.customer_id.is_(None), Ticket.id.in_(calls))
    same_device = Ticket.serial_number.is_(None) if serial is None else Ticket.serial_number == serial
    query = sa.select(Ticket).where(
        same_hand, same_device, Ticket.opened_at > at - SAME_WITHIN, Ticket.hospital_id == intake.hospital_id,
        Ticket.status.not_in(ENDED),
    )  # fmt: skip
    for row in db.session.scalars(query.order_by(Ticket.opened_at.desc()).limit(20)):
        if row.fault == intake.fault.strip():
            message = _l("相同的报修 %(number)s 刚刚已经提交，没有重复受理。", number=row.number)
            raise Conflict(message, code="report_repeated", number=row.number)
