"""Saying that one knows the person a grant is for: no part in this person's grants and registrations from then on."""

from __future__ import annotations

import uuid

import sqlalchemy as sa

from app.core import audit, clock
from app.core.db import db
from app.core.errors import NotFound
from app.core.policy import Actor, Permission
from app.grants.models import Grant
from app.grants.service import record
from app.registrations.models import Recusal


def recuse(actor: Actor, grant_id: uuid.UUID) -> Recusal:
    """Declare a relation; said twice it counts once. The same row that a reviewer's declaration writes.

    Raises Forbidden, NotFound.
    """
    actor.require(Permission.GRANTS_DECIDE)
    seen = actor.scope(Permission.GRANTS_READ)
    row = db.session.scalars(sa.select(Grant).where(Grant.id == grant_id).with_for_update()).one_or_none()
    if row is None or actor.id is None or (seen is not None and row.province not in seen):
        raise NotFound()
    record.require_region(actor, Permission.GRANTS_DECIDE, row.province)
    same = Recusal.staff_id == actor.id, Recusal.customer_id == row.customer_id
    found = db.session.scalars(sa.select(Recusal).where(*same)).one_or_none()
    if found is not None:
        return found
    made = Recusal(
        staff_id=actor.id, staff_name=actor.name, customer_id=row.customer_id, registration_id=row.registration_id,
        at=clock.now(),
    )  # fmt: skip
    db.session.add(made)
    audit.record("grant.recused", actor, "access_grant", row.id)
    db.session.flush()
    return made
