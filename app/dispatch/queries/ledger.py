"""The disclosure ledger as staff read it: every row, one ticket's proof, and what dealers have yet to delete.

Privacy officers read all of it, dispatch leads what happened in their provinces.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from app.core.clock import SHANGHAI
from app.core.db import db
from app.core.errors import NotFound
from app.core.policy import Actor, Permission
from app.core.worklist import Column, Filter, Worklist, instant, link, text
from app.core.worklist.declaration import Clause
from app.dispatch.models import Disclosure, Dispatch
from app.dispatch.models.ledger import BASES, FIELD_LABELS, PURPOSES
from app.hospitals import provinces
from app.tickets.models import Ticket
from app.ui.frame import language

READ, EXPORT = Permission.DISCLOSURES_READ, Permission.DISCLOSURES_EXPORT
L, D, T = Disclosure, Dispatch, Ticket


@dataclass(frozen=True, slots=True)
class Shown:
    """What one dealer was shown of one ticket under one version of a contract."""

    dispatch_id: uuid.UUID
    dealer: str
    contract: str
    version: int
    purpose: str
    basis: str
    field: str
    times: int
    first_at: datetime
    last_at: datetime


def scope(actor: Actor) -> list[Clause]:
    """Clauses over the ledger for the provinces of the actor. Raises Forbidden."""
    bounds = actor.scope(READ)
    return [] if bounds is None else [L.province.in_(sorted(bounds))]


def of_ticket(actor: Actor, number: str) -> tuple[Ticket, Sequence[Shown], Sequence[Dispatch]]:
    """The proof of one ticket: what was shown, and the dealers' dispatches. Raises NotFound outside of one's region."""
    bounds = actor.scope(READ)
    region = [] if bounds is None else [T.province.in_(sorted(bounds))]
    row = db.session.scalars(sa.select(T).where(T.number == number.upper(), *region)).one_or_none()
    if row is None:
        raise NotFound()
    kept: Any = (L.dispatch_id, L.dealer_name, L.contract_number, L.contract_version, L.purpose, L.basis, L.field)
    first, last = sa.func.min(L.at, type_=L.at.type), sa.func.max(L.at, type_=L.at.type)
    query = sa.select(*kept, sa.func.count(), first, last).where(L.ticket_id == row.id).group_by(*kept)
    shown = [Shown(*tuple(found)) for found in db.session.execute(query.order_by(first, L.field))]
    seen = sa.select(D).where(D.ticket_id == row.id, D.assignee_kind == "dealer", D.accepted_at.is_not(None))
    return row, shown, db.session.scalars(seen.order_by(D.accepted_at, D.id)).all()


def _number(value: str, _actor: Actor) -> Clause:
    found = sa.select(T.id).where(T.number == value.strip().upper())
    return L.ticket_id.in_(found)


def _dealer(value: str, _actor: Actor) -> Clause:
    return L.dealer_name.contains(value.strip(), autoescape=True)


def day_of(column: Any, value: str) -> Clause | None:
    """A calendar day in China; None when it is not one."""
    try:
        start = datetime.combine(date.fromisoformat(value), time.min, SHANGHAI)
        return sa.and_(column >= start, column < start + timedelta(days=1))
    except (ValueError, OverflowError):
        return None


def in_province(column: Any, value: str) -> Clause | None:
    return column == value if value in provinces.BY_CODE else None


def provinces_of(actor: Actor) -> Sequence[tuple[str, Any]]:
    mine = actor.scope(READ)
    shown = [found for found in provinces.choices(language()) if mine is None or found[0] in mine]
    return [("", _l("全部省份")), *shown]


LEDGER = Worklist(
    key="disclosures",
    title=_l("提供给经销商的信息"),
    endpoint="disclosures.index",
    permission=READ,
    table=L,
    scope=scope,
    joins=((T, T.id == L.ticket_id),),
    columns=(
        Column("at", _l("时间"), L.at, instant(), sort=L.at),
        Column("number", _l("工单"), T.number, link()),
        Column("field", _l("看了什么"), L.field, text(), show=lambda v, _a: FIELD_LABELS.get(v, v)),
        Column("dealer", _l("经销商"), L.dealer_name, text(), chinese=True),
        Column("who", _l("谁看的"), L.staff_name, text(), chinese=True),
        Column("purpose", _l("目的"), L.purpose, text(), show=lambda v, _a: PURPOSES.get(v, v)),
        Column("basis", _l("依据"), L.basis, text(), show=lambda v, _a: BASES.get(v, v)),
        Column("contract", _l("合同"), L.contract_number + " v" + sa.cast(L.contract_version, sa.String), text()),
    ),
    default_sort="-at",
    row_endpoint="disclosures.ticket",
    row_argument="number",
    filters=(
        Filter("number", _l("工单编号"), _number),
        Filter("dealer", _l("经销商"), _dealer, wide=True),
        Filter("field", _l("看了什么"), lambda v, _a: L.field == v if v in FIELD_LABELS else None, kind="select",
               choices=lambda _a: [("", _l("全部")), *FIELD_LABELS.items()]),
        Filter("day", _l("日期"), lambda v, _a: day_of(L.at, v), kind="date"),
        Filter("province", _l("省份"), lambda v, _a: in_province(L.province, v), kind="select", choices=provinces_of,
               more=True),
    ),
    export_permission=EXPORT,
)  # fmt: skip
