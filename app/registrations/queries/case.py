"""What the case page and the drawer show: read once, as plain values."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import selectinload

from app.core import clock
from app.core.db import db
from app.core.errors import Forbidden, Gone, NotFound
from app.core.files import StoredFile, gone
from app.core.keys import keystore
from app.core.policy import Actor, Permission
from app.customers.models import Customer
from app.registrations.checks import FIELDS, Way
from app.registrations.models import FieldCheck, Registration, RegistrationEvent, Submission, SubmissionImage
from app.registrations.queries import beside
from app.registrations.queries.beside import Beside, Found
from app.registrations.queries.scope import in_scope
from app.registrations.task import bar_of, bar_word, holds_lease, refuse_own, token_of
from app.registrations.viewing import Why, why_open
from app.registrations.workflow import OPEN, TASKS

READ, DECIDE = Permission.REGISTRATIONS_READ, Permission.REGISTRATIONS_DECIDE
OPEN_PHONE = Customer.phone.opener()
EVENTS = (
    sa.select(RegistrationEvent)
    .where(RegistrationEvent.registration_id == sa.bindparam("case"))
    .order_by(RegistrationEvent.version.desc())
)
PICTURES = (
    sa.select(
        SubmissionImage.id,
        SubmissionImage.place,
        StoredFile.size,
        StoredFile.erased_at,
        StoredFile.erase_at,
        StoredFile.held_until,
    )
    .join(StoredFile, StoredFile.id == SubmissionImage.main_id)
    .where(SubmissionImage.submission_id == sa.bindparam("submission"))
    .order_by(SubmissionImage.place)
)


@dataclass(frozen=True, slots=True)
class Picture:
    """A photo as the page needs it; ``gone`` once it is erased or due to be."""

    id: uuid.UUID
    place: int
    size: int
    gone: bool


@dataclass(frozen=True, slots=True)
class Case:
    """Everything about one registration that a reviewer may see. No gender, phone masked by the page."""

    row: Registration
    submission: Submission
    name: str | None
    phone: str | None
    pictures: Sequence[Picture]
    checks: Mapping[str, str]
    ways: Mapping[str, Way]
    events: Sequence[RegistrationEvent]
    now: datetime
    mine: bool  # this actor holds the live task
    bar: str | None  # why this actor may have no part: `task.bar_of`
    holder: str | None
    token: str
    beside: Beside

    @property
    def own(self) -> bool:
        return self.bar == "own"

    @property
    def barred(self) -> bool:
        return self.bar is not None

    @property
    def status(self) -> str:
        return self.row.effective_status(self.now) if self.row.wakes_at else self.row.status

    @property
    def mapped(self) -> bool:
        return self.row.hospital_id is not None and self.row.department_id is not None

    def claimed(self) -> list[tuple[str, str]]:
        """Claimed fields in page order, as the applicant typed or chose them."""
        sent = self.submission
        values = {
            "name": self.name or "",
            "hospital": sent.hospital_text,
            "department": sent.department_text,
            "title": sent.title,
            "position": sent.position,
        }
        return [(field, values[field]) for field in FIELDS]


def row_by_number(actor: Actor, number: str, permission: Permission = READ) -> Registration:
    """The registration in the actor's scope. Raises NotFound, Forbidden."""
    query = sa.select(Registration).where(Registration.number == number, *in_scope(actor, permission))
    row = db.session.scalars(query).one_or_none()
    if row is None:
        raise NotFound()
    return row


def by_number_start(actor: Actor, head: str, permission: Permission, limit: int) -> list[str]:
    """Numbers in the actor's scope that begin so, newest first."""
    here = Registration.number >= head, Registration.number < head + "\uffff", *in_scope(actor, permission)
    return list(
        db.session.scalars(
            sa.select(Registration.number).where(*here).order_by(Registration.number.desc()).limit(limit)
        )
    )


