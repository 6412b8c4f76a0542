"""The worklist `/tickets` as a declaration, and the counters that rest on the same clauses.

Every view is a set of ranges of ``ix_ticket_due`` or ``ix_ticket_status``: one per status, each read no further than
a page needs. Words are found by keyed tokens of the report and rechecked in the opened text, of the latest
`CANDIDATES` (decisions.md 11).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core import calendar, counters, keys, plans
from app.core.db import db
from app.core.errors import Invalid
from app.core.policy import Actor, Permission
from app.core.sealed_search import CANDIDATES, rechecked
from app.core.worklist import BulkAction, Column, Filter, Tab, Worklist, chip, due, instant, link, text
from app.customers.models import Customer
from app.hospitals import provinces
from app.hospitals import queries as hospitals
from app.hospitals.models import Hospital
from app.tickets.facts import PRIORITY_LABELS, Priority
from app.tickets.models import NEVER, Ticket, TicketContact, fault_tokens
from app.tickets.service.reach import in_region
from app.tickets.sla import policy
from app.tickets.words import CHIPS, PRIORITY_CHIPS
from app.tickets.workflow import ENDED, OPEN, Status
from app.ui.frame import language

Clause = sa.ColumnElement[bool]
T, S = Ticket, Status
READ = Permission.TICKETS_READ
TAIL_DIGITS = 4
NUMBER_HEAD = "TKT-"
DAY_HEAD = len("TKT-20261123")
AWAITED = (S.NEED_INFO, S.WAIT_QUOTE, S.RESOLVED)  # the customer has the next word
TO_TRIAGE = (S.SUBMITTED, S.TRIAGING)
IN_HAND = (S.TRIAGING, S.NEED_INFO)


def _each(statuses: Iterable[Status], *more: Clause) -> list[list[Clause]]:
    return [[T.status == status, *more] for status in statuses]


def _mine(actor: Actor, _now: Any) -> list[list[Clause]]:
    return _each(IN_HAND, T.triager_id == actor.id)


def late_ranges(now: Any) -> list[list[Clause]]:
    """Open tickets with a clock past its deadline, by status."""
    return _each(OPEN, T.due_at < now)


TABS = (
    Tab("triage", _l("待分诊"), lambda _a, _n: _each(TO_TRIAGE)),
    Tab("mine", _l("我的"), _mine),
    Tab("late", _l("已超时"), lambda _a, now: late_ranges(now), tone="late"),
    Tab("waiting", _l("等用户"), lambda _a, _n: _each(AWAITED)),
    Tab("open", _l("全部未结"), lambda _a, _n: _each(OPEN)),
    Tab("closed", _l("已结束"), lambda _a, _n: _each(ENDED), counted=False, sort="-opened"),
    Tab("all", _l("全部"), lambda _a, _n: _each(Status), counted=False, sort="-opened"),
)


def _words(value: str, actor: Actor) -> Clause | None:
    """A number (whole or its beginning), else words of the report and the device's model."""
    if value.upper().startswith(NUMBER_HEAD):
        head = value.upper()
        return sa.and_(T.number >= head, T.number < head + "\uffff")
    asked = fault_tokens.latest(value)
    if asked is None:
        return None
    tokens, where = asked
    query = sa.select(T.id, T.subject_id, T.fault_sealed, T.voice_sealed, T.device_model).join_from(
        tokens, T, T.id == tokens.ref_id
    )
    query = query.where(*where, *in_region(actor, READ)).order_by(tokens.ref_id.desc())
    rows = db.session.execute(query.limit(CANDIDATES)).all()
    found = [row.id for row, text in _opened(rows) if rechecked(text, value)]
    return T.id.in_(found) if found else None


def _is_narrow(value: str) -> bool:
    """Words find at most `CANDIDATES`; a number's beginning with its day, the reports of that day."""
    return not value.upper().startswith(NUMBER_HEAD) or len(value) >= DAY_HEAD


def _opened(rows: Sequence[Any]) -> Iterator[tuple[Any, str]]:
    """Each row with its text: the report, the voice in words, the device's model."""
    held = keys.keystore.load({row.subject_id for row in rows})
    fault, voice = T.fault.opener(), T.voice_text.opener()
    for row in rows:
        key = held.get(row.subject_id)
        said = fault(row.id, row.fault_sealed, key), voice(row.id, row.voice_sealed, key), row.device_model
        yield row, "\n".join(filter(None, said))


def _phone(value: str, _actor: Actor) -> Clause | None:
    """The whole number or its last four digits: the reporter's, or the contact's."""
    digits = "".join(filter(str.isdigit, value))
    try:
        if len(digits) == TAIL_DIGITS:
            person, contact = Customer.phone.tail_matches(digits), TicketContact.phone.tail_matches(digits)
        else:
            person, contact = Customer.phone.matches(value), TicketContact.phone.matches(value)
    except Invalid:
        return None
    reported = sa.select(T.id).join(Customer, Customer.id == T.customer_id).where(person)
    return T.id.in_(sa.union(reported, sa.select(TicketContact.ticket_id).where(contact)))


def by_hospital(value: str, _actor: Actor) -> Clause | None:
    found = [hit.id for hit in hospitals.search(value, limit=50)]
    return T.hospital_id.in_(found) if found else None


def by_serial(value: str, _actor: Actor) -> Clause:
    """The whole serial number or its beginning, as the register writes it."""
    head = "".join(value.split()).upper()
    return sa.and_(T.serial_number.is_not(None), T.serial_number >= head, T.serial_number < head + "\uffff")


