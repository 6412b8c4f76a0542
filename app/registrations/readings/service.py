"""Take a reading, give it back, give a judgement, take a difference further. The decision itself is never touched."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from app.core import audit, clock, jobs, numbers
from app.core.db import db
from app.core.errors import Conflict, Invalid, NotFound
from app.core.files import StoredFile
from app.core.policy import SYSTEM, Actor, Permission
from app.customers.models import Customer
from app.registrations import reasons as catalogue
from app.registrations.checks import FIELDS, Verdict
from app.registrations.models import Recusal, Registration, RegistrationEvent, SubmissionImage
from app.registrations.readings.draw import draw
from app.registrations.readings.models import ReadingPass, SecondReading
from app.registrations.readings.states import Judgement, ReadingStatus, reading_workflow
from app.registrations.task import bar_of, refuse_own

DECIDE, LEAD = Permission.REGISTRATIONS_DECIDE, Permission.REGISTRATIONS_LEAD
R = SecondReading
JOB, EVERY, BATCH = "registrations.readings", timedelta(minutes=1), 200
FREE: dict[str, Any] = {"lease_staff_id": None, "lease_name": None, "lease_expires_at": None}
Clause = sa.ColumnElement[bool]


@dataclass(frozen=True, slots=True)
class Judged:
    """What the guard looks at."""

    judgement: str
    unchecked: tuple[str, ...]
    reasons: tuple[Any, ...]


def in_bounds(actor: Actor, permission: Permission = DECIDE) -> list[Clause]:
    """Readings within the provinces of the right. Raises Forbidden without it."""
    provinces = actor.scope(permission)
    return [] if provinces is None else [R.province.in_(sorted(provinces))]


def readable(actor: Actor, now: Any) -> list[Clause]:
    """Open readings that this person may be given: no part in the case, not the own one, photo alive, not passed on."""
    alive = (
        sa.exists()
        .where(SubmissionImage.submission_id == R.submission_id, StoredFile.id == SubmissionImage.main_id)
        .where(StoredFile.erased_at.is_(None), sa.or_(StoredFile.erase_at.is_(None), StoredFile.erase_at > now))
    )
    part = sa.exists().where(
        RegistrationEvent.registration_id == R.registration_id, RegistrationEvent.by_id == actor.id
    )
    passed = sa.exists().where(ReadingPass.reading_id == R.id, ReadingPass.staff_id == actor.id)
    free = sa.or_(R.lease_expires_at.is_(None), R.lease_expires_at <= now, R.lease_staff_id == actor.id)
    return [R.status == ReadingStatus.WAITING, R.due_at > now, free, alive, ~part, ~passed, *_not_barred(actor)]


def take_next(actor: Actor) -> SecondReading | None:
    """What this person holds already, else the reading that is due first; None when there is none."""
    now = clock.now()
    held = _held(actor, now)
    if held is not None:
        _lease(actor, held, now)
        return held
    query = sa.select(R.id).where(*in_bounds(actor), *readable(actor, now)).order_by(R.due_at, R.id).limit(1)
    found = db.session.scalar(query.with_for_update(skip_locked=True, of=R))
    if found is None:
        return None
    row = _load(found)
    if row.lease_staff_id is not None and row.lease_staff_id != actor.id:
        _pass(row, row.lease_staff_id)  # whoever let it run out sees the case again, and not the reading
    _lease(actor, row, now)
    audit.record("reading.claimed", actor, "second_reading", row.id)
    return row


def find(actor: Actor, number: str, permission: Permission = DECIDE) -> SecondReading:
    """The reading in the actor's bounds. Raises NotFound, Forbidden."""
    row = db.session.scalars(sa.select(R).where(R.number == number, *in_bounds(actor, permission))).one_or_none()
    if row is None:
        raise NotFound()
    return row


def holds(actor: Actor, row: SecondReading, now: datetime) -> bool:
    """Whether this person has the live task: it opens the photo (decisions.md 21)."""
    live = row.lease_expires_at is not None and row.lease_expires_at > now
    task = row.status == ReadingStatus.WAITING and row.lease_staff_id == actor.id and live and not row.missed(now)
    return task and bar_of(actor, db.session.get_one(Registration, row.registration_id)) is None


def renew(actor: Actor, number: str) -> datetime:
    """Prolong the task. Raises Conflict when it is over."""
    row = _mine(actor, number)
    _lease(actor, row, clock.now())
    assert row.lease_expires_at is not None
    return row.lease_expires_at


def hand_back(actor: Actor, number: str) -> SecondReading:
    """Give it back; the person never gets this one again, since the case is open to him from now on."""
    row = _mine(actor, number)
    assert actor.id is not None
    _pass(row, actor.id)
    for name, value in FREE.items():
        setattr(row, name, value)
    db.session.flush()
    audit.record("reading.handed_back", actor, "second_reading", row.id)
    return row


