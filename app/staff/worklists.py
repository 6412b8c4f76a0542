"""The list of accounts, as a declaration."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core.policy import Actor, Permission
from app.core.worklist import Chip, Column, Filter, Tab, Worklist, chip, instant
from app.core.worklist.cells import Cell, Ink
from app.core.worklist.declaration import Clause
from app.staff.models import AccountState, RoleAssignment, SessionStage, StaffAccount, StaffSession
from app.staff.roles import ROLES, Role

FACTOR = {"True": Chip(_l("已设置"), "done", "tick"), "False": Chip(_l("未设置"))}
_roles = (
    sa.select(sa.func.aggregate_strings(RoleAssignment.role, ","))
    .where(RoleAssignment.staff_id == StaffAccount.id)
    .correlate(StaffAccount)
    .scalar_subquery()
)
_last_seen = (
    sa.select(sa.func.max(StaffSession.last_seen_at))
    .where(StaffSession.staff_id == StaffAccount.id, StaffSession.stage == SessionStage.FULL.value)
    .correlate(StaffAccount)
    .scalar_subquery()
)


def _name() -> Cell:
    def draw(value: Any, row: Any, ink: Ink) -> tuple[str, tuple[str, ...]]:
        return '<a href="%s">%s</a>', (ink.row_url(str(row[0])), str(value))

    return draw


def _role_words(keys: str | None, _actor: Actor) -> str:
    return _("、").join(str(ROLES[Role(key)].label) for key in sorted((keys or "").split(",")) if key)


def _in_state(*states: AccountState) -> Any:
    def ranges(_actor: Actor, _now: datetime) -> Sequence[Sequence[Clause]]:
        return [[StaffAccount.state.in_([s.value for s in states])]]

    return ranges


def _role_is(value: str, _actor: Actor) -> Clause | None:
    if value not in list(Role):
        return None
    held = sa.select(RoleAssignment.staff_id).where(RoleAssignment.role == value)
    return StaffAccount.id.in_(held)


def _contains(value: str, _actor: Actor) -> Clause | None:
    wanted = value.strip()
    if not wanted:
        return None
    return sa.or_(
        StaffAccount.name.contains(wanted, autoescape=True),
        StaffAccount.email.contains(wanted.lower(), autoescape=True),
    )


staff = Worklist(
    key="staff",
    title=_l("员工"),
    endpoint="staff.index",
    permission=Permission.STAFF_READ,
    table=StaffAccount,
    columns=(
        Column("staff_id", "", StaffAccount.id, hidden=True, export=False),
        Column("name", _l("姓名"), StaffAccount.name, _name(), sort=StaffAccount.name, chinese=True),
        Column("email", _l("邮箱"), StaffAccount.email, sort=StaffAccount.email),
        Column("roles", _l("角色"), _roles, show=_role_words),
        Column("factor", _l("两步验证"), StaffAccount.totp_sealed.is_not(None), chip(FACTOR)),
        Column("last_seen", _l("最近使用"), _last_seen, instant()),
        Column("created", _l("建立"), StaffAccount.created_at, instant(), sort=StaffAccount.created_at),
    ),
    default_sort="name",
    row_endpoint="staff.person",
    row_argument="staff_id",
    lead="name",
    tabs=(
        Tab("active", _l("在用"), _in_state(AccountState.ACTIVE)),
        Tab("invited", _l("已邀请"), _in_state(AccountState.INVITED)),
        Tab("disabled", _l("已停用"), _in_state(AccountState.DISABLED), counted=False),
    ),
    filters=(
        Filter("q", _l("姓名或邮箱"), _contains, wide=True),
        Filter(
            "role", _l("角色"), _role_is, kind="select", choices=lambda _a: [(r.value, ROLES[r].label) for r in Role]
        ),
    ),
)
