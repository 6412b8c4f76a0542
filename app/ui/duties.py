"""Duties: what waits for a person, filled by features, shown on the page 今日 (decisions.md 3)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.core.policy import Actor, Permission
from app.core.registry import Registry


@dataclass(frozen=True, slots=True)
class Duty:
    """One waiting thing: since when, what it is, until when, and the link that begins it."""

    since: datetime
    text: Any
    number: str
    due_at: datetime | None
    url: str
    post: bool = False  # the link begins with a POST (a claim)
    verb: Any = ""


@dataclass(frozen=True, slots=True)
class DutySource:
    """A feature's contribution: at most ``limit`` duties, oldest first, one statement."""

    key: str
    label: Any
    icon: str
    permission: Permission
    duties: Callable[[Actor, int], Sequence[Duty]]
    queue_endpoint: str
    waiting: Callable[[Actor], str]  # how many more wait, as capped text


duty_sources: Registry[DutySource] = Registry("duties")
