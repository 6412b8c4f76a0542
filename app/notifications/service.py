"""What people and WeChat do to messages and channels; the messages themselves are written by `core.outbox`."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa

from app.core import audit, outbox
from app.core.db import db
from app.core.errors import NotFound
from app.core.policy import Actor, Permission
from app.notifications import templates
from app.notifications.models import ChannelHold

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CustomerAddress:
    """Where a customer can be reached, as plain values. ``phone`` is E.164; OpenIDs are of our two accounts.

    ``follows`` False leaves the official account out; None lets the channel look when the message goes out.
    """

    subject_id: uuid.UUID | None
    phone: str = field(repr=False)
    official_openid: str = field(repr=False, default="")
    mini_openid: str = field(repr=False, default="")
    follows: bool | None = None

    def recipient(self) -> outbox.Recipient:
        found = {
            templates.WECHAT_TEMPLATE: "" if self.follows is False else self.official_openid,
            templates.WECHAT_SUBSCRIBE: self.mini_openid,
            templates.SMS: self.phone,
        }
        return outbox.Recipient({name: to for name, to in found.items() if to}, subject_id=self.subject_id)


def notify_customer(
    to: CustomerAddress,
    template: str,
    params: Mapping[str, str],
    *,
    dedupe_key: str,
    purpose: str = "review_result",
    not_before: datetime | None = None,
) -> outbox.Message:
    """Queue a message of the catalogue: official account, else subscribe message, else SMS.

    Raises KeyError for an unknown template and ValueError when ``params`` are not exactly the template's.
    """
    sound = templates.checked(template, params)
    return outbox.send(
        template, to=to.recipient(), params=sound, purpose=purpose, dedupe_key=dedupe_key, not_before=not_before
    )


def retry_message(actor: Actor, message_id: uuid.UUID) -> outbox.Message:
    """Send a stuck message again. Raises NotFound, Forbidden, Conflict."""
    return outbox.retry(actor, message_id)


def give_up_message(actor: Actor, message_id: uuid.UUID) -> outbox.Message:
    """Close a stuck message for good. Raises NotFound, Forbidden, Conflict."""
    return outbox.give_up(actor, message_id)


def restart_channel(actor: Actor, channel: str) -> None:
    """Let a stopped or waiting channel go on. Raises Forbidden, and NotFound when it is not held."""
    actor.require(Permission.NOTIFICATIONS_RETRY)
    hold = db.session.scalar(sa.select(ChannelHold).where(ChannelHold.channel == channel))
    if hold is None:
        raise NotFound()
    db.session.delete(hold)
    audit.record("channel.restarted", actor, "channel_hold", hold.id, reason_code=hold.code)
    db.session.flush()


def report_delivery(channel: str, provider_id: str, delivered: bool, code: str) -> None:
    """What a provider says later about a message it had accepted: a failure puts it before a person's eyes.

    A report about a message that is not ours, or was settled otherwise, changes nothing.
    """
    if delivered or not provider_id:
        return
    done = db.session.execute(
        sa.update(outbox.Message)
        .where(
            outbox.Message.channel == channel,
            outbox.Message.provider_id == provider_id,
            outbox.Message.state == outbox.MessageState.SENT,
        )
        .values(state=outbox.MessageState.FAILED.value, error_code=code[:64])
        .execution_options(synchronize_session="fetch")
    )
    if done.rowcount:  # type: ignore[attr-defined]
        log.warning("%s reports a message as not delivered: %s", channel, code)
