"""Navigation: what stands in the side bar and the command palette, by permission, with counts where a person must act.

Features register items in `create_app`. Counters are capped scalar subqueries, so that the frame fetches all of them
in one statement.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from app.core.policy import Actor, Permission
from app.core.registry import Registry

GROUPS = ("work", "records", "oversight")
COUNT_CAP = 1_000


@dataclass(frozen=True, slots=True)
class NavItem:
    """One entry: ``label`` is a lazy string, ``icon`` an id of the sprite, ``counter`` gives a capped subquery."""

    key: str
    group: str
    label: Any
    icon: str
    endpoint: str
    permission: Permission | None  # None: every signed-in staff member
    order: int = 100
    counter: Callable[[Actor], sa.ScalarSelect[int]] | None = None
    also: tuple[str, ...] = ()  # endpoints that belong to this entry (for aria-current)


navigation: Registry[NavItem] = Registry("navigation")


def items_for(actor: Actor) -> list[NavItem]:
    """What this actor sees, in order."""
    seen = [item for item in navigation if item.permission is None or actor.may(item.permission)]
    return sorted(seen, key=lambda item: (GROUPS.index(item.group), item.order))
