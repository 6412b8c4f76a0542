"""The week board: who is there, what he has, and where he is not. Three statements whatever the number of people.

The first reads the pool, the second one page of people, the third everything dated about them in the week as one list,
with what `changes` compares.
A dispatcher bounded to provinces sees who serves one of them; what such a person does elsewhere takes room and is
shown without number and place.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.core import clock
from app.core.db import db
from app.core.policy import Actor, Permission
from app.dealers.models import Dealer, DealerContract
from app.dispatch.eligibility.facts import Contract, Span
from app.dispatch.eligibility.load import ident, instant
from app.dispatch.models import Absence, AssigneeKind, Dispatch, DispatchState, Engineer, EngineerShift, Half
from app.dispatch.queries.pool import LEAVE_BY, best_name, best_standing, best_start
from app.hospitals.models import Hospital
from app.staff.models import AccountState, StaffAccount
from app.tickets.models import Ticket
from app.tickets.service.reach import in_region
from app.tickets.workflow import Status

DISPATCH = Permission.TICKETS_DISPATCH
PEOPLE, POOL_ROWS = 60, 60
SHOWN = (DispatchState.OFFERED.value, DispatchState.ACCEPTED.value, DispatchState.DONE.value)
WATCHED = (Status.TO_DISPATCH, Status.OFFERED, Status.SCHEDULED)
T = Ticket


@dataclass(frozen=True, slots=True)
class Block:
    """One offer or visit in the week. ``number`` empty: of another region, it only takes room."""

    number: str
    place: str
    state: str
    status: str
    priority: str
    version: int
    span: Span

    @property
    def live(self) -> bool:
        return self.state != DispatchState.DONE

    @property
    def ahead(self) -> bool:
        """Still to come, or going on: the device has not been taken away, and nothing is finished."""
        return self.live and self.status in (Status.OFFERED, Status.SCHEDULED, Status.ON_SITE)

    @property
    def movable(self) -> bool:
        return bool(self.number) and self.status in (Status.OFFERED, Status.SCHEDULED)


@dataclass(slots=True)
class Lane:
    """One engineer or dealer and all that is dated about him in the week."""

    id: uuid.UUID
    kind: AssigneeKind
    name: str
    active: bool
    provinces: tuple[str, ...]
    capacity: int
    own_hours: bool
    blocks: list[Block] = field(default_factory=list)
    absences: list[tuple[Span, str]] = field(default_factory=list)
    shifts: set[tuple[int, Half]] = field(default_factory=set)
    contracts: list[Contract] = field(default_factory=list)

    @property
    def is_dealer(self) -> bool:
        return self.kind is AssigneeKind.DEALER


@dataclass(frozen=True, slots=True)
class Waiting:
    """One ticket of the pool."""

    number: str
    version: int
    leave_by: datetime
    priority: str
    hospital: str
    device: str
    fault_class: str
    standing: str
    best: str
    starts_at: datetime | None  # of the best one's first free half day


@dataclass(frozen=True, slots=True)
class People:
    lanes: list[Lane]
    page: int
    more: bool
    changes: str  # see `changes`


def pool(actor: Actor, province: str) -> list[Waiting]:
    """What waits, the soonest to leave first. One statement."""
    query = (
        sa.select(
            T.number, T.version, LEAVE_BY, sa.func.coalesce(T.priority, ""), Hospital.name,
            sa.func.coalesce(T.device_model, T.serial_number, ""), T.fault_class, best_standing(), best_name(),
            best_start(),
        )
        .join(Hospital, Hospital.id == T.hospital_id)
        .where(T.status == Status.TO_DISPATCH, *in_region(actor, DISPATCH))
        .order_by(LEAVE_BY, T.id)
        .limit(POOL_ROWS)
    )  # fmt: skip
    if province:
        query = query.where(T.province == province)
    return [Waiting(*row) for row in db.session.execute(query)]


def people(actor: Actor, province: str, kind: str, week: Span, page: int = 0) -> People:
    """One page of who could go, by territory, engineers before dealers. Two statements."""
    mine = actor.scope(DISPATCH)
    chosen = frozenset({province}) if province and (mine is None or province in mine) else mine
    query = _everybody(chosen, kind).offset(page * PEOPLE).limit(PEOPLE + 1)
    found = db.session.execute(query).all()
    lanes = {
        row.id: Lane(
            row.id, AssigneeKind(row.kind), row.name, bool(row.active), tuple(row.provinces), row.capacity,
            bool(row.own_hours),
        )
        for row in found[:PEOPLE]
    }  # fmt: skip
    dated = db.session.execute(sa.union_all(*_dated(list(lanes), week, clock.now()), _changes(actor))).all()
    for row in dated:
        if row.kind != "changes":
            _take(lanes[row.owner], row, mine)
    word = _word(row for row in dated if row.kind == "changes")
    return People(list(lanes.values()), page, len(found) > PEOPLE, word)


def names(actor: Actor) -> list[tuple[str, str]]:
    """Everybody who serves one of the actor's provinces, as choices of a list: id and name. One statement."""
    rows = db.session.execute(_everybody(actor.scope(DISPATCH), ""))
    return [(row.id.hex, row.name) for row in rows]


