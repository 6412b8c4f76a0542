"""What time and the world changed, announced. All of it was true at read time before this ran."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from app.core import audit, clock, jobs
from app.core.db import db
from app.core.policy import SYSTEM
from app.grants.models import Campaign, Grant, ReviewItem
from app.grants.scope import drifted
from app.grants.service import notice, record
from app.grants.service.review import reviewers_of
from app.grants.workflow import LIVE, Status

BATCH = 200
SETTLE = "grants.settle"
EVERY = timedelta(minutes=1)
REMIND_DAYS = (30, 7)
REVIEW_REMIND = timedelta(days=7)


def settle_due(limit: int = BATCH) -> int:
    """Start, pause and end what is due, send the reminders; the number of grants that changed status."""
    now = clock.now()
    due = sa.and_(Grant.status.in_(LIVE), Grant.wakes_at <= now)
    gone = sa.and_(Grant.status.in_((Status.ACTIVE, Status.SCHEDULED)), drifted(now))
    changed = 0
    for clause in (due, gone):
        rows = sa.select(Grant).where(clause).order_by(Grant.id).limit(limit).with_for_update(skip_locked=True)
        for row in db.session.scalars(rows.execution_options(populate_existing=True)).all():
            before = row.version
            record.settle(row, now)
            changed += row.version != before
    _remind(now, limit)
    _remind_reviewers(now)
    db.session.flush()
    return changed


def _remind(now: datetime, limit: int) -> None:
    """30 and 7 days before the end, each once; the nearer one alone when the first was never due."""
    nearest_first = sorted(REMIND_DAYS)
    for days, nearer in zip(nearest_first, (0, *nearest_first), strict=False):
        missed = sa.or_(Grant.reminded_days.is_(None), Grant.reminded_days > days)
        ends = sa.and_(Grant.ends_at > now + timedelta(days=nearer), Grant.ends_at <= now + timedelta(days=days))
        rows = sa.select(Grant).where(Grant.status == Status.ACTIVE, ends, missed)
        for row in db.session.scalars(rows.limit(limit).with_for_update(skip_locked=True)).all():
            notice.remind(row, days)
            row.reminded_days = days
            audit.record("grant.reminded", SYSTEM, "access_grant", row.id, reason_code=f"days_{days}")


def _remind_reviewers(now: datetime) -> None:
    """A week before the deadline of a review, when items still wait."""
    rows = sa.select(Campaign).where(
        Campaign.reminded_at.is_(None), Campaign.closes_at > now, Campaign.closes_at <= now + REVIEW_REMIND
    )
    for campaign in db.session.scalars(rows.with_for_update(skip_locked=True)).all():
        left = db.session.scalar(
            sa.select(sa.func.count()).where(ReviewItem.campaign_id == campaign.id, ReviewItem.decision.is_(None))
        )
        if left:
            notice.remind_reviewers(campaign, left, reviewers_of(campaign))
        campaign.reminded_at = now


def install() -> None:
    """Register the handler and its rhythm."""

    @jobs.handler(SETTLE)
    def _settle(_payload: dict[str, Any]) -> None:
        settle_due()

    jobs.every(SETTLE, EVERY)
