"""One ticket as staff read it: the row with its places and people, what was said, what was promised.

Everything of the page's head is one statement; texts are opened with keys loaded once for all people on the page.
Statements are built once: joining nine tables in Python costs more than asking for one row of them.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from app.core import clock, keys, plans
from app.core.db import db
from app.core.errors import NotFound
from app.core.masking import mask_name, mask_phone
from app.core.policy import Actor, Permission
from app.customers.dossier import surname_of
from app.customers.models import Customer
from app.customers.words import form_of_address
from app.hospitals.models import Department, Hospital
from app.tickets.models import NEVER, Device, SlaClock, Ticket, TicketContact, TicketEvent, TicketMessage
from app.tickets.service.reach import in_region
from app.tickets.workflow import ENDED, Status

T = Ticket
SAID_MAX = 200  # events or messages of one page; the latest
_C: Any = SlaClock.__table__.c
_E: Any = TicketEvent.__table__.c
_M: Any = TicketMessage.__table__.c
_TICKET = sa.bindparam("ticket", type_=sa.Uuid())
_RUNNING = (
    sa.select(_C.metric, _C.due_at, _C.budget_seconds, _C.calendar_id)
    .where(_C.ticket_id == _TICKET, _C.cycle == sa.bindparam("round", type_=sa.SmallInteger()))
    .where(_C.stopped_at.is_(None))
    .order_by(_C.due_at)
)
_EVENTS = (
    sa.select(_E.id, _E.at, _E.action, _E.by_kind, _E.by_name, _E.reason, _E.text_sealed, _E.note_sealed)
    .where(_E.ticket_id == _TICKET)
    .order_by(_E.version.desc())
    .limit(sa.bindparam("latest", type_=sa.Integer()))
)
_MESSAGES = (
    sa.select(_M.id, _M.at, _M.direction, _M.text_sealed, _M.questions, _M.by_kind, _M.by_name, _M.outbox_key)
    .where(_M.ticket_id == _TICKET)
    .order_by(_M.at.desc(), _M.id.desc())
    .limit(SAID_MAX)
)


@dataclass(frozen=True, slots=True)
class Contact:
    """Whom to call, masked: the reporter, or somebody whose consent he attested."""

    name: str
    phone: str
    is_reporter: bool
    customer_id: uuid.UUID | None
    revealable: bool
    erased: bool
    address: str = ""  # 冯女士; of the reporter by the gender he gave, of somebody else 冯老师


@dataclass(frozen=True, slots=True)
class Clock:
    """A running clock of the ticket, the soonest first."""

    metric: str
    due_at: datetime
    budget_seconds: int
    every_hour: bool  # counts nights and holidays too


@dataclass(frozen=True, slots=True)
class Dossier:
    """What the head of the page and the drawer show."""

    row: Ticket
    hospital: Hospital
    department: str | None
    device_department: str | None
    device: Device | None
    merged_into: str | None
    repeat_of: str | None
    contact: Contact
    fault: str | None
    voice: str | None
    clocks: Sequence[Clock]
    key: bytes | None  # of the ticket's subject; None once erased
    merged_from: Sequence[str] = ()  # numbers of what was merged into this one
    reporter: Customer | None = None  # held, so that nobody on the page reads the row again

    @property
    def ended(self) -> bool:
        return self.row.status in ENDED

    @property
    def due_at(self) -> datetime | None:
        """The soonest running deadline."""
        return None if self.row.due_at >= NEVER or self.ended else self.row.due_at

    @property
    def idle(self) -> bool:
        """In somebody's hands too long: it counts as given back, though nobody has written it down yet."""
        wakes = self.row.wakes_at
        return self.row.status == Status.TRIAGING and wakes is not None and wakes <= clock.now()

    def held_by(self, actor: Actor) -> bool:
        return self.row.status == Status.TRIAGING and self.row.triager_id == actor.id and not self.idle


def find(actor: Actor, number: str, permission: Permission = Permission.TICKETS_READ) -> Dossier:
    """The ticket of this number. Raises Forbidden, NotFound outside of the actor's region."""
    query = plans.kept(("ticket", permission), actor, lambda: _head(actor, permission))
    found = db.session.execute(query, {"asked_number": number.upper()}).first()
    if found is None:
        raise NotFound()
    row, hospital, department, place, device, merged, repeated, contact, customer, took = found
    subjects = {held.subject_id for held in (row, contact, customer) if held is not None}
    opened = keys.keystore.load(subjects)
    key = opened.get(row.subject_id)
    return Dossier(
        row=row, hospital=hospital, department=department, device_department=place, device=device,
        merged_into=merged, repeat_of=repeated, contact=_contact(actor, contact, customer, opened),
        fault=T.fault.opener()(row.id, row.fault_sealed, key),
        voice=T.voice_text.opener()(row.id, row.voice_sealed, key), clocks=_clocks(row), key=key,
        merged_from=_merged_from(row) if took else (), reporter=customer,
    )  # fmt: skip


