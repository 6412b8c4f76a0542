"""The list of dealers. What a dealer may be given depends on its contract today, so that stands in the list."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from app.core.clock import SHANGHAI
from app.core.policy import Actor, Permission
from app.core.worklist import Column, Filter, Tab, Worklist, number, text
from app.dealers.lines import LINE_LABELS
from app.dealers.models import Dealer, DealerContract, in_force
from app.dealers.words import ROLE_LABELS
from app.hospitals import provinces
from app.hospitals.worklists import row_link
from app.ui.frame import language

Clause = sa.ColumnElement[bool]
READ = Permission.DEALERS_READ
D, C = Dealer, DealerContract
_until = (
    sa.select(sa.func.max(C.ends_at)).where(C.dealer_id == D.id, C.confirmed_at.is_not(None)).correlate(D)
).scalar_subquery()


def _covered(now: Any) -> Clause:
    return sa.select(C.id).where(C.dealer_id == D.id, in_force(now)).correlate(D).exists()


def _places(value: Sequence[str], _actor: Actor) -> str:
    return "、".join(provinces.title(code, language()) for code in value) or "—"


def _lines(value: Sequence[str], _actor: Actor) -> str:
    return "、".join(str(LINE_LABELS[key]) for key in value) or "—"


def _last_day(value: datetime | None, _actor: Actor) -> str:
    """The day before the midnight at which it ends."""
    return "—" if value is None else (value - timedelta(microseconds=1)).astimezone(SHANGHAI).strftime("%Y-%m-%d")


def _in_province(value: str, _actor: Actor) -> Clause | None:
    if value not in provinces.BY_CODE:
        return None
    return sa.cast(D.provinces, sa.String).contains(f'"{value}"')


DEALERS = Worklist(
    key="dealers",
    title=_l("经销商"),
    endpoint="dealers.index",
    permission=READ,
    table=D,
    columns=(
        Column("dealer_id", "", D.id, hidden=True, export=False),
        Column("name", _l("名称"), D.name, row_link(), sort=D.name, chinese=True),
        Column("role", _l("处理角色"), D.role, text(), show=lambda value, _a: ROLE_LABELS[value]),
        Column("provinces", _l("服务区域"), D.provinces, text(), show=_places),
        Column("lines", _l("产品线"), D.product_lines, text(), show=_lines),
        Column("capacity", _l("每半天单数"), D.capacity, number(), klass="num"),
        Column("until", _l("合同至"), _until, text(), show=_last_day),
    ),
    default_sort="name",
    row_endpoint="dealers.detail",
    row_argument="dealer_id",
    lead="name",
    tabs=(
        Tab("covered", _l("合同有效"), lambda _a, now: [[D.active.is_(True), _covered(now)]]),
        Tab("bare", _l("没有有效合同"), lambda _a, now: [[D.active.is_(True), ~_covered(now)]], tone="late"),
        Tab("ended", _l("停用"), lambda _a, _n: [[D.active.is_(False)]], counted=False),
    ),
    filters=(
        Filter("name", _l("名称"), lambda value, _a: D.name.contains(value.strip(), autoescape=True), wide=True),
        Filter("province", _l("省份"), _in_province, kind="select", choices=lambda _a: provinces.choices(language())),
    ),
)
