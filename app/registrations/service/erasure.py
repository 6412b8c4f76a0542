"""Life of badge photos: the instants at which they are erased (reference/review.md 5.1, decisions.md 22).

The instant is written on the stored file itself, so that reading answers 410 from then on whether or not a job ran.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from app.core import clock, numbers
from app.core.db import db
from app.core.files import StoredFile, vault
from app.registrations.models import Registration, RegistrationEvent, Submission, SubmissionImage

Clause = sa.ColumnElement[bool]


def keep_until(row: Registration, at: datetime | None, *, round_no: int | None = None) -> None:
    """Set when the photos of one round (default: the present one) go; None while a decision is open."""
    _set(row, at, Submission.round == (round_no or row.round))


def end_earlier_rounds(row: Registration, at: datetime) -> None:
    """Photos of earlier rounds go when the next round is decided, if they have not gone before."""
    _set(row, at, Submission.round < row.round, sa.or_(StoredFile.erase_at.is_(None), StoredFile.erase_at > at))


def restore_earlier_rounds(row: Registration) -> None:
    """After an undo, earlier rounds have their longest time again: 30 days from the decision that closed them."""
    asked = sa.select(RegistrationEvent.round, sa.func.max(RegistrationEvent.at)).where(
        RegistrationEvent.registration_id == row.id, RegistrationEvent.action == "ask_resubmission"
    )
    for round_no, at in db.session.execute(asked.group_by(RegistrationEvent.round)).all():
        if round_no < row.round:
            keep_until(row, at + timedelta(days=numbers.get("badge_retention_days")), round_no=round_no)


def erase_now(row: Registration) -> None:
    """All photos of the case, at once: keys and objects go after the commit."""
    for stored in db.session.scalars(sa.select(StoredFile).where(StoredFile.id.in_(_files(row)))).all():
        if stored.erase_at is None or stored.erase_at > clock.now():
            stored.erase_at = clock.now()
        vault.erase(stored)


def _set(row: Registration, at: datetime | None, rounds: Clause, *files: Clause) -> None:
    db.session.flush()
    db.session.execute(
        sa.update(StoredFile)
        .where(StoredFile.id.in_(_files(row, rounds)), StoredFile.erased_at.is_(None), *files)
        .values(erase_at=at)
        .execution_options(synchronize_session="fetch")
    )


def _files(row: Registration, *rounds: Clause) -> sa.Select[Any]:
    def ids(column: Any) -> sa.Select[Any]:
        pictures = sa.select(column).join(Submission, Submission.id == SubmissionImage.submission_id)
        return pictures.where(SubmissionImage.registration_id == row.id, *rounds)

    both = sa.union_all(ids(SubmissionImage.main_id), ids(SubmissionImage.thumbnail_id)).subquery()
    return sa.select(both.c[0])
