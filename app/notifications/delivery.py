"""What a channel says about one attempt, in words of the field; `channels` turns it into the outbox's own."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from app.core import clock
from app.core.clock import SHANGHAI
from app.notifications.tencent import ApiError, Step


class Verdict(StrEnum):
    """How an attempt ended."""

    SENT = "sent"
    RETRY = "retry"  # nothing went out; again at ``retry_at`` (None: the outbox's own backoff)
    FALLBACK = "fallback"  # this person cannot be reached here; the next channel
    DEAD = "dead"  # never again by itself; a person looks
    UNKNOWN = "unknown"  # it may have gone out: never repeated by itself


@dataclass(frozen=True, slots=True)
class Letter:
    """What a channel needs of one message."""

    id: str
    template: str
    to: str = field(repr=False)
    params: dict[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The verdict, a stable error code, the provider's own message id, and what becomes of the whole channel."""

    verdict: Verdict
    code: str = ""
    reference: str = ""
    retry_at: datetime | None = None
    hold_until: datetime | None = None  # the channel waits until then
    stop: bool = False  # the channel is stopped until somebody starts it
    broken: bool = False  # the address is not of this account any more


def sent(reference: str = "") -> Outcome:
    return Outcome(Verdict.SENT, reference=reference)


def of_errcode(error: ApiError) -> Outcome:
    """The service's table (requirements.md 5.2) as outcomes."""
    code = f"{error.service}_{error.errcode}"
    match error.rule.step:
        case Step.RETRY | Step.REFRESH:
            return Outcome(Verdict.RETRY, code)
        case Step.FALLBACK:
            return Outcome(Verdict.FALLBACK, code)
        case Step.BROKEN:
            return Outcome(Verdict.FALLBACK, code, broken=True)
        case Step.PAUSE_DAY:
            return Outcome(Verdict.RETRY, code, retry_at=next_midnight(), hold_until=next_midnight())
        case Step.PAUSE_HOUR:
            later = clock.now() + timedelta(hours=1)
            return Outcome(Verdict.RETRY, code, retry_at=later, hold_until=later)
        case Step.PAUSE_MINUTE:
            return Outcome(Verdict.RETRY, code, retry_at=next_minute(), hold_until=next_minute())
        case Step.STOP:
            return Outcome(Verdict.FALLBACK, code, stop=True)
    return Outcome(Verdict.DEAD, code)


def next_midnight() -> datetime:
    """The start of the next day in China."""
    tomorrow = clock.now().astimezone(SHANGHAI) + timedelta(days=1)
    return tomorrow.replace(hour=0, minute=0, second=0, microsecond=0)


def next_minute() -> datetime:
    return clock.now().replace(second=0, microsecond=0) + timedelta(minutes=1)
