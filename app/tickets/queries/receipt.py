"""How each deadline of a ticket was counted, read from the log alone, and whether that equals what is stored.

A clock is replayed by the terms it was frozen with. A stopped one is replayed up to its stop: what a later pause did to
others is nothing to it. Source: reference/dispatch.md 4.4.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from app.core import calendar, clock
from app.core.db import db
from app.core.errors import NotFound
from app.core.policy import Actor, Permission
from app.tickets.models import Escalation, SlaClock, SlaEvent, SlaPolicy, Ticket
from app.tickets.service.clocks import happening
from app.tickets.service.reach import in_region
from app.tickets.sla import policy
from app.tickets.sla.log import Act, LogRefused, Replayed, replay
from app.tickets.sla.metrics import PAUSE_REASONS, Metric, PauseReason
from app.tickets.sla.reckoning import Piece, Reckoned, Span, WorkTime, receipt, reckon

SPANS_MAX = 400  # working stretches shown of one clock: half a year of them


@dataclass(frozen=True, slots=True)
class PauseLine:
    """A pause as written down: by whom, until when it was to last, when somebody ended it (or nobody)."""

    name: str
    reason: PauseReason
    stops: frozenset[Metric]  # as written down: later versions of the promises change nothing
    since: datetime
    planned_end: datetime
    ended_at: datetime | None
    by_name: str
    ended_by: str
    note: str

    @property
    def ends(self) -> datetime:
        return min(self.planned_end, self.ended_at or self.planned_end)

    def runs(self, now: datetime) -> bool:
        return self.since <= now < self.ends


@dataclass(frozen=True, slots=True)
class Stretch:
    """A piece of the receipt with its working spans, nights and weekends left out; ``more`` spans are not shown."""

    piece: Piece
    spans: Sequence[Span]
    more: bool


@dataclass(frozen=True, slots=True)
class ClockReceipt:
    """One clock. ``equal`` says that the replay gives exactly what is stored; ``reckoned`` is None when it cannot be
    counted (``missing``: beyond the loaded calendar)."""

    metric: Metric
    stored: SlaClock
    reckoned: Reckoned | None
    stretches: Sequence[Stretch]
    pauses: Sequence[PauseLine]
    warned: Sequence[tuple[int, datetime]]
    equal: bool
    missing: bool = False

    @property
    def going(self) -> bool:
        return self.stored.stopped_at is None


@dataclass(frozen=True, slots=True)
class Receipt:
    ticket: Ticket
    clocks: Sequence[ClockReceipt]
    pauses: Sequence[PauseLine]
    rebased: Sequence[SlaEvent]
    now: datetime

    @property
    def equal(self) -> bool:
        return all(one.equal for one in self.clocks)


def find(actor: Actor, number: str) -> Ticket:
    """Raises Forbidden, NotFound outside of the actor's region."""
    query = sa.select(Ticket).where(Ticket.number == number.upper(), *in_region(actor, Permission.TICKETS_READ))
    row = db.session.scalars(query).one_or_none()
    if row is None:
        raise NotFound()
    return row


def of(row: Ticket) -> Receipt:
    """The receipt of the ticket's present cycle; four statements."""
    now = clock.now()
    mine = (SlaEvent.ticket_id == row.id, SlaEvent.cycle == row.cycle)
    lines = db.session.scalars(sa.select(SlaEvent).where(*mine).order_by(SlaEvent.seq)).all()
    pauses = pause_lines(lines)
    query = sa.select(SlaClock).where(SlaClock.ticket_id == row.id, SlaClock.cycle == row.cycle)
    stored = sorted(db.session.scalars(query), key=lambda held: list(Metric).index(Metric(held.metric)))
    fired = sa.select(Escalation.clock_id, Escalation.level, Escalation.fired_at).where(
        Escalation.clock_id.in_([held.id for held in stored]), Escalation.fired_at.is_not(None)
    )
    warned: dict[object, list[tuple[int, datetime]]] = {}
    for found in db.session.execute(fired.order_by(Escalation.level)):
        warned.setdefault(found.clock_id, []).append((found.level, found.fired_at))
    versions = {v.version: v for v in db.session.scalars(sa.select(SlaPolicy))}
    clocks = [_clock(row, held, lines, pauses, versions, warned.get(held.id, []), now) for held in stored]
    return Receipt(row, clocks, pauses, [line for line in lines if line.act == Act.REBASE], now)


def pause_lines(lines: Sequence[SlaEvent]) -> list[PauseLine]:
    """The pauses of a log in order."""
    ends = {line.pause: line for line in lines if line.act == Act.RESUME}
    found = []
    for line in lines:
        if line.act == Act.PAUSE and line.planned_end is not None:
            end = ends.get(line.pause)
            found.append(
                PauseLine(
                    line.pause, PAUSE_REASONS[line.reason], frozenset(map(Metric, line.stops)), line.at,
                    line.planned_end, end.at if end else None,
                    line.by_name, end.by_name if end else "", line.note or "",
                )
            )  # fmt: skip
    return found


def _clock(
    row: Ticket, held: SlaClock, lines: Sequence[SlaEvent], pauses: Sequence[PauseLine],
    versions: Mapping[int, SlaPolicy], warned: Sequence[tuple[int, datetime]], now: datetime,
) -> ClockReceipt:  # fmt: skip
    metric, stop = Metric(held.metric), held.stopped_at
    mine = [p for p in pauses if metric in p.stops and (stop is None or p.since < stop)]
    budget = timedelta(seconds=held.budget_seconds)
    try:
        replayed = replay((happening(x) for x in lines if stop is None or x.at <= stop), {metric: budget})
        counted = calendar.AroundTheClock() if held.calendar_id is None else calendar.frozen(held.calendar_id)
        run = replayed.runs[metric]
        reckoned = reckon(run, replayed.pauses, counted, now)
        pieces = receipt(run, replayed.pauses, counted, max(now, held.started_at))
    except calendar.CalendarMissing:
        return ClockReceipt(metric, held, None, [], mine, warned, equal=False, missing=True)
    except (LogRefused, KeyError):
        return ClockReceipt(metric, held, None, [], mine, warned, equal=False)
    equal = _equal(held, replayed, reckoned) and _promised(versions[held.policy_version], row, metric, budget)
    return ClockReceipt(metric, held, reckoned, [_stretch(p, counted) for p in pieces], mine, warned, equal)


def _equal(held: SlaClock, replayed: Replayed, reckoned: Reckoned) -> bool:
    run = replayed.runs[Metric(held.metric)]
    if (run.marks[0], run.stopped_at, reckoned.due_at) != (held.started_at, held.stopped_at, held.due_at):
        return False
    if run.stopped_at is None:
        return True
    outcome = "late" if reckoned.late else "in_time"
    return (int(reckoned.used.total_seconds()), outcome) == (held.used_seconds, held.outcome)


def _promised(version: SlaPolicy, row: Ticket, metric: Metric, budget: timedelta) -> bool:
    """What stopped before triage was promised as to an ordinary report."""
    return budget in (policy.budgets(version, priority).get(metric) for priority in (row.priority, None))


def _stretch(piece: Piece, counted: WorkTime) -> Stretch:
    spans: list[Span] = []
    for span in counted.working_spans(piece.since, piece.until):
        if len(spans) == SPANS_MAX:
            return Stretch(piece, spans, more=True)
        spans.append(span)
    return Stretch(piece, spans, more=False)
