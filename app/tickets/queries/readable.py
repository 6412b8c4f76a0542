"""What a customer may read, for the customer and for staff who look at it as he would: one scope behind every door.

List, count, search, one ticket, export and preview are all made of `app.grants.scope.visible`. Of others' tickets the
device, the fault, the status and the timeline open; contacts, messages and files stay closed (decisions.md 17).
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from app.core import clock, keys
from app.core.db import db
from app.core.errors import Forbidden, Invalid, NotFound
from app.core.policy import Actor, Permission
from app.core.sealed_search import CANDIDATES, QUERY_MIN_CHARS, rechecked
from app.core.search import bigrams
from app.core.worklist import keyset
from app.customers.models import Customer, CustomerProfile
from app.grants.scope import READER, Records, Which, bound, open_departments, visible
from app.hospitals.models import Department, Hospital
from app.tickets.models import Ticket, TicketEvent, fault_tokens

TICKET: Any = Ticket.__table__
T, H = TICKET.c, Hospital.__table__.c
RECORDS = Records(T.id, T.customer_id, T.reporter_department_id, T.opened_at)
PAGE_MAX = 100
EXPORT_MAX = 5_000
NUMBER_HEAD = "TKT-"
MERGED_DEPTH = 20


@dataclass(frozen=True, slots=True)
class Reader:
    """Whose eyes a read is made with; make one by `reader`. ``contents``: fault texts are opened."""

    customer_id: uuid.UUID
    now: datetime
    contents: bool = True


class Row(NamedTuple):
    """One ticket as a reader sees it. ``opened_by``: the department whose grant opened it; null for his own."""

    id: uuid.UUID
    number: str
    opened_at: datetime
    closed_at: datetime | None
    status: str
    hospital_id: uuid.UUID
    hospital: str
    department_id: uuid.UUID | None
    department: str | None
    device_department_id: uuid.UUID | None
    device_department: str | None
    device_model: str | None
    serial_number: str | None
    fault: str | None
    mine: bool
    opened_by: uuid.UUID | None


@dataclass(frozen=True, slots=True)
class Page:
    rows: Sequence[Row]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a ticket's timeline; who did it is not told to the hospital."""

    at: datetime
    action: str
    status: str


def reader(actor: Actor, customer_id: uuid.UUID | None = None) -> Reader:
    """A customer reads as himself. Staff read as a customer of their provinces, without contents."""
    now = clock.now()
    if actor.kind == "customer" and actor.id is not None and customer_id in (None, actor.id):
        return Reader(actor.id, now)
    if actor.kind == "customer" or customer_id is None:
        raise Forbidden()
    provinces = actor.scope(Permission.TICKETS_VIEW_AS)
    found = sa.select(Customer.id).where(Customer.id == customer_id)
    if provinces is not None:
        place = sa.select(CustomerProfile.customer_id).join(Hospital, Hospital.id == CustomerProfile.hospital_id)
        found = found.where(Customer.id.in_(place.where(Hospital.province.in_(sorted(provinces)))))
    if db.session.execute(found).first() is None:
        raise NotFound()
    return Reader(customer_id, now, contents=False)


def page(reader: Reader, *, which: Which = Which.ALL, q: str = "", cursor: str = "", limit: int = 20) -> Page:
    """The latest first. Raises Forbidden for a department without a live grant, Invalid for a broken cursor."""
    require_department(reader, which)
    limit = max(1, min(limit, PAGE_MAX))
    where: list[sa.ColumnElement[bool]] = []
    if cursor:
        position = keyset.decode(cursor, T.opened_at)
        if position is None:
            raise Invalid(code="cursor_invalid", fields={"cursor": [_l("格式不正确。")]})
        where.append(keyset.after(T.opened_at, T.id, position, descending=True))
    rows = search(reader, which, q, where) if q else _rows(reader, which, where, limit + 1)
    shown = rows[:limit]
    more = keyset.encode(shown[-1].opened_at, shown[-1].id) if len(rows) > limit else None
    return Page(shown, more)


def count(reader: Reader, *, which: Which = Which.ALL, q: str = "") -> int:
    """Exact: the scope of a person is small (decisions.md 13). With ``q``, of the searchable latest."""
    require_department(reader, which)
    if q:
        return len(search(reader, which, q, []))
    return int(db.session.execute(_counting(which), bound(reader.customer_id, reader.now)).scalar_one())


def search(reader: Reader, which: Which, q: str, where: Sequence[sa.ColumnElement[bool]]) -> list[Row]:
    """Those whose fault holds every word, or whose number begins so; of the latest 200 candidates (decisions.md 11)."""
    text = q.strip()
    if text.upper().startswith(NUMBER_HEAD):
        head = text.upper()
        return _rows(reader, which, [*where, T.number >= head, T.number < head + "\uffff"], CANDIDATES)
    if not any(len(gram) >= QUERY_MIN_CHARS for gram in bigrams(text)):
        raise Invalid(code="query_too_short", fields={"q": [_l("请至少输入两个字。")]})
    found = _rows(reader, which, [*where, *fault_tokens.candidates(text, T.id)], CANDIDATES, contents=True)
    return [row for row in found if rechecked(row.fault, text)]


