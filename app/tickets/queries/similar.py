"""What else is known beside a ticket: the device's own history, and open reports that may be about the same fault."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.core import keys
from app.core.db import db
from app.core.policy import Actor, Permission
from app.tickets.models import Ticket
from app.tickets.queries.dossier import Dossier
from app.tickets.service.reach import in_region
from app.tickets.triage import FAULT_CLASSES
from app.tickets.words import CHIPS
from app.tickets.workflow import OPEN

T = Ticket
SHOWN = 6
LOOKED_AT = 40  # open tickets of the hospital from which the most similar are taken


@dataclass(frozen=True, slots=True)
class Beside:
    """Another ticket in one line; ``why`` it stands here: device, department, model."""

    number: str
    opened_at: datetime
    chip: Any
    fault_class: Any
    fault: str | None
    why: str = ""


def history(actor: Actor, found: Dossier) -> list[Beside]:
    """Other tickets of the same device, newest first."""
    row = found.row
    if not row.serial_number:
        return []
    query = _select(actor).where(T.serial_number == row.serial_number, T.id != row.id)
    return _lines(db.session.execute(query.order_by(T.opened_at.desc(), T.id.desc()).limit(SHOWN)).all())


@dataclass(frozen=True, slots=True)
class Asked:
    """A report that is not written yet."""

    hospital_id: uuid.UUID
    serial_number: str | None
    device_model: str | None
    device_department_id: uuid.UUID | None
    reporter_department_id: uuid.UUID | None = None
    id: uuid.UUID | None = None


def similar(actor: Actor, row: Ticket | Asked) -> list[Beside]:
    """Open tickets of the same hospital: of the same device first, then of the department, then of the model."""
    query = _select(actor).where(T.hospital_id == row.hospital_id, T.status.in_(OPEN), T.id != row.id)
    rows = db.session.execute(query.order_by(T.opened_at.desc(), T.id.desc()).limit(LOOKED_AT)).all()
    ranked = sorted(((_why(r, row), r) for r in rows), key=lambda one: WHYS.index(one[0]))
    kept = [(why, r) for why, r in ranked if why][:SHOWN]
    return _lines([r for _why_, r in kept], [why for why, _r in kept])


WHYS = ("device", "department", "model", "")


def _why(other: Any, row: Ticket | Asked) -> str:
    places = {place for place in (row.device_department_id, row.reporter_department_id) if place is not None}
    if row.serial_number and other.serial_number == row.serial_number:
        return "device"
    if places & {other.device_department_id, other.reporter_department_id}:
        return "department"
    return "model" if row.device_model and other.device_model == row.device_model else ""


def _select(actor: Actor) -> Any:
    return sa.select(
        T.id, T.number, T.opened_at, T.status, T.fault_class, T.subject_id, T.fault_sealed, T.serial_number,
        T.device_model, T.device_department_id, T.reporter_department_id,
    ).where(*in_region(actor, Permission.TICKETS_READ))  # fmt: skip


def _lines(rows: Sequence[Any], whys: Sequence[str] = ()) -> list[Beside]:
    opened = keys.keystore.load({r.subject_id for r in rows}) if rows else {}
    unseal = T.fault.opener()
    return [
        Beside(
            r.number, r.opened_at, CHIPS[r.status], FAULT_CLASSES.get(r.fault_class),
            unseal(r.id, r.fault_sealed, opened.get(r.subject_id)), whys[n] if whys else "",
        )
        for n, r in enumerate(rows)
    ]  # fmt: skip
