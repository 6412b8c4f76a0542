"""The queue `/registrations` as a worklist declaration, and the counters that rest on the same clauses."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core import calendar, counters, plans
from app.core.errors import Invalid
from app.core.policy import Actor, Permission
from app.core.sql_hints import rare, usual
from app.core.worklist import BulkAction, Chip, Column, Filter, Tab, Worklist, chip, due, instant, link, number, text
from app.customers.models import Customer
from app.hospitals import provinces
from app.hospitals import queries as hospitals
from app.registrations.models import Registration
from app.registrations.queries.scope import in_scope
from app.registrations.workflow import CLOSED, OPEN, TASKS, Status
from app.staff.models import StaffAccount
from app.ui.frame import language

Clause = sa.ColumnElement[bool]
R, S = Registration, Status
TAIL_DIGITS = 4

CHIPS: dict[str, Chip] = {
    S.PENDING: Chip(_l("待审核"), "idle", "ring"),
    S.APPROVED: Chip(_l("已通过"), "done", "tick"),
    S.NEEDS_RESUBMISSION: Chip(_l("待补拍"), "wait", "bar"),
    S.AWAITING_SECOND: Chip(_l("待第二人"), "wait", "diamond"),
    S.REJECTED: Chip(_l("未通过"), "idle", "cross"),
    S.ON_HOLD: Chip(_l("搁置"), "idle", "bar"),
    S.LAPSED: Chip(_l("已失效"), "idle", "cross"),
    S.WITHDRAWN: Chip(_l("已撤回"), "idle", "cross"),
    S.APPEALED: Chip(_l("申诉"), "act", "ring"),
    S.MERGED: Chip(_l("已并入"), "idle", "dot"),
    S.SUSPENDED: Chip(_l("已暂停"), "soon", "half"),
    S.REVOKED: Chip(_l("已撤销"), "late", "cross"),
}


def free_for(actor: Actor, now: Any) -> Clause:
    """Nobody else is looking at it."""
    return sa.or_(R.lease_expires_at.is_(None), R.lease_expires_at <= now, R.lease_staff_id == actor.id)


def decidable(actor: Actor, now: Any) -> list[list[Clause]]:
    """Index ranges of what can be decided now: pending, and holds that are over (decisions.md 8).

    Of those there are few: a job soon makes them pending, and what it has not reached yet is found by its own index.
    """
    return [[R.status == S.PENDING, free_for(actor, now)], [R.status == S.ON_HOLD, rare(R.wakes_at <= now)]]


def _late(_actor: Actor, now: Any) -> list[list[Clause]]:
    return [[R.status == status, R.due_at < now] for status in (S.PENDING, S.ON_HOLD, S.AWAITING_SECOND, S.APPEALED)]


def _still_open(_actor: Actor, now: Any) -> list[list[Clause]]:
    lapsing = [R.status == S.NEEDS_RESUBMISSION, usual(R.wakes_at > now)]
    return [[R.status == status] for status in OPEN if status != S.NEEDS_RESUBMISSION] + [lapsing]


def _mine(actor: Actor, now: Any) -> list[list[Clause]]:
    """Held by this person, or passed to him and still waiting; ranges of two partial indexes that never overlap."""
    held = sa.and_(R.lease_staff_id == actor.id, R.lease_expires_at > now)
    waits = R.status.in_((*TASKS, S.ON_HOLD))
    return [
        [held],
        [R.passed_to_id == actor.id, R.passed_until > now, waits, sa.func.coalesce(sa.not_(held), sa.true())],
    ]


def _done(_actor: Actor, now: Any) -> list[list[Clause]]:
    return [[R.status == status] for status in CLOSED] + [[R.status == S.NEEDS_RESUBMISSION, R.wakes_at <= now]]


TABS = (
    Tab("todo", _l("可处理"), decidable),
    Tab("mine", _l("我的"), _mine),
    Tab("late", _l("已超时"), _late, tone="late"),
    Tab("second", _l("待第二人"), lambda _a, _n: [[R.status == S.AWAITING_SECOND]]),
    Tab("hold", _l("搁置"), lambda _a, now: [[R.status == S.ON_HOLD, usual(R.wakes_at > now)]]),
    Tab("retake", _l("待补拍"), lambda _a, now: [[R.status == S.NEEDS_RESUBMISSION, usual(R.wakes_at > now)]]),
    Tab("appeal", _l("申诉"), lambda _a, _n: [[R.status == S.APPEALED]]),
    Tab("open", _l("全部未结"), _still_open),
    Tab("done", _l("已办"), _done, counted=False, sort="-changed"),
)


def _number_or_name(value: str, _actor: Actor) -> Clause:
    """A number (whole or its beginning), else the exact name."""
    if value.upper().startswith("REG-"):
        head = value.upper()
        return sa.and_(R.number >= head, R.number < head + "\uffff")
    return R.name.matches(value)


def _phone(value: str, _actor: Actor) -> Clause | None:
    """The whole number or its last four digits."""
    digits = "".join(filter(str.isdigit, value))
    try:
        hit = Customer.phone.tail_matches(digits) if len(digits) == TAIL_DIGITS else Customer.phone.matches(value)
    except Invalid:
        return None
    return R.customer_id.in_(sa.select(Customer.id).where(hit))


def _hospital(value: str, _actor: Actor) -> Clause:
    found = [hit.id for hit in hospitals.search(value, limit=50)]
    return sa.or_(R.hospital_id.in_(found), R.hospital_text == value)


def _province(value: str, _actor: Actor) -> Clause:
    return R.province.is_(None) if value == "none" else R.province == value


def _province_title(code: str | None, _actor: Actor) -> str:
    return provinces.title(code, language()) if code else ""


def _provinces(actor: Actor) -> Sequence[tuple[str, Any]]:
    mine = actor.scope(Permission.REGISTRATIONS_READ)
    shown = [found for found in provinces.choices(language()) if mine is None or found[0] in mine]
    return [("", _("全部省份")), *shown, *([("none", _("医院未对应"))] if mine is None else [])]


def _round(value: str, _actor: Actor) -> Clause | None:
    return R.round == int(value) if value.isdigit() and len(value) < 3 else None


def _rounds(_actor: Actor) -> Sequence[tuple[str, Any]]:
    return [("", _("全部轮次")), *((str(n), _("第 %(n)s 轮", n=n)) for n in range(1, 6))]


PASSED = "→"
_receiver = sa.select(StaffAccount.name).where(StaffAccount.id == R.passed_to_id).correlate(R).scalar_subquery()
_holder = sa.case(
    (R.lease_expires_at > plans.now(), R.lease_name),
    (sa.and_(R.passed_until > plans.now(), R.status.in_((*TASKS, S.ON_HOLD))), PASSED + _receiver),
    else_=None,
)
# What a bulk act must find unchanged: the status, and whose claim it is (a claim renewed is the same claim)
VERSION = (
    sa.cast(R.version, sa.String) + ":" + sa.func.coalesce(sa.func.substr(sa.cast(R.lease_staff_id, sa.String), 25), "")
)
STATUS_SLOT, SUBMITTED_SLOT, CALENDAR_SLOT = 2 + 7, 2 + 10, 2 + 11  # id, sort value, then the columns below in order


def _holder_words(value: str | None, _actor: Actor) -> str:
    """Who has it, or to whom it was passed and who is still expected to take it."""
    if value is None or not value.startswith(PASSED):
        return value or ""
    return _("转给%(name)s", name=value.removeprefix(PASSED))


def _is_closed(row: Any) -> bool:
    return row[STATUS_SLOT] in CLOSED or row[STATUS_SLOT] == S.NEEDS_RESUBMISSION


def _working(deadline: datetime, row: Any, now: datetime) -> calendar.Left | None:
    """What is left in working time, as the case page counts it."""
    return calendar.left(calendar.stamped(row[CALENDAR_SLOT]), row[SUBMITTED_SLOT], deadline, now)


QUEUE = Worklist(
    key="registrations",
    title=_l("注册审核"),
    endpoint="registrations.queue",
    permission=Permission.REGISTRATIONS_READ,
    table=R,
    scope=in_scope,
    subject=R.subject_id,
    columns=(
        Column("number", _l("编号"), R.number, link()),
        Column(
            "name", _l("申请人"), R.name.column, text(strong=True), sealed=R.name.opener, export=False, chinese=True
        ),
        Column("hospital", _l("医院"), R.hospital_text, text(), chinese=True),
        Column("department", _l("科室"), R.department_text, text(), chinese=True),
        Column("province", _l("省份"), R.province, text(), show=_province_title),
        Column("due", _l("截止"), R.due_at, due(closed=_is_closed, working=_working), sort=R.due_at),
        Column("round", _l("轮次"), R.round, number(), klass="num"),
        Column("status", _l("状态"), R.status, chip(CHIPS), show=None),
        Column("holder", _l("处理人"), _holder, text(), show=_holder_words, chinese=True),
        Column("changed", _l("最近变动"), R.changed_at, instant(), sort=R.changed_at),
        Column("submitted", "", R.submitted_at, instant(), hidden=True, export=False),
        Column("calendar", "", calendar.stamp(), text(), hidden=True, export=False),
    ),
    default_sort="due",
    row_endpoint="registrations.case",
    row_argument="number",
    drawer_endpoint="registrations.drawer",
    tabs=TABS,
    filters=(
        Filter("q", _l("编号、姓名"), _number_or_name, wide=True, personal=True),
        Filter("phone", _l("手机或尾号"), _phone, personal=True),
        Filter("hospital", _l("医院"), _hospital, wide=True),
        Filter("province", _l("省份"), _province, kind="select", choices=_provinces),
        Filter("round", _l("轮次"), _round, kind="select", choices=_rounds, more=True),
    ),
    bulk=(
        BulkAction("assign", _l("指派"), "registrations.bulk_assign", Permission.REGISTRATIONS_LEAD),
        BulkAction("release", _l("释放占用"), "registrations.bulk_release", Permission.REGISTRATIONS_LEAD),
        BulkAction("remind", _l("提醒补拍"), "registrations.bulk_remind", Permission.REGISTRATIONS_LEAD),
    ),
    version=VERSION,
    export_permission=Permission.REGISTRATIONS_EXPORT,
)


def waiting(actor: Actor) -> sa.ScalarSelect[int]:
    """How many cases this actor could decide now, capped: the navigation's counter."""
    return plans.kept("registrations:waiting", actor, lambda: _decidable_count(actor))


def late(actor: Actor) -> sa.ScalarSelect[int]:
    """How many of them are past their due time, capped."""
    return plans.kept("registrations:late", actor, lambda: _decidable_count(actor, R.due_at < plans.now()))


def _decidable_count(actor: Actor, *where: Clause) -> sa.ScalarSelect[int]:
    mine = in_scope(actor, Permission.REGISTRATIONS_DECIDE)
    return counters.capped(*mine, *where, table=R, ranges=decidable(actor, plans.now()), order=(R.due_at, R.id))
