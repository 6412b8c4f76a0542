"""Who is on the telephone: the account of a number, where it has one that this colleague may see."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

import sqlalchemy as sa

from app.core.db import db
from app.core.errors import Invalid
from app.core.masking import to_e164
from app.core.policy import Actor, Permission
from app.customers import queries as customers
from app.customers.models import Customer
from app.customers.worklists import shown_name
from app.hospitals.models import Department, Hospital


@dataclass(frozen=True, slots=True)
class Caller:
    """An approved person, as much of him as the colleague may read."""

    customer_id: uuid.UUID
    name: str
    hospital: Hospital
    department_id: uuid.UUID | None
    department: str
    suspended: bool


def by_phone(actor: Actor, phone: str) -> Caller | None:
    """The approved person of exactly this number, within the provinces in which the actor sees people; else None."""
    try:
        number = to_e164(phone)
    except Invalid:
        return None
    known = Customer.phone.matches(number), Customer.closed_at.is_(None)
    person = db.session.scalars(sa.select(Customer).where(*known)).one_or_none()
    profile = customers.profile_of(person.id) if person is not None else None
    if person is None or profile is None or profile.hospital_id is None:
        return None
    hospital = db.session.get_one(Hospital, profile.hospital_id)
    provinces = actor.scope(Permission.CUSTOMERS_READ)
    if provinces is not None and hospital.province not in provinces:
        return None
    department = db.session.get(Department, profile.department_id) if profile.department_id is not None else None
    return Caller(
        person.id, shown_name(actor, customers.name_of(person, profile)) or "", hospital,
        department.id if department is not None else None, department.name if department is not None else "",
        profile.suspended_at is not None,
    )  # fmt: skip
