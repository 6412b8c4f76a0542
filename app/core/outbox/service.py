"""The only writer of messages: send, withdraw, erase, and what a person does with one that is stuck."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.core import audit, clock, jobs
from app.core.db import db
from app.core.errors import Conflict, NotFound
from app.core.outbox.channel import Recipient, channel_order, purpose_check
from app.core.outbox.models import OPEN, PURGED, STUCK, Message, MessageState
from app.core.policy import SYSTEM, Actor, Permission

DELIVER = "outbox.deliver"
KEEP_CONTENT = timedelta(days=30)  # addresses and parameters of settled messages; the row itself stays
BATCH = 1_000


def send(
    template: str,
    *,
    to: Recipient,
    params: Mapping[str, str],
    purpose: str,
    dedupe_key: str,
    not_before: datetime | None = None,
    fallback: Sequence[str] = (),
    session: Session | None = None,
) -> Message:
    """Write a message in the running transaction; a worker delivers it after the commit.

    The channels are those of the template, else of the recipient's addresses, then ``fallback``; only those that the
    recipient has an address for. A second call with a ``dedupe_key`` in use returns the first message. A purpose that
    does not allow this person leaves a withdrawn message and an audit event. Raises ValueError for an undeclared
    purpose. ``session`` is for `evidence()`.
    """
    check = purpose_check(purpose)
    if check is None:
        raise ValueError(f"purpose {purpose!r} is not declared; call outbox.register_purpose")
    session = session or db.session()
    known = _by_key(session, dedupe_key)
    if known is not None:
        return known
    wanted = (*(channel_order(template) or tuple(to.addresses)), *fallback)
    order = list(dict.fromkeys(name for name in wanted if to.addresses.get(name)))
    now = clock.now()
    message = Message(
        template=template, purpose=purpose, dedupe_key=dedupe_key, subject_id=to.subject_id, staff_id=to.staff_id,
        channel=order[0] if order else "none", fallbacks=order[1:], attempts=0, created_at=now,
        not_before=max(not_before or now, now), state=MessageState.WAITING.value,
    )  # fmt: skip
    if not check(to):
        message.state, message.error_code = MessageState.CANCELLED, "purpose_refused"
        audit.record("message.refused", SYSTEM, "message", message.id, reason_code=purpose, result="refused")
    elif not order:
        message.state, message.error_code = MessageState.FAILED, "no_address"
    else:
        message.seal({name: to.addresses[name] for name in order}, dict(params))
    return _insert(session, message)


def _insert(session: Session, message: Message) -> Message:
    """Add it, or give way to a message of the same key that another transaction wrote first."""
    session.flush()  # what others left pending is theirs to answer for
    try:
        with session.begin_nested():
            session.add(message)
    except IntegrityError:
        winner = _by_key(session, message.dedupe_key)
        if winner is None:
            raise
        return winner
    if message.state == MessageState.WAITING:
        schedule(message.id, message.not_before, session)
    return message


def schedule(message_id: uuid.UUID, at: datetime, session: Session | None = None) -> None:
    """Enqueue the delivery of one message."""
    jobs.enqueue(DELIVER, {"message": str(message_id)}, run_at=at, key=f"message:{message_id}", session=session)


def failure(dedupe_key: str) -> str | None:
    """Why the message of this key reached nobody: the last channel's error code; None while it may, or did."""
    lost = Message.state.in_((MessageState.FAILED, MessageState.DEAD))
    return db.session.scalar(sa.select(Message.error_code).where(Message.dedupe_key == dedupe_key, lost))


@dataclass(frozen=True, slots=True)
class Told:
    """What became of a message, without its address and its text."""

    id: uuid.UUID
    channel: str
    state: str
    error_code: str | None
    refused_by: Mapping[str, str]
    at: datetime  # when it went out, else when it was written


def told(dedupe_keys: Collection[str]) -> dict[str, Told]:
    """The messages of these keys that were not withdrawn, by key. One statement."""
    m = Message
    query = sa.select(
        m.dedupe_key, m.id, m.channel, m.state, m.error_code, m.refused_by, m.sent_at, m.created_at
    ).where(m.dedupe_key.in_(dedupe_keys), m.state != MessageState.CANCELLED)
    return {
        row.dedupe_key: Told(
            row.id, row.channel, row.state, row.error_code, row.refused_by or {}, row.sent_at or row.created_at
        )
        for row in db.session.execute(query)
    }


def cancel(dedupe_key: str) -> bool:
    """Withdraw a message that has not gone out; False when there is none or it is on its way. Frees the key."""
    done: Any = db.session.execute(
        sa.update(Message)
        .where(Message.dedupe_key == dedupe_key, Message.state == MessageState.WAITING)
        .values(state=MessageState.CANCELLED, error_code="withdrawn", **PURGED, purged_at=clock.now())
        .execution_options(synchronize_session="fetch")
    )
    return bool(done.rowcount)


def purge(subject_id: uuid.UUID) -> int:
    """Erase addresses and parameters of a person's messages and withdraw what still waits; the number of messages."""
    now = clock.now()
    mine = Message.subject_id == subject_id
    db.session.execute(
        sa.update(Message)
        .where(mine, Message.state == MessageState.WAITING)
        .values(state=MessageState.CANCELLED, error_code="erased")
        .execution_options(synchronize_session="fetch")
    )
    done: Any = db.session.execute(
        sa.update(Message)
        .where(mine, Message.purged_at.is_(None))
        .values(**PURGED, purged_at=now)
        .execution_options(synchronize_session="fetch")
    )
    return int(done.rowcount)


def forget() -> int:
    """Erase addresses and parameters of messages settled a month ago, a batch at a time; the number of messages."""
    old = (
        sa.select(Message.id)
        .where(Message.state.not_in(OPEN), Message.purged_at.is_(None), Message.created_at < clock.now() - KEEP_CONTENT)
        .limit(BATCH)
        .scalar_subquery()
    )
    done: Any = db.session.execute(
        sa.update(Message)
        .where(Message.id.in_(old))
        .values(**PURGED, purged_at=clock.now())
        .execution_options(synchronize_session=False)
    )
    return int(done.rowcount)


def retry(actor: Actor, message_id: uuid.UUID) -> Message:
    """A person sends a stuck message again, on the channel it got stuck on. Raises NotFound, Forbidden, Conflict."""
    message = _stuck(actor, message_id)
    if not message.addresses:
        raise Conflict(code="message_purged")
    now = clock.now()
    message.state, message.attempts, message.error_code = MessageState.WAITING, 0, None
    message.not_before = now
    schedule(message.id, now)
    audit.record("message.retried", actor, "message", message.id)
    db.session.flush()
    return message


def give_up(actor: Actor, message_id: uuid.UUID, reason_code: str | None = None) -> Message:
    """A person closes a stuck message for good. Raises NotFound, Forbidden, Conflict."""
    message = _stuck(actor, message_id)
    message.state = MessageState.CANCELLED
    audit.record("message.given_up", actor, "message", message.id, reason_code=reason_code)
    db.session.flush()
    return message


def _stuck(actor: Actor, message_id: uuid.UUID) -> Message:
    actor.require(Permission.NOTIFICATIONS_RETRY)
    message = db.session.get(Message, message_id, with_for_update=True)
    if message is None:
        raise NotFound()
    if message.state not in STUCK:
        raise Conflict(what=message.state)
    return message


def _by_key(session: Session, dedupe_key: str) -> Message | None:
    return session.scalar(
        sa.select(Message).where(Message.dedupe_key == dedupe_key, Message.state != MessageState.CANCELLED)
    )
