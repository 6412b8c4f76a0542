"""What a person sees of the own grants: what they open and until when, as it is true now; nothing inner."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.core import clock
from app.core.db import db
from app.core.errors import Forbidden
from app.core.policy import Actor
from app.grants.models import Grant, GrantNode
from app.grants.scope import effective_status
from app.hospitals.models import Department


@dataclass(frozen=True, slots=True)
class Own:
    """One grant of a person."""

    number: str
    status: str
    departments: Sequence[tuple[uuid.UUID, str]]
    lookback_months: int | None
    starts_at: datetime | None
    ends_at: datetime | None
    requested_at: datetime
    reason: str | None


def grants_of(actor: Actor) -> list[Own]:
    """The caller's grants and requests, newest first. Raises Forbidden for anybody but a customer."""
    if actor.kind != "customer" or actor.id is None:
        raise Forbidden()
    now = clock.now()
    query = sa.select(Grant, effective_status(now)).where(Grant.customer_id == actor.id)
    rows = db.session.execute(query.order_by(Grant.requested_at.desc(), Grant.id.desc())).all()
    names = departments_of([row.id for row, _status in rows])
    return [
        Own(
            row.number, status, names.get(row.id, ()), row.lookback_months, row.starts_at, row.ends_at,
            row.requested_at, row.reason if row.requested_kind == "customer" else None,
        )
        for row, status in rows
    ]  # fmt: skip


def departments_of(grant_ids: Sequence[uuid.UUID]) -> Mapping[uuid.UUID, Sequence[tuple[uuid.UUID, str]]]:
    """Names of what each grant opens, in one statement."""
    if not grant_ids:
        return {}
    query = (
        sa.select(GrantNode.grant_id, Department.id, Department.name)
        .join(Department, Department.id == GrantNode.department_id)
        .where(GrantNode.grant_id.in_(grant_ids), GrantNode.removed_version.is_(None))
        .order_by(GrantNode.place)
    )
    found: dict[uuid.UUID, list[tuple[uuid.UUID, str]]] = {}
    for grant_id, department_id, name in db.session.execute(query):
        found.setdefault(grant_id, []).append((department_id, name))
    return found


def export_of(customer_id: uuid.UUID) -> list[dict[str, Any]]:
    """For the person's own export."""
    rows = db.session.scalars(sa.select(Grant).where(Grant.customer_id == customer_id).order_by(Grant.requested_at))
    found = rows.all()
    names = departments_of([row.id for row in found])
    return [
        {
            "number": row.number, "status": row.status, "requested_at": row.requested_at, "starts_at": row.starts_at,
            "ends_at": row.ends_at, "lookback_months": row.lookback_months, "position": row.position,
            "title": row.title, "departments": [name for _id, name in names.get(row.id, ())],
        }
        for row in found
    ]  # fmt: skip


def reasons_of(customer_id: uuid.UUID) -> list[dict[str, Any]]:
    """What was written about the person: free text of the catalogue."""
    rows = db.session.scalars(sa.select(Grant).where(Grant.customer_id == customer_id).order_by(Grant.requested_at))
    return [{"number": row.number, "reason": row.reason, "exception": row.exception_text} for row in rows]
