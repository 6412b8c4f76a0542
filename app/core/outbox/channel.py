"""What the outbox asks of a channel, and the registries that features above fill."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from app.core.registry import Registry


class Verdict(StrEnum):
    """How one attempt ended."""

    OK = "ok"
    RETRY = "retry"  # nothing went out; again later
    FALLBACK = "fallback"  # this person cannot be reached here; the next channel
    DEAD = "dead"  # never again by itself
    UNKNOWN = "unknown"  # it may have gone out


@dataclass(frozen=True, slots=True)
class Delivery:
    """The answer of a channel. ``code`` is a stable error code without personal data."""

    verdict: Verdict
    code: str = ""
    provider_id: str = ""
    after: timedelta | None = None

    @classmethod
    def ok(cls, provider_id: str = "") -> Delivery:
        return cls(Verdict.OK, provider_id=provider_id)

    @classmethod
    def retry(cls, code: str, after: timedelta | None = None) -> Delivery:
        """``after``: how long to wait at least; None leaves it to the outbox's own backoff."""
        return cls(Verdict.RETRY, code, after=after)

    @classmethod
    def fallback(cls, code: str) -> Delivery:
        return cls(Verdict.FALLBACK, code)

    @classmethod
    def dead(cls, code: str) -> Delivery:
        return cls(Verdict.DEAD, code)

    @classmethod
    def unknown(cls, code: str) -> Delivery:
        return cls(Verdict.UNKNOWN, code)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One attempt, as plain values. ``id`` is the message's and stays the same over attempts."""

    id: str
    template: str
    channel: str
    to: str = field(repr=False)
    params: Mapping[str, str] = field(repr=False)
    purpose: str = ""
    attempt: int = 1


class Channel(Protocol):
    """A way to reach people.

    ``idempotent``: sending the same message id twice delivers it once, for ``remembers`` from the first time on.
    """

    name: str
    idempotent: bool
    remembers: timedelta

    def send(self, message: Outgoing) -> Delivery:
        """One attempt, outside of any transaction. An exception counts as `unknown` unless idempotent."""
        ...


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who gets a message: channel name -> address, and whose it is (``subject_id``: key store id of the person)."""

    addresses: Mapping[str, str] = field(repr=False)
    subject_id: UUID | None = None
    staff_id: UUID | None = None


PurposeCheck = Callable[[Recipient], bool]

FOR_GOOD = timedelta.max


def may_repeat(way: Channel, age: timedelta) -> bool:
    """Whether a message of this age, which may have gone out, can go out again without arriving twice.

    The age of the message stands for the age of its first attempt, which is never longer.
    """
    return way.idempotent and age < way.remembers


_channels: Registry[Channel] = Registry("channels")
_templates: Registry[tuple[str, ...]] = Registry("message templates")
_purposes: Registry[PurposeCheck] = Registry("message purposes")


def register_channel(name: str, channel: Channel) -> None:
    """Messages whose channel is ``name`` go through ``channel``."""
    _channels.add(name, channel)


def channel(name: str) -> Channel | None:
    return _channels.get(name)


def register_template(template: str, channels: Sequence[str]) -> None:
    """The order of channels for ``template``; without it the order of the recipient's addresses counts."""
    _templates.add(template, tuple(channels))


def channel_order(template: str) -> tuple[str, ...] | None:
    return _templates.get(template)


def register_purpose(purpose: str, allows: PurposeCheck = lambda _to: True) -> None:
    """Declare a purpose of processing; ``allows`` says whether this person may be written to for it now."""
    _purposes.add(purpose, allows)


def purpose_check(purpose: str) -> PurposeCheck | None:
    return _purposes.get(purpose)
