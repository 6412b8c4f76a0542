"""Demo safety cases: one just heard of, one that waits for its hand-over, one that is closed. Nothing in them is real."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from app.core import clock
from app.core.db import db
from app.core.policy import SYSTEM, Actor
from app.core.unit_of_work import unit_of_work
from app.safety import service
from app.safety.service import Seen
from app.staff import queries
from app.staff.models import RoleAssignment
from app.staff.roles import Role
from app.tickets.models import Ticket
from app.tickets.workflow import Status

HEARD = (
    (timedelta(hours=5), "科室来电：操作中患者手部有灼痛感，未见明显损伤，已停用设备。"),
    (timedelta(days=15), "设备科来函：检查中先端帽脱落，经内镜取出，患者留观一日。"),
    (timedelta(days=9), "护士反映冲洗时被液体溅到眼部，冲洗后无不适。"),
)


def load() -> None:
    """Of the open reports of the demo, told by the safety role as it would."""
    with unit_of_work(write=False):
        query = sa.select(Ticket.number).where(Ticket.status == Status.SUBMITTED).order_by(Ticket.number)
        numbers = db.session.scalars(query.limit(len(HEARD))).all()
        officer = _officer()
    now = clock.now()
    cases = []
    for number, (ago, words) in zip(numbers, HEARD, strict=False):
        with clock.frozen(now - ago + timedelta(hours=1)), unit_of_work():
            cases.append(service.file_case(officer, number, "hospital", now - ago, words).number)
    if len(cases) < len(HEARD):
        return
    with clock.frozen(now - timedelta(days=14)), unit_of_work():
        service.judge(officer, cases[1], Seen(1), "serious", "有进一步处置，按可能导致严重伤害判定。")
        service.decide(
            officer, cases[1], Seen(2), "yes", "not_excluded", "先端帽固定情况待返厂检查，不能排除器械原因。"
        )
    with clock.frozen(now - timedelta(days=8)), unit_of_work():
        service.judge(officer, cases[2], Seen(1), "other", "未造成伤害。")
        service.decide(officer, cases[2], Seen(2), "no", "no_harm", "当事人确认无不适，冲洗操作未按说明书进行。")
        service.close(officer, cases[2], Seen(3), "not_reportable", "已向科室说明正确的冲洗方法。")


def _officer() -> Actor:
    query = sa.select(RoleAssignment.staff_id).where(RoleAssignment.role == Role.SAFETY.value)
    staff_id = db.session.scalars(query.order_by(RoleAssignment.staff_id).limit(1)).one_or_none()
    return queries.actor_of(staff_id) if staff_id is not None else SYSTEM
