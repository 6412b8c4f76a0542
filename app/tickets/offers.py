"""What this feature gives to the rooms below: navigation, the person's own export, previews of grants."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from app.core.columns import DataClass
from app.core.db import db
from app.core.policy import Actor, Permission
from app.customers.export import personal_data
from app.customers.models import Customer
from app.grants.preview import record_sources
from app.tickets.models import Ticket
from app.tickets.queries.preview import TicketSource
from app.tickets.queries.queue import waiting
from app.ui.navigation import NavItem, navigation

READ, TRIAGE = Permission.TICKETS_READ, Permission.TICKETS_TRIAGE


def install() -> None:
    navigation.add(
        "tickets",
        NavItem(
            "tickets", "work", _l("工单"), "ticket", "tickets.queue", READ, 40, counter=_counter,
            also=("tickets.page", "tickets.triage"),
        ),
    )  # fmt: skip
    personal_data.add("tickets", _own_data)
    record_sources.add("tickets", TicketSource())


def _counter(actor: Actor) -> sa.ScalarSelect[int]:
    if not actor.may(TRIAGE):
        return sa.select(sa.literal(0)).scalar_subquery()
    return waiting(actor)


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
