"""Signing in and out. What must survive a refusal (tries, wrong names, a frozen account) is a returned result."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.core import audit, clock, keys, numbers
from app.core.db import db
from app.core.masking import to_e164
from app.core.policy import SYSTEM, Actor
from app.customers import queries
from app.customers.models import (
    Audience,
    Customer,
    CustomerToken,
    LoginCode,
    RightsKind,
    WechatIdentity,
    compact_name,
)
from app.customers.service import codes, rights

STALE = timedelta(days=90)  # a phone number may have a new owner by then (decisions.md 25)
MAX_NAME_FAILURES = 2
TOKEN_BYTES = 32
KEEP_CODES = timedelta(days=1)
KEEP_TOKENS = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Proof:
    """What the caller showed: a phone number with a code of ours, or already proven by WeChat; an OpenID; a name."""

    phone: str | None = field(default=None, repr=False)
    code: str | None = field(default=None, repr=False)  # None: WeChat vouched for the phone number
    appid: str = ""
    openid: str | None = field(default=None, repr=False)
    unionid: str | None = field(default=None, repr=False)
    name: str | None = field(default=None, repr=False)
    device: str = ""  # as `core.devices.words` says it


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A token with its account, or the stable code of the refusal."""

    refusal: str | None = None
    token: str = field(default="", repr=False)
    expires_at: datetime | None = None
    customer: Customer | None = None


def sign_in(proof: Proof) -> SignedIn:
    """Open a session for whoever the proof shows; a phone number seen for the first time becomes an account."""
    code_row: LoginCode | None = None
    if proof.phone is not None and proof.code is not None:
        answer, code_row = codes.try_code(to_e164(proof.phone), proof.code, Audience.SERVICE)
        if answer is not codes.CodeAnswer.RIGHT:
            return SignedIn(refusal=_other_site(proof) if answer is codes.CodeAnswer.WRONG else answer.value)
    person = _person(proof)
    if person is None:
        return SignedIn(refusal="wechat_unknown")
    if person.frozen_at is not None:
        return SignedIn(refusal="account_frozen")
    refusal = _name_refusal(person, proof)
    if refusal is not None:
        return SignedIn(refusal=refusal)
    if code_row is not None and not codes.spend(code_row):
        return SignedIn(refusal=codes.CodeAnswer.USED.value)
    _bind(person, proof)
    return _open(person, proof.device)


def sign_out(actor: Actor) -> None:
    """End the session that the actor came with."""
    db.session.execute(
        sa.update(CustomerToken)
        .where(CustomerToken.id == actor.session_id, CustomerToken.ended_at.is_(None))
        .values(ended_at=clock.now())
    )
    audit.record("customer.signed_out", actor, "customer", actor.id)


def end_tokens(customer_id: uuid.UUID) -> None:
    """End every session of a person."""
    db.session.execute(
        sa.update(CustomerToken)
        .where(CustomerToken.customer_id == customer_id, CustomerToken.ended_at.is_(None))
        .values(ended_at=clock.now())
    )


def touch_token(session: Session, found: queries.LiveToken, now: datetime, idle: timedelta) -> None:
    """Note that a session is in use: once an hour, in a transaction of its own (decisions.md 5)."""
    ends = min(now + idle, found.absolute_at)
    session.execute(
        sa.update(CustomerToken).where(CustomerToken.id == found.id).values(last_used_at=now, expires_at=ends)
    )
    session.execute(sa.update(Customer).where(Customer.id == found.customer_id).values(last_used_at=now))


def cleanup() -> None:
    """Codes a day after their end, sessions a month after theirs."""
    now = clock.now()
    db.session.execute(sa.delete(LoginCode).where(LoginCode.expires_at < now - KEEP_CODES))
    db.session.execute(sa.delete(CustomerToken).where(CustomerToken.expires_at < now - KEEP_TOKENS))


def token_hash(token: str) -> bytes:
    """What is stored of a token: it has 256 random bits, so a plain hash is enough."""
    return hashlib.sha256(token.encode()).digest()


