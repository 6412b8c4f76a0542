"""From tables to plain values: three statements for one ticket, whatever the number of people.

The first reads the ticket with its hospital and the weights in force, the second everybody who could be asked, the
third all that is dated about them, as one list of rows with the same columns. Each candidate knows only what the rules
ask: certificates of the skill that is needed, shifts of the planned weekday, what keeps him busy in the week around
the plan.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from app.core.db import UtcDateTime, db
from app.core.errors import NotFound
from app.core.policy import Actor, Permission
from app.dealers.lines import line_of
from app.dealers.models import Dealer, DealerContract
from app.dispatch.eligibility import FIRST_WEIGHTS, Table, rank
from app.dispatch.eligibility.facts import Candidate, Certificate, Contract, Job, Plan, Span
from app.dispatch.models import (
    LIVE_STATES,
    Absence,
    AssigneeKind,
    Dispatch,
    Engineer,
    EngineerShift,
    EngineerSkill,
    Exclusion,
    Half,
    Visit,
    Weights,
)
from app.hospitals.models import Hospital
from app.staff.models import AccountState, StaffAccount
from app.tickets.models import NEVER, Ticket
from app.tickets.service.reach import in_region

AROUND = timedelta(days=6)  # before and after the plan: the load of about a week each way
REPAIR, COLLECT, CONFIRMED = 1, 2, 4
T = Ticket
JOB_COLUMNS = (
    T.id, T.number, T.version, T.cycle, T.status, T.province, T.hospital_id, Hospital.name, Hospital.lat, Hospital.lon,
    T.device_model, T.fault_class, T.service_mode, T.priority, T.due_at,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Found:
    """The ticket and the weights in force."""

    job: Job
    weights_version: int
    weights: Mapping[str, int]


@dataclass(slots=True)
class Dated:
    """What is dated about one candidate, gathered row by row."""

    certificates: list[Certificate] = field(default_factory=list)
    shifts: set[Half] = field(default_factory=set)
    absences: list[Span] = field(default_factory=list)
    contracts: list[Contract] = field(default_factory=list)
    busy: list[Span] = field(default_factory=list)
    here: int = 0
    declined: str = ""


def job(actor: Actor, number: str, permission: Permission = Permission.TICKETS_DISPATCH) -> Found:
    """The ticket as the rules see it. Raises NotFound outside of the actor's region, Forbidden. One statement."""
    return _job(T.number == number, *in_region(actor, permission))


def job_of(ticket_id: uuid.UUID) -> Found:
    """As `job`, for whoever has the row already in hands."""
    return _job(T.id == ticket_id)


def table(found: Found, plan: Plan, now: datetime, later: tuple[Plan, ...] = ()) -> Table:
    """Everybody on the table. Two statements."""
    people = candidates(found.job, plan)
    return rank(
        found.job, people, plan, now, weights_version=found.weights_version, weights=found.weights, later=later
    )  # fmt: skip


def candidates(wanted: Job, plan: Plan, only: uuid.UUID | None = None) -> list[Candidate]:
    """Everybody who could be asked, or one of them. Two statements."""
    dated: dict[uuid.UUID, Dated] = defaultdict(Dated)
    for row in db.session.execute(_dated(wanted, plan, only)):
        _take(dated[row.owner], row)
    return [_candidate(row, dated[row.id]) for row in db.session.execute(everybody(only))]


def _job(*where: sa.ColumnElement[bool]) -> Found:
    newest = sa.select(sa.func.max(Weights.version)).where(Weights.published_at.is_not(None)).scalar_subquery()
    query = (
        sa.select(*JOB_COLUMNS, Weights.version.label("weights_version"), Weights.content)
        .join(Hospital, Hospital.id == T.hospital_id)
        .outerjoin(Weights, Weights.version == newest)
        .where(*where)
    )  # fmt: skip
    row = db.session.execute(query).one_or_none()
    if row is None:
        raise NotFound()
    return Found(as_job(row), row.weights_version or 1, row.content or FIRST_WEIGHTS)


def as_job(row: Any) -> Job:
    """From a row with `JOB_COLUMNS`."""
    return Job(
        row.id, row.number, row.version, row.cycle, row.status, row.province, row.hospital_id, row.name, row.lat,
        row.lon, row.device_model or "", line_of(row.device_model), row.fault_class, row.service_mode,
        row.priority or "", None if row.due_at >= NEVER else row.due_at,
    )  # fmt: skip


def everybody(only: uuid.UUID | None) -> Any:
    e, d = Engineer, Dealer
    own_hours = sa.select(EngineerShift.id).where(EngineerShift.engineer_id == e.staff_id).exists()
    working = sa.and_(e.active, StaffAccount.state == AccountState.ACTIVE.value)
    engineers = sa.select(
        sa.literal(AssigneeKind.ENGINEER.value).label("kind"), e.staff_id.label("id"), StaffAccount.name,
        working.label("active"), e.provinces, e.product_lines, e.capacity, e.lat, e.lon, e.visits_done, e.visits_fixed,
        own_hours.label("own_hours"),
    ).join(StaffAccount, StaffAccount.id == e.staff_id)  # fmt: skip
    dealers = sa.select(
        sa.literal(AssigneeKind.DEALER.value), d.id, d.name, d.active, d.provinces, d.product_lines, d.capacity, d.lat,
        d.lon, d.visits_done, d.visits_fixed, sa.false(),
    )  # fmt: skip
    if only is not None:
        engineers, dealers = engineers.where(e.staff_id == only), dealers.where(d.id == only)
    return sa.union_all(engineers, dealers)