def one(reader: Reader, number: str) -> tuple[Row, Sequence[Step]]:
    """A ticket and its timeline. NotFound outside of what the reader sees."""
    rows = _rows(reader, Which.ALL, [], 1, values={"asked_number": number})
    if not rows:
        raise NotFound()
    return rows[0], [Step(*step) for step in db.session.execute(_STEPS, {"ticket_id": rows[0].id})]


def went_on(ticket_id: uuid.UUID) -> tuple[str, str] | None:
    """Number and status of the ticket in which a merged one goes on, at the end of the chain; None for any other.

    No more of it than that: it may be somebody else's.
    """
    found, at = None, db.session.get(Ticket, ticket_id)
    for _step in range(MERGED_DEPTH):
        if at is None or at.merged_into_id is None:
            break
        at = db.session.get(Ticket, at.merged_into_id)
        found = (at.number, at.status) if at is not None else found
    return found


def everything(reader: Reader, *, which: Which = Which.ALL) -> tuple[list[Row], bool]:
    """For a file: up to 5,000 of the latest, and whether these are all."""
    require_department(reader, which)
    rows = _rows(reader, which, [], EXPORT_MAX + 1)
    return rows[:EXPORT_MAX], len(rows) <= EXPORT_MAX


def require_department(reader: Reader, which: Which) -> None:
    """Asking for a department's tickets needs a live grant. Raises Forbidden."""
    if which is Which.DEPARTMENT and not has_department(reader):
        raise Forbidden(_l("您目前没有生效的科室权限。"), code="no_department_scope")


def has_department(reader: Reader) -> bool:
    return db.session.execute(_ANY_DEPARTMENT, bound(reader.customer_id, reader.now)).first() is not None


def _rows(
    reader: Reader,
    which: Which,
    where: Sequence[sa.ColumnElement[bool]],
    limit: int,
    *,
    contents: bool | None = None,
    values: dict[str, Any] | None = None,
) -> list[Row]:
    """Columns of the latest visible rows in one statement; one more for the keys of their texts."""
    if values:
        query = _by_number()
    else:
        query = _reading(which, limit, *where) if where else _plain(which, limit)
    rows = db.session.execute(query, {**bound(reader.customer_id, reader.now), **(values or {})}).all()
    opened = contents if contents is not None else reader.contents
    subject_keys = keys.keystore.load({row.subject_id for row in rows}) if opened and rows else {}
    unseal = Ticket.fault.opener()
    return [_row(row, unseal, subject_keys) for row in rows]


def _reading(which: Which, limit: int, *where: sa.ColumnElement[bool]) -> Any:
    scope = visible(RECORDS, *where, which=which, newest=limit)
    theirs, devices = Department.__table__.alias(), Department.__table__.alias()
    return (
        sa.select(
            T.id, T.number, T.opened_at, T.closed_at, T.status, T.hospital_id, H.name.label("hospital"),
            T.reporter_department_id, theirs.c.name.label("department"), T.device_department_id,
            devices.c.name.label("device_department"), T.device_model, T.serial_number, T.subject_id, T.fault_sealed,
            sa.func.coalesce(T.customer_id == READER, sa.false()).label("mine"),
            scope.c.department.is_not(None).label("opened"),
        )
        .join_from(scope, TICKET, T.id == scope.c.id)
        .join(Hospital.__table__, H.id == T.hospital_id)
        .outerjoin(theirs, theirs.c.id == T.reporter_department_id)
        .outerjoin(devices, devices.c.id == T.device_department_id)
        .order_by(scope.c.at.desc(), scope.c.id.desc())
        .limit(limit)
    )  # fmt: skip


# The shapes that are asked all day, built once: they hold names of values, no values (`grants.scope.bound`)
@lru_cache(maxsize=64)
def _plain(which: Which, limit: int) -> Any:
    return _reading(which, limit)


@lru_cache(maxsize=1)
def _by_number() -> Any:
    return _reading(Which.ALL, 1, T.number == sa.bindparam("asked_number", type_=T.number.type))


@lru_cache(maxsize=3)
def _counting(which: Which) -> Any:
    return sa.select(sa.func.count()).select_from(visible(RECORDS, which=which))


_ANY_DEPARTMENT = open_departments().limit(1)
E = TicketEvent.__table__.c
_STEPS = (
    sa.select(E.at, E.action, E.status_to)
    .where(E.ticket_id == sa.bindparam("ticket_id", type_=sa.Uuid()))
    .order_by(E.version)
)


def _row(row: Any, unseal: Any, subject_keys: dict[uuid.UUID, bytes]) -> Row:
    """What the statement says, in its order; a text without its key stays closed."""
    *seen, subject_id, fault_sealed, mine, opened = row
    fault = unseal(seen[0], fault_sealed, subject_keys.get(subject_id))
    return Row._make((*seen, fault, mine, seen[7] if opened else None))
