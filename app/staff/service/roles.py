"""Giving and taking roles: by others only, with a fresh sign-in, never a forbidden pair."""

from __future__ import annotations

import uuid
from collections.abc import Collection

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from app.core import audit, clock
from app.core.db import db
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.core.policy import SYSTEM, Actor, Permission
from app.staff.models import AccountState, RoleAssignment, StaffAccount
from app.staff.roles import ROLES, Role, refuse_forbidden, role_of

OBJECT = "staff_account"


def grant_role(
    actor: Actor, staff_id: uuid.UUID, role: str, provinces: Collection[str] | None = None, lead: bool = False
) -> RoleAssignment:
    """Give a role, everywhere (``provinces`` None) or within provinces. Raises Invalid, Conflict, Forbidden,
    StepUpRequired."""
    account = _changing(actor, staff_id)
    wanted = role_of(role)
    held = {Role(key) for key in db.session.scalars(_roles_of(staff_id))}
    if wanted in held:
        message = _l("这个账号已有“%(role)s”角色，请直接修改。", role=ROLES[wanted].label)
        raise Conflict(message, code="role_held")
    refuse_forbidden({*held, wanted})
    _refuse_wrong_side(account, wanted)
    row = RoleAssignment(
        staff_id=staff_id,
        role=wanted.value,
        provinces=bounds(wanted, provinces),
        lead=lead and bool(ROLES[wanted].lead),
        granted_by=actor.id,
        granted_at=clock.now(),
    )
    db.session.add(row)
    db.session.flush()
    audit.record("staff.role_granted", actor, OBJECT, staff_id, reason_code=wanted.value, fields=_fields(row))
    return row


def change_role(
    actor: Actor, staff_id: uuid.UUID, role: str, provinces: Collection[str] | None, lead: bool
) -> RoleAssignment:
    """Other provinces or another lead switch for a role that is held. Raises NotFound when it is not."""
    _changing(actor, staff_id)
    wanted = role_of(role)
    row = _held(staff_id, wanted)
    row.provinces, row.lead = bounds(wanted, provinces), lead and bool(ROLES[wanted].lead)
    row.granted_by, row.granted_at = actor.id, clock.now()
    db.session.flush()
    audit.record("staff.role_changed", actor, OBJECT, staff_id, reason_code=wanted.value, fields=_fields(row))
    return row


def take_role(actor: Actor, staff_id: uuid.UUID, role: str) -> None:
    """Take a role away; true at the next request. Raises NotFound when it is not held, Conflict for the last admin."""
    _changing(actor, staff_id)
    wanted = role_of(role)
    row = _held(staff_id, wanted)
    if wanted is Role.ADMIN:
        refuse_last_admin(staff_id)
    db.session.delete(row)
    db.session.flush()
    audit.record("staff.role_taken", actor, OBJECT, staff_id, reason_code=wanted.value)


def refuse_last_admin(staff_id: uuid.UUID) -> None:
    """Raise Conflict unless another active administrator stays. Locks the rows: two cannot unseat each other."""
    rows = db.session.execute(
        sa.select(RoleAssignment.staff_id)
        .join(StaffAccount, StaffAccount.id == RoleAssignment.staff_id)
        .where(RoleAssignment.role == Role.ADMIN.value, StaffAccount.state == AccountState.ACTIVE.value)
        .order_by(RoleAssignment.id)
        .with_for_update(of=RoleAssignment)
    )
    held_by = {row.staff_id for row in rows}
    if staff_id in held_by and len(held_by) == 1:
        raise Conflict(_l("这是最后一个系统管理员，须先有另一位。"), code="last_admin")


def bounds(role: Role, provinces: Collection[str] | None) -> list[str] | None:
    """Provinces as stored. An empty choice is refused: it would read as everywhere or as nowhere."""
    if provinces is None:
        return None
    found = sorted({p.strip() for p in provinces if p.strip()})
    if not ROLES[role].bounded:
        message = _l("“%(role)s”不按省份限定。", role=ROLES[role].label)
        raise Invalid(message, code="role_unbounded", fields={"provinces": [message]})
    if not found:
        message = _l("请至少选择一个省份，或选择全国。")
        raise Invalid(message, code="provinces_missing", fields={"provinces": [message]})
    return found


def _changing(actor: Actor, staff_id: uuid.UUID) -> StaffAccount:
    """The account, locked for the change of its roles. Refuses oneself, and a sign-in that is not fresh."""
    if actor is not SYSTEM:
        actor.require(Permission.ROLES_GRANT)
        if staff_id == actor.id:
            raise Forbidden(_l("自己的角色须由另一位管理员修改。"), code="own_roles")
        actor.require_step_up()
    db.session.execute(
        sa.update(StaffAccount)
        .where(StaffAccount.id == staff_id)
        .values(version=StaffAccount.version + 1)
        .execution_options(synchronize_session=False)
    )
    account = db.session.get(StaffAccount, staff_id, populate_existing=True)
    if account is None:
        raise NotFound()
    if account.state == AccountState.DISABLED:
        raise Conflict(_l("这个账号已停用。"), code="account_disabled")
    return account


def _refuse_wrong_side(account: StaffAccount, wanted: Role) -> None:
    """A dealer's account does a dealer's work and nothing else; ours never does."""
    if (wanted is Role.DEALER_USER) != (account.dealer_id is not None):
        dealers_only, ours_only = _l("“经销商用户”须先填写所属经销商。"), _l("经销商的账号只能是“经销商用户”。")
        message = dealers_only if wanted is Role.DEALER_USER else ours_only
        raise Invalid(message, code="dealer_mismatch", fields={"role": [message]})


def _roles_of(staff_id: uuid.UUID) -> sa.Select[str]:
    return sa.select(RoleAssignment.role).where(RoleAssignment.staff_id == staff_id)


def _held(staff_id: uuid.UUID, role: Role) -> RoleAssignment:
    row = db.session.scalars(
        sa.select(RoleAssignment).where(RoleAssignment.staff_id == staff_id, RoleAssignment.role == role.value)
    ).one_or_none()
    if row is None:
        raise NotFound()
    return row


def _fields(row: RoleAssignment) -> list[str]:
    return [*(["lead"] if row.lead else []), *(["provinces"] if row.provinces is not None else [])]
