"""Reads of the safety role: the worklist, one case with its clocks and history, and the case of a ticket."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from app.core import clock, counters, keys, plans
from app.core.db import db
from app.core.errors import NotFound
from app.core.policy import Actor, Permission
from app.core.worklist import Column, Filter, Tab, Worklist, chip, due, instant, link, text
from app.hospitals.models import Hospital
from app.safety.models import NEVER, SafetyCase, SafetyClock, SafetyEvent, SafetyHandover
from app.safety.service.step import in_scope
from app.safety.words import CHIPS, KIND_CHIPS
from app.safety.workflow import LIVE, Status
from app.tickets.models import Ticket

Clause = sa.ColumnElement[bool]
SAFETY = Permission.SAFETY_WORK
C, S = SafetyCase, Status
NUMBER_HEADS = ("SAF-", "TKT-")


def _open(_actor: Actor, _now: Any) -> list[list[Clause]]:
    return [[C.status == status] for status in LIVE]


def _late(_actor: Actor, now: Any) -> list[list[Clause]]:
    return [[C.status == status, C.next_due_at < now] for status in LIVE]


TABS = (
    Tab("open", _l("未结"), _open),
    Tab("undecided", _l("待决定"), lambda _a, _n: [[C.status == S.OPEN]]),
    Tab("reportable", _l("待移交"), lambda _a, _n: [[C.status == S.REPORTABLE]]),
    Tab("late", _l("已逾期"), _late, tone="late"),
    Tab("closed", _l("已结案"), lambda _a, _n: [[C.status == S.CLOSED]], counted=False, sort="-opened"),
    Tab("all", _l("全部"), lambda _a, _n: [[C.status == status] for status in S], counted=False, sort="-opened"),
)


def _number(value: str, _actor: Actor) -> Clause | None:
    """Of the case or of its ticket, whole or its beginning."""
    head = value.strip().upper()
    if not head.startswith(NUMBER_HEADS):
        return None
    column = C.number if head.startswith("SAF-") else Ticket.number
    return sa.and_(column >= head, column < head + "\uffff")


def _due_or_none(value: datetime, _actor: Actor) -> datetime | None:
    return None if value >= NEVER else value


CASES = Worklist(
    key="safety",
    title=_l("不良事件"),
    endpoint="safety.queue",
    permission=SAFETY,
    table=C,
    scope=in_scope,
    joins=((Ticket, Ticket.id == C.ticket_id), (Hospital, Hospital.id == Ticket.hospital_id)),
    columns=(
        Column("number", _l("编号"), C.number, link()),
        Column("kind", _l("类别"), C.kind, chip(KIND_CHIPS)),
        Column("status", _l("状态"), C.status, chip(CHIPS)),
        Column("due", _l("最近时限"), C.next_due_at, due(), sort=C.next_due_at, show=_due_or_none),
        Column("owner", _l("负责"), C.owner_name, text(), chinese=True),
        Column("hospital", _l("医院"), Hospital.name, text(), chinese=True),
        Column("device", _l("设备"), Ticket.device_model, text()),
        Column("ticket", _l("工单"), Ticket.number, text()),
        Column("aware", _l("知悉"), C.aware_at, instant(), sort=C.aware_at),
        Column("opened", _l("立案"), C.opened_at, instant(), sort=C.opened_at),
    ),
    default_sort="due",
    row_endpoint="safety.case",
    row_argument="number",
    tabs=TABS,
    filters=(Filter("q", _l("个案或工单编号"), _number, wide=True),),
)


def waiting(actor: Actor) -> sa.ScalarSelect[int]:
    """How many cases wait for a decision or a hand-over: the navigation's counter."""
    if not actor.may(SAFETY):
        return sa.select(sa.literal(0)).scalar_subquery()
    return plans.kept("safety:waiting", actor, lambda: _waiting(actor))


