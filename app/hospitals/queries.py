"""Reads of the directory. Staff see the provinces their right is bounded to; the directory itself is public.

Coordinates that a person sends are used in the statement's bounding box in whole cells of `CELL_DEGREES` and compared
in memory: they are neither stored nor logged (requirements.md C24).
"""

from __future__ import annotations

import math
import uuid
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from app.core import search as text_search
from app.core.counters import capped
from app.core.db import db
from app.core.errors import Invalid, NotFound
from app.core.policy import Actor, Permission
from app.hospitals.models import Department, Hospital, UnknownName, UnknownState, hospital_index

SEARCH_LIMIT = 20
NEAREST_LIMIT = 10
CELL_DEGREES = 0.25  # about 28 km north-south
RINGS = (1, 4, 12)  # cells around the person's own that are looked at, until enough hospitals are found
EARTH_KM = 6371.0088
CANDIDATES = 5
LIVE = (Hospital.active.is_(True), Hospital.merged_into.is_(None))


@dataclass(frozen=True, slots=True)
class Hit:
    """A hospital as a list or the mini program needs it; ``km`` only for a search by position."""

    id: uuid.UUID
    code: str
    name: str
    province: str
    city: str
    km: float | None = None


def scope(actor: Actor) -> list[sa.ColumnElement[bool]]:
    """Clauses that bound staff to their provinces. Raises Forbidden without the right."""
    provinces = actor.scope(Permission.HOSPITALS_READ)
    return [] if provinces is None else [Hospital.province.in_(sorted(provinces))]


def get(actor: Actor, hospital_id: uuid.UUID, permission: Permission = Permission.HOSPITALS_READ) -> Hospital:
    """The hospital, or NotFound outside the actor's provinces."""
    provinces = actor.scope(permission)
    row = db.session.get(Hospital, hospital_id)
    if row is None or (provinces is not None and row.province not in provinces):
        raise NotFound()
    return row


def live(hospital_id: uuid.UUID) -> Hospital | None:
    """The hospital if a new registration may name it; a merged one is answered by what it became."""
    row = db.session.get(Hospital, hospital_id)
    if row is not None and row.merged_into is not None:
        row = db.session.get(Hospital, row.merged_into)
    return row if row is not None and row.live else None


def live_department(department_id: uuid.UUID, hospital_id: uuid.UUID) -> Department | None:
    """The department if it is an active one of that hospital."""
    row = db.session.get(Department, department_id)
    if row is not None and row.merged_into is not None:
        row = db.session.get(Department, row.merged_into)
    return row if row is not None and row.active and row.hospital_id == hospital_id else None


def search(q: str, *, province: str | None = None, limit: int = SEARCH_LIMIT) -> list[Hit]:
    """Live hospitals whose name or alias holds every word of ``q``; exact and beginning matches first."""
    key = text_search.normalise(q)[: text_search.QUERY_MAX_CHARS]
    if not key:
        return []
    begins = Hospital.name_key.startswith(key, autoescape=True)
    rank = sa.case((Hospital.name_key == key, 0), (begins, 1), else_=2)
    where = [*LIVE, hospital_index.matching(q, Hospital.id)]
    if province:
        where.append(Hospital.province == province)
    rows = db.session.execute(_hits().where(*where).order_by(rank, Hospital.name, Hospital.id).limit(min(limit, 50)))
    return [Hit(*row) for row in rows]


def _hits() -> Any:
    return sa.select(Hospital.id, Hospital.code, Hospital.name, Hospital.province, Hospital.city)


def nearest(lat: float, lon: float, *, limit: int = NEAREST_LIMIT) -> list[Hit]:
    """Live hospitals near a position in degrees, nearest first, with the distance in kilometres.

    Raises Invalid on what is no position on Earth.
    """
    if not (math.isfinite(lat) and math.isfinite(lon) and -90 <= lat <= 90 and -180 <= lon <= 180):
        raise Invalid(fields={"lat": ["-90…90"], "lon": ["-180…180"]})
    found: list[Hit] = []
    for ring in RINGS:
        rows = db.session.execute(_hits().add_columns(Hospital.lat, Hospital.lon).where(*LIVE, *_box(lat, lon, ring)))
        found = [_near(row, lat, lon) for row in rows]
        if len(found) >= limit:
            break
    return sorted(found, key=lambda hit: (hit.km, hit.name))[:limit]


def _near(row: Any, lat: float, lon: float) -> Hit:
    distance = round(kilometres(lat, lon, row.lat, row.lon), 1)
    return Hit(row.id, row.code, row.name, row.province, row.city, distance)


