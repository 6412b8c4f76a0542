"""From tables to a snapshot: whom each ticket may go to, and when, is asked of the rule engine and of nobody else.

What may be placed anew: tickets that wait, and offers nobody has answered yet, while they lie in one of the half days
and hold by the rules. Everything else that is planned takes room and stays. Eight statements, whatever the number of
tickets and people. A person is asked about only where his territory holds the province; for anybody else the rule of
territory says no.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from app.core.db import db
from app.dealers.models import DealerContract
from app.dispatch.eligibility import Candidate, Contract, Plan, Span, half_plans, plan_of, way_of
from app.dispatch.eligibility import Job as Wanted
from app.dispatch.eligibility.facts import Certificate
from app.dispatch.eligibility.load import AROUND, JOB_COLUMNS, as_job, everybody
from app.dispatch.eligibility.rules import Question, admits
from app.dispatch.models import (
    LIVE_STATES,
    Absence,
    AssigneeKind,
    Dispatch,
    DispatchState,
    EngineerShift,
    EngineerSkill,
    Exclusion,
    Half,
)
from app.dispatch.planner.snapshot import Job, Limits, Pair, Person, Slot, Snapshot
from app.hospitals.models import Hospital
from app.tickets.models import Ticket
from app.tickets.workflow import Status

HALF_DAYS = 10
AHEAD = timedelta(hours=1)  # nobody starts sooner than that after an offer
FITS = 300  # minutes of way, work and way back that fit into a half day; more takes the day
MOST = 4_000  # tickets of one plan, the most urgent
OPEN = (Status.TO_DISPATCH.value, Status.OFFERED.value)


@dataclass(frozen=True, slots=True)
class Held:
    """A live offer or an accepted visit."""

    ticket_id: uuid.UUID
    assignee_id: uuid.UUID
    name: str
    span: Span
    waits: bool  # nobody has answered yet


@dataclass(frozen=True, slots=True)
class Gathered:
    """The snapshot, and what the rows of the proposal are written with; lists go by the snapshot's indexes."""

    snapshot: Snapshot
    plans: Sequence[Plan]
    wanted: Sequence[Wanted]
    people: Sequence[Candidate]
    held: Mapping[uuid.UUID, Held]


@dataclass(slots=True)
class _Person:
    """One person with all that is dated about him; ``shifts`` by weekday."""

    row: Any
    certificates: list[Certificate] = field(default_factory=list)
    shifts: dict[int, set[Half]] = field(default_factory=lambda: defaultdict(set))
    absences: list[Span] = field(default_factory=list)
    contracts: list[Contract] = field(default_factory=list)

    def candidate(self, weekday: int, busy: Iterable[Span]) -> Candidate:
        row = self.row
        return Candidate(
            row.id, AssigneeKind(row.kind), row.name, bool(row.active), frozenset(row.provinces),
            frozenset(row.product_lines), row.capacity, row.lat, row.lon, tuple(self.certificates),
            bool(row.own_hours), frozenset(self.shifts[weekday]), tuple(self.absences), tuple(self.contracts),
            tuple(busy), row.visits_done, row.visits_fixed,
        )  # fmt: skip


def gather(provinces: Sequence[str], now: datetime, limits: Limits) -> Gathered:
    """What is to be planned in these provinces. Raises CalendarMissing beyond the loaded years."""
    plans = half_plans(now + AHEAD, HALF_DAYS)
    wanted, people, live = _tickets(provinces), _people(plans), _live(plans)
    declined = _declined(provinces)
    accepted = [one for one in live if not one.waits]
    first = _Asked(people, accepted, plans, now, declined)
    held = {one.ticket_id: one for one in live if one.waits}
    movable = {job.ticket_id for job in wanted if job.ticket_id in held and first.stands(job, held[job.ticket_id])}
    wanted = [job for job in wanted if job.status == Status.TO_DISPATCH or job.ticket_id in movable]
    asked = _Asked(people, [one for one in live if one.ticket_id not in movable], plans, now, declined)
    jobs = tuple(asked.job(job, held.get(job.ticket_id)) for job in wanted)
    slots = tuple(
        Slot(plan.span.since.isoformat(), plan.span.until.isoformat(), asked.minutes(plan.span.since)) for plan in plans
    )
    snapshot = Snapshot(slots, tuple(asked.person(n) for n in range(len(people))), jobs, limits)
    return Gathered(snapshot, plans, wanted, [days[0] for days in asked.days], held)


