"""Writing a report down: from the mini program, by phone, or taken over from the system before this one."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from app.core import audit, clock, keys
from app.core.db import db
from app.core.errors import Forbidden, Invalid, NotFound
from app.core.policy import Actor
from app.core.serials import next_serial
from app.customers import queries as customers
from app.customers.models import Customer
from app.hospitals.models import Department, Hospital
from app.tickets.models import (
    FAULT_MAX_CHARS,
    MODEL_MAX_CHARS,
    SERIAL_MAX_CHARS,
    Source,
    Ticket,
    TicketEvent,
    fault_tokens,
)
from app.tickets.service import clocks
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


def record_ticket(actor: Actor, intake: Intake, *, customer_id: uuid.UUID | None = None) -> Ticket:
    """A new ticket. A customer reports for himself; staff for a customer or for a caller without an account.

    The reporter's department is that of his approved registration at this moment, and stays so. Raises Invalid naming
    the field, NotFound for a customer that there is not, Forbidden when a customer speaks for another.
    """
    if actor.kind == "customer" and customer_id not in (None, actor.id):
        raise Forbidden()
    reporter_id = actor.id if actor.kind == "customer" else customer_id
    source = Source.MINI_PROGRAM if actor.kind == "customer" else Source.PHONE
    return _write(actor, intake, reporter_id, source, clock.now(), Status.SUBMITTED, None)


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
    row = Ticket(
        number=next_serial("TKT"), subject_id=person.subject_id if person is not None else keys.new_subject(),
        customer_id=customer_id, source=source.value, hospital_id=hospital.id, province=hospital.province,
        reporter_department_id=_reporter_department(intake, customer_id, at),
        device_department_id=intake.device_department_id,
        device_model=(intake.device_model or "").strip() or None,
        serial_number=(intake.serial_number or "").strip().upper() or None,
        fault=intake.fault.strip(), status=status.value, version=1, opened_at=at, changed_at=closed_at or at,
        closed_at=closed_at,
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    _note(actor, row, at, closed_at)
    if closed_at is None:
        clocks.follow(row, "submit_ticket", actor, at)
    fault_tokens.put(row.id, intake.fault)
    audit.record("ticket.submitted", actor, "ticket", row.id, reason_code=source.value, at=at)
    return row


def _note(actor: Actor, row: Ticket, at: datetime, closed_at: datetime | None) -> None:
    steps: list[tuple[int, str, str | None, str, datetime]] = [(1, "submit_ticket", None, "submitted", at)]
    if closed_at is not None:
        row.version = 2
        steps.append((2, "take_over", Status.SUBMITTED.value, row.status, closed_at))
    db.session.add_all(
        TicketEvent(
            ticket_id=row.id, subject_id=row.subject_id, version=version, action=action, status_from=source,
            status_to=target, by_kind=actor.kind, by_id=actor.id, by_name=actor.name if actor.kind == "staff" else "",
            at=when,
        )
        for version, action, source, target, when in steps
    )  # fmt: skip
    db.session.flush()


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
    limits = (("fault", FAULT_MAX_CHARS), ("device_model", MODEL_MAX_CHARS), ("serial_number", SERIAL_MAX_CHARS))
    for name, limit in limits:
        if len(getattr(intake, name) or "") > limit:
            errors[name] = [_l("最多 %(limit)s 个字。", limit=limit)]
    if errors or hospital is None:
        raise Invalid(fields=errors)
    return hospital


def _belongs(department_id: uuid.UUID, hospital_id: uuid.UUID) -> bool:
    found = sa.select(Department.id).where(Department.id == department_id, Department.hospital_id == hospital_id)
    return db.session.execute(found).first() is not None
