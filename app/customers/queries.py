"""Reads of accounts: by token, by OpenID, and what is verified about a person at an instant."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from app.core import clock
from app.core.db import db
from app.core.errors import Forbidden, NotFound
from app.core.policy import Actor
from app.customers.models import Customer, CustomerProfile, CustomerToken, RightsRequest, WechatIdentity


@dataclass(frozen=True, slots=True)
class LiveToken:
    """A session that holds, as plain values."""

    id: uuid.UUID
    customer_id: uuid.UUID
    last_used_at: datetime
    absolute_at: datetime


def live_token(token_hash: bytes) -> LiveToken | None:
    """The session behind a token; None when it ended, timed out, or its account is frozen or closed."""
    t = CustomerToken
    row = db.session.execute(
        sa.select(t.id, t.customer_id, t.last_used_at, t.absolute_at)
        .join(Customer, Customer.id == t.customer_id)
        .where(
            t.token_hash == token_hash,
            t.ended_at.is_(None),
            t.expires_at > clock.now(),
            Customer.frozen_at.is_(None),
            Customer.closed_at.is_(None),
        )
    ).one_or_none()
    return LiveToken(*row) if row is not None else None


def me(actor: Actor, *, lock: bool = False) -> Customer:
    """The signed-in person's account; ``lock`` makes two calls of one person wait for each other.

    Forbidden for anybody who is not a customer.
    """
    if actor.kind != "customer":
        raise Forbidden()
    person = db.session.get(Customer, actor.id, with_for_update=lock, populate_existing=lock)
    if person is None:
        raise NotFound()
    return person


def profile_of(customer_id: uuid.UUID, at: datetime | None = None) -> CustomerProfile | None:
    """The profile in force at an instant (default: now), suspended or not; None without an approval in effect."""
    at = at or clock.now()
    p = CustomerProfile
    return db.session.scalar(
        sa.select(p)
        .where(p.customer_id == customer_id, p.effective_at <= at, sa.or_(p.ended_at.is_(None), p.ended_at > at))
        .order_by(p.effective_at.desc(), p.id.desc())
        .limit(1)
    )


def profiles(customer_id: uuid.UUID) -> Sequence[CustomerProfile]:
    """All that ever came into effect, oldest first."""
    p = CustomerProfile
    rows = sa.select(p).where(p.customer_id == customer_id, p.effective_at <= clock.now())
    return db.session.scalars(rows.order_by(p.effective_at)).all()


def registered_name(person: Customer) -> str | None:
    """What was verified, else what the person gave with a registration; None without either."""
    return name_of(person, profile_of(person.id))


def name_of(person: Customer, profile: CustomerProfile | None) -> str | None:
    """As `registered_name`, where the profile in force is known."""
    return (profile.name if profile is not None else None) or person.name


def identity(appid: str, openid: str) -> WechatIdentity | None:
    return db.session.scalar(
        sa.select(WechatIdentity).where(WechatIdentity.appid == appid, WechatIdentity.openid.matches(openid))
    )


def owns_identity(customer_id: uuid.UUID, appid: str, openid: str) -> bool:
    found = identity(appid, openid)
    return found is not None and found.customer_id == customer_id


def identities(customer_id: uuid.UUID) -> Sequence[WechatIdentity]:
    """The person's WeChat identities, the one used last at the end."""
    rows = sa.select(WechatIdentity).where(WechatIdentity.customer_id == customer_id)
    return db.session.scalars(rows.order_by(WechatIdentity.last_used_at)).all()


def tokens(customer_id: uuid.UUID) -> Sequence[CustomerToken]:
    rows = sa.select(CustomerToken).where(CustomerToken.customer_id == customer_id)
    return db.session.scalars(rows.order_by(CustomerToken.created_at)).all()


def rights_requests(actor: Actor) -> Sequence[RightsRequest]:
    """The signed-in person's own requests, newest first."""
    return rights_requests_of(me(actor).id)


def rights_requests_of(customer_id: uuid.UUID) -> Sequence[RightsRequest]:
    rows = sa.select(RightsRequest).where(RightsRequest.customer_id == customer_id)
    return db.session.scalars(rows.order_by(RightsRequest.received_at.desc(), RightsRequest.id.desc())).all()
