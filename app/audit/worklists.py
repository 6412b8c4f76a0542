"""The list of events, newest first."""

from __future__ import annotations

import uuid
from datetime import date, datetime, time, timedelta
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from app.core.audit import AuditEvent
from app.core.clock import SHANGHAI
from app.core.policy import Actor, Permission
from app.core.worklist import Column, Filter, Worklist, code, instant, link, text
from app.core.worklist.declaration import Clause

NUMBER = AuditEvent.chain + "-" + sa.cast(AuditEvent.seq, sa.String)


def _event(value: str, _actor: Actor) -> Clause:
    if "." in value:
        return AuditEvent.event == value
    return AuditEvent.event.startswith(f"{value}.", autoescape=True)


def _object(value: str, _actor: Actor) -> Clause:
    """``type:id``, or the id alone."""
    kind, colon, object_id = value.rpartition(":")
    wanted = AuditEvent.object_id == object_id
    return sa.and_(wanted, AuditEvent.object_type == kind) if colon else wanted


def _actor(value: str, _reader: Actor) -> Clause:
    try:
        return AuditEvent.actor_id == uuid.UUID(value)
    except ValueError:
        return AuditEvent.actor_name == value


def _day(value: str, _actor: Actor) -> Clause | None:
    """A calendar day in China; None when it is not one."""
    try:
        start = datetime.combine(date.fromisoformat(value), time.min, SHANGHAI)
        return sa.and_(AuditEvent.recorded_at >= start, AuditEvent.recorded_at < start + timedelta(days=1))
    except (ValueError, OverflowError):
        return None


def _who(value: Any, _actor: Actor) -> Any:
    return value or _l("客户")


events = Worklist(
    key="audit",
    title=_l("审计"),
    endpoint="audit.index",
    permission=Permission.AUDIT_READ,
    table=AuditEvent,
    columns=(
        Column("number", _l("编号"), NUMBER, link(), klass="mono"),
        Column("recorded", _l("时间"), AuditEvent.recorded_at, instant(), sort=AuditEvent.recorded_at),
        Column("who", _l("操作人"), AuditEvent.actor_name, text(), show=_who, chinese=True),
        Column("event", _l("事件"), AuditEvent.event, code()),
        Column("object", _l("对象"), AuditEvent.object_type, code()),
        Column("object_id", _l("对象编号"), AuditEvent.object_id, code()),
        Column("reason", _l("原因"), AuditEvent.reason_code, code()),
        Column("result", _l("结果"), AuditEvent.result, code()),
    ),
    default_sort="-recorded",
    row_endpoint="audit.detail",
    row_argument="number",
    filters=(
        Filter("event", _l("事件"), _event),
        Filter("object", _l("对象编号"), _object, wide=True),
        Filter("who", _l("操作人姓名或编号"), _actor),
        Filter("day", _l("日期"), _day, kind="date"),
    ),
    export_permission=Permission.AUDIT_EXPORT,
)
