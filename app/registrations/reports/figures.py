"""Counts of the review within a period: arrivals, decisions, due times, reasons, waiting. Aggregates only.

Everything rests on the index (action, at) of the events or on the queue's own index, and is bounded by the period (at
most 366 days) or by what is open. Undone decisions are not counted. Scope is the actor's, as everywhere.
"""

from __future__ import annotations

import json
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from app.core import calendar, clock, numbers
from app.core.db import db
from app.core.policy import Actor, Permission
from app.core.sql_time import china_day, hours_between
from app.registrations.models import Registration, RegistrationEvent, Submission
from app.registrations.queries.scope import in_scope
from app.registrations.workflow import Status

READ = Permission.REGISTRATIONS_READ
E, R = RegistrationEvent, Registration
ARRIVALS = ("submit_registration", "resubmit_registration")
DECISIONS = ("approve_registration", "ask_resubmission", "reject_registration")  # of a first reviewer
WAITING = (Status.PENDING, Status.ON_HOLD, Status.AWAITING_SECOND, Status.APPEALED)  # for us, not for the applicant
Clause = sa.ColumnElement[bool]


@dataclass(frozen=True, slots=True)
class Span:
    """From ``since`` (included) to ``until`` (excluded), perhaps one province, perhaps one reviewer."""

    since: datetime
    until: datetime
    province: str | None = None
    reviewer: uuid.UUID | None = None
    permission: Permission = READ


def events_of(actor: Actor, span: Span, actions: Sequence[str]) -> sa.Select[Any]:
    """Events of these actions in the span and the actor's scope, undone ones left out; add columns to it."""
    undo = aliased(RegistrationEvent)
    query = sa.select().select_from(E).join(R, R.id == E.registration_id)
    where: list[Clause] = [
        E.action.in_(actions), E.at >= span.since, E.at < span.until, ~sa.exists().where(undo.undoes_id == E.id),
        *in_scope(actor, span.permission),
    ]  # fmt: skip
    if span.province:
        where.append(R.province == span.province)
    if span.reviewer:
        where.append(E.by_id == span.reviewer)
    return query.where(*where)


def by_day(actor: Actor, span: Span) -> dict[tuple[date, str], int]:
    """(day in China, action) -> events: arrivals and decisions in one statement."""
    day = china_day(E.at)
    rows = db.session.execute(
        events_of(actor, span, (*ARRIVALS, *DECISIONS))
        .add_columns(day, E.action, sa.func.count())
        .group_by(day, E.action)
    )
    return {(found if isinstance(found, date) else date.fromisoformat(found), action): n for found, action, n in rows}


def in_time(actor: Actor, span: Span) -> dict[date, tuple[int, int]]:
    """Day -> (decided by their due time, decided). The due time of the round is on the case while the round is its last
    one and was not appealed; for the others it is reckoned again from the round's submission."""
    still = sa.and_(E.round == R.round, R.appealed_at.is_(None))
    base, day = events_of(actor, span, DECISIONS), china_day(E.at)
    kept = sa.func.sum(sa.case((sa.and_(still, E.at <= R.due_at), 1), else_=0))
    rows = db.session.execute(base.add_columns(day, kept, sa.func.count()).group_by(day))
    found = {at: [int(k), int(n)] for at, k, n in rows}
    joined = sa.and_(Submission.registration_id == E.registration_id, Submission.round == E.round)
    earlier = base.add_columns(E.at, E.round, Submission.submitted_at).join(Submission, joined).where(~still)
    office = calendar.current()
    for at, round_no, submitted in db.session.execute(earlier):
        hours = numbers.get("review_due_hours" if round_no == 1 else "resubmission_due_hours")
        found[at.astimezone(clock.SHANGHAI).date()][0] += at <= office.add_working_hours(submitted, hours)
    return {at: (k, n) for at, (k, n) in found.items()}


def reasons(actor: Actor, span: Span) -> Counter[str]:
    """Reason code -> decisions that named it. Grouped by the whole list in SQL, taken apart here."""
    text = sa.cast(E.reason_codes, sa.String)
    rows = db.session.execute(events_of(actor, span, DECISIONS[1:]).add_columns(text, sa.func.count()).group_by(text))
    found: Counter[str] = Counter()
    for codes, n in rows:
        for code in json.loads(codes or "[]"):
            found[code] += n
    return found


Waits = tuple[Counter[float], Counter[float]]


