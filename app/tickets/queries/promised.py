"""What open tickets were promised, and what other terms would make of it: read for previews, nothing moves.

A deadline before the first day that differs is not reckoned again: working time up to there is the same.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from app.core import calendar, clock
from app.core.calendar import AroundTheClock, CalendarMissing, Effect, Moved, WorkCalendar
from app.core.db import db
from app.core.policy import Actor, Permission
from app.tickets.models import SlaClock, SlaDraft, SlaEvent, SlaPolicy, SlaRebase, Ticket
from app.tickets.service.clocks import happening
from app.tickets.service.rebase import differs
from app.tickets.sla import policy
from app.tickets.sla.content import Content
from app.tickets.sla.log import replay
from app.tickets.sla.metrics import METRIC_LABELS, TO_CUSTOMER, Metric
from app.tickets.sla.reckoning import WorkTime, due
from app.ui.frame import url_or_none

MANAGE = Permission.PROMISES_MANAGE
CHUNK = 500
C, T, E = SlaClock, Ticket, SlaEvent


@dataclass(frozen=True, slots=True)
class Wanted:
    """Other terms: a calendar for what has one, or a version of the promises."""

    calendar: WorkCalendar | None = None
    policy: Content | None = None
    version: int = 0

    def of(self, row: Any) -> tuple[timedelta | None, WorkTime]:
        """Budget and calendar of one clock; no budget: the clock would no longer be promised."""
        if self.policy is None:
            assert self.calendar is not None, "other terms are a calendar or a version"
            return timedelta(seconds=row.budget_seconds), self.calendar
        hours = self.policy.hours[row.priority or policy.BEFORE_TRIAGE.value].get(row.metric)
        budget = None if hours is None else timedelta(hours=hours)
        if row.priority in self.policy.around_the_clock:
            return budget, AroundTheClock()
        return budget, calendar.current() if row.calendar_id is None else calendar.frozen(row.calendar_id)


def in_office(actor: Actor) -> SlaPolicy:
    """The version in force. Raises Forbidden."""
    actor.require(MANAGE)
    return policy.in_force(clock.now())


def versions(actor: Actor) -> list[SlaPolicy]:
    """Newest first."""
    actor.require(MANAGE)
    return list(db.session.scalars(sa.select(SlaPolicy).order_by(SlaPolicy.version.desc())))


def draft(actor: Actor) -> SlaDraft | None:
    actor.require(MANAGE)
    return db.session.scalars(sa.select(SlaDraft)).one_or_none()


def rebases(actor: Actor) -> list[SlaRebase]:
    """Newest first."""
    actor.require(MANAGE)
    return list(db.session.scalars(sa.select(SlaRebase).order_by(SlaRebase.asked_at.desc())))


def under_calendar(other: WorkCalendar) -> Iterator[Moved]:
    """Deadlines of running clocks that ``other`` would move, by ticket."""
    now = calendar.current()
    days = {*now.working} ^ {*other.working}
    if now.hours != other.hours:
        days.add(now.first)
    # counted by an older calendar: reckoned whatever the deadline, since any day may differ
    touched: list[sa.ColumnElement[bool]] = [C.calendar_id != (calendar.snapshot_of(now) or 0)]
    if days:
        touched.append(C.due_at >= _midnight(min(days)))
    return _moved(Wanted(calendar=other), [C.stopped_at.is_(None), C.calendar_id.is_not(None), sa.or_(*touched)])


def under_policy(actor: Actor, found: Content, version: int) -> Iterator[Moved]:
    """Deadlines of running clocks that a version would move if open tickets were rebased to it."""
    actor.require(MANAGE)
    return _moved(Wanted(policy=found, version=version), differs("policy", version, None))


def open_tickets(actor: Actor, version: int) -> int:
    """How many open tickets run by another version: what a rebase would touch at most."""
    actor.require(MANAGE)
    query = sa.select(sa.func.count(sa.distinct(C.ticket_id))).where(*differs("policy", version, None))
    return db.session.scalar(query) or 0


def _moved(wanted: Wanted, where: Sequence[sa.ColumnElement[bool]]) -> Iterator[Moved]:
    query = sa.select(
        C.ticket_id, C.cycle, C.metric, C.budget_seconds, C.calendar_id, C.due_at, T.number, T.priority
    ).join(T, sa.and_(T.id == C.ticket_id, T.cycle == C.cycle))
    rows = db.session.execute(query.where(*where).order_by(T.number, C.metric)).all()
    tickets = [list(some) for _id, some in itertools.groupby(rows, key=lambda row: row.ticket_id)]
    for start in range(0, len(tickets), CHUNK):
        some = tickets[start : start + CHUNK]
        logs = _logs({clocks[0].ticket_id: clocks[0].cycle for clocks in some})
        for clocks in some:
            for row in clocks:
                yield from _one(row, logs[row.ticket_id], wanted)


def _logs(tickets: dict[Any, int]) -> dict[Any, list[Any]]:
    found: dict[Any, list[Any]] = {ticket_id: [] for ticket_id in tickets}
    named = (E.ticket_id, E.cycle, E.act, E.metric, E.pause, E.reason, E.stops, E.planned_end, E.since, E.at)
    query = sa.select(*named).where(E.ticket_id.in_(list(tickets))).order_by(E.ticket_id, E.cycle, E.seq)
    for line in db.session.execute(query):
        if line.cycle == tickets[line.ticket_id]:
            found[line.ticket_id].append(happening(line))
    return found


def _one(row: Any, log: Iterable[Any], wanted: Wanted) -> Iterator[Moved]:
    metric = Metric(row.metric)
    budget, counted = wanted.of(row)
    if budget is None:
        return
    replayed = replay(log, {metric: budget})
    try:
        at: datetime | None = due(replayed.runs[metric], replayed.pauses, counted)
    except CalendarMissing:
        at = None
    if at != row.due_at:
        url = url_or_none("promises.receipt", number=row.number)
        yield Moved(row.number, METRIC_LABELS[metric], row.due_at, at, metric in TO_CUSTOMER, url)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), clock.SHANGHAI)


def install() -> None:
    """Tell the calendar's page what a new calendar would do to tickets."""
    calendar.effects.add("tickets", Effect("tickets", _l("工单时限"), under_calendar))
