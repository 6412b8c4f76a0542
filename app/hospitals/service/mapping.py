"""Typed names that the directory lacks: counted, then mapped, made into a record, or refused."""

from __future__ import annotations

import uuid
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.dialects import postgresql, sqlite

from app.core import audit, clock
from app.core.db import db, new_id
from app.core.errors import Conflict, Invalid
from app.core.policy import Actor
from app.hospitals import queries
from app.hospitals.models import UnknownKind, UnknownName, UnknownState
from app.hospitals.service.directory import HospitalData, add_department, checked_name, create_hospital

INSERT: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


def report_unknown(
    kind: UnknownKind, text: str, *, hospital_id: uuid.UUID | None = None, within_id: uuid.UUID | None = None
) -> UnknownName:
    """The row for a name that somebody typed: new, or counted once more. Safe when two type it at once.

    A department names its place: a hospital, or the row of a typed hospital. One that was mapped before stays mapped,
    so the registration need not wait; a refused one opens again. Raises Invalid on an empty or too long name.
    """
    place = hospital_id or within_id
    if (kind is UnknownKind.DEPARTMENT) != (place is not None) or (hospital_id and within_id):
        raise ValueError("a department has one place, a hospital has none")
    shown, key = checked_name(text)
    insert = INSERT[db.session.get_bind().dialect.name](UnknownName).values(
        id=new_id(), kind=kind.value, text=shown, text_key=key, scope_key=place.hex if place else "",
        hospital_id=hospital_id, within_id=within_id, count=1, first_seen=clock.now(), state=UnknownState.OPEN.value,
        decided_by_name="",
    )  # fmt: skip
    refused = UnknownName.state == UnknownState.REFUSED.value
    statement = insert.on_conflict_do_update(
        index_elements=["kind", "scope_key", "text_key"],
        set_={
            "count": UnknownName.count + 1,
            "state": sa.case((refused, UnknownState.OPEN.value), else_=UnknownName.state),
        },
    ).returning(UnknownName.id)
    row_id = db.session.execute(statement).scalar_one()
    row = db.session.get(UnknownName, row_id, populate_existing=True)
    assert row is not None
    return row


def map_to_hospital(actor: Actor, unknown_id: uuid.UUID, hospital_id: uuid.UUID) -> UnknownName:
    """Say which hospital a typed name means. Raises Invalid unless that one is live, Conflict when already decided."""
    row = _open(actor, unknown_id, UnknownKind.HOSPITAL)
    target = queries.live(hospital_id)
    if target is None:
        raise Invalid(fields={"hospital_id": [_l("目标医院已停用或已被合并。")]})
    return _decide(actor, row, UnknownState.MAPPED, mapped_hospital_id=target.id)


def map_to_new_hospital(actor: Actor, unknown_id: uuid.UUID, data: HospitalData) -> UnknownName:
    """Make the hospital that the directory lacks and map the typed name to it."""
    row = _open(actor, unknown_id, UnknownKind.HOSPITAL)
    return _decide(actor, row, UnknownState.MAPPED, mapped_hospital_id=create_hospital(actor, data).id)


def map_to_department(actor: Actor, unknown_id: uuid.UUID, department_id: uuid.UUID) -> UnknownName:
    """Say which department of its hospital a typed name means."""
    row = _open(actor, unknown_id, UnknownKind.DEPARTMENT)
    target = queries.live_department(department_id, _place(row))
    if target is None:
        raise Invalid(fields={"department_id": [_l("这个科室不属于该医院或已停用。")]})
    return _decide(actor, row, UnknownState.MAPPED, mapped_department_id=target.id)


def map_to_new_department(actor: Actor, unknown_id: uuid.UUID, name: str) -> UnknownName:
    """Add the department to its hospital and map the typed name to it."""
    row = _open(actor, unknown_id, UnknownKind.DEPARTMENT)
    made = add_department(actor, _place(row), name)
    return _decide(actor, row, UnknownState.MAPPED, mapped_department_id=made.id)


def refuse_unknown(actor: Actor, unknown_id: uuid.UUID) -> UnknownName:
    """No such place: registrations that name it stay blocked until the person corrects it."""
    return _decide(actor, queries.unknown(actor, unknown_id), UnknownState.REFUSED)


def _open(actor: Actor, unknown_id: uuid.UUID, kind: UnknownKind) -> UnknownName:
    row = queries.unknown(actor, unknown_id)
    if row.kind != kind.value:
        raise Invalid(_l("这个名称属于另一类。"))
    return row


def _place(row: UnknownName) -> uuid.UUID:
    place = queries.place_of(row)
    if place is None:
        raise Conflict(_l("请先对应它所在的医院，再对应科室。"))
    return place.id


def _decide(actor: Actor, row: UnknownName, state: UnknownState, **mapped: uuid.UUID) -> UnknownName:
    """Compare-and-set from open; the loser learns who was faster."""
    now = clock.now()
    done: Any = db.session.execute(
        sa.update(UnknownName)
        .where(UnknownName.id == row.id, UnknownName.state == UnknownState.OPEN.value)
        .values(state=state.value, decided_by=actor.id, decided_by_name=actor.name, decided_at=now, **mapped)
        .execution_options(synchronize_session=False)
    )
    db.session.refresh(row)
    if done.rowcount != 1:
        raise Conflict(who=row.decided_by_name, what=row.state, when=row.decided_at)
    audit.record(f"unknown_name.{state.value}", actor, "unknown_name", row.id, fields=tuple(mapped))
    return row
