"""Whether messages about a ticket arrived, by which way, and by which ways its reporter can be reached at all."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask import current_app

from app.core.db import db
from app.core.errors import NotFound
from app.core.outbox import Message, MessageState
from app.customers import service as customers
from app.notifications import follow, words

_M: Any = Message.__table__.c
_OF = sa.select(_M.dedupe_key, _M.channel, _M.state, _M.error_code, _M.sent_at).where(
    _M.dedupe_key.in_(sa.bindparam("wanted", expanding=True)), _M.state != MessageState.CANCELLED.value
)
NEVER_ARRIVED = (MessageState.FAILED, MessageState.DEAD)


@dataclass(frozen=True, slots=True)
class Delivered:
    """One message: the way it went or is going, its chip, why not."""

    channel: str
    chip: Any
    error: str
    at: datetime | None
    call: bool  # no channel reached the person: somebody has to ring up


@dataclass(frozen=True, slots=True)
class Reach:
    """The ways to the reporter. ``credits``: one-time WeChat messages that he still accepts."""

    account: bool
    follows: bool
    credits: int
    phone: bool


def of(keys: Iterable[str | None]) -> Mapping[str, Delivered]:
    """By key; one statement."""
    wanted = sorted({key for key in keys if key})
    if not wanted:
        return {}
    rows = db.session.connection().execute(_OF, {"wanted": wanted})
    return {
        r.dedupe_key: Delivered(
            words.channel(r.channel), words.STATES[r.state], words.error(r.error_code), r.sent_at,
            r.state in NEVER_ARRIVED,
        )
        for r in rows
    }  # fmt: skip


def reach(customer_id: uuid.UUID | None) -> Reach:
    """What the composer says before anything is written."""
    if customer_id is None:
        return Reach(False, False, 0, False)
    try:
        to = customers.recipient(customer_id)
    except NotFound:
        return Reach(False, False, 0, False)
    wechat = current_app.extensions["settings"].wechat
    official, mini = to.addresses.get("wechat_template"), to.addresses.get("wechat_subscribe")
    session = db.session()
    follows = bool(official) and follow.follows(session, wechat.official_appid, str(official))
    left = follow.credits_left(session, wechat.mini_appid, mini, wechat.subscribe_review_result) if mini else 0
    return Reach(True, follows, left, "sms" in to.addresses)
