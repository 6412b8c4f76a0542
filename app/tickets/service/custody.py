"""Whose hands the device is in: a leg begins with a transition or a hand-over and ends where the next one begins."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from app.core.db import db
from app.core.errors import Invalid
from app.tickets.models import CustodyLeg, Ticket

LINE_MAX_CHARS, NUMBER_MAX_CHARS = 200, 40


@dataclass(frozen=True, slots=True)
class Hands:
    """Who takes the device, and what is noted as it changes hands."""

    holder: str  # key of bench.HOLDERS
    holder_id: uuid.UUID | None = None
    holder_name: str = ""
    serial: str = ""
    accessories: str = ""
    seal: str = ""
    seal_found: str = ""
    courier_number: str = ""
    decontaminated: bool = False
    biohazard_by: uuid.UUID | None = None
    do_not_use: bool = False


def open_leg(ticket_id: uuid.UUID) -> CustodyLeg | None:
    """The leg that has not ended; none while the hospital has its device."""
    query = sa.select(CustodyLeg).where(CustodyLeg.ticket_id == ticket_id, CustodyLeg.closed_at.is_(None))
    return db.session.scalars(query).one_or_none()


def pass_to(row: Ticket, hands: Hands, at: datetime) -> CustodyLeg:
    """End the open leg, if there is one, and begin the next. ``row`` is locked by the caller."""
    give_back(row, at)
    made = CustodyLeg(
        ticket_id=row.id, holder=hands.holder, holder_id=hands.holder_id, holder_name=hands.holder_name,
        serial_scanned=hands.serial, accessories=hands.accessories, seal_number=hands.seal,
        seal_found=hands.seal_found, courier_number=hands.courier_number, decontaminated=hands.decontaminated,
        biohazard_approved_by=hands.biohazard_by, do_not_use=hands.do_not_use, opened_at=at,
    )  # fmt: skip
    db.session.add(made)
    db.session.flush()
    return made


def give_back(row: Ticket, at: datetime) -> None:
    """End the open leg: somebody else has the device from now on."""
    leg = open_leg(row.id)
    if leg is not None:
        leg.closed_at = at
        db.session.flush()


def fits(**typed: tuple[str, int]) -> None:
    """Each value within its length. Raises Invalid naming all that are not."""
    wrong = {
        name: [_l("最多 %(limit)s 个字。", limit=most)] for name, (value, most) in typed.items() if len(value) > most
    }
    if wrong:
        raise Invalid(fields=wrong)