def release_all_of(actor: Actor, staff_id: uuid.UUID) -> int:
    """Free what a person holds, when the account is disabled. Returns how many were live."""
    rows = db.session.scalars(sa.select(R).where(R.lease_staff_id == staff_id)).all()
    live = sum(1 for row in rows if row.lease_expires_at is not None and row.lease_expires_at > clock.now())
    for row in rows:
        _pass(row, staff_id)  # from now on the case lies open to this person, should the account come back
        for name, value in FREE.items():
            setattr(row, name, value)
        audit.record("reading.handed_back", actor, "second_reading", row.id)
    db.session.flush()
    return live


def judge(
    actor: Actor, number: str, judgement: str, checks: Mapping[str, str], reasons: tuple[str, ...]
) -> SecondReading:
    """Give the verdict. Raises Invalid (nothing founded), Conflict (not one's task any more, given already, missed)."""
    if judgement not in tuple(Judgement):
        raise Invalid(_l("请选择通过、要求重拍或不予通过。"), code="verdict_required")
    given = {name: verdict for name, verdict in checks.items() if verdict}
    if not set(given) <= set(FIELDS) or not set(given.values()) <= set(Verdict):
        raise Invalid(code="check_unknown")
    row = _mine(actor, number)
    codes = () if judgement == Judgement.APPROVE else tuple(dict.fromkeys(reasons))
    facts = Judged(judgement, tuple(f for f in FIELDS if f not in given), catalogue.pick(codes))
    changes = {
        **FREE, "judgement": judgement, "checks": given, "reason_codes": list(codes), "read_by": actor.id,
        "read_name": actor.name, "read_at": clock.now(),
    }  # fmt: skip
    reading_workflow.fire(row, "give_judgement", actor, facts=facts, changes=changes)
    return row


def escalate(actor: Actor, number: str) -> SecondReading:
    """A lead takes a difference further. A measurement decides nothing: the case is then reopened (a rejection) or
    suspended (an approval) by its own verbs, and whoever gave this reading cannot be the second person there."""
    actor.require(LEAD)
    row = _load(find(actor, number, LEAD).id)
    refuse_own(actor, db.session.get_one(Registration, row.registration_id))
    reading_workflow.fire(
        row, "escalate_reading", actor, changes={"escalated_by": actor.id, "escalated_at": clock.now()}
    )
    return row


def settle_missed(limit: int = BATCH) -> int:
    """Say what is true already: readings whose time is over are missed. Returns how many."""
    due = sa.select(R).where(R.status == ReadingStatus.WAITING, R.due_at <= clock.now()).order_by(R.due_at)
    rows = db.session.scalars(due.limit(limit).with_for_update(skip_locked=True)).all()
    for row in rows:
        reading_workflow.fire(row, "miss_reading", SYSTEM, at=row.due_at, changes=dict(FREE))
    return len(rows)


def install() -> None:
    """The minute's job: draw, and announce what was missed."""

    @jobs.handler(JOB)
    def _run(_payload: dict[str, Any]) -> None:
        draw()
        settle_missed()

    jobs.every(JOB, EVERY)


def _mine(actor: Actor, number: str) -> SecondReading:
    actor.require(DECIDE)
    row = _load(find(actor, number).id)
    if not holds(actor, row, clock.now()):
        raise Conflict(_l("这件复读已不在您手上，没有改动任何内容。"), code="reading_lost", what=row.status)
    return row


def _load(row_id: uuid.UUID) -> SecondReading:
    query = sa.select(R).where(R.id == row_id).with_for_update()
    return db.session.scalars(query.execution_options(populate_existing=True)).one()


def _held(actor: Actor, now: datetime) -> SecondReading | None:
    mine = sa.select(R.id).where(R.lease_staff_id == actor.id, *in_bounds(actor), *readable(actor, now))
    found = db.session.scalar(mine.order_by(R.due_at).limit(1))
    return _load(found) if found is not None else None


def _lease(actor: Actor, row: SecondReading, now: datetime) -> None:
    row.lease_staff_id, row.lease_name = actor.id, actor.name
    row.lease_expires_at = min(now + timedelta(minutes=numbers.get("lease_minutes")), row.due_at)
    db.session.flush()


def _pass(row: SecondReading, staff_id: uuid.UUID) -> None:
    db.session.add(ReadingPass(reading_id=row.id, staff_id=staff_id, at=clock.now()))
    db.session.flush()


def _not_barred(actor: Actor) -> list[Clause]:
    """C12: nobody reads the application of his own phone number, or of somebody he said he knows."""
    of = sa.select(Registration.id)
    known = of.join(Recusal, Recusal.customer_id == Registration.customer_id).where(Recusal.staff_id == actor.id)
    if actor.phone_index is None:
        return [R.registration_id.not_in(known)]
    own = of.join(Customer, Customer.id == Registration.customer_id).where(Customer.phone_index == actor.phone_index)
    return [R.registration_id.not_in(known), R.registration_id.not_in(own)]


__all__ = [
    "draw", "escalate", "find", "hand_back", "holds", "in_bounds", "install", "judge", "readable", "release_all_of",
    "renew", "settle_missed", "take_next",
]  # fmt: skip
