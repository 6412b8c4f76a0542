"""The worklist `/satisfaction` as a declaration, and the counters that rest on the same clauses."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core import counters, plans
from app.core.policy import Actor, Permission
from app.core.worklist import Column, Filter, Tab, Worklist, chip, due, instant, link, number, text
from app.hospitals import provinces
from app.hospitals import queries as hospitals
from app.hospitals.models import Hospital
from app.satisfaction.models import FollowUp, RatedJob
from app.satisfaction.queries.scope import READ, in_scope, knows
from app.satisfaction.words import ALARMS, CHIPS, SCORES
from app.satisfaction.workflow import GIVEN, Following, Status
from app.tickets.models import NEVER, Ticket
from app.tickets.triage import MODE_LABELS
from app.tickets.workflow import Status as TicketStatus
from app.ui.frame import language

Clause = sa.ColumnElement[bool]
J, S = RatedJob, Status


def second_ranges(actor: Actor, _now: Any) -> list[list[Clause]]:
    """Drawn for a blind second audit that this person may give."""
    return [[J.second_due_at.is_not(None), ~knows(actor, J.id)]]


def flagged_ranges(_actor: Actor, _now: Any) -> list[list[Clause]]:
    return [[J.status == S.FLAGGED]]


def follow_ranges(actor: Actor, _now: Any) -> list[list[Clause]]:
    """Open follow-ups of this person, and those that nobody owns."""
    f = FollowUp
    mine = sa.exists().where(
        f.job_id == J.id, f.status == Following.OPEN, sa.or_(f.owner_id == actor.id, f.owner_id.is_(None))
    )
    return [[J.follow_due_at.is_not(None), mine]]


TABS = (
    Tab("flagged", _l("须审核"), flagged_ranges, tone="late"),
    Tab("sampled", _l("抽中待审"), lambda _a, _n: [[J.status == S.SAMPLED]]),
    Tab("second", _l("盲复审"), second_ranges),
    Tab("mine", _l("我的回访"), follow_ranges, sort="follow"),
    Tab("follow", _l("全部回访"), lambda _a, _n: [[J.follow_due_at.is_not(None)]], sort="follow"),
    Tab("given", _l("全部评价"), lambda _a, _n: [[J.status == status] for status in GIVEN], counted=False,
        sort="-answered"),
    Tab("all", _l("含未评价"), lambda _a, _n: [[J.status == status] for status in S], counted=False, sort="-closed"),
)  # fmt: skip


def _number(value: str, _actor: Actor) -> Clause:
    head = value.upper()
    return sa.and_(J.ticket_number >= head, J.ticket_number < head + "\uffff")


def _hospital(value: str, _actor: Actor) -> Clause | None:
    found = [hit.id for hit in hospitals.search(value, limit=50)]
    return J.hospital_id.in_(found) if found else None


def _score(value: str, _actor: Actor) -> Clause | None:
    return J.score == int(value) if value in ("1", "2", "3", "4", "5") else None


def _provinces(actor: Actor) -> Sequence[tuple[str, Any]]:
    mine = actor.scope(READ)
    shown = [found for found in provinces.choices(language()) if mine is None or found[0] in mine]
    return [("", _("全部省份")), *shown]


def _scores(_actor: Actor) -> Sequence[tuple[str, Any]]:
    return [("", _("全部分数")), *((str(score), f"{score} {words}") for score, words in SCORES.items())]


def _mode(value: str, _actor: Actor) -> Any:
    return MODE_LABELS.get(value, "")


def _follow_or_none(value: datetime, _actor: Actor) -> datetime | None:
    return None if value >= NEVER else value


def effective(now: Any) -> sa.Case[str]:
    """The status as it is now, whether or not the job has said so."""
    over = sa.or_(Ticket.status != TicketStatus.CLOSED, Ticket.cycle != J.cycle)
    invited = J.status == S.INVITED
    return sa.case(
        (sa.and_(invited, over), S.WITHDRAWN.value), (sa.and_(invited, J.expires_at <= now), S.EXPIRED.value),
        else_=J.status,
    )  # fmt: skip


QUEUE = Worklist(
    key="ratings",
    title=_l("满意度"),
    endpoint="satisfaction.queue",
    permission=READ,
    table=J,
    scope=in_scope,
    joins=((Hospital, Hospital.id == J.hospital_id), (Ticket, Ticket.id == J.ticket_id)),
    columns=(
        Column("number", _l("工单"), J.ticket_number, link()),
        Column("score", _l("分数"), J.score, number(), klass="num"),
        Column("alarm", _l("为什么看"), J.alarm, chip(ALARMS)),
        Column("status", _l("状态"), effective(plans.now()), chip(CHIPS)),
        Column("hospital", _l("医院"), Hospital.name, text(), chinese=True),
        Column("product", _l("型号"), J.product, text()),
        Column("kind", _l("服务方式"), J.job_kind, text(), show=_mode),
        Column("engineer", _l("工程师"), sa.func.coalesce(sa.func.nullif(J.engineer_name, ""), J.dealer_name), text(),
               chinese=True),
        Column("follow", _l("回访截止"), sa.func.coalesce(J.follow_due_at, NEVER), due(),
               sort=sa.func.coalesce(J.follow_due_at, NEVER), show=_follow_or_none),
        Column("answered", _l("评价时间"), J.answered_at, instant(), sort=sa.func.coalesce(J.answered_at, J.closed_at)),
        Column("closed", _l("关闭"), J.closed_at, instant(), sort=J.closed_at),
    ),
    default_sort="answered",
    row_endpoint="satisfaction.page",
    row_argument="number",
    tabs=TABS,
    filters=(
        Filter("q", _l("工单编号"), _number, wide=True),
        Filter("hospital", _l("医院"), _hospital, wide=True),
        Filter("score", _l("分数"), _score, kind="select", choices=_scores),
        Filter("province", _l("省份"), lambda v, _a: J.province == v, kind="select", choices=_provinces, more=True),
    ),
)  # fmt: skip


def waiting(actor: Actor) -> sa.ScalarSelect[int]:
    """How many flagged ratings and follow-ups wait for this person, capped: the navigation's counter."""
    if not actor.may(Permission.SATISFACTION_AUDIT):
        return sa.select(sa.literal(0)).scalar_subquery()
    ranges = [*flagged_ranges(actor, None), *follow_ranges(actor, None)]
    return plans.kept("satisfaction:waiting", actor, lambda: counters.capped(*in_scope(actor), table=J, ranges=ranges))
