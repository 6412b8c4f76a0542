"""Reads of staff. Functions that pages call take the actor; those that the frame calls before there is one do not."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.core import clock, keys
from app.core.db import db
from app.core.errors import NotFound
from app.core.policy import Actor, Permission
from app.staff.models import AccountState, RecoveryCode, RoleAssignment, SessionStage, StaffAccount, StaffSession
from app.staff.roles import Role, rights_of

IDLE = timedelta(minutes=30)
SEEN_EVERY = timedelta(minutes=1)
# The index under which customers' phone numbers are found: a staff member's own number is compared with it (C12).
CUSTOMER_PHONE_INDEX = keys.declare("index:customer.phone_sealed")


@dataclass(frozen=True, slots=True)
class LiveSession:
    """A session row with its account, as plain values."""

    id: uuid.UUID
    stage: str
    staff_id: uuid.UUID
    email: str
    dealer_id: uuid.UUID | None
    has_second_factor: bool
    signed_in_at: datetime
    last_seen_at: datetime
    actor: Actor


S, A, R = StaffSession.__table__.c, StaffAccount.__table__.c, RoleAssignment.__table__.c
_LIVE = (
    sa.select(
        S.id,
        S.stage,
        S.signed_in_at,
        S.last_seen_at,
        A.id.label("staff_id"),
        A.email,
        A.name,
        A.dealer_id,
        A.phone_sealed,
        A.totp_sealed.is_not(None).label("has_second_factor"),
        A.preferences,
        R.role,
        R.provinces,
        R.lead,
    )
    .select_from(StaffSession)
    .join(StaffAccount, A.id == S.staff_id)
    .outerjoin(RoleAssignment, R.staff_id == A.id)
    .where(
        S.token_hash == sa.bindparam("hash"),
        S.ended_at.is_(None),
        S.expires_at > sa.bindparam("now", type_=S.expires_at.type),
        S.last_seen_at > sa.bindparam("idle_since", type_=S.last_seen_at.type),
        A.state == AccountState.ACTIVE.value,
    )
    .order_by(R.role)
)


def session_by_hash(token_hash: bytes, now: datetime) -> LiveSession | None:
    """The living session behind a cookie: one statement for session, account and roles."""
    rows = db.session.connection().execute(_LIVE, {"hash": token_hash, "now": now, "idle_since": now - IDLE}).all()
    if not rows:
        return None
    first = rows[0]
    assignments = [(row.role, row.provinces, row.lead) for row in rows if row.role is not None]
    actor = Actor(
        "staff",
        id=first.staff_id,
        name=first.name,
        rights=rights_of(assignments),
        roles=tuple(key for key, _provinces, _lead in assignments),
        session_id=first.id,
        signed_in_at=first.signed_in_at,
        phone_index=phone_index(first.staff_id, first.phone_sealed),
        preferences=MappingProxyType(dict(first.preferences or {})),
    )
    return LiveSession(
        id=first.id,
        stage=first.stage,
        staff_id=first.staff_id,
        email=first.email,
        dealer_id=first.dealer_id,
        has_second_factor=first.has_second_factor,
        signed_in_at=first.signed_in_at,
        last_seen_at=first.last_seen_at,
        actor=actor,
    )


def phone_index(staff_id: uuid.UUID, sealed: bytes | None) -> bytes | None:
    """The staff member's own number under the customers' index; None without a number. No statement."""
    if sealed is None:
        return None
    phone = keys.open("staff_account.phone_sealed", staff_id, sealed)
    return keys.mac(CUSTOMER_PHONE_INDEX, b"full|" + phone)


def mark_seen(session: Session, session_id: uuid.UUID, now: datetime) -> None:
    session.execute(
        sa.update(StaffSession)
        .where(StaffSession.id == session_id, StaffSession.last_seen_at < now)
        .values(last_seen_at=now)
    )


def actor_of(staff_id: uuid.UUID) -> Actor:
    """An account as an actor outside of a session (commands, jobs). Raises NotFound unless active."""
    account = db.session.get(StaffAccount, staff_id)
    if account is None or account.state != AccountState.ACTIVE:
        raise NotFound()
    assignments = _assignments([staff_id]).get(staff_id, [])
    return Actor(
        "staff",
        id=account.id,
        name=account.name,
        rights=rights_of((a.role, a.provinces, a.lead) for a in assignments),
        roles=tuple(a.role for a in assignments),
        phone_index=phone_index(account.id, account.phone_sealed),
        preferences=MappingProxyType(dict(account.preferences or {})),
    )


def led_roles(actor: Actor) -> list[Role]:
    """The roles that this person holds as a lead."""
    held = sa.select(RoleAssignment.role).where(RoleAssignment.staff_id == actor.id, RoleAssignment.lead.is_(True))
    return [Role(key) for key in db.session.scalars(held.order_by(RoleAssignment.role))]


def _assignments(staff_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[RoleAssignment]]:
    found: dict[uuid.UUID, list[RoleAssignment]] = {}
    rows = db.session.scalars(
        sa.select(RoleAssignment).where(RoleAssignment.staff_id.in_(staff_ids)).order_by(RoleAssignment.role)
    )
    for row in rows:
        found.setdefault(row.staff_id, []).append(row)
    return found


def account(actor: Actor, staff_id: uuid.UUID) -> StaffAccount:
    """One account: one's own, or any with staff:read. Raises NotFound, Forbidden."""
    if staff_id != actor.id:
        actor.require(Permission.STAFF_READ)
    row = db.session.get(StaffAccount, staff_id)
    if row is None:
        raise NotFound()
    return row


