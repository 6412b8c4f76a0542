"""The second factor of an account: enrol, replace, remove, recovery codes."""

from __future__ import annotations

import uuid

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from app.core import audit
from app.core.db import db
from app.core.errors import Forbidden, Invalid, NotFound
from app.core.policy import Actor, Permission
from app.staff import second_factor
from app.staff.models import RecoveryCode, StaffAccount
from app.staff.service.proof import spend_step
from app.staff.service.sessions import close_sessions

OBJECT = "staff_account"


def start_second_factor(actor: Actor) -> None:
    """Make a secret to be confirmed; the one in use stays until then. Needs a fresh sign-in."""
    actor.require_step_up()
    account = _own(actor)
    account.totp_pending = second_factor.new_secret()
    db.session.flush()


def confirm_second_factor(actor: Actor, code: str) -> list[str]:
    """Take the pending secret into use. Returns the recovery codes, shown once. Other sessions end (ASVS 7.4.3)."""
    actor.require_step_up()
    account = _own(actor)
    codes = enrol(account, code)
    if codes is None:
        message = _l("验证码不正确，请输入应用里现在显示的 6 位数字。")
        raise Invalid(message, code="code_wrong", fields={"code": [message]})
    close_sessions(account.id, "second_factor_changed", but=actor.session_id)
    audit.record("staff.second_factor_set", actor, OBJECT, account.id)
    return codes


def enrol(account: StaffAccount, code: str) -> list[str] | None:
    """The pending secret becomes the secret when ``code`` is of it; None when not."""
    pending = account.totp_pending
    step = second_factor.matching_step(pending, code, after=None) if pending else None
    if pending is None or step is None:
        return None
    account.totp_secret, account.totp_pending, account.totp_last_step = pending, None, None
    account.version += 1
    db.session.flush()
    spend_step(account.id, step)
    return _replace_codes(account.id)


def new_recovery_codes(actor: Actor) -> list[str]:
    """Ten new codes; the old ones are void."""
    actor.require_step_up()
    account = _own(actor)
    if account.totp_sealed is None:
        raise Invalid(_l("请先设置两步验证。"), code="second_factor_missing")
    audit.record("staff.recovery_codes_renewed", actor, OBJECT, account.id)
    return _replace_codes(account.id)


def remove_second_factor(actor: Actor, *, forced: bool) -> None:
    """Remove one's own; refused where it is required (``forced``: production)."""
    actor.require_step_up()
    if forced:
        raise Forbidden(_l("正式环境必须使用两步验证。"), code="second_factor_required")
    account = _own(actor)
    _clear(account)
    close_sessions(account.id, "second_factor_changed", but=actor.session_id)
    audit.record("staff.second_factor_removed", actor, OBJECT, account.id)


def reset_second_factor(actor: Actor, staff_id: uuid.UUID) -> None:
    """Somebody lost phone and codes: an administrator clears the factor, all sessions end, the next sign-in enrols."""
    actor.require(Permission.STAFF_MANAGE)
    actor.require_step_up()
    if staff_id == actor.id:
        raise Forbidden(_l("自己的账号须由另一位管理员处理。"), code="own_account")
    account = db.session.get(StaffAccount, staff_id)
    if account is None:
        raise NotFound()
    _clear(account)
    close_sessions(staff_id, "second_factor_changed")
    audit.record("staff.second_factor_reset", actor, OBJECT, staff_id)


def _clear(account: StaffAccount) -> None:
    account.totp_secret = account.totp_pending = None
    account.totp_last_step = None
    account.version += 1
    db.session.execute(sa.delete(RecoveryCode).where(RecoveryCode.staff_id == account.id))
    db.session.flush()


def _replace_codes(staff_id: uuid.UUID) -> list[str]:
    db.session.execute(sa.delete(RecoveryCode).where(RecoveryCode.staff_id == staff_id))
    codes = second_factor.new_recovery_codes()
    db.session.add_all(RecoveryCode(staff_id=staff_id, code_mac=second_factor.recovery_mac(c)) for c in codes)
    db.session.flush()
    return codes


def _own(actor: Actor) -> StaffAccount:
    account = db.session.get(StaffAccount, actor.id)
    if account is None:
        raise NotFound()
    return account
