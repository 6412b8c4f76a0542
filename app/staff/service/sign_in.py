"""Sign-in, second factor, step-up, sign-out. Refusals that must leave a trace are returned, not raised."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from enum import StrEnum

from app.core import audit, throttle
from app.core.db import db
from app.core.errors import Unauthenticated
from app.core.policy import ANONYMOUS, Actor
from app.core.unit_of_work import evidence
from app.staff import passwords, second_factor
from app.staff.models import AccountState, SessionStage, StaffAccount
from app.staff.service import proof
from app.staff.service.second_factor import enrol
from app.staff.service.sessions import begin_session, close_sessions, renew_session

OBJECT = "staff_account"


class Outcome(StrEnum):
    SIGNED_IN = "signed_in"
    SECOND_FACTOR = "second_factor"  # the password was right, the second factor or its enrolment comes next
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class SignIn:
    """How a step of the sign-in ended. ``token`` is for the cookie; ``recovery_codes`` are shown once."""

    outcome: Outcome
    token: str | None = None
    recovery_codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Visitor:
    """Where the request comes from: address, browser in words, and the session row it brought along."""

    address: str
    device: str = ""
    session: tuple[uuid.UUID, uuid.UUID] | None = None  # (staff id, session id)


def sign_in(visitor: Visitor, email: str, password: str, *, second_factor_forced: bool) -> SignIn:
    """The first step. Unknown, disabled and wrong all cost one verification and get one answer (ASVS 6.3.8).

    Raises TooManyRequests per account and per address, whether the account exists or not.
    """
    email = email.strip().lower()
    with evidence() as own:
        proof.count(own, proof.ADDRESS, visitor.address, proof.PER_ADDRESS)
        proof.count(own, proof.SIGN_IN, email, proof.PER_ACCOUNT)
        found = proof.known(own, StaffAccount.email == email)
    right = passwords.verify(found.password_hash if found else None, password)
    account = db.session.get(StaffAccount, found.id) if found is not None and right else None
    if found is None or account is None or _changed_meanwhile(account, found):
        audit.record("staff.sign_in_failed", ANONYMOUS, OBJECT, found.id if found else "unknown", result="refused")
        return SignIn(Outcome.REFUSED)
    if passwords.is_stale(account.password_hash or ""):
        account.password_hash = passwords.hash_password(password)
    throttle.clear(db.session(), proof.SIGN_IN, email)
    if account.totp_sealed is None and not second_factor_forced:
        return _enter(visitor, account)
    if account.totp_sealed is None and account.totp_pending is None:
        account.totp_pending = second_factor.new_secret()
    _leave_old(visitor)
    token = begin_session(account.id, SessionStage.PASSWORD, device=visitor.device, address=visitor.address)
    return SignIn(Outcome.SECOND_FACTOR, token)


def finish_second_factor(visitor: Visitor, staff_id: uuid.UUID, code: str) -> SignIn:
    """The second step: a code of the authenticator, a recovery code, or the first code of an enrolment.

    Raises TooManyRequests after five wrong codes within five minutes.
    """
    with evidence() as own:
        proof.count(own, proof.SECOND, staff_id.hex, proof.PER_SECOND_FACTOR)
    account = db.session.get(StaffAccount, staff_id)
    if account is None or account.state != AccountState.ACTIVE:
        return SignIn(Outcome.REFUSED)
    codes: list[str] | None = []
    if account.totp_sealed is None:
        codes = enrol(account, code)
    elif proof.spend_second_factor(account, code) is None:
        codes = None
    if codes is None:
        audit.record("staff.second_factor_failed", ANONYMOUS, OBJECT, staff_id, result="refused")
        return SignIn(Outcome.REFUSED)
    if codes:
        audit.record("staff.second_factor_set", _self(account), OBJECT, staff_id)
    throttle.clear(db.session(), proof.SECOND, staff_id.hex)
    return _enter(visitor, account, tuple(codes))


def step_up(actor: Actor, password: str, code: str = "") -> str:
    """Password (and second factor, where there is one) again: a new token. Raises Invalid, TooManyRequests."""
    proof.own_password(actor, password)
    account = db.session.get(StaffAccount, actor.id)
    if account is None or actor.session_id is None:
        raise Unauthenticated()
    if account.totp_sealed is not None:
        proof.require_second_factor(account, code)
    throttle.clear(db.session(), proof.CONFIRM, account.id.hex)
    token = renew_session(actor.session_id)
    audit.record("staff.confirmed", actor, OBJECT, actor.id)
    return token


def sign_out(actor: Actor, staff_id: uuid.UUID, session_id: uuid.UUID) -> None:
    """End this session; a half one too."""
    if close_sessions(staff_id, "signed_out", only=session_id) and actor.kind == "staff":
        audit.record("staff.signed_out", actor, OBJECT, staff_id)


def _changed_meanwhile(account: StaffAccount, found: proof.Known) -> bool:
    return account.state != AccountState.ACTIVE or account.password_hash != found.password_hash


def _enter(visitor: Visitor, account: StaffAccount, codes: tuple[str, ...] = ()) -> SignIn:
    _leave_old(visitor)
    token = begin_session(account.id, SessionStage.FULL, device=visitor.device, address=visitor.address)
    audit.record("staff.signed_in", _self(account), OBJECT, account.id)
    return SignIn(Outcome.SIGNED_IN, token, codes)


def _leave_old(visitor: Visitor) -> None:
    """The row that the browser's old cookie points to ends with it."""
    if visitor.session is not None:
        staff_id, session_id = visitor.session
        close_sessions(staff_id, "replaced", only=session_id)


def _self(account: StaffAccount) -> Actor:
    return Actor("staff", id=account.id, name=account.name)