def _dated(wanted: Job, plan: Plan, only: uuid.UUID | None) -> Any:
    """All dated facts as (kind, owner, code, text, from day, until day, number, since, until, id)."""
    live, span = Dispatch.state.in_(LIVE_STATES), plan.span
    since, until = span.since - AROUND, span.until + AROUND
    parts = [
        _row("absence", Absence.engineer_id, since=Absence.starts_at, until=Absence.ends_at).where(
            Absence.ends_at > since, Absence.starts_at < until
        ),
        _row("busy", Dispatch.assignee_id, since=Dispatch.window_from, until=Dispatch.window_until).where(
            live, Dispatch.window_from > since, Dispatch.window_from < until, Dispatch.ticket_id != wanted.ticket_id
        ),
        _row("contract", DealerContract.dealer_id, text=DealerContract.number, n=_flags(),
             since=DealerContract.starts_at, until=DealerContract.ends_at, row_id=DealerContract.id),
        _row("shift", EngineerShift.engineer_id, code=EngineerShift.half).where(
            EngineerShift.weekday == plan.day.weekday()
        ),
        _row("declined", Exclusion.assignee_id, code=Exclusion.reason).where(
            Exclusion.ticket_id == wanted.ticket_id, Exclusion.cycle == wanted.cycle, Exclusion.lifted_at.is_(None)
        ),
        _row("here", Visit.assignee_id, n=sa.func.count()).where(
            Visit.hospital_id == wanted.hospital_id, Visit.arrived_at.is_not(None)
        ).group_by(Visit.assignee_id),
    ]  # fmt: skip
    if wanted.skill is not None:
        s = EngineerSkill
        parts.append(
            _row("skill", s.engineer_id, code=s.skill, text=s.certificate, day=s.valid_from, last=s.valid_until).where(
                s.skill == wanted.skill.value
            )
        )
    if only is not None:
        parts = [part.where(part.selected_columns["owner"] == only) for part in parts]
    return sa.union_all(*parts)


def _flags() -> sa.ColumnElement[int]:
    c = DealerContract
    bits = ((c.may_repair, REPAIR), (c.may_collect, COLLECT), (c.confirmed_at.is_not(None), CONFIRMED))
    return sum((sa.case((test, bit), else_=0) for test, bit in bits), sa.literal(0))


def _row(
    kind: str, owner: Any, *, code: Any = None, text: Any = None, day: Any = None, last: Any = None, n: Any = None,
    since: Any = None, until: Any = None, row_id: Any = None,
) -> Any:  # fmt: skip
    def typed(value: Any, as_type: Any) -> Any:
        return sa.cast(value if value is not None else sa.null(), as_type)

    return sa.select(
        sa.literal(kind).label("kind"), owner.label("owner"), typed(code, sa.String).label("code"),
        typed(text, sa.String).label("text"), typed(day, sa.String).label("day"), typed(last, sa.String).label("last"),
        typed(n, sa.Integer).label("n"),
        instant(since).label("since"), instant(until).label("until"), ident(row_id).label("id"),
    )  # fmt: skip


def instant(column: Any) -> Any:
    """An instant as it is in one part of a union: a cast on SQLite would make a number of it."""
    return column if column is not None else sa.type_coerce(_null("TIMESTAMPTZ"), UtcDateTime())


def ident(column: Any) -> Any:
    """An id, or none, in one part of a union."""
    return column if column is not None else sa.type_coerce(_null("UUID"), sa.Uuid())


def _null(postgres_type: str) -> Any:
    """PostgreSQL wants a typed null in a union; SQLite has no such types."""
    typed = db.session.get_bind().dialect.name == "postgresql"
    return sa.literal_column(f"CAST(NULL AS {postgres_type})" if typed else "NULL")


def _take(found: Dated, row: Any) -> None:
    match row.kind:
        case "skill":
            days = (date.fromisoformat(row.day), date.fromisoformat(row.last))
            found.certificates.append(Certificate(row.code, row.text, *days))
        case "shift":
            found.shifts.add(Half(row.code))
        case "absence":
            found.absences.append(Span(row.since, row.until))
        case "busy":
            found.busy.append(Span(row.since, row.until))
        case "contract":
            n, span = row.n, Span(row.since, row.until)
            found.contracts.append(
                Contract(row.text, span, bool(n & CONFIRMED), bool(n & REPAIR), bool(n & COLLECT), row.id)
            )
        case "here":
            found.here = row.n
        case _:
            found.declined = row.code


def _candidate(row: Any, dated: Dated) -> Candidate:
    return Candidate(
        row.id, AssigneeKind(row.kind), row.name, bool(row.active), frozenset(row.provinces),
        frozenset(row.product_lines), row.capacity, row.lat, row.lon, tuple(dated.certificates), bool(row.own_hours),
        frozenset(dated.shifts), _sorted(dated.absences), tuple(dated.contracts), _sorted(dated.busy), row.visits_done,
        row.visits_fixed, dated.here, dated.declined,
    )  # fmt: skip


def _sorted(spans: Iterable[Span]) -> tuple[Span, ...]:
    return tuple(sorted(spans, key=lambda span: (span.since, span.until)))


def with_mode(found: Found, mode: str) -> Found:
    """The same ticket, to be served in another way."""
    return found if mode == found.job.mode else replace(found, job=replace(found.job, mode=mode))


def held(wanted: Job) -> Dispatch | None:
    """Who has it now. One statement."""
    query = sa.select(Dispatch).where(Dispatch.ticket_id == wanted.ticket_id, Dispatch.state.in_(LIVE_STATES))
    return db.session.scalars(query).one_or_none()
