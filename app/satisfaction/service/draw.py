"""Drawing what is audited: by a stored random seed from a stored frame, so that anybody can repeat it."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from app.core import clock, numbers
from app.core.db import db
from app.core.policy import SYSTEM
from app.core.statistics.sampling import drawn
from app.satisfaction.models import RatedJob, RatingAudit, RatingDraw
from app.satisfaction.models.audit import SEED_BYTES
from app.satisfaction.service import follow
from app.satisfaction.service.rate import WINDOW
from app.satisfaction.workflow import Status, rating_workflow

BATCH = 2_000
SECOND_AFTER = timedelta(hours=1)  # a first audit can still be looked at by its own page until then


def chosen(seed: bytes, frame: Iterable[str], percent: int) -> list[str]:
    """Who of the frame is in the sample: a pure function of what the draw stores."""
    return [case for case in frame if drawn(seed, case.encode(), percent / 100)]


def sample(limit: int = BATCH, seed: bytes | None = None) -> RatingDraw | None:
    """Draw among ratings that can no longer be changed and were in no frame yet; None when there are none."""
    now, J = clock.now(), RatedJob
    query = sa.select(J).where(J.status == Status.ANSWERED, J.draw_id.is_(None), J.answered_at <= now - WINDOW)
    rows = db.session.scalars(query.order_by(J.answered_at, J.id).limit(limit).with_for_update(skip_locked=True)).all()
    made = _make("sample", [str(row.id) for row in rows], numbers.get("audit_sample_percent"), now, seed)
    if made is None:
        return None
    picked = set(chosen(made.seed, made.frame, made.percent))
    for row in rows:
        row.draw_id = made.id
        if str(row.id) in picked:
            rating_workflow.fire(row, "draw_sample", SYSTEM, at=now)
    db.session.flush()
    return made


def second(limit: int = BATCH, seed: bytes | None = None) -> RatingDraw | None:
    """Draw among audits given since, for a blind second one by somebody else."""
    now, A = clock.now(), RatingAudit
    query = sa.select(A, RatedJob).join(RatedJob, RatedJob.id == A.job_id)
    query = query.where(A.second.is_(False), A.draw_id.is_(None), A.at <= now - SECOND_AFTER)
    latest = RatedJob.rating_version == A.rating_version, RatedJob.status == Status.AUDITED
    rows = db.session.execute(query.where(*latest).order_by(A.at, A.id).limit(limit).with_for_update()).all()
    made = _make("second", [str(audit.id) for audit, _job in rows], numbers.get("audit_second_percent"), now, seed)
    if made is None:
        return None
    picked = set(chosen(made.seed, made.frame, made.percent))
    for audit, job in rows:
        audit.draw_id = made.id
        if str(audit.id) in picked:
            job.second_due_at = follow.due(now)
    db.session.flush()
    return made


def _make(kind: str, frame: Sequence[str], percent: int, now: datetime, seed: bytes | None) -> RatingDraw | None:
    if not frame:
        return None
    seed = seed or secrets.token_bytes(SEED_BYTES)
    made = RatingDraw(kind=kind, seed=seed, percent=percent, frame=list(frame), at=now,
                      drawn=len(chosen(seed, frame, percent)))  # fmt: skip
    db.session.add(made)
    db.session.flush()
    return made
