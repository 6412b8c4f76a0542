"""The card of a job: masked before it is accepted, the minimum of C32 afterwards (contact name and phone, hospital,
department, device, fault), nothing of a person once it is over.

What is decided: an offer shows the hospital, the place, the model, the class of the fault, the window and the way of
service. No department, no serial number, no contact, no photo, and no free text at all, because a fault's words may
name somebody. Never, at any time: OpenID, badge, gender, other tickets, what was said with the customer, ratings.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from app.core import clock, keys
from app.core.db import db
from app.core.errors import NotFound
from app.core.masking import spaced_phone
from app.customers import queries as customers
from app.customers.models import Customer
from app.dealers.models import Dealer, DealerContract, in_force
from app.dispatch.models import AssigneeKind, Engineer, Field
from app.dispatch.queries.jobs import Job
from app.dispatch.stages import Stage
from app.hospitals.models import Department
from app.tickets.models import Ticket, TicketContact

T, C = Ticket, DealerContract


@dataclass(frozen=True, slots=True)
class Card:
    """What the page shows of a job in hand. ``None``: not known, or erased as promised."""

    contact_name: str | None
    contact_phone: str | None
    department: str | None
    fault: str | None
    work_number: str  # of whoever goes: the telephone to call from (C21)

    @property
    def phone_words(self) -> str:
        return spaced_phone(self.contact_phone) if self.contact_phone else ""

    def shown(self, job: Job) -> Sequence[Field]:
        """The fields that hold something: what the ledger has to say."""
        values = {
            Field.CONTACT_NAME: self.contact_name, Field.CONTACT_PHONE: self.contact_phone,
            Field.HOSPITAL: job.hospital.name, Field.DEPARTMENT: self.department,
            Field.DEVICE: job.row.device_model or job.row.serial_number, Field.FAULT: self.fault,
        }  # fmt: skip
        return [field for field, value in values.items() if value]


@dataclass(frozen=True, slots=True)
class Basis:
    """Under which contract a dealer sees it."""

    dealer_id: uuid.UUID
    dealer_name: str
    role: str
    contract_id: uuid.UUID
    contract_number: str
    contract_version: int


def open_card(job: Job) -> Card | None:
    """The minimum, while somebody works on it; None before and after. Two statements and the keys."""
    if job.stage is not Stage.HAND:
        return None
    theirs, devices = aliased(Department), aliased(Department)
    query = (
        sa.select(theirs.name, devices.name, TicketContact, Customer, Engineer.work_number)
        .select_from(T)
        .outerjoin(theirs, theirs.id == T.reporter_department_id)
        .outerjoin(devices, devices.id == T.device_department_id)
        .outerjoin(TicketContact, TicketContact.ticket_id == T.id)
        .outerjoin(Customer, Customer.id == T.customer_id)
        .outerjoin(Engineer, Engineer.staff_id == job.found.assignee_id)
        .where(T.id == job.row.id)
    )
    department, place, contact, customer, number = db.session.execute(query).one()
    row = job.row
    opened = keys.keystore.load({one.subject_id for one in (row, contact, customer) if one is not None})
    name, phone = _contact(contact, customer, opened)
    fault = T.fault.opener()(row.id, row.fault_sealed, opened.get(row.subject_id))
    return Card(name, phone, place or department, fault, number or "")


def _contact(
    contact: TicketContact | None, customer: Customer | None, opened: Mapping[uuid.UUID, bytes]
) -> tuple[str | None, str | None]:
    """Whom to call: somebody named in the report, else the reporter under the name he is registered with."""
    if contact is not None and contact.phone_sealed is not None:
        key = opened.get(contact.subject_id)
        name = TicketContact.name.opener()(contact.id, contact.name_sealed, key)
        return name, TicketContact.phone.opener()(contact.id, contact.phone_sealed, key)
    key = opened.get(customer.subject_id) if customer is not None else None
    if customer is None or key is None:
        return None, None
    return customers.registered_name(customer), Customer.phone.opener()(customer.id, customer.phone_sealed, key)


def basis_of(job: Job) -> Basis | None:
    """The contract in force now, the accepted one before its successors; None for our own people."""
    if job.found.assignee_kind != AssigneeKind.DEALER:
        return None
    query = sa.select(Dealer.name, Dealer.role, C.id, C.number, C.version).join(C, C.dealer_id == Dealer.id)
    query = query.where(Dealer.id == job.found.assignee_id, in_force(clock.now()))
    first = sa.case((C.id == job.found.contract_id, 0), else_=1)
    found = db.session.execute(query.order_by(first, C.ends_at.desc()).limit(1)).one_or_none()
    if found is None:
        raise NotFound()
    return Basis(job.found.assignee_id, found.name, found.role, found.id, found.number, found.version)
