"""Accounts: invite, accept, change the password, disable. Every change is an audit event."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.exc import IntegrityError

from app.core import audit, clock, outbox
from app.core.db import db
from app.core.errors import Conflict, Forbidden, Gone, Invalid, NotFound
from app.core.masking import to_e164
from app.core.policy import ANONYMOUS, SYSTEM, Actor, Permission
from app.core.worklist.choice import PREFERENCE
from app.staff import passwords
from app.staff.models import AccountState, Invitation, RoleAssignment, StaffAccount
from app.staff.reach import normal_wecom_id
from app.staff.service import proof
from app.staff.service.handover import release_all
from app.staff.service.roles import grant_role, refuse_last_admin
from app.staff.service.sessions import close_sessions, renew_session
from app.staff.tokens import hash_token, new_token

INVITATION_LIFE = timedelta(days=7)
OBJECT = "staff_account"
CHOICES: Mapping[str, tuple[str, ...]] = {
    "theme": ("system", "light", "dark"),
    "density": ("compact", "comfortable"),
    "nav": ("wide", "slim"),
    "keys": ("on", "off"),
    "lang": ("zh", "en"),
}
RoleGrant = tuple[str, Collection[str] | None, bool]  # role, provinces (None: everywhere), lead
Link = Callable[[str], str]  # token -> the address to send


def normal_email(email: str) -> str:
    """The stored spelling. Raises Invalid."""
    found = email.strip().lower()
    local, at, domain = found.rpartition("@")
    if not (local and at and "." in domain) or any(c.isspace() for c in found) or len(found) > 254:
        message = _l("请填写有效的邮箱。")
        raise Invalid(message, code="email_invalid", fields={"email": [message]})
    return found


def refuse_used_email(email: str) -> None:
    """Raise Invalid when an account has this address."""
    if db.session.execute(sa.select(StaffAccount.id).where(StaffAccount.email == email)).first() is not None:
        raise _email_used()


def refuse_used_wecom_id(wecom_id: str | None, *, but: uuid.UUID | None = None) -> None:
    """Raise Invalid when another account has this WeCom id."""
    query = sa.select(StaffAccount.id).where(StaffAccount.wecom_user_id == wecom_id)
    if wecom_id and db.session.scalar(query) not in (None, but):
        raise _wecom_used()


def _wecom_used() -> Invalid:
    message = _l("这个企业微信账号已登记在另一位员工名下。")
    return Invalid(message, code="wecom_id_used", fields={"wecom": [message]})


def _email_used() -> Invalid:
    message = _l("这个邮箱已有账号。")
    return Invalid(message, code="email_used", fields={"email": [message]})


def invite(
    actor: Actor,
    email: str,
    name: str,
    *,
    link: Link,
    roles: Sequence[RoleGrant] = (),
    dealer_id: uuid.UUID | None = None,
    phone: str | None = None,
    wecom: str | None = None,
) -> tuple[StaffAccount, str]:
    """A new account with a one-time link to set its password; the link is sent and returned."""
    account = _create(actor, email, name, dealer_id=dealer_id, phone=phone, wecom=wecom)
    address = _send_link(actor, account, link)
    audit.record("staff.invited", actor, OBJECT, account.id)
    for role, provinces, lead in roles:
        grant_role(actor, account.id, role, provinces, lead)
    return account, address


def create_active(
    actor: Actor,
    email: str,
    name: str,
    password: str,
    roles: Sequence[RoleGrant] = (),
    dealer_id: uuid.UUID | None = None,
    phone: str | None = None,
) -> StaffAccount:
    """An account that can sign in at once: demo data and the operator's commands only (SYSTEM)."""
    if actor is not SYSTEM:
        raise Forbidden()
    passwords.refuse_weak(password, email=email, name=name)
    account = _create(actor, email, name, dealer_id=dealer_id, phone=phone)
    account.password_hash, account.password_changed_at = passwords.hash_password(password), clock.now()
    account.state = AccountState.ACTIVE.value
    db.session.flush()
    audit.record("staff.created", actor, OBJECT, account.id)
    for role, provinces, lead in roles:
        grant_role(actor, account.id, role, provinces, lead)
    return account


