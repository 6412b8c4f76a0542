"""What a registration makes of a person, what the person says about himself, and how to reach him."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from flask import current_app

from app.core import audit, clock
from app.core.db import db
from app.core.errors import Forbidden, NotFound
from app.core.outbox import Recipient
from app.core.policy import Actor
from app.customers import queries
from app.customers.addresses import more_addresses
from app.customers.models import Customer, CustomerProfile, Gender


def note_application(actor: Actor, *, name: str, gender: Gender | None) -> Customer:
    """What the applicant said about himself beside the registration: name, adulthood, and gender where given."""
    person = own(actor)
    person.name, person.adult_asserted_at = name, clock.now()
    if gender is not None:
        person.gender = gender
    person.version += 1
    db.session.flush()
    return person


def set_gender(actor: Actor, gender: Gender) -> Customer:
    """The person's own choice, to be changed or taken back at any time (C10)."""
    person = own(actor)
    if person.gender is not gender:
        person.gender = gender
        person.version += 1
        audit.record("customer.corrected", actor, "customer", person.id, fields=("gender",))
    db.session.flush()
    return person


def adopt_registration(
    customer_id: uuid.UUID,
    *,
    registration_id: uuid.UUID,
    name: str,
    hospital_id: uuid.UUID | None,
    department_id: uuid.UUID | None,
    position: str,
    title: str,
    effective_at: datetime,
    badge_valid_until: date | None = None,
) -> CustomerProfile:
    """From ``effective_at`` on the person is what this approved registration says; the former profile rests below."""
    person = _get(customer_id)
    row = db.session.scalar(sa.select(CustomerProfile).where(CustomerProfile.registration_id == registration_id))
    if row is None:
        row = CustomerProfile(
            customer_id=person.id, subject_id=person.subject_id, registration_id=registration_id, position="", title=""
        )
        db.session.add(row)
    row.name, row.hospital_id, row.department_id = name, hospital_id, department_id
    row.position, row.title, row.effective_at = position, title, effective_at
    row.badge_valid_until = badge_valid_until
    row.suspended_at = row.ended_at = None
    person.version += 1
    db.session.flush()
    _note_verified(customer_id)
    return row


def abandon_registration(customer_id: uuid.UUID, *, registration_id: uuid.UUID) -> None:
    """The approval was undone before it took effect: what was before counts again."""
    db.session.execute(sa.delete(CustomerProfile).where(*_of(customer_id, registration_id)))
    _note_verified(customer_id)


def suspend(customer_id: uuid.UUID, *, registration_id: uuid.UUID) -> None:
    """The profile gives no right until `reinstate` or `end`."""
    _set(customer_id, registration_id, suspended_at=clock.now())


def reinstate(customer_id: uuid.UUID, *, registration_id: uuid.UUID) -> None:
    _set(customer_id, registration_id, suspended_at=None)


def end(customer_id: uuid.UUID, *, registration_id: uuid.UUID) -> None:
    """The profile is over for good (revoked)."""
    _set(customer_id, registration_id, ended_at=clock.now())
    _note_verified(customer_id)


def recipient(customer_id: uuid.UUID) -> Recipient:
    """Every address of a person, by channel; which one is used the outbox decides."""
    person = _get(customer_id)
    wechat = current_app.extensions["settings"].wechat
    channels = {wechat.official_appid: "wechat_template", wechat.mini_appid: "wechat_subscribe"}
    addresses = {"sms": person.phone or ""}
    identities = list(queries.identities(customer_id))
    for more in more_addresses:
        addresses.update(more(identities))
    for identity in identities:
        if identity.appid in channels and identity.openid:
            addresses[channels[identity.appid]] = identity.openid
    return Recipient(subject_id=person.subject_id, addresses={name: to for name, to in addresses.items() if to})


def own(actor: Actor) -> Customer:
    """The account behind a mini-program session. Forbidden for anybody else."""
    if actor.kind != "customer" or actor.id is None:
        raise Forbidden()
    return _get(actor.id)


def _get(customer_id: uuid.UUID) -> Customer:
    person = db.session.get(Customer, customer_id)
    if person is None or person.closed_at is not None:
        raise NotFound()
    return person


def _of(customer_id: uuid.UUID, registration_id: uuid.UUID) -> tuple[sa.ColumnElement[bool], ...]:
    return CustomerProfile.customer_id == customer_id, CustomerProfile.registration_id == registration_id


def _set(customer_id: uuid.UUID, registration_id: uuid.UUID, **values: Any) -> None:
    db.session.execute(
        sa.update(CustomerProfile)
        .where(*_of(customer_id, registration_id))
        .values(**values)
        .execution_options(synchronize_session="fetch")
    )


def _note_verified(customer_id: uuid.UUID) -> None:
    """Keep ``verified_from`` beside the profiles: from when on one of those that were not ended is in force."""
    first = sa.select(sa.func.min(CustomerProfile.effective_at)).where(
        CustomerProfile.customer_id == customer_id, CustomerProfile.ended_at.is_(None)
    )
    db.session.execute(
        sa.update(Customer)
        .where(Customer.id == customer_id)
        .values(verified_from=first.scalar_subquery())
        .execution_options(synchronize_session="fetch")
    )