def case(actor: Actor, number: str) -> Case:
    """The case for its page. Raises NotFound outside the scope."""
    found, now = beside.find(actor, number), clock.now()
    row, sent, there = found.row, found.submission, found.beside
    keystore.load((sent.subject_id, found.customer_subject))
    checks = _checks(row) if there.checks else ()
    mine = holds_lease(actor, row, now)
    bar = bar_word(actor, own=there.own, recused=there.recused)
    return Case(
        row=row,
        submission=sent,
        name=_readable(sent),
        phone=_phone(found),
        pictures=pictures(sent.id),
        checks={check.field: check.verdict for check in checks if bar is None},
        ways={check.field: Way(check.how, _text(check)) for check in checks if check.how and bar is None},
        events=events(row),
        now=now,
        mine=mine,
        bar=bar,
        holder=row.lease_name if row.leased(now) else None,
        token=token_of(row) if mine else "",
        beside=there,
    )


def events(row: Registration) -> Sequence[RegistrationEvent]:
    """What happened, newest first."""
    return db.session.scalars(EVENTS, {"case": row.id}).all()


def _checks(row: Registration) -> Sequence[FieldCheck]:
    query = sa.select(FieldCheck).where(FieldCheck.registration_id == row.id, FieldCheck.round == row.round)
    return db.session.scalars(query).all()


def pictures(submission_id: uuid.UUID) -> list[Picture]:
    """Photos of one round, in order."""
    now = clock.now()
    rows = db.session.connection().execute(PICTURES, {"submission": submission_id})
    return [
        Picture(image_id, place, size, gone(erased_at, erase_at, held_until, now))
        for image_id, place, size, erased_at, erase_at, held_until in rows
    ]


def pictures_of(row: Registration) -> list[Picture]:
    """Photos of the present round of a case."""
    sent = sa.select(Submission.id).where(Submission.registration_id == row.id, Submission.round == row.round)
    return pictures(db.session.scalars(sent).one())


def image_file(actor: Actor, number: str, image_id: uuid.UUID, *, thumb: bool) -> tuple[Registration, StoredFile, Why]:
    """The stored photo for somebody with a live task on the case, and which task that is (decisions.md 21).

    Out of scope NotFound; in scope without a task Forbidden (``claim_first``); one's own case Forbidden; erased Gone.
    """
    row = row_by_number(actor, number)
    refuse_own(actor, row)
    options = selectinload(SubmissionImage.thumbnail if thumb else SubmissionImage.main)
    query = sa.select(SubmissionImage).where(SubmissionImage.id == image_id, SubmissionImage.registration_id == row.id)
    image = db.session.scalars(query.options(options)).one_or_none()
    if image is None:
        raise NotFound()
    why = why_open(actor, row, clock.now())
    if why is None:
        raise Forbidden(code="claim_first")
    stored = image.thumbnail if thumb else image.main
    if stored.gone(clock.now()):
        raise Gone()
    return row, stored, why


def claimable(actor: Actor, found: Case) -> bool:
    """Whether the page offers to claim this very case (the service decides for good)."""
    if not actor.may(DECIDE) or found.barred or found.mine or found.row.status not in OPEN or found.holder:
        return False
    special = found.row.status in TASKS[1:] or actor.id in (found.row.lease_staff_id, found.row.passed_to_id)
    return special or actor.may(Permission.REGISTRATIONS_LEAD)


def is_own(actor: Actor, row: Registration) -> bool:
    """Whether this actor may have no part in the case."""
    return bar_of(actor, row) is not None


def _readable(sent: Submission) -> str | None:
    try:
        return sent.name
    except Gone:
        return None


def _text(check: FieldCheck) -> str:
    try:
        return check.how_note or ""
    except Gone:
        return ""


def _phone(found: Found) -> str | None:
    if found.phone_sealed is None:
        return None
    try:
        secret = keystore.key(found.customer_subject)
    except Gone:
        return None
    return OPEN_PHONE(found.customer_id, found.phone_sealed, secret)
