"""Life of badge photos: the instants at which they are erased (reference/review.md 5.1, decisions.md 22).

The instant is written on the stored file itself, so that reading answers 410 from then on whether or not a job ran.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from app.core import clock, numbers
from app.core.db import db
from app.core.files import StoredFile, vault
from app.registrations.images.queries import live_hold
from app.registrations.images.workflow import HoldStatus
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
    """All photos of the case, at once: keys and objects go after the commit. A legal hold puts it off to its end."""
    for stored in db.session.scalars(sa.select(StoredFile).where(StoredFile.id.in_(files_of(row)))).all():
        vault.erase(stored)


def apply_hold(row: Registration) -> None:
    """Write onto the files what the case's legal hold says: kept to its end; without one, no longer than planned."""
    found = live_hold(row)
    active = found is not None and found.effective_status(clock.now()) == HoldStatus.ACTIVE
    _write(row, {"held_until": found.ends_at if found is not None and active else None})


def _set(row: Registration, at: datetime | None, rounds: Clause, *files: Clause) -> None:
    _write(row, {"erase_at": at}, rounds, files=files)
    apply_hold(row)  # a round sent after the hold began is covered before it can be due


def _write(row: Registration, values: dict[str, Any], *rounds: Clause, files: Sequence[Clause] = ()) -> None:
    db.session.flush()
    db.session.execute(
        sa.update(StoredFile)
        .where(StoredFile.id.in_(files_of(row, *rounds)), StoredFile.erased_at.is_(None), *files)
        .values(**values)
        .execution_options(synchronize_session="fetch")
    )


def files_of(row: Registration, *rounds: Clause) -> sa.Select[Any]:
    """Ids of the stored files of the case's photos, thumbnails included."""

    def ids(column: Any) -> sa.Select[Any]:
        pictures = sa.select(column).join(Submission, Submission.id == SubmissionImage.submission_id)
        return pictures.where(SubmissionImage.registration_id == row.id, *rounds)

    both = sa.union_all(ids(SubmissionImage.main_id), ids(SubmissionImage.thumbnail_id)).subquery()
    return sa.select(both.c[0])
