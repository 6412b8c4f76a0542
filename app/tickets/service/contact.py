"""Opening a masked contact of a ticket, with a reason, within the same limits as on a person's page, and logged."""

from __future__ import annotations

import uuid

import sqlalchemy as sa

from app.core import audit
from app.core.db import db
from app.core.errors import Gone, NotFound
from app.core.policy import Actor, Permission
from app.customers.reasons import RevealReason
from app.tickets.models import Ticket, TicketContact
from app.tickets.service.reach import in_region


def reveal(actor: Actor, ticket_id: uuid.UUID, reason: RevealReason, note: str = "") -> tuple[str | None, str]:
    """Name and phone of whom to call. Raises NotFound outside of the region, Gone once erased."""
    query = sa.select(TicketContact).join(Ticket, Ticket.id == TicketContact.ticket_id)
    found = db.session.scalar(query.where(Ticket.id == ticket_id, *in_region(actor, Permission.TICKETS_READ)))
    if found is None:
        raise NotFound()
    phone = found.phone
    if phone is None:
        raise Gone()
    audit.record(
        "ticket.contact_revealed", actor, "ticket", ticket_id, reason_code=reason.value, fields=("phone",), note=note
    )
    return found.name, phone
