"""What the rules look at: plain values, none of them looked up by a rule.

A `Job` is the ticket to be placed, a `Plan` the window it is placed in, a `Candidate` an engineer or a dealer with all
that is known of him. `load` makes them from the tables; tests make them by hand.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from app.core import calendar, numbers
from app.core.clock import SHANGHAI
from app.core.numbers import OfficeHours
from app.dealers.lines import ProductLine
from app.dispatch.models import AssigneeKind, Half, Skill

# Which certificate a fault asks for where it is repaired on site. What nobody is certified for needs none.
SKILL_FOR: Mapping[str, Skill] = {
    "leak": Skill.SCOPE, "angulation": Skill.SCOPE, "channel": Skill.SCOPE, "mechanical": Skill.SCOPE,
    "image": Skill.PROCESSOR, "electrical": Skill.PROCESSOR, "light": Skill.LIGHT,
    "reprocessing": Skill.REPROCESSOR,
}  # fmt: skip
SERVICE_HOURS: Mapping[str, float] = {"on_site": 2.0, "collect": 0.5}  # how long the work on site takes, planned
APPOINTMENT = timedelta(hours=2)  # a window no longer than this is a fixed hour; wider ones share a half day


@dataclass(frozen=True, slots=True)
class Span:
    """From an instant, up to but not including another."""

    since: datetime
    until: datetime

    def overlaps(self, other: Span) -> bool:
        return self.since < other.until and other.since < self.until

    @property
    def fixed(self) -> bool:
        """Whether the hour is agreed, not only the half day."""
        return self.until - self.since <= APPOINTMENT


@dataclass(frozen=True, slots=True)
class Plan:
    """The planned visit. ``working``: a working day by the calendar; ``agreed``: the hospital knows the window."""

    span: Span
    halves: frozenset[Half]
    working: bool
    agreed: bool = True

    @property
    def day(self) -> date:
        return day_of(self.span.since)

    @property
    def half(self) -> Half:
        """The half in which it begins."""
        return Half.MORNING if Half.MORNING in self.halves else Half.AFTERNOON


@dataclass(frozen=True, slots=True)
class Job:
    """The ticket. ``line`` None: the model says no product line; ``lat`` None: the hospital has no coordinates."""

    ticket_id: uuid.UUID
    number: str
    version: int
    cycle: int
    status: str
    province: str
    hospital_id: uuid.UUID
    hospital: str
    lat: float | None
    lon: float | None
    model: str
    line: ProductLine | None
    fault_class: str
    mode: str
    priority: str
    due_at: datetime | None  # None: no clock runs

    @property
    def skill(self) -> Skill | None:
        """The certificate needed; fetching a device needs none."""
        return SKILL_FOR.get(self.fault_class) if self.mode != "collect" else None

    @property
    def service_hours(self) -> float:
        return SERVICE_HOURS.get(self.mode, 2.0)


@dataclass(frozen=True, slots=True)
class Certificate:
    """Days, both included."""

    skill: str
    number: str
    since: date
    until: date


@dataclass(frozen=True, slots=True)
class Contract:
    """A dealer's contract; in force from one instant to another once it was confirmed."""

    number: str
    span: Span
    confirmed: bool
    may_repair: bool
    may_collect: bool
    id: uuid.UUID | None = None

    def holds(self, at: datetime) -> bool:
        return self.confirmed and self.span.since <= at < self.span.until


@dataclass(frozen=True, slots=True)
class Candidate:
    """An engineer or a dealer."""

    id: uuid.UUID
    kind: AssigneeKind
    name: str
    active: bool
    provinces: frozenset[str]
    lines: frozenset[str]
    capacity: int
    lat: float | None = None
    lon: float | None = None
    certificates: tuple[Certificate, ...] = ()
    has_shifts: bool = False
    shifts: frozenset[Half] = frozenset()  # of the planned weekday
    absences: tuple[Span, ...] = ()
    contracts: tuple[Contract, ...] = ()
    busy: tuple[Span, ...] = ()  # live offers and visits of the week around the plan, this ticket's own left out
    visits_done: int = 0
    visits_fixed: int = 0
    visits_here: int = 0
    declined: str = ""  # reason code of the refusal that still counts


def day_of(at: datetime) -> date:
    """The China day of an instant."""
    return at.astimezone(SHANGHAI).date()


def last_day_of(span: Span) -> date:
    """The China day of the last instant inside."""
    return day_of(span.until - timedelta(microseconds=1))


def half_span(day: date, half: Half, hours: OfficeHours) -> Span:
    """A half day by the office hours."""
    begins, ends = (hours.opens, hours.pause_from) if half is Half.MORNING else (hours.pause_until, hours.closes)
    midnight = datetime.combine(day, time(), tzinfo=SHANGHAI)
    return Span(midnight + timedelta(minutes=begins), midnight + timedelta(minutes=ends))


def plan_of(span: Span, *, agreed: bool = True) -> Plan:
    """The plan for any window. Raises CalendarMissing beyond the loaded years."""
    hours, days = numbers.office_hours(), {day_of(span.since), last_day_of(span)}
    halves = {half for day in days for half in Half if half_span(day, half, hours).overlaps(span)}
    if not halves:  # outside office hours: by the half of the clock
        noon = span.since.astimezone(SHANGHAI).hour < 12
        halves = {Half.MORNING if noon else Half.AFTERNOON}
    return Plan(span, frozenset(halves), all(calendar.is_working(day) for day in days), agreed)


def half_plans(after: datetime, count: int) -> list[Plan]:
    """The next half days that begin after an instant, working days alone. Raises CalendarMissing."""
    found: list[Plan] = []
    hours, days, day = numbers.office_hours(), calendar.current(), day_of(after)
    while len(found) < count:
        if days.is_working(day):
            spans = ((half, half_span(day, half, hours)) for half in Half)
            found += [Plan(span, frozenset({half}), True) for half, span in spans if span.since > after]
        day += timedelta(days=1)
    return found[:count]


def first_free(candidate: Candidate, plans: Iterable[Plan]) -> Plan | None:
    """The first of the plans in which he is there and has room; shifts are not looked at."""
    for plan in plans:
        taken = sum(busy.overlaps(plan.span) for busy in candidate.busy)
        if taken < candidate.capacity and not any(gone.overlaps(plan.span) for gone in candidate.absences):
            return plan
    return None
