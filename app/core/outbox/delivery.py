"""Delivery: claim, commit, call the channel outside of any transaction, record (decisions.md 27).

A worker killed before the claim committed leaves a waiting message: it goes out exactly once. Killed after it, nobody
knows whether the call was made: an idempotent channel is asked again for as long as the other side remembers the
message; any other leaves it ``unknown``.
"""

from __future__ import annotations

import logging
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from app.core import clock
from app.core.db import db
from app.core.errors import Gone
from app.core.outbox import service
from app.core.outbox.channel import Channel, Delivery, Outgoing, Verdict, channel, may_repeat
from app.core.outbox.models import Message, MessageState
from app.core.unit_of_work import unit_of_work

log = logging.getLogger("portal.outbox")
LEASE = timedelta(minutes=3)  # longer than any channel's own timeouts
MAX_ATTEMPTS = 6  # on one channel
FIRST_RETRY = timedelta(seconds=20)
LONGEST_RETRY = timedelta(hours=2)
SWEEP_LIMIT = 500


@dataclass(frozen=True, slots=True)
class Attempt:
    """A claimed message, as plain values that outlive the transaction."""

    letter: Outgoing
    way: Channel
    message_id: uuid.UUID
    started_at: datetime
    repeatable: bool


def deliver(payload: dict[str, Any]) -> None:
    """The job: one attempt at one message, if it is due."""
    message_id = uuid.UUID(payload["message"])
    with unit_of_work():
        attempt = _claim(message_id)
    if attempt is None:
        return
    try:
        answer = attempt.way.send(attempt.letter)
    except Exception:
        log.exception("channel %s raised on message %s", attempt.letter.channel, message_id)
        answer = Delivery.retry("channel_error") if attempt.repeatable else Delivery.unknown("channel_error")
    finally:
        db.session.remove()
    with unit_of_work():
        _record(attempt, answer)


def _claim(message_id: uuid.UUID) -> Attempt | None:
    """Mark it ``sending``; None when there is nothing to send now."""
    message = _locked(message_id)
    now = clock.now()
    if message is None:
        return None
    if message.state == MessageState.SENDING and not _abandoned(message, now):
        return None
    if message.state not in (MessageState.WAITING, MessageState.SENDING):
        return None
    if message.state == MessageState.WAITING and message.not_before > now:
        service.schedule(message.id, message.not_before)
        return None
    way = channel(message.channel)
    if way is None:
        _settle(message, Delivery.fallback("channel_missing"), now)
        return None
    try:
        addresses, params = message.addresses, message.params
    except Gone:
        addresses, params = {}, {}
    if not addresses.get(message.channel):
        message.state, message.error_code = MessageState.CANCELLED, "erased"
        return None
    message.state, message.started_at, message.attempts = MessageState.SENDING, now, message.attempts + 1
    letter = Outgoing(
        id=str(message.id), template=message.template, channel=message.channel, to=addresses[message.channel],
        params=params, purpose=message.purpose, attempt=message.attempts,
    )  # fmt: skip
    return Attempt(letter, way, message.id, now, may_repeat(way, now - message.created_at))


def _abandoned(message: Message, now: datetime) -> bool:
    """Whether a message in ``sending`` may be tried again. Settles it as unknown when it may not."""
    started = message.started_at or now
    if started + LEASE > now:
        service.schedule(message.id, started + LEASE)  # still in somebody's hands: look again then
        return False
    way = channel(message.channel)
    if way is not None and may_repeat(way, now - message.created_at):
        return True
    message.state, message.error_code = MessageState.UNKNOWN, "killed_while_sending"
    return False


def _record(attempt: Attempt, answer: Delivery) -> None:
    """Write down how the attempt ended, unless a later one has begun or somebody else decided meanwhile.

    A late answer also clears up a message that was thought abandoned.
    """
    message = _locked(attempt.message_id)
    if message is None or message.started_at != attempt.started_at:
        return
    if message.state in (MessageState.SENDING, MessageState.UNKNOWN):
        _settle(message, answer, clock.now())


def _settle(message: Message, answer: Delivery, now: datetime) -> None:
    message.error_code = answer.code[:64] or None
    match answer.verdict:
        case Verdict.OK:
            message.state, message.sent_at = MessageState.SENT, now
            message.provider_id = answer.provider_id[:128] or None
        case Verdict.RETRY if message.attempts < MAX_ATTEMPTS:
            wait = min(FIRST_RETRY * 2 ** max(message.attempts - 1, 0), LONGEST_RETRY)
            _again(message, now + max(wait, answer.after or timedelta(0)))
        case Verdict.RETRY | Verdict.FALLBACK if message.fallbacks:
            message.refused_by = {**(message.refused_by or {}), message.channel: answer.code[:64]}
            message.channel, *rest = message.fallbacks
            message.fallbacks, message.attempts = rest, 0
            _again(message, now)
        case Verdict.FALLBACK:
            message.state = MessageState.FAILED
        case Verdict.UNKNOWN:
            message.state = MessageState.UNKNOWN
        case _:
            message.state = MessageState.DEAD


def _again(message: Message, at: datetime) -> None:
    message.state, message.not_before = MessageState.WAITING, at
    service.schedule(message.id, at)


def _locked(message_id: uuid.UUID) -> Message | None:
    return db.session.get(Message, message_id, with_for_update=True, populate_existing=True)


def sweep() -> int:
    """Enqueue deliveries whose own job was lost (a dead job, a restored backup); the number enqueued."""
    now = clock.now()
    overdue = now - LEASE
    rows = db.session.execute(
        sa.select(Message.id)
        .where(
            sa.or_(
                sa.and_(Message.state == MessageState.WAITING, Message.not_before < overdue),
                sa.and_(Message.state == MessageState.SENDING, Message.started_at < overdue),
            )
        )
        .limit(SWEEP_LIMIT)
    ).all()
    for row in rows:
        service.schedule(row.id, now)
    return len(rows)
