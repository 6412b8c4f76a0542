"""Which registrations an actor may see: the one place for lists, counts, pages, images and decisions."""

from __future__ import annotations

import sqlalchemy as sa

from app.core.policy import Actor, Permission
from app.registrations.models import Registration
from app.registrations.readings.blind import not_being_read_by

Clause = sa.ColumnElement[bool]


def in_scope(actor: Actor, permission: Permission = Permission.REGISTRATIONS_READ) -> list[Clause]:
    """Clauses for the provinces within which the right holds. Raises Forbidden without the right.

    A case whose hospital is not mapped yet has no province: only those who see the whole country see it until then.
    A case that this person is reading blind is in nobody's list of his, so that no page shows him the first decision.
    """
    provinces = actor.scope(permission)
    bounds: list[Clause] = [] if provinces is None else [Registration.province.in_(sorted(provinces))]
    return bounds + not_being_read_by(actor, Registration.id)
