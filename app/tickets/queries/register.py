"""The device register as pages read it: the list, one device, and what was ever reported about it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from app.core import clock
from app.core.db import db
from app.core.errors import NotFound
from app.core.policy import Actor, Permission
from app.core.worklist import Column, Filter, Tab, Worklist, text
from app.core.worklist.cells import Cell, Ink
from app.core.worklist.declaration import Clause
from app.hospitals import provinces
from app.hospitals.models import Department, Hospital, hospital_index
from app.tickets.models import Device, Ticket
from app.tickets.queries.devices import plain_serial
from app.ui.frame import language

D = Device
READ = Permission.DEVICES_READ
HISTORY_SHOWN = 50


def in_region(actor: Actor, permission: Permission = READ) -> list[Clause]:
    """Devices of hospitals in the provinces within which the right holds. Raises Forbidden without the right."""
    scope = actor.scope(permission)
    if scope is None:
        return []
    return [D.hospital_id.in_(sa.select(Hospital.id).where(Hospital.province.in_(sorted(scope))))]


@dataclass(frozen=True, slots=True)
class Card:
    """One device with its place."""

    row: Device
    hospital: Hospital
    department: str | None

    @property
    def in_warranty(self) -> bool:
        return self.row.warranty_until is not None and self.row.warranty_until >= clock.today()

    @property
    def in_contract(self) -> bool:
        return self.row.contract_until is not None and self.row.contract_until >= clock.today()


def find(actor: Actor, device_id: uuid.UUID, permission: Permission = READ) -> Card:
    """The device with its place; one statement. Raises Forbidden, NotFound outside of the actor's region."""
    query = sa.select(D, Hospital, Department.name).join(Hospital, Hospital.id == D.hospital_id)
    query = query.outerjoin(Department, Department.id == D.department_id)
    found = db.session.execute(query.where(D.id == device_id, *in_region(actor, permission))).first()
    if found is None:
        raise NotFound()
    return Card(*found)


def history(actor: Actor, card: Card) -> Sequence[Any]:
    """Tickets of this serial that the actor may see, newest first: number, opened, status, fault class, hospital."""
    if not actor.may(Permission.TICKETS_READ):
        return []
    scope = actor.scope(Permission.TICKETS_READ)
    query = sa.select(Ticket.number, Ticket.opened_at, Ticket.closed_at, Ticket.status, Ticket.fault_class)
    query = query.where(Ticket.serial_number == card.row.serial_number)
    if scope is not None:
        query = query.where(Ticket.province.in_(sorted(scope)))
    return db.session.execute(query.order_by(Ticket.opened_at.desc(), Ticket.id.desc()).limit(HISTORY_SHOWN)).all()


def _serial_link() -> Cell:
    def draw(value: Any, row: Any, ink: Ink) -> tuple[str, tuple[str, ...]]:
        return '<a href="%s">%s</a>', (ink.row_url(str(row[0])), str(value))

    return draw


def _begins(value: str, _actor: Actor) -> Clause | None:
    """A serial by its beginning, or a whole UDI."""
    head = plain_serial(value)
    if head is None:
        return None
    return sa.or_(sa.and_(D.serial_number >= head, D.serial_number < head + "\uffff"), D.udi == head)


def _hospital(value: str, _actor: Actor) -> Clause | None:
    return hospital_index.matching(value, D.hospital_id)


def _covered(value: str, _actor: Actor) -> Clause | None:
    today = clock.today()
    covered = sa.or_(sa.func.coalesce(D.warranty_until, date.min) >= today,
                     sa.func.coalesce(D.contract_until, date.min) >= today)  # fmt: skip
    return {"yes": covered, "no": sa.not_(covered)}.get(value)


def _provinces(actor: Actor) -> Sequence[tuple[str, Any]]:
    scope = actor.scope(READ)
    found = [choice for choice in provinces.choices(language()) if scope is None or choice[0] in scope]
    return [("", _l("全部省份")), *found]


def _day(value: date | None, _actor: Actor) -> str:
    return value.isoformat() if value is not None else ""


REGISTER = Worklist(
    key="devices",
    title=_l("设备"),
    endpoint="devices.index",
    permission=READ,
    table=D,
    scope=in_region,
    joins=((Hospital, Hospital.id == D.hospital_id),),
    columns=(
        Column("device_id", "", D.id, hidden=True, export=False),
        Column("serial", _l("序列号"), D.serial_number, _serial_link(), sort=D.serial_number),
        Column("model", _l("型号"), D.model, text()),
        Column("hospital", _l("医院"), Hospital.name, text(), chinese=True),
        Column("warranty", _l("保修至"), D.warranty_until, text(), show=_day),
        Column("contract", _l("合同"), D.contract_number, text()),
        Column("contract_until", _l("合同至"), D.contract_until, text(), show=_day),
    ),
    default_sort="serial",
    row_endpoint="devices.detail",
    row_argument="device_id",
    lead="serial",
    tabs=(
        Tab("active", _l("在用"), lambda _a, _n: [[D.active.is_(True)]]),
        Tab("retired", _l("停用"), lambda _a, _n: [[D.active.is_(False)]], counted=False),
    ),
    filters=(
        Filter("serial", _l("序列号或 UDI"), _begins, wide=True),
        Filter("hospital", _l("医院"), _hospital, wide=True),
        Filter("model", _l("型号"), lambda value, _a: D.model == value.strip()),
        Filter("covered", _l("保修或合同"), _covered, kind="select",
               choices=lambda _a: [("", _l("全部")), ("yes", _l("有效")), ("no", _l("没有或已过"))]),
        Filter("province", _l("省份"), lambda value, _a: Hospital.province == value, kind="select", choices=_provinces,
               more=True),
    ),
)  # fmt: skip
