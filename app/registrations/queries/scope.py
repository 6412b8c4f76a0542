"""Which registrations an actor may see: the one place for lists, counts, pages, images and decisions."""

from __future__ import annotations

import sqlalchemy as sa

from app.core.policy import Actor, Permission
from app.registrations.models import Registration

Clause = sa.ColumnElement[bool]


def in_scope(actor: Actor, permission: Permission = Permission.REGISTRATIONS_READ) -> list[Clause]:
    """Clauses for the provinces within which the right holds. Raises Forbidden without the right.

    A case whose hospital is not mapped yet has no province: only those who see the whole country see it until then.
    """
    provinces = actor.scope(permission)
    return [] if provinces is None else [Registration.province.in_(sorted(provinces))]
