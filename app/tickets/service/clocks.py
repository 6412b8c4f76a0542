"""Keeping a ticket's clocks: a line in the log for what happened, then everything reckoned from the log again."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from app.core import calendar
from app.core.db import db
from app.core.policy import Actor
from app.tickets.models import NEVER, Escalation, SlaClock, SlaEvent, SlaPolicy, Ticket
from app.tickets.sla import effects, policy
from app.tickets.sla.log import Act, Happening, Replayed, replay
from app.tickets.sla.metrics import Metric, PauseReason
from app.tickets.sla.reckoning import Pause, Run, WorkTime, due, gaps, used

DEADLINE = 100  # percent
FREEZES = ("submit_ticket", "record_call", "finish_triage", "reopen_ticket")


@dataclass(frozen=True, slots=True)
class Terms:
    """By what a ticket's clocks are counted: policy version, calendar snapshot (None: every hour), budgets."""

    policy: SlaPolicy
    calendar_id: int | None
    budgets: Mapping[Metric, timedelta]

    @property
    def calendar(self) -> WorkTime:
        return calendar.AroundTheClock() if self.calendar_id is None else calendar.frozen(self.calendar_id)


def follow(row: Ticket, action: str, actor: Actor, at: datetime, pause_until: datetime | None = None) -> None:
    """Write down what ``action`` does to the clocks of ``row`` and reckon them. Raises CalendarMissing.

    ``pause_until`` is the planned end of the pause that the action begins, cut to what its reason allows.
    """
    effect = effects.EFFECTS.get(action, effects.NOTHING)
    log, known = log_of(row), stored(row)
    standing = None
    if effect.pauses and pause_until is not None:
        standing = _longest(policy.pause_reason(_terms(row, at, known).policy, effect.pauses), at, pause_until)
    lines = _lines(effect, log, at, standing)
    if not lines and action not in FREEZES:
        return
    terms = freeze(row, at) if action in FREEZES else _terms(row, at, known)
    write(row, actor, len(log), lines)
    reckon_all(row, terms, [*log, *lines], known)


def log_of(row: Ticket) -> list[Happening]:
    """The log of the ticket's present cycle, oldest first."""
    found = db.session.connection().execute(_LOG, {"ticket": row.id, "round": row.cycle})
    return [happening(line) for line in found]


_LOG = (
    sa.select(*(SlaEvent.__table__.c[name] for name in (
        "act", "at", "metric", "pause", "reason", "stops", "planned_end", "since"
    )))
    .where(SlaEvent.__table__.c.ticket_id == sa.bindparam("ticket", type_=sa.Uuid()))
    .where(SlaEvent.__table__.c.cycle == sa.bindparam("round", type_=sa.SmallInteger()))
    .order_by(SlaEvent.__table__.c.seq)
)  # fmt: skip


def happening(line: Any) -> Happening:
    """A stored line of a log (`SlaEvent`, or a row of its columns) as its replay reads it."""
    return Happening(
        Act(line.act), line.at, Metric(line.metric) if line.metric else None, line.pause, line.reason,
        frozenset(map(Metric, line.stops)), line.planned_end, line.since,
    )  # fmt: skip


def freeze(row: Ticket, at: datetime) -> Terms:
    """The terms of this moment: a report's at its arrival, and again once triage has said how urgent it is."""
    found = policy.in_force(at)
    every_hour = policy.counts_every_hour(found, row.priority)
    return Terms(found, None if every_hour else calendar.freeze(), policy.budgets(found, row.priority))


def stored(row: Ticket) -> list[SlaClock]:
    """The clocks of the present cycle as last reckoned."""
    return list(db.session.scalars(_STORED, {"ticket": row.id, "round": row.cycle}))


_STORED = sa.select(SlaClock).where(
    SlaClock.ticket_id == sa.bindparam("ticket", type_=sa.Uuid()),
    SlaClock.cycle == sa.bindparam("round", type_=sa.SmallInteger()),
)
_WARNINGS = sa.select(Escalation).where(Escalation.clock_id.in_(sa.bindparam("clocks", expanding=True)))


def terms_of(row: Ticket, at: datetime) -> Terms:
    """The terms that the ticket's clocks were frozen with; today's where it has none yet (taken over)."""
    return _terms(row, at, stored(row))


def _terms(row: Ticket, at: datetime, known: Sequence[SlaClock]) -> Terms:
    if not known:
        return freeze(row, at)
    latest = max(known, key=lambda held: (held.stopped_at is None, held.stopped_at or at, held.id))  # going ones first
    found = db.session.get(SlaPolicy, latest.policy_version)
    assert found is not None, "clocks name a policy by foreign key"
    return Terms(found, latest.calendar_id, policy.budgets(found, row.priority))


