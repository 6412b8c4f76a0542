"""The pool `/dispatch`: tickets that wait, sorted by when somebody must leave; offers and visits beside it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core import counters, plans
from app.core.db import db
from app.core.policy import Actor, Permission
from app.core.worklist import BulkAction, Chip, Column, Filter, Tab, Worklist, chip, due, instant, link, text
from app.dispatch.models import Absence, Dispatch, PoolEntry
from app.hospitals import provinces
from app.hospitals import queries as hospitals
from app.hospitals.models import Hospital
from app.tickets.facts import PRIORITY_LABELS, Priority
from app.tickets.models import NEVER, Ticket
from app.tickets.service.reach import in_region
from app.tickets.triage import FAULT_CLASSES, MODE_LABELS
from app.tickets.words import PRIORITY_CHIPS
from app.tickets.workflow import Status as S
from app.ui.frame import language

Clause = sa.ColumnElement[bool]
DISPATCH = Permission.TICKETS_DISPATCH
T, P = Ticket, PoolEntry
KNOWN, NOBODY, UNKNOWN = "known", "nobody", "unknown"
BEST_CHIPS = {
    KNOWN: Chip(_l("有人可派"), "done", "dot"),
    NOBODY: Chip(_l("无人可派"), "late", "cross"),
    UNKNOWN: Chip(_l("计算中"), "idle", "ring"),
}


def _of_entry(column: Any) -> Any:
    """A value of the ticket's entry, while that is of the ticket's present version."""
    query = sa.select(column).where(P.ticket_id == T.id, P.version == T.version).correlate(T)
    return query.scalar_subquery()


LEAVE_BY = sa.func.coalesce(_of_entry(P.leave_by), T.due_at, type_=T.due_at.type)


def best_standing() -> Any:
    """Whether anybody is known who could go."""
    return sa.func.coalesce(_of_entry(sa.case((P.best_name == "", NOBODY), else_=KNOWN)), UNKNOWN, type_=sa.String)


def best_name() -> Any:
    """Who has it, or else who would be the best."""
    return sa.func.coalesce(sa.func.nullif(T.assignee_name, ""), _of_entry(P.best_name), type_=sa.String)


def best_start() -> Any:
    """When the best one's first free half day begins."""
    return _of_entry(P.starts_at)


_device = sa.func.coalesce(T.device_model, T.serial_number, "")


def _never(value: datetime, _actor: Actor) -> datetime | None:
    return None if value >= NEVER.replace(year=NEVER.year - 1) else value


def _in(status: S, *more: Clause) -> list[list[Clause]]:
    return [[T.status == status, *more]]


def _hospital(value: str, _actor: Actor) -> Clause | None:
    found = [hit.id for hit in hospitals.search(value, limit=50)]
    return T.hospital_id.in_(found) if found else None


def provinces_of(actor: Actor) -> Sequence[tuple[str, Any]]:
    """The filter's choices: the whole country, or the provinces that bound the dispatcher."""
    mine = actor.scope(DISPATCH)
    shown = [found for found in provinces.choices(language()) if mine is None or found[0] in mine]
    return [("", _("全部省份")), *shown]


def _away(now: Any) -> Clause:
    """Whoever has it is absent in the planned window."""
    gone = (Absence.engineer_id == T.assignee_id, Absence.starts_at < T.window_until, Absence.ends_at > T.window_from)
    return sa.and_(now < T.window_until, sa.select(Absence.id).where(*gone).correlate(T).exists())


POOL = Worklist(
    key="dispatch",
    title=_l("派工"),
    endpoint="dispatch.pool",
    permission=DISPATCH,
    table=T,
    scope=lambda actor: in_region(actor, DISPATCH),
    joins=((Hospital, Hospital.id == T.hospital_id),),
    columns=(
        Column("number", _l("编号"), T.number, link()),
        Column("leave", _l("最晚派出"), LEAVE_BY, due(), sort=LEAVE_BY, show=_never),
        Column("priority", _l("优先级"), sa.func.coalesce(T.priority, ""), chip(PRIORITY_CHIPS)),
        Column("hospital", _l("医院"), Hospital.name, text(), chinese=True),
        Column("device", _l("设备"), _device, text()),
        Column("fault", _l("故障"), T.fault_class, text(), show=lambda v, _a: FAULT_CLASSES.get(v, "—")),
        Column("mode", _l("方式"), T.service_mode, text(), show=lambda v, _a: MODE_LABELS.get(v, "—")),
        Column("standing", _l("人选"), best_standing(), chip(BEST_CHIPS)),
        Column("best", _l("首选或承接人"), best_name(), text(), chinese=True),
        Column("due", _l("时限"), T.due_at, instant(), show=_never, sort=T.due_at),
    ),
    default_sort="leave",
    row_endpoint="dispatch.candidates",
    row_argument="number",
    tabs=(
        Tab("pool", _l("待派单"), lambda _a, _n: _in(S.TO_DISPATCH)),
        Tab("late", _l("来不及了"), lambda _a, now: _in(S.TO_DISPATCH, now > LEAVE_BY), tone="late"),
        Tab("offered", _l("待接单"), lambda _a, _n: _in(S.OFFERED), sort="due"),
        Tab("scheduled", _l("已预约"), lambda _a, _n: _in(S.SCHEDULED), sort="due"),
        Tab("absent", _l("承接人缺勤"), lambda _a, now: [
            *_in(S.OFFERED, _away(now)), *_in(S.SCHEDULED, _away(now))
        ], tone="late", sort="due"),
    ),
    bulk=(
        BulkAction("offer", _l("批量派单"), "dispatch.bulk_offer", DISPATCH),
        BulkAction("recall", _l("撤回派单"), "dispatch.bulk_recall", DISPATCH),
        BulkAction("reassign", _l("改派缺勤人员的工单"), "dispatch.bulk_reassign", DISPATCH),
    ),
    version=T.version,
    filters=(
        Filter("assignee", _l("承接人"), lambda v, _a: T.assignee_name.startswith(v.strip(), autoescape=True)),
        Filter("hospital", _l("医院"), _hospital, wide=True),
        Filter("priority", _l("优先级"), lambda v, _a: T.priority == v if v in set(Priority) else None, kind="select",
               choices=lambda _a: [("", _("全部优先级")), *PRIORITY_LABELS.items()]),
        Filter("mode", _l("方式"), lambda v, _a: T.service_mode == v, kind="select",
               choices=lambda _a: [("", _("全部")), *MODE_LABELS.items()]),
        Filter("province", _l("省份"), lambda v, _a: T.province == v, kind="select", choices=provinces_of),
    ),
)  # fmt: skip


def waiting(actor: Actor) -> sa.ScalarSelect[int]:
    """How many tickets wait for somebody, capped: the navigation's counter."""
    return plans.kept("dispatch:waiting", actor, lambda: counters.capped(
        *in_region(actor, DISPATCH), table=T, ranges=_in(S.TO_DISPATCH)
    ))  # fmt: skip


def history(ticket: Ticket) -> Sequence[Dispatch]:
    """Every offer of a ticket that the caller was found to see, the latest first."""
    query = sa.select(Dispatch).where(Dispatch.ticket_id == ticket.id)
    return db.session.scalars(query.order_by(Dispatch.offered_at.desc(), Dispatch.id.desc())).all()
