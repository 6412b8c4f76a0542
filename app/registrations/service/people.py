"""The applicant as a customer: whose registration it is, and what approval makes of him (in `app.customers`)."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from app.core.db import db
from app.core.errors import Forbidden, NotFound
from app.core.policy import Actor
from app.customers import service as customers
from app.customers.models import Customer
from app.registrations.models import Registration, Submission


def of(actor: Actor) -> Customer:
    """The person behind a mini-program session. Raises Forbidden for anybody else."""
    if actor.kind != "customer":
        raise Forbidden()
    person = db.session.get(Customer, actor.id)
    if person is None:
        raise NotFound()
    return person


def adopt(row: Registration, effective_at: datetime) -> None:
    """From ``effective_at`` on the person is what this registration says."""
    latest = sa.select(Submission).where(Submission.registration_id == row.id, Submission.round == row.round)
    submission = db.session.scalars(latest).one()
    customers.adopt_registration(
        row.customer_id,
        registration_id=row.id,
        name=submission.name or "",
        hospital_id=row.hospital_id,
        department_id=row.department_id,
        position=submission.position,
        title=submission.title,
        effective_at=effective_at,
        badge_valid_until=row.badge_valid_until,
    )


def abandon(row: Registration) -> None:
    """The approval was undone before it took effect."""
    customers.abandon_registration(row.customer_id, registration_id=row.id)


def suspend(row: Registration) -> None:
    customers.suspend(row.customer_id, registration_id=row.id)


def reinstate(row: Registration) -> None:
    customers.reinstate(row.customer_id, registration_id=row.id)


def end(row: Registration) -> None:
    customers.end(row.customer_id, registration_id=row.id)
