"""`/jobs`: what was offered to me and what I have to do, and one of them as much as I may see of it now.

Lists hold nothing of a person: number, hospital, device and times. The contact is opened by `card.open_card` alone,
whose caller writes down that it was shown.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from app.core import clock, counters, plans
from app.core.clock import SHANGHAI
from app.core.db import db
from app.core.errors import NotFound
from app.core.policy import Actor
from app.dispatch.models import Dispatch, DispatchState, Visit
from app.dispatch.queries.mine import Clause, bounds, covered, readable, stands_for
from app.dispatch.stages import CONTACT, Stage, stage_of
from app.hospitals.models import Hospital
from app.staff.models import StaffAccount
from app.tickets.models import CustodyLeg, Ticket
from app.tickets.workflow import Status as S

D, T, V = Dispatch, Ticket, Visit
MOST = 200  # jobs of one person; nobody has that many in a week
UNDER_WAY = (S.ON_SITE, S.COLLECTING, S.RETURNING)


@dataclass(frozen=True, slots=True)
class Line:
    """One job of the list."""

    number: str
    status: str
    stage: Stage
    priority: str
    hospital: str
    province: str
    model: str
    fault_class: str
    mode: str
    window_from: datetime | None
    window_until: datetime | None
    accept_by: datetime
    call_first: bool
    arrived_at: datetime | None
    since: datetime  # when it was offered


@dataclass(frozen=True, slots=True)
class Day:
    """The jobs of one day; ``day`` None: no time agreed yet."""

    day: date | None
    lines: Sequence[Line]


@dataclass(frozen=True, slots=True)
class Board:
    """What the list shows: offers, what is under way or due today, the days of this week, later ones, what is over."""

    offers: Sequence[Line]
    today: Sequence[Line]
    unagreed: Sequence[Line]
    week: Sequence[Day]
    later: Sequence[Line]
    waiting: Sequence[Line]  # for parts, for the customer
    over: Sequence[Line]
    lines: Sequence[Line]  # all of them

    @property
    def empty(self) -> bool:
        return not self.lines


@dataclass(frozen=True, slots=True)
class Job:
    """One job with its rows; ``leg``: the device in somebody's hands."""

    row: Ticket
    found: Dispatch
    visit: Visit | None
    hospital: Hospital
    stage: Stage
    leg: CustodyLeg | None

    @property
    def status(self) -> S:
        return S(self.row.status)


def board(actor: Actor) -> Board:
    """Everything of mine; one statement, however many there are."""
    now = clock.now()
    over = sa.case((T.status.in_((S.OFFERED, *CONTACT)), 0), else_=1)  # what is over is the first to be cut off
    query = (
        sa.select(
            T.number, T.status, T.priority, T.device_model, T.fault_class, D.mode, T.window_from, T.window_until,
            T.call_first, D.accept_by, D.state, D.window_from.label("planned_from"),
            D.window_until.label("planned_until"), Hospital.name, Hospital.province, V.arrived_at,
            D.offered_at,
        )
        .join(T, T.id == D.ticket_id)
        .join(Hospital, Hospital.id == T.hospital_id)
        .outerjoin(V, sa.and_(V.dispatch_id == D.id, V.ended_at.is_(None)))
        .where(*readable(stands_for(actor), now), *bounds(actor))
        .order_by(over, D.window_from, D.id)
        .limit(MOST)
    )  # fmt: skip
    return _sorted([_line(row) for row in db.session.execute(query)], now)


def unanswered(actor: Actor) -> sa.ScalarSelect[int]:
    """How many offers wait for my answer, capped: the navigation's counter."""
    return plans.kept("jobs:unanswered", actor, lambda: _unanswered(actor))


def _unanswered(actor: Actor) -> sa.ScalarSelect[int]:
    a = StaffAccount
    mine = sa.select(sa.func.coalesce(a.dealer_id, a.id)).where(a.id == actor.id).scalar_subquery()
    return counters.capped(
        D.assignee_id == mine, D.state == DispatchState.OFFERED.value, D.accept_by > plans.now(),
        covered(plans.now()), table=D,
    )  # fmt: skip


