"""Where waiting tickets are, and where those who could go start from: what the map shows, and the lists beside it."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from app.core.db import db
from app.core.policy import Actor
from app.dispatch.eligibility import Table
from app.dispatch.queries.board import DISPATCH, POOL_ROWS
from app.dispatch.queries.pool import LEAVE_BY
from app.hospitals.models import Hospital
from app.tickets.models import Ticket
from app.tickets.service.reach import in_region
from app.tickets.workflow import Status

T = Ticket


@dataclass(frozen=True, slots=True)
class Place:
    """``lat`` None: nobody has entered where it is; it is listed and not drawn."""

    name: str
    words: str
    lat: float | None
    lon: float | None


def waiting(actor: Actor) -> list[Place]:
    """Hospitals of the pool, the soonest to leave first. One statement."""
    query = (
        sa.select(T.number, Hospital.name, Hospital.lat, Hospital.lon)
        .join(Hospital, Hospital.id == T.hospital_id)
        .where(T.status == Status.TO_DISPATCH, *in_region(actor, DISPATCH))
        .order_by(LEAVE_BY, T.id)
        .limit(POOL_ROWS)
    )
    return [Place(row.number, row.name, row.lat, row.lon) for row in db.session.execute(query)]


def candidates(table: Table | None) -> list[Place]:
    """The admitted, best first, at their service points."""
    if table is None:
        return []
    return [
        Place(one.candidate.name, f"{one.total / 10:.1f}", one.candidate.lat, one.candidate.lon)
        for one in table.admitted
    ]
