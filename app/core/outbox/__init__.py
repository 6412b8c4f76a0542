"""The outbox: messages are rows of the transaction that causes them; a worker delivers them after the commit.

``send`` writes one; `delivery` claims it, commits, calls the channel and records the answer, so that a message is
never delivered twice by us. Channels, templates and purposes are registered by the features above.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from app.core import jobs
from app.core.outbox import delivery, service
from app.core.outbox.channel import (
    FOR_GOOD,
    Channel,
    Delivery,
    Outgoing,
    Recipient,
    Verdict,
    may_repeat,
    register_channel,
    register_purpose,
    register_template,
)
from app.core.outbox.models import STUCK, Message, MessageState
from app.core.outbox.service import Told, cancel, failure, give_up, purge, retry, send, told

if TYPE_CHECKING:
    from app.core.web import Portal

__all__ = [
    "FOR_GOOD", "STUCK", "Channel", "Delivery", "Message", "MessageState", "Outgoing", "Recipient", "Told", "Verdict",
    "cancel", "failure", "give_up", "may_repeat", "purge", "register_channel", "register_purpose", "register_template",
    "retry", "send", "told",
]  # fmt: skip

PURPOSES = ("login_code", "site_otp", "review_result", "staff_account")
SWEEP_EVERY = timedelta(minutes=5)
FORGET_EVERY = timedelta(hours=24)

for _purpose in PURPOSES:
    register_purpose(_purpose)


def install(_app: Portal) -> None:
    """The jobs of the outbox."""
    jobs.handler(service.DELIVER, outside=True, lease=delivery.LEASE)(delivery.deliver)

    @jobs.handler("outbox.sweep")
    def _sweep(_payload: dict[str, Any]) -> None:
        delivery.sweep()

    @jobs.handler("outbox.forget")
    def _forget(_payload: dict[str, Any]) -> None:
        service.forget()

    jobs.every("outbox.sweep", SWEEP_EVERY)
    jobs.every("outbox.forget", FORGET_EVERY)