def _head(actor: Actor, permission: Permission) -> Any:
    theirs, devices = aliased(Department), aliased(Department)
    into, before, absorbed = aliased(Ticket), aliased(Ticket), aliased(Ticket)
    return (
        sa.select(
            T, Hospital, theirs.name, devices.name, Device, into.number, before.number, TicketContact, Customer,
            sa.exists().where(absorbed.merged_into_id == T.id),
        )
        .join(Hospital, Hospital.id == T.hospital_id)
        .outerjoin(theirs, theirs.id == T.reporter_department_id)
        .outerjoin(devices, devices.id == T.device_department_id)
        .outerjoin(Device, Device.id == T.device_id)
        .outerjoin(into, into.id == T.merged_into_id)
        .outerjoin(before, before.id == T.repeat_of_id)
        .outerjoin(TicketContact, TicketContact.ticket_id == T.id)
        .outerjoin(Customer, Customer.id == T.customer_id)
        .where(T.number == sa.bindparam("asked_number", type_=T.number.type), *in_region(actor, permission))
    )  # fmt: skip


def _merged_from(row: Ticket) -> list[str]:
    query = sa.select(T.number).where(T.merged_into_id == row.id).order_by(T.opened_at, T.id)
    return list(db.session.scalars(query.limit(SAID_MAX)))


def _contact(
    actor: Actor, contact: TicketContact | None, customer: Customer | None, opened: Mapping[uuid.UUID, bytes]
) -> Contact:
    """Names and numbers leave this function masked; how to speak to the person is for those who do."""
    if contact is not None and contact.phone_sealed is not None:
        key = opened.get(contact.subject_id)
        name = TicketContact.name.opener()(contact.id, contact.name_sealed, key)
        phone = TicketContact.phone.opener()(contact.id, contact.phone_sealed, key)
        reporter = customer if contact.is_reporter else None
        same = reporter.id if reporter is not None else None
        said = _address(actor, name, reporter)
        return Contact(mask_name(name), mask_phone(phone), contact.is_reporter, same, bool(phone), key is None, said)
    if customer is None:
        return Contact("", "", True, None, False, False)
    key = opened.get(customer.subject_id)
    phone = Customer.phone.opener()(customer.id, customer.phone_sealed, key)
    said = _address(actor, Customer.name.opener()(customer.id, customer.name_sealed, key), customer)
    return Contact("", mask_phone(phone), True, customer.id, bool(phone), key is None, said)


def _address(actor: Actor, name: str | None, reporter: Customer | None) -> str:
    surname = surname_of(name)
    if not surname or not actor.may(Permission.CUSTOMERS_READ):
        return ""
    return form_of_address(surname, reporter.gender if reporter is not None else None)


def _clocks(row: Ticket) -> list[Clock]:
    found = db.session.connection().execute(_RUNNING, {"ticket": row.id, "round": row.cycle})
    return [Clock(f.metric, f.due_at, f.budget_seconds, f.calendar_id is None) for f in found]


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the ticket's own history."""

    id: uuid.UUID
    at: datetime
    action: str
    by_kind: str
    by_name: str
    reason: str
    text: str | None
    note: str | None


@dataclass(frozen=True, slots=True)
class Said:
    """A message or a note of ours."""

    id: uuid.UUID
    at: datetime
    direction: str
    text: str | None
    questions: Sequence[str]
    by_kind: str
    by_name: str
    outbox_key: str | None


def events(found: Dossier, latest: int = SAID_MAX) -> list[Event]:
    """The latest, oldest first; one statement."""
    e = TicketEvent
    rows = db.session.connection().execute(_EVENTS, {"ticket": found.row.id, "latest": latest}).all()
    text, note = e.text.opener(), e.note.opener()
    return [
        Event(
            r.id, r.at, r.action, r.by_kind, r.by_name, r.reason, text(r.id, r.text_sealed, found.key),
            note(r.id, r.note_sealed, found.key),
        )
        for r in reversed(rows)
    ]  # fmt: skip


def messages(found: Dossier) -> list[Said]:
    """The latest, oldest first; one statement."""
    rows = db.session.connection().execute(_MESSAGES, {"ticket": found.row.id}).all()
    text = TicketMessage.text.opener()
    return [
        Said(
            r.id, r.at, r.direction, text(r.id, r.text_sealed, found.key), r.questions or [], r.by_kind, r.by_name,
            r.outbox_key,
        )
        for r in reversed(rows)
    ]  # fmt: skip