def find(actor: Actor, number: str) -> Job:
    """The job of this ticket that the actor may read now. Raises NotFound for everybody else's, Forbidden."""
    return _job(actor, number, *readable(stands_for(actor), clock.now()))


def asked(actor: Actor, number: str) -> uuid.UUID:
    """The dispatch that an act of the actor is about: the latest that was ever his, so that a late answer is told
    what became of it. Raises NotFound for anybody else's, and without a contract in force."""
    query = sa.select(D.id).join(T, T.id == D.ticket_id)
    own = (T.number == number.upper(), D.assignee_id.in_(stands_for(actor)), covered(clock.now()), *bounds(actor))
    found = db.session.scalar(query.where(*own).order_by(D.offered_at.desc(), D.id.desc()).limit(1))
    if found is None:
        raise NotFound()
    return found


def still_open(actor: Actor, number: str) -> bool:
    """Whether the page of this job can be gone back to."""
    query = sa.select(D.id).join(T, T.id == D.ticket_id)
    own = (T.number == number.upper(), *readable(stands_for(actor), clock.now()), *bounds(actor))
    return db.session.scalar(query.where(*own).limit(1)) is not None


def _job(_actor: Actor, number: str, *rule: Clause) -> Job:
    last = sa.select(sa.func.max(V.n)).where(V.dispatch_id == D.id).correlate(D).scalar_subquery()
    query = (
        sa.select(T, D, V, Hospital, CustodyLeg)
        .join(D, D.ticket_id == T.id)
        .join(Hospital, Hospital.id == T.hospital_id)
        .outerjoin(V, sa.and_(V.dispatch_id == D.id, V.n == last))
        .outerjoin(CustodyLeg, sa.and_(CustodyLeg.ticket_id == T.id, CustodyLeg.closed_at.is_(None)))
        .where(T.number == number.upper(), *rule, *bounds(_actor))
        .order_by(D.offered_at.desc(), D.id.desc())
        .limit(1)
    )  # fmt: skip
    found = db.session.execute(query).first()
    if found is None:
        raise NotFound()
    row, dispatch, visit, hospital, leg = found
    stage = stage_of(dispatch.state == DispatchState.OFFERED, row.status)
    return Job(row, dispatch, visit, hospital, stage, leg)


def _line(row: Any) -> Line:
    offered = row.state == DispatchState.OFFERED
    begins, ends = (row.planned_from, row.planned_until) if offered else (row.window_from, row.window_until)
    return Line(
        row.number, row.status, stage_of(offered, row.status), row.priority or "", row.name, row.province,
        row.device_model or "", row.fault_class, row.mode, begins, ends, row.accept_by, row.call_first, row.arrived_at,
        row.offered_at,
    )  # fmt: skip


def _sorted(lines: Sequence[Line], now: datetime) -> Board:
    today = now.astimezone(SHANGHAI).date()
    sunday = today + timedelta(days=6 - today.weekday())
    offers = [one for one in lines if one.stage is Stage.OFFER]
    live = [one for one in lines if one.stage is not Stage.OFFER]
    visits = [one for one in live if one.status == S.SCHEDULED and one.window_from is not None and not one.call_first]
    dated = [(_day(one), one) for one in visits]
    days = sorted({day for day, _one in dated if today < day <= sunday})
    begun = [one for one in live if one.status in UNDER_WAY]
    return Board(
        offers=offers,
        today=[*begun, *(one for day, one in dated if day <= today)],
        unagreed=[one for one in live if one.status == S.SCHEDULED and one not in visits],
        week=[Day(day, [one for at, one in dated if at == day]) for day in days],
        later=[one for day, one in dated if day > sunday],
        waiting=[one for one in live if one.status in (S.WAIT_PARTS, S.RESOLVED)],
        over=[one for one in live if one.stage is Stage.OVER],
        lines=lines,
    )  # fmt: skip


def _day(one: Line) -> date:
    assert one.window_from is not None
    return one.window_from.astimezone(SHANGHAI).date()
