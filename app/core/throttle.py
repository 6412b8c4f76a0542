"""Throttle: how often somebody may try something, counted in the database and therefore across processes.

A sliding log, one row per counted try: ``1 a minute`` means no two within any 60 seconds, not two around the change of
a minute. Refused tries are not counted, so that waiting the time that was answered is always enough. Keys (phone
numbers, addresses) are stored as HMAC only. Called with the session of `unit_of_work.evidence`, because a count must
survive the refusal that follows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session

from app.core import clock, keys
from app.core.columns import DataClass, index_column, plain
from app.core.db import Base, db
from app.core.unit_of_work import declare_evidence

if TYPE_CHECKING:
    from app.core.web import Portal

Limit = tuple[int, timedelta]  # so many within any such span
CLEANUP_EVERY = timedelta(hours=1)


class ThrottleHit(Base):
    """One counted try; useless and deleted after ``expires_at``."""

    __tablename__ = "throttle_hit"
    __table_args__ = (sa.Index("ix_throttle_hit_key_at", "key_mac", "at"),)

    id: Mapped[UUID] = plain(primary_key=True)
    key_mac: Mapped[bytes] = index_column(DataClass.USAGE, nullable=False)
    at: Mapped[datetime] = plain(nullable=False, cls=DataClass.USAGE)
    expires_at: Mapped[datetime] = plain(nullable=False, index=True)


def hit(session: Session, bucket: str, key: bytes | str, limits: Sequence[Limit]) -> int | None:
    """Count one try. None when it is within all ``limits``, else the whole seconds to wait (>= 1), nothing counted."""
    mac = _mac(bucket, key)
    seconds = _wait(session, mac, limits)
    if seconds is None:
        at = clock.now()
        session.add(ThrottleHit(key_mac=mac, at=at, expires_at=at + _longest(limits)))
        session.flush()
    return seconds


def wait(session: Session, bucket: str, key: bytes | str, limits: Sequence[Limit]) -> int | None:
    """As `hit`, without counting: for tries of which only the failures count."""
    return _wait(session, _mac(bucket, key), limits)


def clear(session: Session, bucket: str, key: bytes | str) -> None:
    """Forget the tries of one key, after a success."""
    session.execute(sa.delete(ThrottleHit).where(ThrottleHit.key_mac == _mac(bucket, key)))


def cleanup() -> int:
    """Delete what no limit looks at any more; the number of rows. Runs as a job."""
    done: Any = db.session.execute(sa.delete(ThrottleHit).where(ThrottleHit.expires_at <= clock.now()))
    return int(done.rowcount)


def _mac(bucket: str, key: bytes | str) -> bytes:
    data = key.encode() if isinstance(key, str) else key
    return keys.mac("throttle", bucket.encode() + b"\0" + data)


def _longest(limits: Sequence[Limit]) -> timedelta:
    return max(span for _, span in limits)


def _wait(session: Session, mac: bytes, limits: Sequence[Limit]) -> int | None:
    if session.get_bind().dialect.name == "postgresql":  # SQLite: evidence() begins IMMEDIATE, one writer at a time
        session.execute(sa.select(sa.func.pg_advisory_xact_lock(int.from_bytes(mac[:8], "big", signed=True))))
    now = clock.now()
    tries = session.scalars(
        sa.select(ThrottleHit.at)
        .where(ThrottleHit.key_mac == mac, ThrottleHit.at > now - _longest(limits))
        .order_by(ThrottleHit.at.desc())
        .limit(max(count for count, _ in limits))
    ).all()
    waits = [
        (tries[count - 1] + span - now).total_seconds()
        for count, span in limits
        if len(tries) >= count and tries[count - 1] > now - span
    ]
    return max(1, math.ceil(max(waits))) if waits else None


def install(_app: Portal) -> None:
    """Tries may be counted by any endpoint; old ones go every hour."""
    from app.core import jobs  # late: counting tries needs no worker

    declare_evidence(ThrottleHit.__tablename__)

    @jobs.handler("throttle.cleanup")
    def _cleanup(_payload: dict[str, Any]) -> None:
        cleanup()

    jobs.every("throttle.cleanup", CLEANUP_EVERY)
