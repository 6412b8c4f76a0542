"""Which other cases may be the same person's: for the page that merges, to look at beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from app.core.db import db
from app.core.errors import Gone, NotFound
from app.core.policy import Actor, Permission
from app.customers.models import Customer
from app.registrations.checks import FIELDS
from app.registrations.models import Registration, Submission
from app.registrations.queries.scope import in_scope
from app.registrations.workflow import Status

NO_TARGET = (Status.MERGED, Status.WITHDRAWN, Status.LAPSED, Status.REVOKED)  # nothing may be joined into these
SHOWN = 10


@dataclass(frozen=True, slots=True)
class Side:
    """One of two cases under comparison; no photo, which would be a view without need."""

    row: Registration
    values: dict[str, str | None]
    phone: str | None


def candidates(actor: Actor, row: Registration) -> Sequence[Registration]:
    """The person's other cases, and those of the same name at the same hospital; newest first."""
    same_name = sa.and_(Registration.name_index == row.name_index, Registration.hospital_id == row.hospital_id)
    query = sa.select(Registration).where(
        Registration.id != row.id,
        Registration.status.not_in(NO_TARGET),
        sa.or_(Registration.customer_id == row.customer_id, same_name),
        *in_scope(actor, Permission.REGISTRATIONS_DECIDE),
    )
    return db.session.scalars(query.order_by(Registration.id.desc()).limit(SHOWN)).all()


def side(actor: Actor, number: str) -> Side:
    """One case as it is compared. Raises NotFound outside the scope, or when nothing may be joined into it."""
    query = sa.select(Registration).where(
        Registration.number == number,
        Registration.status.not_in(NO_TARGET),
        *in_scope(actor, Permission.REGISTRATIONS_DECIDE),
    )
    row = db.session.scalars(query).one_or_none()
    if row is None:
        raise NotFound()
    return side_of(row)


def side_of(row: Registration) -> Side:
    latest = sa.select(Submission).where(Submission.registration_id == row.id, Submission.round == row.round)
    sent = db.session.scalars(latest).one()
    person = db.session.get(Customer, row.customer_id)
    try:
        name, phone = sent.name, person.phone if person is not None else None
    except Gone:
        name = phone = None
    texts = (name, sent.hospital_text, sent.department_text, sent.title, sent.position)
    return Side(row, dict(zip(FIELDS, texts, strict=True)), phone)