def _waiting(actor: Actor) -> sa.ScalarSelect[int]:
    return counters.capped(*in_scope(actor), table=C, ranges=[[C.status == S.OPEN], [C.status == S.REPORTABLE]])


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the history, opened."""

    at: datetime
    action: str
    detail: str
    by_kind: str
    by_name: str
    text: str | None


@dataclass(frozen=True, slots=True)
class Case:
    """Everything of one case's page."""

    row: SafetyCase
    ticket: Ticket
    hospital: str
    clocks: Sequence[SafetyClock]  # those that count, the soonest first
    replaced: Sequence[SafetyClock]
    events: Sequence[Event]  # newest first
    handovers: Sequence[SafetyHandover]

    @property
    def said(self) -> Event | None:
        """The latest words on what happened; steps of ours have their own grounds."""
        told = ("open_case", "file_case", "hear_again", "add_knowledge", "reopen_case")
        return next((one for one in self.events if one.action in told and one.text), None)

    @property
    def running(self) -> list[SafetyClock]:
        return [one for one in self.clocks if one.stopped_at is None]


def find(actor: Actor, number: str) -> Case:
    """The case; five statements. Raises NotFound to everybody who may not see it."""
    query = sa.select(C, Ticket, Hospital.name).join(Ticket, Ticket.id == C.ticket_id)
    query = query.join(Hospital, Hospital.id == Ticket.hospital_id).where(C.number == number.upper(), *in_scope(actor))
    found = db.session.execute(query).one_or_none()
    if found is None:
        raise NotFound()
    row, ticket, hospital = found
    k, h = SafetyClock, SafetyHandover
    clocks = db.session.scalars(sa.select(k).where(k.case_id == row.id).order_by(k.due_at, k.made_at)).all()
    handed = db.session.scalars(sa.select(h).where(h.case_id == row.id).order_by(h.handed_at, h.id)).all()
    return Case(
        row=row, ticket=ticket, hospital=hospital, clocks=[one for one in clocks if one.outcome != "void"],
        replaced=[one for one in clocks if one.outcome == "void"], events=_events(row), handovers=handed,
    )  # fmt: skip


def _events(row: SafetyCase) -> list[Event]:
    e = SafetyEvent
    key = keys.keystore.load({row.subject_id}).get(row.subject_id)
    query = sa.select(e.id, e.at, e.action, e.detail, e.by_kind, e.by_name, e.text_sealed)
    opened = e.text.opener()
    return [
        Event(r.at, r.action, r.detail, r.by_kind, r.by_name, opened(r.id, r.text_sealed, key))
        for r in db.session.execute(query.where(e.case_id == row.id).order_by(e.version.desc()))
    ]


def of_ticket(actor: Actor, ticket_id: uuid.UUID) -> SafetyCase | None:
    """For the panel of the ticket's page, which only the safety role is shown."""
    return db.session.scalars(sa.select(C).where(C.ticket_id == ticket_id, *in_scope(actor))).one_or_none()


def soonest(actor: Actor, limit: int) -> Sequence[Any]:
    """Cases that wait for us, by their next deadline; one statement."""
    query = sa.select(C.number, C.opened_at, C.next_due_at, C.status, C.kind, Hospital.name)
    query = query.join(Ticket, Ticket.id == C.ticket_id).join(Hospital, Hospital.id == Ticket.hospital_id)
    query = query.where(C.status.in_([S.OPEN, S.REPORTABLE]), *in_scope(actor))
    return db.session.execute(query.order_by(C.next_due_at, C.id).limit(limit)).all()


def begins(actor: Actor, head: str, limit: int) -> Sequence[Any]:
    """Cases whose number begins so."""
    query = sa.select(C.number, Hospital.name).join(Ticket, Ticket.id == C.ticket_id)
    query = query.join(Hospital, Hospital.id == Ticket.hospital_id)
    query = query.where(C.number >= head, C.number < head + "\uffff", *in_scope(actor))
    return db.session.execute(query.order_by(C.number.desc()).limit(limit)).all()


def live_case(actor: Actor, ticket_id: uuid.UUID) -> bool:
    """Whether a case that is not closed gives this person a task on the ticket's files."""
    query = sa.select(C.id).where(C.ticket_id == ticket_id, C.status != S.CLOSED, *in_scope(actor))
    return db.session.execute(query).first() is not None


def left(due_at: datetime) -> float:
    """Seconds of calendar time."""
    return (due_at - clock.now()).total_seconds()
