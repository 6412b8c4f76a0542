"""What must hold before staff touch a ticket: it lies in their region, and what time changed is settled first."""

from __future__ import annotations

import uuid

import sqlalchemy as sa

from app.core import clock
from app.core.db import db
from app.core.errors import NotFound
from app.core.policy import Actor, Permission
from app.tickets.models import Ticket
from app.tickets.service.time import settle

Clause = sa.ColumnElement[bool]


def in_region(actor: Actor, permission: Permission) -> list[Clause]:
    """Clauses for the provinces within which the right holds. Raises Forbidden without the right."""
    provinces = actor.scope(permission)
    return [] if provinces is None else [Ticket.province.in_(sorted(provinces))]


def load(actor: Actor, ticket_id: uuid.UUID, permission: Permission) -> Ticket:
    """The row for staff, locked and settled. Raises NotFound outside of the actor's region, Forbidden."""
    query = sa.select(Ticket).where(Ticket.id == ticket_id, *in_region(actor, permission)).with_for_update()
    row = db.session.scalars(query.execution_options(populate_existing=True)).one_or_none()
    if row is None:
        raise NotFound()
    settle(row, clock.now())
    return row


def load_own(actor: Actor, number: str) -> Ticket:
    """A customer's own ticket, locked and settled. Raises NotFound."""
    query = sa.select(Ticket).where(Ticket.number == number, Ticket.customer_id == actor.id).with_for_update()
    row = db.session.scalars(query.execution_options(populate_existing=True)).one_or_none()
    if row is None or actor.kind != "customer":
        raise NotFound()
    settle(row, clock.now())
    return row
