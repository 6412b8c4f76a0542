"""The worklist `/grants`, and the counters that rest on the same clauses. A status shown is the effective one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core import counters, plans
from app.core.policy import Actor, Permission
from app.core.worklist import Column, Filter, Tab, Worklist, chip, instant, link, number, text
from app.customers.worklists import shown_name
from app.grants import standing
from app.grants.models import Grant, GrantNode
from app.grants.scope import drifted, effective_status
from app.grants.service.decide import not_by
from app.grants.words import CHIPS
from app.grants.workflow import ENDED, LIVE, Status
from app.hospitals import provinces
from app.hospitals import queries as hospitals
from app.hospitals.models import Hospital
from app.ui.frame import language

Clause = sa.ColumnElement[bool]
G, S = Grant, Status
READ, DECIDE = Permission.GRANTS_READ, Permission.GRANTS_DECIDE
SOON = timedelta(days=30)


def in_scope(actor: Actor, permission: Permission = READ) -> list[Clause]:
    """The provinces within which the right holds. Raises Forbidden without the right."""
    provinces = actor.scope(permission)
    return [] if provinces is None else [G.province.in_(sorted(provinces))]


def mine_to_decide(actor: Actor, _now: Any) -> list[list[Clause]]:
    """Open requests that this person can decide, by status: in his provinces, proposed and endorsed by others, of
    people with whom he has nothing to do."""
    if not actor.may(DECIDE):
        return [[sa.false()]]
    rest = [*in_scope(actor, DECIDE), *not_by(actor), *standing.unbarred(actor)]
    return [[G.status == S.REQUESTED, *rest], [G.status == S.AWAITING_SECOND, *rest]]


def _active(_actor: Actor, now: Any) -> list[list[Clause]]:
    return [[G.status == status, effective_status(now) == S.ACTIVE.value] for status in (S.ACTIVE, S.SCHEDULED)]


def _ending(_actor: Actor, now: Any) -> list[list[Clause]]:
    return [[G.status == S.ACTIVE, G.ends_at > now, G.ends_at <= now + SOON, sa.not_(drifted(now))]]


def _paused(_actor: Actor, now: Any) -> list[list[Clause]]:
    """Stored as paused, and those that time has paused though nobody noted it yet."""
    return [[G.status == status, effective_status(now) == S.PAUSED.value] for status in LIVE]


def _ended(_actor: Actor, now: Any) -> list[list[Clause]]:
    over = [[G.status == status, effective_status(now) == S.EXPIRED.value] for status in LIVE]
    return [[G.status == status] for status in ENDED] + over


TABS = (
    Tab("todo", _l("待我决定"), mine_to_decide),
    Tab("open", _l("申请中"), lambda _a, _n: [[G.status == S.REQUESTED], [G.status == S.AWAITING_SECOND]]),
    Tab("active", _l("生效中"), _active, sort="ends"),
    Tab("ending", _l("30 天内到期"), _ending, sort="ends"),
    Tab("paused", _l("已暂停"), _paused, sort="-changed", tone="late"),
    Tab("ended", _l("已结束"), _ended, counted=False, sort="-changed"),
)


def _number_or_name(value: str, _actor: Actor) -> Clause:
    """A number (whole or its beginning), else the exact name."""
    if value.upper().startswith("GRT-"):
        head = value.upper()
        return sa.and_(G.number >= head, G.number < head + "\uffff")
    return G.name.matches(value)


def _hospital(value: str, _actor: Actor) -> Clause:
    return G.hospital_id.in_([hit.id for hit in hospitals.search(value, limit=50)])


def _provinces(actor: Actor) -> Sequence[tuple[str, Any]]:
    mine = actor.scope(READ)
    return [
        ("", _("全部省份")),
        *(found for found in provinces.choices(language()) if mine is None or found[0] in mine),
    ]


_departments = (
    sa.select(sa.func.count())
    .where(GrantNode.grant_id == G.id, GrantNode.removed_version.is_(None))
    .correlate(G)
    .scalar_subquery()
)
QUEUE = Worklist(
    key="grants",
    title=_l("权限"),
    endpoint="grants.queue",
    permission=READ,
    table=G,
    scope=in_scope,
    subject=G.subject_id,
    joins=((Hospital, Hospital.id == G.hospital_id),),
    columns=(
        Column("number", _l("编号"), G.number, link()),
        Column(
            "name", _l("用户"), G.name.column, text(strong=True), sealed=G.name.opener, export=False, chinese=True,
            show=lambda name, actor: shown_name(actor, name),
        ),
        Column("hospital", _l("医院"), Hospital.name, text(), chinese=True),
        Column("position", _l("职务"), G.position, text(), chinese=True),
        Column("departments", _l("科室数"), _departments, number(), klass="num"),
        Column("lookback", _l("回看月数"), G.lookback_months, number(), klass="num"),
        Column("ends", _l("结束"), G.ends_at, instant(), sort=sa.func.coalesce(G.ends_at, G.requested_at)),
        Column("status", _l("状态"), effective_status(plans.now()), chip(CHIPS)),
        Column("requested", _l("提出"), G.requested_at, instant(), sort=G.requested_at),
        Column("changed", _l("最近变动"), G.changed_at, instant(), sort=G.changed_at),
    ),
    default_sort="requested",
    row_endpoint="grants.case",
    row_argument="number",
    tabs=TABS,
    filters=(
        Filter("q", _l("编号、姓名"), _number_or_name, wide=True, personal=True),
        Filter("hospital", _l("医院"), _hospital, wide=True),
        Filter(
            "province", _l("省份"), lambda value, _a: G.province == value, kind="select", choices=_provinces
        ),
    ),
)  # fmt: skip


def waiting(actor: Actor) -> sa.ScalarSelect[int]:
    """How many requests this person could decide, capped: the navigation's counter."""
    if not actor.may(DECIDE):
        return sa.select(sa.literal(0)).scalar_subquery()
    return plans.kept("grants:waiting", actor, lambda: _waiting(actor))


def _waiting(actor: Actor) -> sa.ScalarSelect[int]:
    return counters.capped(table=G, ranges=mine_to_decide(actor, None))
