"""Reads about the life of a case's photos: what is planned for each, what holds them, who opened them and why."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from app.core import clock
from app.core.audit import AuditEvent, chain
from app.core.db import db
from app.core.keys import keystore
from app.core.policy import Actor, Permission
from app.registrations.images.models import BadgeHold
from app.registrations.images.workflow import HoldStatus
from app.registrations.models import Registration, Submission, SubmissionImage

VIEWS = Permission.REGISTRATIONS_VIEWS
OPENED = "badge.opened"
PAGE = 50
RECENT = 3


@dataclass(frozen=True, slots=True)
class PhotoLife:
    """One photo: readable (and until when), shut, or destroyed for good."""

    round: int
    place: int
    id: uuid.UUID
    sha256: str  # of the bytes as uploaded
    sent_at: datetime
    policy_version: str
    planned: datetime | None  # by the decision; None while one is open
    held_until: datetime | None
    gone: bool
    shut_at: datetime | None  # since when reading answers 410
    destroyed_at: datetime | None  # when the last of its keys was destroyed


@dataclass(frozen=True, slots=True)
class Opening:
    """One time that somebody opened a photo of the case."""

    at: datetime
    who: str  # empty: the person on the photo
    why: str
    thumbnail: bool


@dataclass(frozen=True, slots=True)
class Openings:
    """A page of them, newest first; ``older`` continues after the last."""

    rows: Sequence[Opening]
    older: str | None


def photos(row: Registration) -> list[PhotoLife]:
    """Every photo of every round, thumbnails counted with it. Three statements."""
    now = clock.now()
    query = (
        sa.select(SubmissionImage, Submission)
        .join(Submission, Submission.id == SubmissionImage.submission_id)
        .where(SubmissionImage.registration_id == row.id)
        .options(joinedload(SubmissionImage.main), joinedload(SubmissionImage.thumbnail))
        .order_by(Submission.round, SubmissionImage.place)
    )
    found = db.session.execute(query).tuples().all()
    keys = [stored.key_id for image, _sent in found for stored in (image.main, image.thumbnail)]
    destroyed = keystore.destroyed_at(keys)
    return [_life(image, sent, destroyed, now) for image, sent in found]


def _life(image: SubmissionImage, sent: Submission, destroyed: dict[uuid.UUID, datetime], now: datetime) -> PhotoLife:
    main = image.main
    both = [destroyed.get(stored.key_id) for stored in (main, image.thumbnail)]
    ends = [at for at in both if at is not None]
    shut = min((at for at in (main.erased_at, main.due_at(), destroyed.get(main.key_id)) if at), default=None)
    gone = main.gone(now) or main.key_id in destroyed
    return PhotoLife(
        round=sent.round,
        place=image.place,
        id=image.id,
        sha256=image.upload_sha256.hex(),
        sent_at=sent.submitted_at,
        policy_version=sent.policy_version,
        planned=main.erase_at,
        held_until=main.held_until if main.held_until is not None and main.held_until > now else None,
        gone=gone,
        shut_at=shut if gone else None,
        destroyed_at=max(ends) if len(ends) == len(both) else None,
    )


def openings(actor: Actor, row: Registration, before: str = "", limit: int = PAGE) -> Openings:
    """Who opened a photo of this case, newest first. ``before`` is an `Openings.older`; nonsense begins anew."""
    actor.require(VIEWS)
    images = db.session.scalars(sa.select(SubmissionImage.id).where(SubmissionImage.registration_id == row.id))
    objects = [str(row.id), *(str(image_id) for image_id in images)]  # a person's own export names the image
    query = sa.select(AuditEvent).where(AuditEvent.object_id.in_(objects), AuditEvent.event == OPENED)
    month, _dash, seq = before.rpartition("-")
    if seq.isdecimal() and seq.isascii() and len(seq) < 19 and month.replace("-", "").isdecimal() and len(month) == 7:
        query = query.where(AuditEvent.id < chain.row_id(month, int(seq)))
    found = db.session.scalars(query.order_by(AuditEvent.id.desc()).limit(limit + 1)).all()
    rows = [Opening(e.at, e.actor_name, e.reason_code or "", e.result == "thumbnail") for e in found[:limit]]
    last = found[limit - 1] if len(found) > limit else None
    return Openings(rows, f"{last.chain}-{last.seq}" if last is not None else None)


def live_hold(row: Registration) -> BadgeHold | None:
    """The hold that is proposed or active as stored; ask `BadgeHold.effective_status` whether time ended it."""
    live = BadgeHold.status.in_((HoldStatus.PROPOSED, HoldStatus.ACTIVE))
    return db.session.scalars(sa.select(BadgeHold).where(BadgeHold.registration_id == row.id, live)).one_or_none()


def holds(row: Registration) -> Sequence[BadgeHold]:
    """All holds of the case, newest first."""
    query = sa.select(BadgeHold).where(BadgeHold.registration_id == row.id).order_by(BadgeHold.id.desc())
    return db.session.scalars(query).all()
