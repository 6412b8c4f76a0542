"""Reads: policy versions for everybody, the ledger for whoever has the subject."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa

from app.consents.models import ConsentEntry, PolicyVersion, Purpose
from app.core import clock
from app.core.db import db
from app.core.errors import NotFound

MAX_NO = 2**31 - 1  # of the column


@dataclass(frozen=True, slots=True)
class VersionLine:
    """A version without its text, for lists."""

    no: int
    updated_on: date
    effective_on: date
    material: bool
    change_note: str


def published() -> sa.ColumnElement[bool]:
    return PolicyVersion.published_at <= clock.now()


def current_version() -> PolicyVersion:
    """The newest published version. Raises NotFound before `seed`."""
    row = db.session.scalar(sa.select(PolicyVersion).where(published()).order_by(PolicyVersion.no.desc()).limit(1))
    if row is None:
        raise NotFound()
    return row


def version(no: int) -> PolicyVersion:
    """A published version, however old; NotFound otherwise."""
    row = find_version(no)
    if row is None:
        raise NotFound()
    return row


def find_version(no: int) -> PolicyVersion | None:
    """As `version`, None instead of NotFound; numbers beyond the column's range name nothing."""
    if not 1 <= no <= MAX_NO:
        return None
    return db.session.scalar(sa.select(PolicyVersion).where(PolicyVersion.no == no, published()))


def versions() -> Sequence[VersionLine]:
    """All published versions, newest first."""
    p = PolicyVersion
    found = sa.select(p.no, p.updated_on, p.effective_on, p.material, p.change_note).where(published())
    rows = db.session.execute(found.order_by(p.no.desc())).tuples()
    return [VersionLine(*row) for row in rows]


def current(subject_id: uuid.UUID, purpose: Purpose) -> ConsentEntry | None:
    """The newest entry, given or withdrawn; None when never asked."""
    return db.session.scalar(
        sa.select(ConsentEntry)
        .where(ConsentEntry.subject_id == subject_id, ConsentEntry.purpose == purpose.value)
        .order_by(ConsentEntry.seq.desc())
        .limit(1)
    )


def missing(subject_id: uuid.UUID, purpose: Purpose) -> str | None:
    """Why processing for ``purpose`` may not go on: never_given, withdrawn, new_version; None when it may."""
    entry = current(subject_id, purpose)
    if entry is None:
        return "never_given"
    if not entry.given:
        return "withdrawn"
    newer = sa.select(PolicyVersion.no).where(
        PolicyVersion.no > entry.policy_version, PolicyVersion.material.is_(True), published()
    )
    return "new_version" if db.session.scalar(sa.select(newer.exists())) else None


def may_ask_again(subject_id: uuid.UUID, purpose: Purpose, not_before: datetime) -> bool:
    """No nagging (C47): a person who withdrew after ``not_before`` is not asked again yet."""
    entry = current(subject_id, purpose)
    return entry is None or entry.given or entry.at <= not_before


def history(subject_id: uuid.UUID) -> Sequence[ConsentEntry]:
    """Everything the person agreed to or withdrew, oldest first: for the export and the person's page."""
    rows = sa.select(ConsentEntry).where(ConsentEntry.subject_id == subject_id)
    return db.session.scalars(rows.order_by(ConsentEntry.at, ConsentEntry.purpose, ConsentEntry.seq)).all()