def reckon_all(row: Ticket, terms: Terms, log: list[Happening], known: Sequence[SlaClock] | None = None) -> None:
    """Bring the stored clocks (``known``, where they were read already), their warnings and the ticket's due date to
    what the log says."""
    replayed = replay(log, terms.budgets)
    clocks = {Metric(held.metric): held for held in (stored(row) if known is None else known)}
    moved: list[tuple[SlaClock, Run]] = []
    for metric, run in replayed.runs.items():
        held = clocks.get(metric) or SlaClock(ticket_id=row.id, cycle=row.cycle, metric=metric.value)
        if held.stopped_at is not None and held.stopped_at == run.stopped_at:
            continue  # a stopped clock keeps the terms it was stopped under
        _set(held, run, replayed, terms)
        held.standing_until = next(
            (b for a, b in gaps(run, replayed.pauses) if run.going and a <= log[-1].at < b), None
        )
        db.session.add(held)
        moved.append((held, run))
    db.session.flush()
    given: dict[uuid.UUID, dict[int, Escalation]] = {held.id: {} for held, _run in moved}
    for warning in db.session.scalars(_WARNINGS, {"clocks": list(given)}):
        given[warning.clock_id][warning.level] = warning
    for held, run in moved:
        _warn(held, run, replayed.pauses, terms, given[held.id])
    row.due_at = min((held.due_at for held, run in moved if run.going), default=NEVER)
    db.session.flush()


def _set(held: SlaClock, run: Run, replayed: Replayed, terms: Terms) -> None:
    held.policy_version, held.calendar_id = terms.policy.version, terms.calendar_id
    held.budget_seconds = int(run.budget.total_seconds())
    held.started_at, held.stopped_at = run.marks[0], run.stopped_at
    held.due_at = due(run, replayed.pauses, terms.calendar)
    held.used_seconds, held.outcome = None, ""
    if run.stopped_at is not None:
        spent = used(run, replayed.pauses, terms.calendar, run.stopped_at)
        held.used_seconds, held.outcome = int(spent.total_seconds()), "late" if spent > run.budget else "in_time"


def _warn(held: SlaClock, run: Run, pauses: tuple[Pause, ...], terms: Terms, known: Mapping[int, Escalation]) -> None:
    """Warnings that have not been given move with the deadline; a stopped clock warns no more."""
    if not run.going:
        for warning in known.values():
            if warning.fired_at is None:
                db.session.delete(warning)
        return
    for level in terms.policy.levels:
        warning = known.get(level) or Escalation(clock_id=held.id, level=level)
        if warning.fired_at is None:
            try:
                warning.due_at = due(run, pauses, terms.calendar, share=level / 100)
            except calendar.CalendarMissing:
                if level <= DEADLINE:
                    raise
                continue  # the deadline is known, which is what was promised; a later warning waits for the days
            db.session.add(warning)


def _longest(reason: PauseReason, at: datetime, until: datetime) -> tuple[PauseReason, datetime]:
    """The pause's planned end, no later than its reason allows."""
    try:
        return reason, min(until, calendar.add_working_hours(at, reason.most_hours))
    except calendar.CalendarMissing:  # the longest one would end beyond the loaded days; this one need not
        return reason, until


def _lines(
    effect: effects.Effect, log: list[Happening], at: datetime, standing: tuple[PauseReason, datetime] | None
) -> list[Happening]:
    marks: dict[Metric, bool] = {}
    running: dict[str, str] = {}
    for line in log:
        if line.act in (Act.BACKDATE, Act.REBASE):
            continue
        if line.metric is not None:
            marks[line.metric] = line.act is Act.START
        elif line.act is Act.PAUSE:
            running[line.reason] = line.pause
        else:
            running = {reason: name for reason, name in running.items() if name != line.pause}
    found = [Happening(Act.STOP, at, metric) for metric in effect.stops if marks.get(metric)]
    found += [Happening(Act.START, at, metric) for metric in effect.starts if not marks.get(metric)]
    if effect.resumes in running:
        found.append(Happening(Act.RESUME, at, pause=running[effect.resumes]))
    if standing is not None and effect.pauses not in running:
        reason, until = standing
        name = f"{effect.pauses}-{sum(1 for line in log if line.act is Act.PAUSE) + 1}"
        found.append(Happening(Act.PAUSE, at, None, name, reason.key, reason.stops, max(at, until)))
    return found


def write(row: Ticket, actor: Actor, seq: int, lines: list[Happening], note: str = "") -> None:
    """Append ``lines`` after the first ``seq``; ``note`` says why, for us."""
    for n, line in enumerate(lines, start=seq + 1):
        values: dict[str, Any] = {"act": line.act.value, "metric": line.metric.value if line.metric else None}
        db.session.add(
            SlaEvent(
                ticket_id=row.id, cycle=row.cycle, seq=n, pause=line.pause, reason=line.reason,
                stops=sorted(m.value for m in line.stops), planned_end=line.planned_end, since=line.since, at=line.at,
                by_id=actor.id, by_name=actor.name if actor.kind == "staff" else "", subject_id=row.subject_id,
                note=note or None, **values,
            )
        )  # fmt: skip
    db.session.flush()


def earliest_start(row: Ticket) -> datetime | None:
    """When the ticket's resolution clock began, if it is promised and has."""
    query = sa.select(SlaClock.started_at).where(
        SlaClock.ticket_id == row.id, SlaClock.cycle == row.cycle, SlaClock.metric == Metric.RESOLUTION
    )
    return db.session.scalar(query)


def start_earlier(row: Ticket, actor: Actor, since: datetime, now: datetime) -> None:
    """After a merger the ticket that goes on was reported when the earlier of both was; a line in its log says so."""
    held = earliest_start(row)
    if held is None or held <= since:
        return
    log = log_of(row)
    line = Happening(Act.BACKDATE, now, Metric.RESOLUTION, since=since)
    write(row, actor, len(log), [line])
    reckon_all(row, terms_of(row, now), [*log, line])
