"""How a call can fail, and what follows. Each service has a table of its errcodes; here are its words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar


class Step(StrEnum):
    """What follows an error."""

    RETRY = "retry"  # the same call again, later
    REFRESH = "refresh"  # a new token, then once more
    BROKEN = "broken"  # the OpenID is not of this account: mark the binding, use the next channel
    REFUSED = "refused"  # the person's code is no good: 401, never again
    DEAD = "dead"  # our own mistake: dead letter and an alert
    FALLBACK = "fallback"  # the person does not take this channel: use the next one
    PAUSE_DAY = "pause_day"  # daily quota: wait for midnight in China
    PAUSE_HOUR = "pause_hour"  # too many calls: leave the service alone for an hour
    PAUSE_MINUTE = "pause_minute"  # minute quota: wait for the next minute
    STOP = "stop"  # the account may not do this: stop the channel and alert


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of a table; ``words`` is what staff read."""

    step: Step
    words: Any


class ApiError(Exception):
    """The service answered with an errcode. Holds the code and our rule for it; nothing of the request or the person.

    A subclass names its ``service`` as error codes do, and its table.
    """

    service: ClassVar[str]
    rules: ClassVar[Mapping[int, Rule]]
    unlisted: ClassVar[Rule]

    def __init__(self, errcode: int) -> None:
        self.errcode = errcode
        self.rule = self.rules.get(errcode, self.unlisted)
        super().__init__(f"{self.service} errcode {errcode}")


class Unreachable(Exception):
    """No usable answer. ``sent``: whether the request may have been acted upon; ``code``: a word for the log."""

    def __init__(self, code: str, *, sent: bool) -> None:
        self.code, self.sent = code, sent
        super().__init__(code)