def province_title(code: str, _actor: Actor) -> str:
    return provinces.title(code, language())


def _provinces(actor: Actor) -> Sequence[tuple[str, Any]]:
    mine = actor.scope(READ)
    shown = [found for found in provinces.choices(language()) if mine is None or found[0] in mine]
    return [("", _("全部省份")), *shown]


def _statuses(_actor: Actor) -> Sequence[tuple[str, Any]]:
    return [("", _("全部状态")), *((status.value, CHIPS[status].word) for status in Status)]


def _priorities(_actor: Actor) -> Sequence[tuple[str, Any]]:
    return [("", _("全部优先级")), *PRIORITY_LABELS.items(), ("none", _("还没有定"))]


def _priority(value: str, _actor: Actor) -> Clause | None:
    if value == "none":
        return T.priority.is_(None)
    return T.priority == value if value in set(Priority) else None


def due_or_none(value: datetime, _actor: Actor) -> datetime | None:
    return None if value >= NEVER else value


device_words = T.device_model + sa.func.coalesce(" · " + T.serial_number, "")
_holder = sa.func.coalesce(sa.func.nullif(T.assignee_name, ""), sa.func.nullif(T.triager_name, ""))
VERSION = sa.cast(T.version, sa.String)
PRIORITY_SLOT, STATUS_SLOT = 2 + 3, 2 + 4  # id, sort value, then the columns below in order
OPENED_SLOT, CALENDAR_SLOT, HOURS_SLOT = 2 + 8, 2 + 9, 2 + 10


def is_ended(row: Any) -> bool:
    return row[STATUS_SLOT] in ENDED


def working_left(deadline: datetime, row: Any, now: datetime) -> calendar.Left | None:
    """What is left in working time, as the ticket's page counts it; the wall clock's where every hour is promised."""
    if policy.named_in(row[HOURS_SLOT], row[PRIORITY_SLOT]):
        return None
    return calendar.left(calendar.stamped(row[CALENDAR_SLOT]), row[OPENED_SLOT], deadline, now)


QUEUE = Worklist(
    key="tickets",
    title=_l("工单"),
    endpoint="tickets.queue",
    permission=READ,
    table=T,
    scope=lambda actor: in_region(actor, READ),
    joins=((Hospital, Hospital.id == T.hospital_id),),
    columns=(
        Column("number", _l("编号"), T.number, link()),
        Column("hospital", _l("医院"), Hospital.name, text(), chinese=True),
        Column("device", _l("设备"), sa.func.coalesce(device_words, T.serial_number), text()),
        Column("priority", _l("优先级"), sa.func.coalesce(T.priority, ""), chip(PRIORITY_CHIPS)),
        Column("status", _l("状态"), T.status, chip(CHIPS)),
        Column(
            "due", _l("截止"), T.due_at, due(closed=is_ended, working=working_left), sort=T.due_at, show=due_or_none
        ),
        Column("holder", _l("处理人"), _holder, text(), chinese=True),
        Column("province", _l("省份"), T.province, text(), show=province_title),
        Column("opened", _l("报修"), T.opened_at, instant(), sort=T.opened_at),
        Column("calendar", "", calendar.stamp(), text(), hidden=True, export=False),
        Column("every_hour", "", policy.every_hour(), text(), hidden=True, export=False),
    ),
    default_sort="due",
    row_endpoint="tickets.page",
    row_argument="number",
    drawer_endpoint="tickets.drawer",
    tabs=TABS,
    filters=(
        Filter("q", _l("编号、故障、型号"), _words, wide=True, personal=True, few=_is_narrow),
        Filter("hospital", _l("医院"), by_hospital, wide=True),
        Filter("serial", _l("序列号"), by_serial),
        Filter("phone", _l("手机或尾号"), _phone, personal=True, few=lambda _value: True),
        Filter("priority", _l("优先级"), _priority, kind="select", choices=_priorities, more=True),
        Filter("status", _l("状态"), lambda value, _a: T.status == value, kind="select", choices=_statuses, more=True),
        Filter("province", _l("省份"), lambda v, _a: T.province == v, kind="select", choices=_provinces, more=True),
    ),
    bulk=(
        BulkAction("claim", _l("接手"), "tickets.bulk_claim", Permission.TICKETS_TRIAGE),
        BulkAction("release", _l("放回队列"), "tickets.bulk_release", Permission.TICKETS_TRIAGE),
        BulkAction("remind", _l("提醒用户"), "tickets.bulk_remind", Permission.TICKETS_TRIAGE),
    ),
    version=VERSION,
    export_permission=Permission.TICKETS_EXPORT,
)


def waiting(actor: Actor) -> sa.ScalarSelect[int]:
    """How many reports nobody has in hands, capped: the navigation's counter."""
    return plans.kept("tickets:waiting", actor, lambda: _capped(actor, _each([S.SUBMITTED])))


def late(actor: Actor) -> sa.ScalarSelect[int]:
    """How many open tickets are past a deadline, capped."""
    return plans.kept("tickets:late", actor, lambda: _capped(actor, late_ranges(plans.now())))


def _capped(actor: Actor, ranges: list[list[Clause]]) -> sa.ScalarSelect[int]:
    return counters.capped(*in_region(actor, Permission.TICKETS_TRIAGE), table=T, ranges=ranges)
