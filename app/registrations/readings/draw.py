"""Drawing the sample: every decision of a first reviewer that took effect since the last draw, once."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from app.core import audit, calendar, clock, numbers
from app.core.db import db
from app.core.files import StoredFile
from app.core.policy import SYSTEM
from app.core.serials import next_serial
from app.core.statistics.sampling import drawn
from app.registrations.models import Registration, RegistrationEvent, Submission, SubmissionImage
from app.registrations.readings.models import ReadingDraw, SecondReading
from app.registrations.readings.states import OF_ACTION, reading_workflow

SEED_BYTES = 16
SLACK = timedelta(minutes=10)  # more than the longest undo window: an index on `at` serves a span of `effective_at`
BATCH = 2_000
E_ = RegistrationEvent


def draw(limit: int = BATCH) -> int:
    """Draw among the decisions that took effect since the last draw; returns how many readings were made.

    Undone decisions took no effect and are not in it. At most ``limit`` decisions at once; the next run goes on.
    """
    now = clock.now()
    last = db.session.scalar(sa.select(sa.func.max(ReadingDraw.until_at)))
    since = last or now - timedelta(days=numbers.get("badge_retention_days"))
    events = _decisions(since, now, limit)
    if not events:
        return 0
    until = events[-1].effective_at if len(events) == limit else now
    events = [event for event in events if event.effective_at <= until]
    made = ReadingDraw(
        from_at=since, until_at=until, seed=secrets.token_bytes(SEED_BYTES), decisions=len(events), drawn=0,
        percent=numbers.get("reading_percent"), first_n=numbers.get("reading_first"),
    )  # fmt: skip
    db.session.add(made)
    db.session.flush()
    early = _first_decisions({event.by_id for event in events if event.by_id}, made.first_n)
    for event in events:
        new = event.id in early
        if new or drawn(made.seed, event.id.bytes, made.percent / 100):
            _make(made, event, "new_reviewer" if new else "sample", now)
            made.drawn += 1
    db.session.flush()
    return made.drawn


def _decisions(since: datetime, until: datetime, limit: int) -> Sequence[RegistrationEvent]:
    undo = sa.orm.aliased(RegistrationEvent)
    query = sa.select(E_).where(
        E_.action.in_(list(OF_ACTION)),
        E_.at > since - SLACK,
        E_.effective_at > since,
        E_.effective_at <= until,
        E_.by_kind == "staff",
        ~sa.exists().where(undo.undoes_id == E_.id),
    )
    return db.session.scalars(query.order_by(E_.effective_at, E_.id).limit(limit)).all()


def _first_decisions(reviewers: set[uuid.UUID], first_n: int) -> set[uuid.UUID]:
    """The events that are among the first ``first_n`` of their reviewer."""
    found: set[uuid.UUID] = set()
    undo = sa.orm.aliased(RegistrationEvent)
    for reviewer in reviewers if first_n else ():
        query = sa.select(E_.id).where(
            E_.by_id == reviewer, E_.action.in_(list(OF_ACTION)), ~sa.exists().where(undo.undoes_id == E_.id)
        )
        found.update(db.session.scalars(query.order_by(E_.at, E_.id).limit(first_n)))
    return found


def _make(made: ReadingDraw, event: RegistrationEvent, why: str, now: datetime) -> None:
    submission_id, province, erase_at = db.session.execute(
        sa.select(Submission.id, Registration.province, sa.func.min(StoredFile.erase_at))
        .join(Registration, Registration.id == Submission.registration_id)
        .join(SubmissionImage, SubmissionImage.submission_id == Submission.id)
        .join(StoredFile, StoredFile.id == SubmissionImage.main_id)
        .where(Submission.registration_id == event.registration_id, Submission.round == event.round)
        .group_by(Submission.id, Registration.province)
    ).one()
    due = calendar.add_working_hours(now, numbers.get("reading_due_days") * _hours_a_day())
    due = min(due, erase_at) if erase_at is not None else due
    transition = reading_workflow.find(None, "draw_reading")
    reading = SecondReading(
        number=next_serial("RDG"), draw_id=made.id, registration_id=event.registration_id, event_id=event.id,
        submission_id=submission_id, province=province, why=why, status=transition.target.value, due_at=due,
        wakes_at=due, drawn_at=now, first_by=event.by_id, first_name=event.by_name,
        first_judgement=OF_ACTION[event.action].value,
    )  # fmt: skip
    db.session.add(reading)
    db.session.flush()
    audit.record(transition.audit_event, SYSTEM, "second_reading", reading.id, reason_code=why)


def _hours_a_day() -> float:
    hours = numbers.office_hours()
    return (hours.closes - hours.opens - (hours.pause_until - hours.pause_from)) / 60