def _other_site(proof: Proof) -> str:
    """A right code of the smart-medical site is told apart: unified login comes later. Its tries count on their own."""
    answer, row = codes.try_code(to_e164(proof.phone or ""), proof.code or "", Audience.SMART_MEDICAL)
    if answer is codes.CodeAnswer.RIGHT:
        codes.spend(row)
        return "audience_not_available"
    return codes.CodeAnswer.WRONG.value


def _person(proof: Proof) -> Customer | None:
    if proof.phone is not None:
        return _by_phone(to_e164(proof.phone))
    identity = queries.identity(proof.appid, proof.openid or "")
    person = db.session.get(Customer, identity.customer_id, with_for_update=True) if identity is not None else None
    return person if person is not None and person.closed_at is None else None


def _by_phone(number: str) -> Customer:
    """The living account of a number, locked; made when there is none. Two at once get the same one (C02)."""
    query = sa.select(Customer).where(Customer.phone.matches(number), Customer.closed_at.is_(None))
    found = db.session.scalars(query.with_for_update()).one_or_none()
    if found is not None:
        return found
    now = clock.now()
    made = Customer(subject_id=keys.new_subject(), phone=number, created_at=now, last_used_at=now)
    try:
        with db.session.begin_nested():
            db.session.add(made)
    except IntegrityError:
        return db.session.scalars(query.with_for_update()).one()
    audit.record("customer.created", SYSTEM, "customer", made.id)
    return made


def _name_refusal(person: Customer, proof: Proof) -> str | None:
    """Why this account asks for its registered name first; counts a wrong one, freezes at the second."""
    registered = queries.registered_name(person)
    known = proof.openid is not None and queries.owns_identity(person.id, proof.appid, proof.openid)
    if registered is None or known or clock.now() - person.last_used_at <= STALE:
        return None
    if proof.name is None:
        return "name_required"
    if hmac.compare_digest(compact_name(proof.name).encode(), compact_name(registered).encode()):
        person.name_failures = 0
        return None
    person.name_failures += 1
    if person.name_failures < MAX_NAME_FAILURES:
        return "name_wrong"
    freeze(person, "name_wrong")
    return "account_frozen"


def freeze(person: Customer, reason_code: str) -> None:
    """Stop every sign-in of an account until a person has looked at it; opens a request for that."""
    person.frozen_at = clock.now()
    person.version += 1
    end_tokens(person.id)
    rights.open_request(person, RightsKind.ACCOUNT_RECOVERY, "")
    audit.record("customer.frozen", SYSTEM, "customer", person.id, reason_code=reason_code)


def _bind(person: Customer, proof: Proof) -> None:
    """Remember the OpenID; one that belonged to another account moves, because both proofs were shown here."""
    if proof.openid is None:
        return
    now = clock.now()
    row = queries.identity(proof.appid, proof.openid)
    if row is not None and row.customer_id == person.id:
        row.last_used_at = now
        return
    if row is not None:
        db.session.delete(row)
        db.session.flush()
    db.session.add(
        WechatIdentity(
            customer_id=person.id, subject_id=person.subject_id, appid=proof.appid, openid=proof.openid,
            unionid=proof.unionid, created_at=now, last_used_at=now,
        )
    )  # fmt: skip
    audit.record("wechat_identity.bound", SYSTEM, "customer", person.id)


def _open(person: Customer, device: str) -> SignedIn:
    now, token = clock.now(), secrets.token_urlsafe(TOKEN_BYTES)
    absolute = now + timedelta(days=numbers.get("customer_token_absolute_days"))
    ends = min(now + timedelta(days=numbers.get("customer_token_idle_days")), absolute)
    row = CustomerToken(
        token_hash=token_hash(token), customer_id=person.id, created_at=now, last_used_at=now, expires_at=ends,
        absolute_at=absolute, device=device,
    )  # fmt: skip
    db.session.add(row)
    person.last_used_at, person.name_failures = now, 0
    db.session.flush()
    actor = Actor("customer", person.id, session_id=row.id)
    audit.record("customer.signed_in", actor, "customer", person.id)
    return SignedIn(token=token, expires_at=ends, customer=person)