def _box(lat: float, lon: float, ring: int) -> list[sa.ColumnElement[bool]]:
    """Whole cells around the position: the statement's parameters tell no more than the cell."""
    wider = max(1, round(1 / max(math.cos(math.radians(lat)), 0.05)))  # meridians come closer towards the poles
    south, west = (math.floor(value / CELL_DEGREES) for value in (lat, lon))
    return [
        Hospital.lat.between((south - ring) * CELL_DEGREES, (south + 1 + ring) * CELL_DEGREES),
        Hospital.lon.between((west - ring * wider) * CELL_DEGREES, (west + 1 + ring * wider) * CELL_DEGREES),
    ]


def kilometres(lat: float, lon: float, other_lat: float, other_lon: float) -> float:
    """Great-circle distance by the haversine formula; degrees in, kilometres out."""
    a, b = math.radians(lat), math.radians(other_lat)
    half = math.sin((b - a) / 2) ** 2
    half += math.cos(a) * math.cos(b) * math.sin(math.radians(other_lon - lon) / 2) ** 2
    return 2 * EARTH_KM * math.asin(min(1.0, math.sqrt(half)))


def departments(hospital_id: uuid.UUID, *, active_only: bool = True) -> list[Department]:
    """Departments by name; for the mini program the active ones of a live hospital only."""
    where = [Department.hospital_id == hospital_id, Department.merged_into.is_(None)]
    if active_only:
        where.append(Department.active.is_(True))
    return list(db.session.scalars(sa.select(Department).where(*where).order_by(Department.name, Department.id)))


def unknown(actor: Actor, unknown_id: uuid.UUID) -> UnknownName:
    """A typed name; it has no province yet, so only who sees all of them sees it."""
    if actor.scope(Permission.HOSPITALS_MANAGE) is not None:
        raise NotFound()
    row = db.session.get(UnknownName, unknown_id)
    if row is None:
        raise NotFound()
    return row


def place_of(row: UnknownName) -> Hospital | None:
    """The hospital in which a typed department lies: chosen, or what its own typed hospital was mapped to."""
    hospital_id = row.hospital_id
    if row.within_id is not None:
        within = db.session.get(UnknownName, row.within_id)
        hospital_id = within.mapped_hospital_id if within is not None else None
    return live(hospital_id) if hospital_id is not None else None


def candidates(row: UnknownName, limit: int = CANDIDATES) -> list[Hit]:
    """Live hospitals that share most pairs of characters with the typed name, best first."""
    likely = hospital_index.similar(row.text, limit * 3)
    rows = db.session.execute(_hits().where(*LIVE, Hospital.id.in_([ref for ref, _ in likely])))
    by_id = {found[0]: Hit(*found) for found in rows}
    return [by_id[ref] for ref, _ in likely if ref in by_id][:limit]


def unmapped(unknown_hospital_id: uuid.UUID | None, unknown_department_id: uuid.UUID | None) -> list[UnknownName]:
    """Those of a registration's typed names that are not mapped; approval waits while there is any."""
    wanted = [found for found in (unknown_hospital_id, unknown_department_id) if found is not None]
    if not wanted:
        return []
    where = (UnknownName.id.in_(wanted), UnknownName.state != UnknownState.MAPPED.value)
    return list(db.session.scalars(sa.select(UnknownName).where(*where)))


def hospital_of(hospital_id: Any, unknown_id: Any) -> sa.ColumnElement[uuid.UUID | None]:
    """SQL: the hospital of a row that names one or points to a typed name; null while that is not mapped."""
    names = aliased(UnknownName)
    mapped = sa.select(names.mapped_hospital_id).where(names.id == unknown_id).correlate_except(names)
    return sa.func.coalesce(hospital_id, mapped.scalar_subquery())


def department_of(department_id: Any, unknown_id: Any) -> sa.ColumnElement[uuid.UUID | None]:
    """As `hospital_of`, for the department."""
    names = aliased(UnknownName)
    mapped = sa.select(names.mapped_department_id).where(names.id == unknown_id).correlate_except(names)
    return sa.func.coalesce(department_id, mapped.scalar_subquery())


def open_unknown_count(actor: Actor) -> sa.ScalarSelect[int]:
    """Capped counter for the navigation: typed names that wait for this actor."""
    mine = sa.true() if actor.rights.get(Permission.HOSPITALS_MANAGE, frozenset()) is None else sa.false()
    return capped(UnknownName.state == UnknownState.OPEN.value, mine, table=UnknownName)
