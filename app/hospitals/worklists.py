"""The two lists of the feature, as declarations."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import false

from app.core.policy import Actor, Permission
from app.core.worklist import Chip, Column, Filter, Tab, Worklist, chip, code, instant, number
from app.core.worklist.cells import Cell, Ink
from app.core.worklist.declaration import Clause
from app.hospitals import provinces, queries
from app.hospitals.models import Hospital, UnknownName, UnknownState, hospital_index
from app.ui.frame import language


def row_link() -> Cell:
    """The row's link on its name; rows are addressed by id."""

    def draw(value: Any, row: Any, ink: Ink) -> tuple[str, tuple[str, ...]]:
        return '<a href="%s">%s</a>', (ink.row_url(str(row[0])), str(value))

    return draw


def _province(value: str, _actor: Actor) -> str:
    return provinces.title(value, language())


def _provinces(actor: Actor) -> Sequence[tuple[str, Any]]:
    scope = actor.scope(Permission.HOSPITALS_READ)
    return [choice for choice in provinces.choices(language()) if scope is None or choice[0] in scope]


def _live(_actor: Actor, _now: datetime) -> Sequence[Sequence[Clause]]:
    return [list(queries.LIVE)]


def _ended(_actor: Actor, _now: datetime) -> Sequence[Sequence[Clause]]:
    return [[Hospital.active.is_(False)]]


hospitals = Worklist(
    key="hospitals",
    title=_l("医院"),
    endpoint="hospitals.index",
    permission=Permission.HOSPITALS_READ,
    table=Hospital,
    scope=queries.scope,
    columns=(
        Column("hospital_id", "", Hospital.id, hidden=True, export=False),
        Column("code", _l("编号"), Hospital.code, code(), sort=Hospital.code),
        Column("name", _l("医院名称"), Hospital.name, row_link(), sort=Hospital.name, chinese=True),
        Column("province", _l("省份"), Hospital.province, show=_province),
        Column("city", _l("城市"), Hospital.city, chinese=True),
    ),
    default_sort="name",
    row_endpoint="hospitals.detail",
    row_argument="hospital_id",
    lead="name",
    tabs=(Tab("live", _l("使用中"), _live), Tab("ended", _l("停用或已合并"), _ended)),
    filters=(
        Filter("q", _l("名称或别名"), lambda value, _actor: hospital_index.matching(value, Hospital.id), wide=True),
        Filter(
            "province",
            _l("省份"),
            lambda value, _actor: Hospital.province == value if value in provinces.BY_CODE else None,
            kind="select",
            choices=_provinces,
        ),
    ),
)

CHIPS = {
    UnknownState.OPEN.value: Chip(_l("待对应"), "act", "half"),
    UnknownState.MAPPED.value: Chip(_l("已对应"), "done", "tick"),
    UnknownState.REFUSED.value: Chip(_l("不予对应"), "idle", "cross"),
}
KINDS = {"hospital": _l("医院"), "department": _l("科室")}


def _unknown_scope(actor: Actor) -> Sequence[Clause]:
    """A typed name has no province yet: only who sees all of them sees it."""
    return [] if actor.scope(Permission.HOSPITALS_MANAGE) is None else [false()]


def _in_state(state: UnknownState) -> Any:
    return lambda _actor, _now: [[UnknownName.state == state.value]]


unknown_names = Worklist(
    key="unknown_names",
    title=_l("待对应名称"),
    endpoint="hospitals.unknown_index",
    permission=Permission.HOSPITALS_MANAGE,
    table=UnknownName,
    scope=_unknown_scope,
    columns=(
        Column("unknown_id", "", UnknownName.id, hidden=True, export=False),
        Column("text", _l("填写的名称"), UnknownName.text, row_link(), chinese=True),
        Column("kind", _l("类别"), UnknownName.kind, show=lambda value, _actor: KINDS[value]),
        Column("count", _l("次数"), UnknownName.count, number(), klass="num"),
        Column("first_seen", _l("首次出现"), UnknownName.first_seen, instant(), sort=UnknownName.first_seen),
        Column("state", _l("状态"), UnknownName.state, chip(CHIPS)),
    ),
    default_sort="first_seen",
    row_endpoint="hospitals.unknown_detail",
    row_argument="unknown_id",
    lead="text",
    tabs=(
        Tab("open", _l("待对应"), _in_state(UnknownState.OPEN)),
        Tab("mapped", _l("已对应"), _in_state(UnknownState.MAPPED), counted=False, sort="-first_seen"),
        Tab("refused", _l("不予对应"), _in_state(UnknownState.REFUSED), counted=False, sort="-first_seen"),
    ),
)
