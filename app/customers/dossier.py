"""What staff read of one person, as plain values: the contact card, the sign-ins that live, what was recorded.

What features above know of the person comes through the registries of `panels`.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa

from app.consents import queries as consents
from app.consents.models import ConsentEntry
from app.core import clock, keys
from app.core.audit import AuditEvent
from app.core.db import db
from app.core.masking import mask_phone
from app.core.policy import Actor, Permission
from app.customers import access, queries, standing
from app.customers.models import Customer, CustomerProfile, CustomerToken, Gender, RightsRequest
from app.customers.panels import FieldMark, field_marks, traces
from app.customers.worklists import shown_name
from app.hospitals.models import Department, Hospital

TIMELINE_LENGTH = 50
# Surnames of two characters that are common enough to be addressed by
COMPOUND = (
    "欧阳",
    "司马",
    "上官",
    "诸葛",
    "东方",
    "皇甫",
    "尉迟",
    "公孙",
    "慕容",
    "令狐",
    "夏侯",
    "司徒",
    "端木",
    "南宫",
)


@dataclass(frozen=True, slots=True)
class Person:
    """One person as one actor sees him. ``name`` is masked without the right; None where erased or never given."""

    row: Customer
    profile: CustomerProfile | None
    state: standing.State
    erased: bool  # the person's own key is destroyed: nothing sealed can be read any more
    name: str | None
    name_masked: bool
    surname: str
    gender: Gender
    phone_mask: str
    hospital: str | None
    department: str | None
    province: str | None
    badge_valid_until: date | None
    marks: Mapping[str, FieldMark]

    @property
    def closed(self) -> bool:
        return self.row.closed_at is not None


def person(actor: Actor, customer_id: uuid.UUID) -> Person:
    """The contact card. Raises Forbidden, NotFound."""
    row = access.find(actor, customer_id)
    profile = queries.profile_of(row.id)
    erased = not keys.keystore.load({row.subject_id})
    whole = None if erased else queries.name_of(row, profile)
    place = _place(profile)
    return Person(
        row=row,
        profile=profile,
        state=standing.state_of(row, profile),
        erased=erased,
        name=shown_name(actor, whole),
        name_masked=whole is not None and not actor.may(Permission.CUSTOMERS_NAME),
        surname=surname_of(whole),
        gender=Gender.UNDISCLOSED if erased else row.gender,
        phone_mask="" if erased else mask_phone(row.phone),
        hospital=place[0],
        department=place[1],
        province=place[2],
        badge_valid_until=profile.badge_valid_until if profile is not None else None,
        marks=_marks(profile),
    )


def surname_of(name: str | None) -> str:
    """What a person is addressed by: 冯, 欧阳; for other scripts the last word."""
    name = (name or "").strip()
    if not name:
        return ""
    if name.isascii():
        return name.split()[-1]
    return name[:2] if name[:2] in COMPOUND and len(name) > 2 else name[0]


def _place(profile: CustomerProfile | None) -> tuple[str | None, str | None, str | None]:
    if profile is None:
        return None, None, None
    found = sa.select(Hospital.name, Department.name, Hospital.province).select_from(CustomerProfile)
    found = found.outerjoin(Hospital, Hospital.id == CustomerProfile.hospital_id)
    found = found.outerjoin(Department, Department.id == CustomerProfile.department_id)
    row = db.session.execute(found.where(CustomerProfile.id == profile.id)).one()
    return row[0], row[1], row[2]


def _marks(profile: CustomerProfile | None) -> Mapping[str, FieldMark]:
    found: dict[str, FieldMark] = {}
    for source in field_marks:
        found.update(source(profile) if profile is not None else {})
    return found


def sessions(row: Customer) -> Sequence[CustomerToken]:
    """Sign-ins that hold, the one used last on top; none of a frozen or closed account does."""
    if row.frozen_at is not None or row.closed_at is not None:
        return []
    t = CustomerToken
    rows = sa.select(t).where(t.customer_id == row.id, t.ended_at.is_(None), t.expires_at > clock.now())
    return db.session.scalars(rows.order_by(t.last_used_at.desc(), t.id.desc())).all()


def consent_entries(row: Customer) -> Sequence[ConsentEntry]:
    """The ledger, newest first."""
    return list(reversed(consents.history(row.subject_id)))


@dataclass(frozen=True, slots=True)
class Trace:
    """One recorded event without personal data: who is a staff member's name, or what kind of actor it was."""

    at: datetime
    event: str
    kind: str
    by: str
    reason: str | None
    fields: Sequence[str]


def timeline(row: Customer, limit: int = TIMELINE_LENGTH) -> Sequence[Trace]:
    """What happened to this person's records, newest first: events on the account and on what features trace."""
    objects = [str(row.id), *_own_traces(row), *(found for source in traces for found in source(row))]
    e = AuditEvent
    rows = db.session.execute(
        sa.select(e.at, e.event, e.actor_kind, e.actor_name, e.reason_code, e.fields)
        .where(e.object_id.in_(objects))
        .order_by(e.recorded_at.desc(), e.id.desc())
        .limit(limit)
    )
    return [Trace(*found) for found in rows]


def _own_traces(row: Customer) -> Sequence[str]:
    """Rows of this floor and below that have events of their own: consents and requests about the own data."""
    consents_of = sa.select(ConsentEntry.id).where(ConsentEntry.subject_id == row.subject_id)
    requests_of = sa.select(RightsRequest.id).where(RightsRequest.customer_id == row.id)
    return [str(found) for found in db.session.scalars(sa.union_all(consents_of, requests_of))]