def assignments(actor: Actor, staff_id: uuid.UUID) -> list[RoleAssignment]:
    """Roles of an account; the same bounds as `account`."""
    if staff_id != actor.id:
        actor.require(Permission.STAFF_READ)
    return _assignments([staff_id]).get(staff_id, [])


def living_sessions(actor: Actor, staff_id: uuid.UUID) -> list[StaffSession]:
    """Sessions that would still be let in, the latest first: one's own, or any with staff:read."""
    if staff_id != actor.id:
        actor.require(Permission.STAFF_READ)
    now = clock.now()
    return list(
        db.session.scalars(
            sa.select(StaffSession)
            .where(
                StaffSession.staff_id == staff_id,
                StaffSession.stage == SessionStage.FULL.value,
                StaffSession.ended_at.is_(None),
                StaffSession.expires_at > now,
                StaffSession.last_seen_at > now - IDLE,
            )
            .order_by(StaffSession.last_seen_at.desc())
        )
    )


def names(staff_ids: Iterable[uuid.UUID | None]) -> Mapping[uuid.UUID, str]:
    """Names of colleagues, which every signed-in staff member may see (work records). One statement."""
    wanted = {staff_id for staff_id in staff_ids if staff_id is not None}
    if not wanted:
        return {}
    rows = db.session.execute(sa.select(StaffAccount.id, StaffAccount.name).where(StaffAccount.id.in_(wanted)))
    return {row.id: row.name for row in rows}


def colleagues(role: Role | str, *, province: str | None = None) -> list[tuple[uuid.UUID, str]]:
    """Active accounts that hold a role (within a province, where given): a team, by name."""
    rows = db.session.execute(
        sa.select(StaffAccount.id, StaffAccount.name, RoleAssignment.provinces)
        .join(RoleAssignment, RoleAssignment.staff_id == StaffAccount.id)
        .where(RoleAssignment.role == str(role), StaffAccount.state == AccountState.ACTIVE.value)
        .order_by(StaffAccount.name, StaffAccount.id)
    )
    inside = lambda provinces: province is None or provinces is None or province in provinces
    return [(row.id, row.name) for row in rows if inside(row.provinces)]


def possible_heirs(actor: Actor, staff_id: uuid.UUID) -> list[tuple[uuid.UUID, str]]:
    """Active accounts to whom another's work can be handed over."""
    actor.require(Permission.STAFF_READ)
    rows = db.session.execute(
        sa.select(StaffAccount.id, StaffAccount.name)
        .where(StaffAccount.state == AccountState.ACTIVE.value, StaffAccount.id != staff_id)
        .order_by(StaffAccount.name, StaffAccount.id)
    )
    return [(row.id, row.name) for row in rows]


def recovery_codes_left(actor: Actor) -> int:
    """How many of one's own recovery codes are unused; ten at most."""
    unused = sa.select(sa.func.count()).where(RecoveryCode.staff_id == actor.id, RecoveryCode.used_at.is_(None))
    return int(db.session.execute(unused).scalar_one())
