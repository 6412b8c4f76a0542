"""Hand-over: what a person holds in the features above, and how it is let go when the account is disabled.

Features fill the registry in `install`; this room knows none of them (decisions.md 3). A command does not travel
through a registry: the person who disables an account chooses heirs, and ``release`` only takes off what the leaver
holds, so that nothing stays with somebody who can no longer sign in.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from app.core.policy import Actor, Permission
from app.core.registry import Registry


@dataclass(frozen=True, slots=True)
class Holding:
    """One line of the list: how many of what, and where they can be looked at."""

    label: Any
    count: int
    url: str | None = None


@dataclass(frozen=True, slots=True)
class HandoverSource:
    """What a feature tells. ``release(actor, staff_id, heir_id)`` gives the work to the heir, or back to its queue
    when there is none; it records its own events and returns how many it moved."""

    count: Callable[[uuid.UUID], int]
    release: Callable[[Actor, uuid.UUID, uuid.UUID | None], int]
    label: Any
    url: Callable[[uuid.UUID], str | None] = lambda _staff_id: None


handover: Registry[HandoverSource] = Registry("handover")


def holdings(actor: Actor, staff_id: uuid.UUID) -> list[Holding]:
    """What the person holds now; lines of zero are left out."""
    actor.require(Permission.STAFF_READ)
    lines = [Holding(source.label, source.count(staff_id), source.url(staff_id)) for source in handover]
    return [line for line in lines if line.count]


def release_all(actor: Actor, staff_id: uuid.UUID, heir_id: uuid.UUID | None) -> int:
    """Let every feature take its work off ``staff_id``."""
    return sum(source.release(actor, staff_id, heir_id) for source in handover)
