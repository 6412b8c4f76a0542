"""What this feature gives to the rooms below: the person's own export, previews of grants."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from app.core.columns import DataClass
from app.core.db import db
from app.customers.export import personal_data
from app.customers.models import Customer
from app.grants.preview import record_sources
from app.tickets.models import Ticket
from app.tickets.queries.preview import TicketSource


def install() -> None:
    personal_data.add("tickets", _own_data)
    record_sources.add("tickets", TicketSource())


def _own_data(person: Customer) -> Mapping[DataClass, Mapping[str, Any]]:
    """Everything the person ever reported, look-back or not: a right of access has no window."""
    rows = db.session.scalars(sa.select(Ticket).where(Ticket.customer_id == person.id).order_by(Ticket.opened_at)).all()
    return {
        DataClass.USAGE: {
            "tickets": [
                {
                    "number": row.number, "opened_at": row.opened_at, "closed_at": row.closed_at,
                    "status": row.status, "device_model": row.device_model, "serial_number": row.serial_number,
                }
                for row in rows
            ]
        },
        DataClass.FREE_TEXT: {"ticket_faults": [{"number": row.number, "fault": row.fault} for row in rows]},
    }  # fmt: skip
