"""Sessions: begin, renew, end. A token is made here and returned once; the database keeps its hash."""

from __future__ import annotations

import uuid
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from app.core import audit, clock, keys
from app.core.db import db
from app.core.errors import NotFound
from app.core.policy import Actor, Permission
from app.staff.models import SessionStage, StaffSession
from app.staff.tokens import hash_token, new_token

ABSOLUTE = timedelta(hours=12)
SECOND_FACTOR_TIME = timedelta(minutes=10)  # between the password and the second factor
DEVICE_CHARS = 64
KEPT = timedelta(days=30)  # beyond the absolute end: who asks "was that me?" still finds the device


def begin_session(staff_id: uuid.UUID, stage: SessionStage, *, device: str, address: str) -> str:
    """A new row; the token for the cookie."""
    now, token = clock.now(), new_token()
    life = ABSOLUTE if stage is SessionStage.FULL else SECOND_FACTOR_TIME
    db.session.add(
        StaffSession(
            token_hash=hash_token(token),
            staff_id=staff_id,
            stage=stage.value,
            created_at=now,
            signed_in_at=now,
            last_seen_at=now,
            expires_at=now + life,
            device=device[:DEVICE_CHARS],
            address_mac=keys.mac("throttle", b"session\0" + address.encode()),
        )
    )
    db.session.flush()
    return token


def renew_session(session_id: uuid.UUID) -> str:
    """A new token for the same session after the password was given again (step-up); its absolute end stays."""
    now, token = clock.now(), new_token()
    done = db.session.execute(
        sa.update(StaffSession)
        .where(StaffSession.id == session_id, StaffSession.ended_at.is_(None))
        .values(token_hash=hash_token(token), signed_in_at=now, last_seen_at=now)
    )
    if done.rowcount != 1:  # type: ignore[attr-defined]
        raise NotFound()
    return token


def close_sessions(
    staff_id: uuid.UUID, why: str, *, only: uuid.UUID | None = None, but: uuid.UUID | None = None
) -> int:
    """End sessions of an account that have not ended; the number. ``why`` is a code, kept with the row."""
    clauses = [StaffSession.staff_id == staff_id, StaffSession.ended_at.is_(None)]
    if only is not None:
        clauses.append(StaffSession.id == only)
    if but is not None:
        clauses.append(StaffSession.id != but)
    done = db.session.execute(sa.update(StaffSession).where(*clauses).values(ended_at=clock.now(), ended_why=why))
    return int(done.rowcount)  # type: ignore[attr-defined]


def end_session(actor: Actor, staff_id: uuid.UUID, session_id: uuid.UUID) -> None:
    """End one session: one's own, or anybody's with staff:manage. Raises NotFound when it has ended already."""
    _may_end(actor, staff_id)
    if not close_sessions(staff_id, "own" if staff_id == actor.id else "admin", only=session_id):
        raise NotFound()
    audit.record("session.ended", actor, "staff_session", session_id)


def end_all_sessions(actor: Actor, staff_id: uuid.UUID) -> int:
    """End all sessions of an account; of one's own, all but the present one."""
    _may_end(actor, staff_id)
    own = staff_id == actor.id
    count = close_sessions(staff_id, "own" if own else "admin", but=actor.session_id if own else None)
    audit.record("session.all_ended", actor, "staff_account", staff_id)
    return count


def forget_sessions() -> int:
    """Delete sessions a month past their absolute end; the number. Each account's last one stays: it says when the
    person was last here."""
    later = aliased(StaffSession)
    followed = sa.exists().where(
        later.staff_id == StaffSession.staff_id,
        later.stage == SessionStage.FULL.value,
        later.last_seen_at > StaffSession.last_seen_at,
    )
    old = StaffSession.expires_at < clock.now() - KEPT
    gone = sa.or_(StaffSession.stage != SessionStage.FULL.value, followed)
    done = db.session.execute(sa.delete(StaffSession).where(old, gone).execution_options(synchronize_session=False))
    return int(done.rowcount)  # type: ignore[attr-defined]


def _may_end(actor: Actor, staff_id: uuid.UUID) -> None:
    if staff_id != actor.id:
        actor.require(Permission.STAFF_MANAGE)
