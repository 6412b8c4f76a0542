"""Proof of who one is: the counted tries, and the checks of a password and of a second factor.

The count goes first, in a transaction of its own, and the hash is computed while no transaction is open: a slow hash
must never hold SQLite's write lock.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from app.core import clock, throttle
from app.core.db import db
from app.core.errors import Invalid, TooManyRequests, Unauthenticated
from app.core.policy import Actor
from app.core.unit_of_work import evidence
from app.staff import passwords, second_factor
from app.staff.models import AccountState, RecoveryCode, StaffAccount

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
PER_ACCOUNT = ((5, MINUTE), (20, HOUR), (60, DAY))
PER_ADDRESS = ((30, MINUTE), (200, HOUR))
PER_SECOND_FACTOR = ((5, 5 * MINUTE), (20, DAY))
SIGN_IN, ADDRESS, SECOND, CONFIRM = "sign-in", "sign-in-address", "second-factor", "confirm"


@dataclass(frozen=True, slots=True)
class Known:
    """What is read of an account before its password is checked."""

    id: uuid.UUID
    password_hash: str | None
    has_second_factor: bool


def count(session: Session, bucket: str, key: str, limits: Sequence[tuple[int, timedelta]]) -> None:
    """Count one try. Raises TooManyRequests; the caller's evidence transaction is then given up, the count stands."""
    seconds = throttle.hit(session, bucket, key, limits)
    if seconds is not None:
        raise TooManyRequests(retry_after=seconds)


def known(session: Session, clause: Any) -> Known | None:
    """The active account of the clause."""
    row = session.execute(
        sa.select(StaffAccount.id, StaffAccount.password_hash, StaffAccount.totp_sealed.is_not(None)).where(
            clause, StaffAccount.state == AccountState.ACTIVE.value
        )
    ).first()
    return Known(*row) if row is not None else None


def own_password(actor: Actor, password: str, *, field: str = "password") -> uuid.UUID:
    """Check the password of somebody signed in. Raises Invalid, TooManyRequests. Returns the account's id."""
    if actor.id is None:
        raise Unauthenticated()
    with evidence() as own:
        count(own, CONFIRM, actor.id.hex, PER_ACCOUNT)
        found = known(own, StaffAccount.id == actor.id)
    if not passwords.verify(found.password_hash if found else None, password):
        message = _l("密码不正确。")
        raise Invalid(message, code="password_wrong", fields={field: [message]})
    return actor.id


def spend_second_factor(account: StaffAccount, code: str) -> str | None:
    """Check and use up a code: "totp", "recovery", or None when it is wrong or was used before."""
    secret = account.totp_secret
    if secret is not None:
        step = second_factor.matching_step(secret, code, after=account.totp_last_step)
        if step is not None:
            return "totp" if spend_step(account.id, step) else None
    return "recovery" if _spend_recovery(account.id, code) else None


def spend_step(staff_id: uuid.UUID, step: int) -> bool:
    """Mark a step as used; False when another request was faster (ASVS 6.5.1)."""
    done: Any = db.session.execute(
        sa.update(StaffAccount)
        .where(
            StaffAccount.id == staff_id,
            sa.or_(StaffAccount.totp_last_step.is_(None), StaffAccount.totp_last_step < step),
        )
        .values(totp_last_step=step)
    )
    return int(done.rowcount) == 1


def _spend_recovery(staff_id: uuid.UUID, code: str) -> bool:
    if not second_factor.looks_like_recovery(code):
        return False
    done: Any = db.session.execute(
        sa.update(RecoveryCode)
        .where(
            RecoveryCode.staff_id == staff_id,
            RecoveryCode.code_mac.in_(second_factor.recovery_macs(code)),
            RecoveryCode.used_at.is_(None),
        )
        .values(used_at=clock.now())
    )
    return int(done.rowcount) == 1


def require_second_factor(account: StaffAccount, code: str) -> None:
    """As `spend_second_factor`, for somebody signed in. Raises Invalid."""
    if spend_second_factor(account, code) is None:
        message = _l("验证码不正确或已用过，请等下一个。")
        raise Invalid(message, code="code_wrong", fields={"code": [message]})