def waits(actor: Actor, span: Span) -> Waits:
    """Hours from a round's arrival to its decision, and hours so far of the rounds still open, as counters.

    Whole hours of the applicant's time, nights and weekends included, so that the database can group.
    """
    ended = db.session.execute(_ended(actor, span, []))
    still = db.session.execute(_still_open(actor, span, []))
    return _hours(ended), _hours(still)


def waits_by_reviewer(actor: Actor, span: Span) -> dict[uuid.UUID, Waits]:
    """The same per reviewer: rounds this person decided; open ones are what he holds now or has put on hold."""
    found: dict[uuid.UUID, Waits] = defaultdict(lambda: (Counter(), Counter()))
    for hours, n, who in db.session.execute(_ended(actor, span, [E.by_id])):
        if who is not None:
            found[who][0][max(0.0, float(hours))] += n
    holder = sa.case((R.status == Status.ON_HOLD, R.decided_by), else_=R.lease_staff_id)
    for hours, n, who in db.session.execute(_still_open(actor, span, [holder.label("holder")])):
        if who is not None:
            found[who][1][max(0.0, float(hours))] += n
    return found


def _ended(actor: Actor, span: Span, keys: list[Any]) -> sa.Select[Any]:
    hours = hours_between(Submission.submitted_at, E.at).label("hours")
    joined = sa.and_(Submission.registration_id == E.registration_id, Submission.round == E.round)
    query = events_of(actor, span, DECISIONS).join(Submission, joined)
    return query.add_columns(hours, sa.func.count(), *keys).group_by(hours, *keys)


def _still_open(actor: Actor, span: Span, keys: list[Any]) -> sa.Select[Any]:
    now = sa.literal(clock.now(), type_=R.submitted_at.type)
    hours = hours_between(R.submitted_at, now).label("hours")
    where: list[Clause] = [R.status.in_(WAITING), R.submitted_at < span.until, *in_scope(actor, span.permission)]
    if span.province:
        where.append(R.province == span.province)
    inner = sa.select(hours, *keys).where(*where).subquery()
    return sa.select(inner.c.hours, sa.func.count(), *list(inner.c)[1:]).group_by(*inner.c)


def ages(actor: Actor, province: str | None, bounds: Sequence[datetime]) -> list[int]:
    """Cases that wait for us: arrived after each of ``bounds`` (newest first), before the last, and overdue ones."""
    now = clock.now()
    edges = [now, *bounds]
    parts = [
        sa.func.coalesce(
            sa.func.sum(sa.case((sa.and_(R.submitted_at <= newer, R.submitted_at > older), 1), else_=0)), 0
        )
        for newer, older in pairwise(edges)
    ]
    parts.append(sa.func.coalesce(sa.func.sum(sa.case((R.submitted_at <= edges[-1], 1), else_=0)), 0))
    parts.append(sa.func.coalesce(sa.func.sum(sa.case((R.due_at < now, 1), else_=0)), 0))
    where = [R.status.in_(WAITING), *in_scope(actor)]
    if province:
        where.append(R.province == province)
    return [int(n) for n in db.session.execute(sa.select(*parts).where(*where)).one()]


def verdicts(actor: Actor, span: Span, key: Any) -> Mapping[Any, Mapping[str, int]]:
    """Per value of ``key`` (a column of the case or the event): action -> decisions."""
    rows = db.session.execute(
        events_of(actor, span, DECISIONS).add_columns(key, E.action, sa.func.count()).group_by(key, E.action)
    )
    found: dict[Any, dict[str, int]] = {}
    for value, action, n in rows:
        found.setdefault(value, {})[action] = n
    return found


def age_bounds() -> list[datetime]:
    """One, two and five working days back from now."""
    today = clock.now().astimezone(clock.SHANGHAI)
    days = [calendar.add_working_days(today.date(), -n) for n in (1, 2, 5)]
    return [datetime.combine(day, today.time(), clock.SHANGHAI) for day in days]


def working_days(days: Iterable[date]) -> set[date]:
    """Which of these are working days; those outside the loaded years count as none."""
    office = calendar.current()
    return {day for day in days if office.first <= day <= office.last and office.is_working(day)}


def _hours(rows: Iterable[Any]) -> Counter[float]:
    found: Counter[float] = Counter()
    for hours, n in rows:
        found[max(0.0, float(hours))] += n
    return found
