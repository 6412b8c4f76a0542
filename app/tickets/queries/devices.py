"""The device register as triage, the telephone desk and the mini program look into it: a serial, and what it may mean.

A serial that the hospital does not have is a warning, never a refusal: what stands on the plate is often misread, and
the register is never complete. Candidates are devices of that one hospital, so that nobody learns what others own.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum

import sqlalchemy as sa

from app.core.db import db
from app.tickets.models import Device

LOOKED_AT = 500  # devices of a hospital that are compared
SHOWN = 5
GS1_SERIAL = re.compile(r"\(21\)([^()]{1,40})")  # application identifier 21 of a UDI as it is printed
ALIKE = 0.7  # share of characters in common from which a serial may be a misread one


class Match(StrEnum):
    """What the register says about a serial at a hospital."""

    NONE = ""  # no serial was given
    HERE = "here"
    ELSEWHERE = "elsewhere"  # registered, with another hospital
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Found:
    """``device`` where it is this hospital's; ``candidates`` where it is not."""

    match: Match
    device: Device | None = None
    candidates: Sequence[Device] = ()

    @property
    def doubtful(self) -> bool:
        return self.match in (Match.ELSEWHERE, Match.UNKNOWN)


def plain_serial(text: str | None) -> str | None:
    """As the register writes it: upper case, no blanks; of a UDI in its printed form (GS1) the serial within."""
    plain = "".join((text or "").split()).upper()
    within = GS1_SERIAL.search(plain)
    return (within.group(1) if within else plain) or None


def at_hospital(serial: str | None, hospital_id: uuid.UUID) -> Device | None:
    """The registered device of this plain serial or UDI, if it is one of this hospital's."""
    if serial is None:
        return None
    return next((one for one in _named(serial) if one.hospital_id == hospital_id), None)


def registered(serial: str | None, hospital_id: uuid.UUID) -> Device | None:
    """The device of this plain serial or UDI, wherever it stands; this hospital's first."""
    named = _named(serial) if serial is not None else ()
    return min(named, key=lambda one: one.hospital_id != hospital_id, default=None)


def look_up(serial: str | None, hospital_id: uuid.UUID, model: str | None = None) -> Found:
    """The register's word about a serial (or a UDI) at this hospital; at most two statements."""
    asked = plain_serial(serial)
    if asked is None:
        return Found(Match.NONE, candidates=_of_model(hospital_id, model))
    named = _named(asked)
    here = next((one for one in named if one.hospital_id == hospital_id), None)
    if here is not None:
        return Found(Match.HERE, here)
    return Found(Match.ELSEWHERE if named else Match.UNKNOWN, None, _alike(asked, hospital_id, model))


def _named(asked: str) -> Sequence[Device]:
    query = sa.select(Device).where(sa.or_(Device.serial_number == asked, Device.udi == asked))
    return db.session.scalars(query.limit(SHOWN)).all()


def _alike(serial: str, hospital_id: uuid.UUID, model: str | None) -> list[Device]:
    """Serials that differ by a character or two, the most alike first; the same model breaks a tie."""
    query = sa.select(Device).where(Device.hospital_id == hospital_id, Device.active.is_(True))
    rows = db.session.scalars(query.order_by(Device.model, Device.id).limit(LOOKED_AT)).all()
    wanted = (model or "").strip().upper()
    scored = [
        (SequenceMatcher(None, serial, row.serial_number, autojunk=False).ratio(), row.model.upper() == wanted, row)
        for row in rows
    ]
    near = [one for one in scored if one[0] >= ALIKE]
    near.sort(key=lambda one: (-one[0], not one[1], one[2].serial_number))
    return [row for _score, _same, row in near[:SHOWN]]


def _of_model(hospital_id: uuid.UUID, model: str | None) -> list[Device]:
    """Without a serial: the hospital's devices of the model that was named."""
    wanted = (model or "").strip()
    if not wanted:
        return []
    query = sa.select(Device).where(Device.hospital_id == hospital_id, Device.active.is_(True), Device.model == wanted)
    return list(db.session.scalars(query.order_by(Device.serial_number).limit(SHOWN)))
