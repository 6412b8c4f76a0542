"""What time changed, made true in bulk. Everything here is already true at read time; the job only announces it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from app.core import clock, jobs
from app.core.db import db
from app.registrations.models import Registration
from app.registrations.service import places
from app.registrations.service.record import settle
from app.registrations.workflow import OPEN, Status

BATCH = 200
SETTLE = "registrations.settle"
EVERY = timedelta(minutes=1)


def settle_due(limit: int = BATCH) -> int:
    """Lapse and wake what is due, and take over mapped hospitals. Returns how many cases changed status."""
    now = clock.now()
    due = sa.select(Registration).where(
        Registration.status.in_((Status.ON_HOLD, Status.NEEDS_RESUBMISSION)), Registration.wakes_at <= now
    )
    rows = db.session.scalars(due.order_by(Registration.wakes_at).limit(limit).with_for_update(skip_locked=True)).all()
    for row in rows:
        settle(row, now)
    unmapped = sa.select(Registration).where(
        Registration.status.in_(OPEN), Registration.province.is_(None), Registration.unknown_hospital_id.is_not(None)
    )
    for row in db.session.scalars(unmapped.limit(limit).with_for_update(skip_locked=True)).all():
        places.adopt_mapping(row)
    db.session.flush()
    return len(rows)


def install() -> None:
    """Register the handler and its rhythm."""

    @jobs.handler(SETTLE)
    def _settle(_payload: dict[str, Any]) -> None:
        settle_due()

    jobs.every(SETTLE, EVERY)
