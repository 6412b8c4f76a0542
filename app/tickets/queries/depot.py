"""The depot's worklists as a declaration, and what is known about one device there: hands, parts, quotes, tests."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from app.core import calendar, clock, counters, plans
from app.core.db import db
from app.core.policy import Actor, Permission
from app.core.worklist import Column, Filter, Tab, Worklist, chip, due, instant, link, text
from app.hospitals.models import Hospital
from app.tickets.models import CustodyLeg, PartLine, Quote, RepairRecord, SheetRow, Ticket
from app.tickets.queries.queue import (
    by_hospital,
    by_serial,
    device_words,
    due_or_none,
    province_title,
    working_left,
)
from app.tickets.service.depot_quote import outside_warranty
from app.tickets.service.reach import in_region
from app.tickets.sla import policy
from app.tickets.words import CHIPS, PRIORITY_CHIPS
from app.tickets.workflow import Status as S

Clause = sa.ColumnElement[bool]
T = Ticket
READ, WORK, RELEASE = Permission.DEPOT_READ, Permission.DEPOT_WORK, Permission.DEPOT_RELEASE
SHOWN = 60  # lines of one kind on a page; the latest
RANGES: dict[str, list[list[Clause]]] = {
    "receipt": [[T.status == S.COLLECTING]],
    "repair": [[T.status == S.IN_DEPOT]],
    "parts": [[T.status == S.WAIT_PARTS, T.field_job.is_(False)]],
    "quote": [[T.status == S.WAIT_QUOTE]],
    "release": [[T.status == S.RELEASE_TEST]],
    "return": [[T.status == S.RETURNING]],
}


def _tab(key: str, label: Any, sort: str | None = None) -> Tab:
    return Tab(key, label, lambda _a, _n: RANGES[key], sort=sort)


DEPOT = Worklist(
    key="depot",
    title=_l("返厂"),
    endpoint="depot.index",
    permission=READ,
    table=T,
    scope=lambda actor: in_region(actor, READ),
    joins=((Hospital, Hospital.id == T.hospital_id),),
    columns=(  # in the order of `queue.QUEUE`: `working_left` reads by place
        Column("number", _l("编号"), T.number, link()),
        Column("hospital", _l("医院"), Hospital.name, text(), chinese=True),
        Column("device", _l("设备"), sa.func.coalesce(device_words, T.serial_number), text()),
        Column("priority", _l("优先级"), sa.func.coalesce(T.priority, ""), chip(PRIORITY_CHIPS)),
        Column("status", _l("状态"), T.status, chip(CHIPS)),
        Column("due", _l("截止"), T.due_at, due(working=working_left), sort=T.due_at, show=due_or_none),
        Column("since", _l("这一步始于"), T.changed_at, instant(), sort=T.changed_at),
        Column("province", _l("省份"), T.province, text(), show=province_title),
        Column("opened", _l("报修"), T.opened_at, instant(), sort=T.opened_at),
        Column("calendar", "", calendar.stamp(), text(), hidden=True, export=False),
        Column("every_hour", "", policy.every_hour(), text(), hidden=True, export=False),
    ),
    default_sort="due",
    row_endpoint="depot.bench",
    row_argument="number",
    tabs=(
        _tab("receipt", _l("待收件")),
        _tab("repair", _l("待维修")),
        _tab("parts", _l("等备件")),
        _tab("quote", _l("等报价答复")),
        _tab("release", _l("待复检")),
        _tab("return", _l("送回")),
    ),
    filters=(
        Filter("serial", _l("序列号"), by_serial, wide=True),
        Filter("hospital", _l("医院"), by_hospital, wide=True),
    ),
)


def waiting(actor: Actor) -> sa.ScalarSelect[int]:
    """How many devices wait for this actor's own step, capped: the bench's, the tester's, or both."""
    return plans.kept("depot:waiting", actor, lambda: counters.capped(
        *in_region(actor, READ), table=T, ranges=steps_of(actor)
    ))  # fmt: skip


def steps_of(actor: Actor) -> list[list[Clause]]:
    """The ranges in which the next step is this actor's."""
    own = [*RANGES["receipt"], *RANGES["repair"]] if actor.may(WORK) else []
    return [*own, *(RANGES["release"] if actor.may(RELEASE) else [])]


@dataclass(frozen=True, slots=True)
class Workshop:
    """All of one device's stay, newest last."""

    legs: Sequence[CustodyLeg]
    parts: Sequence[PartLine]
    quotes: Sequence[Quote]
    records: Sequence[RepairRecord]
    sheet: Sequence[SheetRow]
    late_parts: int = 0

    @property
    def open_leg(self) -> CustodyLeg | None:
        return next((leg for leg in self.legs if leg.closed_at is None), None)

    @property
    def open_parts(self) -> list[PartLine]:
        return [line for line in self.parts if line.state in ("wanted", "arrived")]

    @property
    def empty(self) -> bool:
        return not (self.legs or self.parts or self.quotes or self.records or self.sheet)


def workshop(ticket_id: uuid.UUID) -> Workshop:
    """Five statements, each bounded."""
    parts = _latest(PartLine, PartLine.wanted_at, ticket_id)
    today: date = clock.today()
    return Workshop(
        _latest(CustodyLeg, CustodyLeg.opened_at, ticket_id), parts, _latest(Quote, Quote.version, ticket_id),
        _latest(RepairRecord, RepairRecord.at, ticket_id), _latest(SheetRow, SheetRow.at, ticket_id),
        sum(line.state == "wanted" and line.eta is not None and line.eta < today for line in parts),
    )  # fmt: skip


def _latest(model: Any, order: Any, ticket_id: uuid.UUID) -> list[Any]:
    query = sa.select(model).where(model.ticket_id == ticket_id).order_by(order.desc(), model.id.desc()).limit(SHOWN)
    return list(reversed(db.session.scalars(query).all()))


def latest_quote(ticket_id: uuid.UUID) -> Quote | None:
    """For the customer: the version that counts."""
    query = sa.select(Quote).where(Quote.ticket_id == ticket_id).order_by(Quote.version.desc()).limit(1)
    return db.session.scalars(query).one_or_none()


def pays(row: Ticket) -> bool:
    """Whether a quote needs no evidence of misuse."""
    return outside_warranty(row)
