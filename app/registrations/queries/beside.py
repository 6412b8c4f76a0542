"""The case with what stands beside it: one kept statement says what there is, so that nothing absent is asked for.

Most cases have no draft, no earlier check, no legal hold, no look-alike photo. Each of those is an EXISTS on an index
here instead of a statement of its own; the page reads the few that are there.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from app.core import plans
from app.core.db import db
from app.core.errors import NotFound
from app.core.policy import Actor, Permission
from app.customers.models import Customer
from app.registrations.hints.models import PhotoMatch, PhotoReading
from app.registrations.images.models import BadgeHold
from app.registrations.images.workflow import HoldStatus
from app.registrations.models import CasePass, FieldCheck, Registration, ReviewDraft, Submission, SubmissionImage
from app.registrations.queries.scope import in_scope
from app.registrations.task import bars

R, S, C = Registration, Submission, Customer


@dataclass(frozen=True, slots=True)
class Beside:
    """What there is besides the case itself; each True is worth a statement of its own to whoever shows it."""

    own: bool  # the applicant has this actor's number
    recused: bool
    checks: bool
    draft: bool  # of this actor in this round
    readings: bool  # what was read off this round's photos
    alike: bool  # photos that look like this round's
    passes: bool
    hold: bool  # proposed or active
    others: bool  # further cases in this actor's hands, those claimed ahead left out


@dataclass(frozen=True, slots=True)
class Found:
    """The case, its present round, and the applicant's phone as stored."""

    row: Registration
    submission: Submission
    customer_id: uuid.UUID
    customer_subject: uuid.UUID
    phone_sealed: bytes | None
    beside: Beside


def find(actor: Actor, number: str) -> Found:
    """The case in the actor's scope: one statement. Raises NotFound, Forbidden."""
    statement = plans.kept("registrations:case", actor, lambda: _statement(actor))
    got = db.session.execute(statement, {"number": number}).one_or_none()
    if got is None:
        raise NotFound()
    row, sent, customer, subject, phone, *flags = got
    return Found(row, sent, customer, subject, phone, Beside(*map(bool, flags)))


def _statement(actor: Actor) -> sa.Select[Any]:
    photos = sa.select(SubmissionImage.id).where(SubmissionImage.submission_id == S.id).correlate(S)
    other = aliased(R)
    flags = (
        *bars(actor, R.customer_id),
        sa.exists().where(FieldCheck.registration_id == R.id, FieldCheck.round == R.round),
        sa.exists().where(
            ReviewDraft.registration_id == R.id, ReviewDraft.staff_id == actor.id, ReviewDraft.round == R.round
        ),
        sa.exists().where(PhotoReading.image_id.in_(photos)),
        sa.or_(
            sa.exists().where(PhotoMatch.image_id.in_(photos)), sa.exists().where(PhotoMatch.earlier_id.in_(photos))
        ),
        sa.exists().where(CasePass.registration_id == R.id),
        sa.exists().where(
            BadgeHold.registration_id == R.id, BadgeHold.status.in_((HoldStatus.PROPOSED, HoldStatus.ACTIVE))
        ),
        sa.exists().where(
            other.lease_staff_id == actor.id,
            other.lease_expires_at > plans.now(),
            other.id != R.id,
            other.lease_ahead.is_(False),
        ),
    )
    columns: tuple[Any, ...] = (R, S, C.id, C.subject_id, C.phone_sealed, *flags)
    return (
        sa.select(*columns)
        .join(S, sa.and_(S.registration_id == R.id, S.round == R.round))
        .join(C, C.id == R.customer_id)
        .where(R.number == sa.bindparam("number"), *in_scope(actor, Permission.REGISTRATIONS_READ))
    )