def _create(
    actor: Actor,
    email: str,
    name: str,
    *,
    dealer_id: uuid.UUID | None,
    phone: str | None,
    wecom: str | None = None,
) -> StaffAccount:
    if actor is not SYSTEM:
        actor.require(Permission.STAFF_MANAGE)
    email, name = normal_email(email), name.strip()
    if not name:
        message = _l("请填写姓名。")
        raise Invalid(message, fields={"name": [message]})
    refuse_used_email(email)
    wecom = normal_wecom_id(wecom)
    refuse_used_wecom_id(wecom)
    account = StaffAccount(email=email, name=name, dealer_id=dealer_id, preferences={}, created_at=clock.now())
    account.wecom_user_id = wecom
    if phone:
        account.phone = to_e164(phone)
    try:
        with db.session.begin_nested():
            db.session.add(account)
    except IntegrityError as error:  # somebody else was faster with the same address, or the same WeCom id
        refuse_used_wecom_id(wecom)
        raise _email_used() from error
    return account


def _send_link(actor: Actor, account: StaffAccount, link: Link) -> str:
    """One living link per account: earlier ones end."""
    now, token = clock.now(), new_token()
    db.session.execute(
        sa.update(Invitation).where(Invitation.staff_id == account.id, Invitation.used_at.is_(None)).values(used_at=now)
    )
    row = Invitation(
        token_hash=hash_token(token),
        staff_id=account.id,
        invited_by=actor.id,
        created_at=now,
        expires_at=now + INVITATION_LIFE,
    )
    db.session.add(row)
    db.session.flush()
    address = link(token)
    outbox.send(
        "staff_invitation",
        to=outbox.Recipient(staff_id=account.id, addresses={"email": account.email}),
        params={"link": address},
        purpose="staff_account",
        dedupe_key=f"staff_invitation:{row.id.hex}",
    )
    return address


def invitation_account(token: str) -> StaffAccount:
    """Whose link this is. Raises Gone when it is unknown, used or too old: the three are never told apart."""
    _row, account = _invitation(token)
    return account


def _invitation(token: str, *, lock: bool = False) -> tuple[Invitation, StaffAccount]:
    query = sa.select(Invitation).where(
        Invitation.token_hash == hash_token(token), Invitation.used_at.is_(None), Invitation.expires_at > clock.now()
    )
    row = db.session.scalars(query.with_for_update() if lock else query).one_or_none()
    account = db.session.get(StaffAccount, row.staff_id) if row is not None else None
    if row is None or account is None or account.state == AccountState.DISABLED:
        raise Gone(_l("这个链接已用过或已过期，请联系管理员重新发送。"))
    return row, account


def accept_invitation(token: str, password: str) -> StaffAccount:
    """Set the password by a one-time link. The second factor, where there is one, stays (ASVS 6.4.3)."""
    row, account = _invitation(token, lock=True)
    passwords.refuse_weak(password, email=account.email, name=account.name)
    row.used_at = account.password_changed_at = clock.now()
    account.password_hash = passwords.hash_password(password)
    account.state = AccountState.ACTIVE.value
    account.version += 1
    close_sessions(account.id, "password_changed")
    db.session.flush()
    audit.record("staff.invitation_accepted", ANONYMOUS, OBJECT, account.id)
    return account


def reset_password(actor: Actor, staff_id: uuid.UUID, *, link: Link) -> str:
    """Send a new one-time link; the old password works until the link is used. Nobody sees a password."""
    account = _other(actor, staff_id)
    if account.state == AccountState.DISABLED:
        raise Conflict(_l("这个账号已停用。"), code="account_disabled")
    address = _send_link(actor, account, link)
    audit.record("staff.password_reset_started", actor, OBJECT, staff_id)
    return address


def change_password(actor: Actor, current: str, new: str) -> str:
    """One's own; every other session ends. Returns the new token of this session. Raises Invalid."""
    account_id = proof.own_password(actor, current, field="current")
    account = db.session.get(StaffAccount, account_id)
    if account is None or actor.session_id is None:
        raise NotFound()
    passwords.refuse_weak(new, email=account.email, name=account.name, field="new")
    account.password_hash, account.password_changed_at = passwords.hash_password(new), clock.now()
    account.version += 1
    close_sessions(account.id, "password_changed", but=actor.session_id)
    db.session.flush()
    audit.record("staff.password_changed", actor, OBJECT, account.id)
    return renew_session(actor.session_id)


def save_preferences(actor: Actor, wanted: Mapping[str, Any]) -> None:
    """Keep one's own choices; unknown names and values are left out."""
    account = db.session.get(StaffAccount, actor.id)
    if account is None:
        raise NotFound()
    chosen = {name: value for name, value in wanted.items() if value in CHOICES.get(name, ())}
    account.preferences = {**(account.preferences or {}), **chosen}
    db.session.flush()


