"""What the applicant sees of his own registration: the effective status and public words, nothing inner."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.core import clock, numbers
from app.core.db import db
from app.core.errors import Forbidden
from app.core.policy import Actor
from app.registrations.models import Registration, RegistrationEvent, ReviewReason, Submission
from app.registrations.workflow import Status

TELLING = (Status.NEEDS_RESUBMISSION, Status.REJECTED, Status.APPROVED)


@dataclass(frozen=True, slots=True)
class Current:
    """The latest registration of a person, as it is true now."""

    number: str
    status: str
    round: int
    submitted_at: datetime
    public_text: str | None
    reasons: Sequence[str]  # public short forms
    answer_by: datetime | None
    appeal_by: datetime | None
    can_resubmit: bool
    can_withdraw: bool
    can_appeal: bool


def current_for(actor: Actor) -> Current | None:
    """The caller's latest registration, or None. A decision inside the undo window does not show. Raises Forbidden."""
    if actor.kind != "customer":
        raise Forbidden()
    query = sa.select(Registration).where(Registration.customer_id == actor.id)
    row = db.session.scalars(query.order_by(Registration.id.desc()).limit(1)).one_or_none()
    if row is None:
        return None
    now = clock.now()
    status = row.effective_status(now)
    decided = _telling_event(row, status, now) if status in TELLING else None
    settled = row.effective_at is None or row.effective_at <= now
    asked, left = status == Status.NEEDS_RESUBMISSION, row.round < numbers.get("max_rounds")
    waiting = status in (Status.PENDING, Status.ON_HOLD, Status.AWAITING_SECOND)
    appealable = status == Status.REJECTED and row.appealed_at is None and row.appeal_by is not None
    return Current(
        number=row.number,
        status=str(status),
        round=row.round,
        submitted_at=row.submitted_at,
        public_text=decided.public_text if decided is not None else None,
        reasons=_short_texts(decided) if decided is not None else (),
        answer_by=row.answer_by if asked else None,
        appeal_by=row.appeal_by if appealable else None,
        can_resubmit=settled and left and (asked or waiting),
        can_withdraw=settled and (asked or waiting or status == Status.APPEALED),
        can_appeal=settled and appealable and now <= (row.appeal_by or now),
    )


def export_for(actor: Actor) -> list[dict[str, Any]]:
    """All registrations of the caller for the personal export. Raises Forbidden."""
    if actor.kind != "customer" or actor.id is None:
        raise Forbidden()
    return export_of(actor.id)


def export_of(customer_id: uuid.UUID) -> list[dict[str, Any]]:
    """What a person sent, what was decided, public texts; photos by id, which the API serves until they are erased."""
    now = clock.now()
    query = sa.select(Registration).where(Registration.customer_id == customer_id).order_by(Registration.id)
    return [_exported(row, now) for row in db.session.scalars(query)]


def _exported(row: Registration, now: datetime) -> dict[str, Any]:
    rounds = db.session.scalars(
        sa.select(Submission).where(Submission.registration_id == row.id).order_by(Submission.round)
    )
    events = db.session.scalars(
        sa.select(RegistrationEvent)
        .where(RegistrationEvent.registration_id == row.id, RegistrationEvent.effective_at <= now)
        .order_by(RegistrationEvent.version)
    ).all()
    undone = {event.undoes_id for event in events}
    shown = [e for e in events if e.id not in undone and e.undoes_id is None]
    return {
        "number": row.number,
        "status": str(row.effective_status(now)),
        "rounds": [
            {
                "round": sent.round,
                "submitted_at": sent.submitted_at.isoformat(),
                "name": sent.name,
                "hospital": sent.hospital_text,
                "department": sent.department_text,
                "position": sent.position,
                "title": sent.title,
                "is_adult": sent.is_adult,
                "policy_version": sent.policy_version,
                "image_ids": [str(image.id) for image in sent.images],
            }
            for sent in rounds
        ],
        "events": [
            {"at": event.effective_at.isoformat(), "status": event.status_to, "text": event.public_text}
            for event in shown
        ],
    }


def _telling_event(row: Registration, status: str, now: datetime) -> RegistrationEvent | None:
    """The event that led to the status which is in effect, undone ones left out."""
    undone = sa.select(RegistrationEvent.undoes_id).where(
        RegistrationEvent.registration_id == row.id, RegistrationEvent.undoes_id.is_not(None)
    )
    query = sa.select(RegistrationEvent).where(
        RegistrationEvent.registration_id == row.id,
        RegistrationEvent.status_to == status,
        RegistrationEvent.effective_at <= now,
        RegistrationEvent.undoes_id.is_(None),
        RegistrationEvent.id.not_in(undone),
    )
    return db.session.scalars(query.order_by(RegistrationEvent.version.desc()).limit(1)).one_or_none()


def _short_texts(event: RegistrationEvent) -> tuple[str, ...]:
    versions = [sa.and_(ReviewReason.code == c, ReviewReason.version == v) for c, v in event.reason_versions.items()]
    if not versions:
        return ()
    rows = db.session.scalars(sa.select(ReviewReason).where(sa.or_(*versions)).order_by(ReviewReason.place))
    return tuple(reason.public_short for reason in rows)