class _Asked:
    """The rule engine, asked about many tickets: everybody once per half day, with what stays of his week."""

    def __init__(
        self, people: Sequence[_Person], fixed: Iterable[Held], plans: Sequence[Plan], now: datetime,
        declined: Mapping[tuple[uuid.UUID, int, uuid.UUID], str],
    ) -> None:  # fmt: skip
        self.plans, self.now, self.declined = plans, now, declined
        self.whole = {n: _whole_day(plans, n) for n in range(len(plans))}
        busy: dict[uuid.UUID, list[Span]] = defaultdict(list)
        for one in fixed:
            busy[one.assignee_id].append(one.span)
        self.days = [[who.candidate(plan.day.weekday(), busy[who.row.id]) for plan in plans] for who in people]
        self.near: dict[str, list[int]] = defaultdict(list)
        self.index: dict[uuid.UUID, int] = {}
        for n, who in enumerate(people):
            self.index[who.row.id] = n
            for province in who.row.provinces:
                self.near[province].append(n)

    def minutes(self, at: datetime) -> int:
        """After the first half day's beginning."""
        return round((at - self.plans[0].span.since).total_seconds() / 60)

    def person(self, n: int) -> Person:
        who, span = self.days[n][0], Span(self.plans[0].span.since, self.plans[-1].span.until)
        room = tuple(max(0, who.capacity - sum(one.overlaps(plan.span) for one in who.busy)) for plan in self.plans)
        return Person(str(who.id), who.kind.value, room, sum(one.overlaps(span) for one in who.busy))

    def job(self, wanted: Wanted, held: Held | None) -> Job:
        pairs = tuple(pair for n in self.near[wanted.province] if (pair := self.pair(wanted, n)) is not None)
        due = None if wanted.due_at is None else self.minutes(wanted.due_at)
        current = self._current(wanted, held) if held is not None else None
        return Job(
            str(wanted.ticket_id), wanted.number, wanted.version, wanted.province, str(wanted.hospital_id),
            wanted.priority, round(wanted.service_hours * 60), due, pairs, current,
        )  # fmt: skip

    def pair(self, wanted: Wanted, n: int) -> Pair | None:
        """The half days in which this one may begin the ticket; None: in none of them."""
        hours = way_of(wanted, self.days[n][0]).hours
        way = None if hours is None else round(hours * 60)
        halves = 1 if round(wanted.service_hours * 60) + 2 * (way or 0) <= FITS else 2
        slots = tuple(slot for slot in range(len(self.plans)) if self.may(wanted, n, slot, halves))
        return Pair(n, slots, way, halves) if slots else None

    def may(self, wanted: Wanted, n: int, slot: int, halves: int) -> bool:
        plan = self.plans[slot] if halves == 1 else self.whole[slot]
        if plan is None:
            return False
        who = self.days[n][slot]
        refusal = self.declined.get((wanted.ticket_id, wanted.cycle, who.id))
        return admits(Question(wanted, replace(who, declined=refusal) if refusal else who, plan, self.now))

    def stands(self, wanted: Wanted, held: Held) -> bool:
        """Whether an offer lies in the week as a plan would have put it, and holds by the rules."""
        place = self._current(wanted, held)
        if place is None:
            return False
        pair = self.pair(wanted, place[0])
        return pair is not None and place[1] in pair.slots

    def _current(self, wanted: Wanted, held: Held) -> tuple[int, int] | None:
        n = self.index.get(held.assignee_id)
        for slot, plan in enumerate(self.plans):
            if n is not None and plan.span.since <= held.span.since < plan.span.until:
                return n, slot
        return None


def _whole_day(plans: Sequence[Plan], n: int) -> Plan | None:
    """The day of which this is the morning."""
    if n + 1 >= len(plans) or plans[n].half is not Half.MORNING or plans[n].day != plans[n + 1].day:
        return None
    return plan_of(Span(plans[n].span.since, plans[n + 1].span.until), agreed=False)


def _tickets(provinces: Sequence[str]) -> list[Wanted]:
    t = Ticket
    query = sa.select(*JOB_COLUMNS).join(Hospital, Hospital.id == t.hospital_id)
    query = query.where(t.status.in_(OPEN), t.province.in_(provinces)).order_by(t.due_at, t.id).limit(MOST)
    return [as_job(row) for row in db.session.execute(query)]


def _live(plans: Sequence[Plan]) -> list[Held]:
    d = Dispatch
    since, until = plans[0].span.since - AROUND, plans[-1].span.until
    query = sa.select(d.ticket_id, d.assignee_id, d.assignee_name, d.window_from, d.window_until, d.state).where(
        d.state.in_(LIVE_STATES), d.window_from > since, d.window_from < until
    )
    return [
        Held(row.ticket_id, row.assignee_id, row.assignee_name, Span(row.window_from, row.window_until),
             row.state == DispatchState.OFFERED)
        for row in db.session.execute(query.order_by(d.window_from, d.id))
    ]  # fmt: skip


def _declined(provinces: Sequence[str]) -> dict[tuple[uuid.UUID, int, uuid.UUID], str]:
    e = Exclusion
    query = sa.select(e.ticket_id, e.cycle, e.assignee_id, e.reason).join(Ticket, Ticket.id == e.ticket_id)
    query = query.where(e.lifted_at.is_(None), Ticket.status.in_(OPEN), Ticket.province.in_(provinces))
    return {(row.ticket_id, row.cycle, row.assignee_id): row.reason for row in db.session.execute(query)}


def _people(plans: Sequence[Plan]) -> list[_Person]:
    """Everybody with what is dated about him, by id: the same order at every look."""
    found = {row.id: _Person(row) for row in db.session.execute(everybody(None))}
    s, a, c, w = EngineerSkill, Absence, DealerContract, EngineerShift
    since, until = plans[0].span.since, plans[-1].span.until
    skills = sa.select(s.engineer_id, s.skill, s.certificate, s.valid_from, s.valid_until).order_by(s.id)
    for skill in db.session.execute(skills):
        found[skill.engineer_id].certificates.append(Certificate(*skill[1:]))
    absences = sa.select(a.engineer_id, a.starts_at, a.ends_at).where(a.ends_at > since, a.starts_at < until)
    for gone in db.session.execute(absences.order_by(a.starts_at, a.id)):
        found[gone.engineer_id].absences.append(Span(gone.starts_at, gone.ends_at))
    for contract in db.session.scalars(sa.select(c).order_by(c.starts_at, c.id)):
        span = Span(contract.starts_at, contract.ends_at)
        found[contract.dealer_id].contracts.append(
            Contract(contract.number, span, contract.confirmed_at is not None, contract.may_repair,
                     contract.may_collect, contract.id)
        )  # fmt: skip
    for shift in db.session.execute(sa.select(w.engineer_id, w.weekday, w.half)):
        found[shift.engineer_id].shifts[shift.weekday].add(Half(shift.half))
    return sorted(found.values(), key=lambda who: who.row.id)