def save_list_choice(actor: Actor, key: str, choice: Mapping[str, Any]) -> None:
    """Keep what was chosen for one list (`core.worklist.choice`); an empty choice is forgotten."""
    account = db.session.get(StaffAccount, actor.id)
    if account is None:
        raise NotFound()
    former = account.preferences or {}
    lists = {name: kept for name, kept in (former.get(PREFERENCE) or {}).items() if name != key}
    account.preferences = {**former, PREFERENCE: {**lists, key: dict(choice)} if choice else lists}
    db.session.flush()


def set_phone(actor: Actor, staff_id: uuid.UUID, phone: str | None) -> None:
    """The staff member's own number, so that nobody decides on himself (C12). Never changed by oneself."""
    account = _other(actor, staff_id)
    account.phone = to_e164(phone) if phone else None
    db.session.flush()
    audit.record("staff.phone_changed", actor, OBJECT, staff_id, fields=["phone"])


def set_wecom_id(actor: Actor, staff_id: uuid.UUID, typed: str | None) -> None:
    """Where WeCom reaches this person; nothing takes it away. Never changed by oneself. Raises Invalid, Conflict."""
    account = _other(actor, staff_id)
    if account.state == AccountState.DISABLED:
        raise Conflict(_l("这个账号已停用。"), code="account_disabled")
    wecom = normal_wecom_id(typed)
    if wecom == account.wecom_user_id:
        return
    refuse_used_wecom_id(wecom, but=staff_id)
    try:
        with db.session.begin_nested():
            account.wecom_user_id = wecom
    except IntegrityError as error:  # somebody else was faster with the same id
        raise _wecom_used() from error
    audit.record("staff.wecom_changed", actor, OBJECT, staff_id, fields=["wecom_user_id"])


def disable(actor: Actor, staff_id: uuid.UUID, *, heir_id: uuid.UUID | None = None) -> int:
    """Close an account: its sessions end, its links die, what it held goes to the heir or back to the queues.

    Its WeCom id is erased: companies give it to somebody else when a person leaves. Returns how many things moved.
    Raises Forbidden for oneself, Conflict for the last administrator.
    """
    account = _other(actor, staff_id)
    if account.state == AccountState.DISABLED:
        raise Conflict(_l("这个账号已停用。"), code="account_disabled")
    refuse_last_admin(staff_id)
    if heir_id is not None:
        heir = db.session.get(StaffAccount, heir_id)
        if heir is None or heir.state != AccountState.ACTIVE or heir_id == staff_id:
            message = _l("请选择一位在用的同事。")
            raise Invalid(message, fields={"heir": [message]})
    account.state, account.disabled_at = AccountState.DISABLED.value, clock.now()
    account.wecom_user_id = None
    account.version += 1
    close_sessions(staff_id, "disabled")
    db.session.execute(
        sa.update(Invitation)
        .where(Invitation.staff_id == staff_id, Invitation.used_at.is_(None))
        .values(used_at=account.disabled_at)
    )
    db.session.flush()
    moved = release_all(actor, staff_id, heir_id)
    audit.record("staff.disabled", actor, OBJECT, staff_id)
    return moved


def enable(actor: Actor, staff_id: uuid.UUID, *, link: Link) -> str:
    """Open a disabled account again, as if newly invited: no password, no role; a one-time link is sent and returned.

    Roles come back one by one from who may grant them: nobody regains rights through who manages accounts. The second
    factor stays, for whoever still has the phone. Raises Forbidden for oneself, Conflict unless it is disabled.
    """
    account = _other(actor, staff_id)
    if account.state != AccountState.DISABLED:
        raise Conflict(_l("这个账号没有停用。"), code="account_not_disabled")
    account.state, account.disabled_at = AccountState.INVITED.value, None
    account.password_hash = account.password_changed_at = None
    account.version += 1
    db.session.execute(sa.delete(RoleAssignment).where(RoleAssignment.staff_id == staff_id))
    db.session.flush()
    address = _send_link(actor, account, link)
    audit.record("staff.enabled", actor, OBJECT, staff_id, fields=["state", "roles"])
    return address


def _other(actor: Actor, staff_id: uuid.UUID) -> StaffAccount:
    """Somebody else's account, for who may manage staff."""
    if actor is not SYSTEM:
        actor.require(Permission.STAFF_MANAGE)
    if staff_id == actor.id:
        raise Forbidden(_l("自己的账号须由另一位管理员处理。"), code="own_account")
    account = db.session.get(StaffAccount, staff_id)
    if account is None:
        raise NotFound()
    return account
