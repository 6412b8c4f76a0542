"""Facts about a ticket that more than one verb needs, read from the tables of this room."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

import sqlalchemy as sa

from app.core import numbers
from app.core.db import db
from app.tickets.facts import Facts, Harm, Priority, ServiceMode, Triage, WarrantyBasis
from app.tickets.models import CustodyLeg, PartLine, Ticket

OPEN_PARTS = ("wanted", "arrived")


def custody_open(ticket_id: uuid.UUID) -> bool:
    """Whether the device is in our hands."""
    query = sa.select(CustodyLeg.id).where(CustodyLeg.ticket_id == ticket_id, CustodyLeg.closed_at.is_(None))
    return db.session.execute(query).first() is not None


def parts_open(ticket_id: uuid.UUID) -> bool:
    """Whether a part is still wanted or lies here unused."""
    query = sa.select(PartLine.id).where(PartLine.ticket_id == ticket_id, PartLine.state.in_(OPEN_PARTS))
    return db.session.execute(query).first() is not None


def closing_facts(row: Ticket, now: datetime, *, note: str = "", text: str = "") -> Facts:
    """What row 28 of the table asks before a ticket closes. A safety case holds the ticket by its overlay."""
    return Facts(
        now=now, note=note, text=text, custody_open=custody_open(row.id), parts_open=parts_open(row.id),
        safety_undecided=row.safety_hold, field_job=row.field_job, closed_at=row.closed_at,
        reopen_within=timedelta(days=numbers.get("reopen_days")),
    )  # fmt: skip


def sheet_of(row: Ticket) -> Triage:
    """What the triage screen has settled so far."""
    return Triage(
        hospital_matched=row.hospital_matched,
        serial=row.serial_number or "",
        no_serial_reason=row.no_serial_reason,
        harm=Harm(row.harm),
        duplicates_reviewed=row.duplicates_reviewed,
        fault_class=row.fault_class,
        priority=Priority(row.priority) if row.priority else None,
        warranty=WarrantyBasis(row.warranty_basis) if row.warranty_basis else None,
        mode=ServiceMode(row.service_mode) if row.service_mode else None,
    )