def _everybody(provinces: frozenset[str] | None, kind: str) -> sa.Select[Any]:
    e, d = Engineer, Dealer
    own_hours = sa.select(EngineerShift.id).where(EngineerShift.engineer_id == e.staff_id).exists()
    engineers = (
        sa.select(
            sa.literal(AssigneeKind.ENGINEER.value).label("kind"), e.staff_id.label("id"), StaffAccount.name,
            e.active.label("active"), e.provinces, e.capacity, own_hours.label("own_hours"),
        )
        .join(StaffAccount, StaffAccount.id == e.staff_id)
        .where(e.active, StaffAccount.state == AccountState.ACTIVE.value)
    )  # fmt: skip
    dealers = sa.select(
        sa.literal(AssigneeKind.DEALER.value).label("kind"),
        d.id,
        d.name,
        d.active,
        d.provinces,
        d.capacity,
        sa.false().label("own_hours"),
    ).where(d.active)
    if provinces is not None:
        engineers, dealers = engineers.where(_serves(e, provinces)), dealers.where(_serves(d, provinces))
    parts = [part for name, part in (("engineer", engineers), ("dealer", dealers)) if kind in ("", name)]
    both = (sa.union_all(*parts) if len(parts) > 1 else parts[0]).subquery()
    return sa.select(both).order_by(sa.cast(both.c.provinces, sa.String), both.c.kind.desc(), both.c.name, both.c.id)


def _serves(table: Any, provinces: frozenset[str]) -> sa.ColumnElement[bool]:
    text = sa.cast(table.provinces, sa.String)
    return sa.or_(sa.false(), *(text.contains(f'"{code}"') for code in sorted(provinces)))


def _dated(ids: Sequence[uuid.UUID], week: Span, now: datetime) -> list[sa.Select[Any]]:
    """All dated facts of the week, as one list of rows with the same columns."""
    d, a, c, s = Dispatch, Absence, DealerContract, EngineerShift
    jobs = (
        _row("job", d.assignee_id, number=T.number, text=Hospital.name, state=d.state, status=T.status,
             priority=T.priority, province=T.province, n=T.version, since=d.window_from, until=d.window_until)
        .join(T, T.id == d.ticket_id)
        .join(Hospital, Hospital.id == T.hospital_id)
        .where(
            d.assignee_id.in_(ids), d.state.in_(SHOWN), d.window_from < week.until, d.window_until > week.since,
            sa.or_(d.state != DispatchState.OFFERED.value, d.accept_by > now),
        )
    )  # fmt: skip
    gone = _row("absence", a.engineer_id, state=a.reason, since=a.starts_at, until=a.ends_at).where(
        a.engineer_id.in_(ids), a.ends_at > week.since, a.starts_at < week.until
    )
    works = _row("shift", s.engineer_id, state=s.half, n=s.weekday).where(s.engineer_id.in_(ids))
    signed = _row("contract", c.dealer_id, number=c.number, since=c.starts_at, until=c.ends_at, row_id=c.id).where(
        c.dealer_id.in_(ids), c.confirmed_at.is_not(None)
    )
    return [jobs, gone, works, signed]


def _row(
    kind: str, owner: Any, *, number: Any = None, text: Any = None, state: Any = None, status: Any = None,
    priority: Any = None, province: Any = None, n: Any = None, since: Any = None, until: Any = None, row_id: Any = None,
) -> sa.Select[Any]:  # fmt: skip
    def typed(value: Any, as_type: Any = sa.String) -> Any:
        return sa.cast(value if value is not None else sa.null(), as_type)

    return sa.select(
        sa.literal(kind).label("kind"), owner.label("owner"), typed(number).label("number"), typed(text).label("text"),
        typed(state).label("state"), typed(status).label("status"), typed(priority).label("priority"),
        typed(province).label("province"), typed(n, sa.Integer).label("n"), instant(since).label("since"),
        instant(until).label("until"), ident(row_id).label("id"),
    )  # fmt: skip


def _take(lane: Lane, row: Any, mine: frozenset[str] | None) -> None:
    match row.kind:
        case "job":
            seen = mine is None or row.province in mine
            number, place = (row.number, row.text) if seen else ("", "")
            lane.blocks.append(
                Block(number, place, row.state, row.status, row.priority or "", row.n, Span(row.since, row.until))
            )
        case "absence":
            lane.absences.append((Span(row.since, row.until), row.state))
        case "shift":
            lane.shifts.add((row.n, Half(row.state)))
        case _:
            lane.contracts.append(Contract(row.number, Span(row.since, row.until), True, True, True, row.id))


def changes(actor: Actor) -> str:
    """What the page knows of the world in one short word: it differs once anything waiting or planned has changed."""
    return _word(db.session.execute(_changes(actor)))


def waiting_in(word: str) -> int:
    """How many tickets waited when `changes` gave this word. Raises ValueError on anything else."""
    return int(word.partition("-")[0])


def _changes(actor: Actor) -> sa.Select[Any]:
    counted = _row("changes", ident(None), status=T.status, n=sa.func.count(), number=sa.func.sum(T.version))
    return counted.where(T.status.in_(WATCHED), *in_region(actor, DISPATCH)).group_by(T.status)


def _word(rows: Iterable[Any]) -> str:
    found = {row.status: f"{row.n}-{row.number}" for row in rows}
    return ".".join(found.get(status, "0-0") for status in WATCHED)
