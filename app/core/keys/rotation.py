"""Rotation: a new class key becomes active, values are sealed again in batches, the old key retires at zero.

Each batch is one unit of work that also moves a progress row, so a killed run resumes where it stopped. Values stay
readable all the while, because every ciphertext names its key. An old key retires only after `GRACE`: another process
may still seal with it until it has read the key table again (`ring.REFRESH_SECONDS`).
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.engine import CursorResult

from app.core import clock
from app.core.db import Base, db
from app.core.errors import Gone
from app.core.keys import cipher, keystore
from app.core.keys.models import DataKey, KeyRotation, KeyState
from app.core.keys.ring import places, ring, subject_columns
from app.core.unit_of_work import unit_of_work

BATCH = 200
PASSES = 3
GRACE = timedelta(minutes=5)
ORPHAN_AGE = timedelta(hours=24)
Change = Callable[[sa.Row[Any]], dict[str, Any] | None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one run did; ``retired`` is false when values under the old key are left or the grace is not over."""

    purpose: str
    changed: int
    left: int
    retired: bool


def rotate(purpose: str, *, batch: int = BATCH, grace: timedelta = GRACE) -> Outcome:
    """Rotate one class or wrap key, or resume a rotation that was cut off. Not for index keys (`reindex`).

    Runs its own units of work. Only ciphertext in declared places can be counted: see `ring.declare`.
    """
    if purpose.startswith("index:"):
        raise ValueError("an index key is rotated by reindex()")
    new_id, old_ids = _start(purpose)
    changed = 0
    if purpose.startswith("wrap:"):
        kind = cast(keystore.Kind, purpose.removeprefix("wrap:"))
        while done := keystore.rewrap_batch(kind, batch):
            changed += done
        left = sum(keystore.wrapped_by(key_id) for key_id in old_ids)
    else:
        left = -1
        for _ in range(PASSES):  # a second pass finds what another process sealed with the old key meanwhile
            for table, column in sorted(places):
                if not _sealed_under(old_ids, table, column):
                    continue
                changed += _walk(new_id, table, column, batch, _sealing(purpose, table, column, old_ids))
            left = sum(_sealed_under(old_ids, table, column) for table, column in sorted(places))
            if not left:
                break
            _forget_progress(new_id)
    return Outcome(purpose, changed, left, left == 0 and _retire(purpose, grace))


def reindex(table: str, attribute: str, *, batch: int = BATCH, resume_only: bool = False) -> Outcome:
    """Recompute the blind indexes of a `Sealed` attribute in place under a new key.

    Look-ups try both keys meanwhile. Run it in a maintenance window: a unique index cannot see that a value under the
    old key equals one under the new. Indexes of erased persons become NULL. A run that was cut off is resumed.
    """
    from app.core.sealed import sealed_attributes

    sealed = sealed_attributes[table, attribute]
    new_id, _old_ids = _start(sealed.index_purpose, add=not resume_only)

    def change(row: sa.Row[Any]) -> dict[str, Any]:
        try:
            secret = keystore.key(row.subject_id) if sealed.by == "subject" else None
            full, tail = sealed.indexes(sealed.decrypt(row.id, row.blob, secret))
        except Gone:
            full = tail = None
        found = {sealed.index: full, sealed.tail: tail}
        return {name: value for name, value in found.items() if name is not None}

    changed = _walk(new_id, table, sealed.column, batch, change)
    return Outcome(sealed.index_purpose, changed, 0, _retire(sealed.index_purpose, timedelta(0)))


def rewrap_class_keys() -> int:
    """After PORTAL_KEK changed (the former one in PORTAL_KEK_OLD): put all class keys under it. Returns how many."""
    with unit_of_work():
        rows = db.session.scalars(sa.select(DataKey).where(DataKey.kek != ring().kek.name)).all()
        for row in rows:
            ring().rewrap(row)
    return len(rows)


def sweep(older_than: timedelta = ORPHAN_AGE) -> int:
    """Destroy keys in the key store that no row of any declared column points to. Returns how many.

    Keys under a wrap key that this database does not have belong to another one and are left alone.
    """

    def in_use(batch: Any) -> set[uuid.UUID]:
        found: set[uuid.UUID] = set()
        for table, name in sorted(subject_columns):
            column = Base.metadata.tables[table].c[name]
            found.update(db.session.scalars(sa.select(column).where(column.in_(batch))))
        return found

    with unit_of_work(write=False):
        ours = db.session.scalars(sa.select(DataKey.id).where(DataKey.purpose.startswith("wrap:"))).all()
        return keystore.sweep_orphans(in_use, older_than, wrapped_by=ours)


def _start(purpose: str, *, add: bool = True) -> tuple[int, list[int]]:
    """The active key and the retiring ones; a new active key is made unless a rotation is under way."""
    ring().active(purpose)
    with unit_of_work():
        living = db.session.scalars(
            sa.select(DataKey)
            .where(DataKey.purpose == purpose, DataKey.state.in_((KeyState.ACTIVE, KeyState.RETIRING)))
            .with_for_update()
        ).all()
        retiring = [row for row in living if row.state == KeyState.RETIRING]
        active = next(row for row in living if row.state == KeyState.ACTIVE)
        if not retiring and add:
            active.state, active.changed_at = KeyState.RETIRING, clock.now()
            db.session.flush()  # the partial unique index allows one active key at every moment
            retiring, active = [active], ring().new_row(purpose)[0]
            db.session.add(active)
        ids = active.id, [row.id for row in retiring]
    ring().reload()
    return ids


def _walk(new_id: int, table: str, column: str, batch: int, change: Change) -> int:
    """Go over a column in id order, batch by batch; returns how many rows were changed."""
    place, changed = f"{table}.{column}", 0
    while True:
        with unit_of_work():
            step = _progress(new_id, place)
            if step.done_at is not None:
                return changed
            rows = _next_rows(table, column, step.after_id, batch)
            _load_subject_keys(rows)
            changed += sum(_apply(table, column, row, change(row)) for row in rows)
            if rows:
                step.after_id = str(rows[-1].id)
            if len(rows) < batch:
                step.done_at = clock.now()


def _sealing(purpose: str, table: str, column: str, old_ids: list[int]) -> Change:
    """What re-encrypts a row's value when it is under one of the old keys."""
    place = f"{table}.{column}"

    def change(row: sa.Row[Any]) -> dict[str, Any] | None:
        if cipher.key_id_of(row.blob) not in old_ids:
            return None
        return {column: ring().seal(purpose, place, row.id, ring().open(place, row.id, row.blob))}

    return change


def _progress(new_id: int, place: str) -> KeyRotation:
    query = sa.select(KeyRotation).where(KeyRotation.data_key_id == new_id, KeyRotation.place == place)
    step = db.session.scalar(query)
    if step is None:
        step = KeyRotation(data_key_id=new_id, place=place)
        db.session.add(step)
    return step


def _next_rows(table: str, column: str, after_id: str | None, batch: int) -> list[sa.Row[Any]]:
    source = Base.metadata.tables[table]
    wanted = [source.c.id, source.c[column].label("blob")]
    if "subject_id" in source.c:
        wanted.append(source.c.subject_id)
    query = sa.select(*wanted).where(source.c[column].is_not(None)).order_by(source.c.id).limit(batch)
    if after_id is not None:
        query = query.where(source.c.id > (source.c.id.type.python_type(after_id)))
    return list(db.session.execute(query).all())


def _load_subject_keys(rows: list[sa.Row[Any]]) -> None:
    """One statement for the batch; `keystore.key` then finds them at hand."""
    ids = {row.subject_id for row in rows if "subject_id" in row._fields and row.subject_id is not None}
    if ids:
        keystore.load(ids)


def _apply(table: str, column: str, row: sa.Row[Any], values: dict[str, Any] | None) -> int:
    """Write, unless somebody wrote the value in the meantime: theirs is newer and already under the new key."""
    if not values:
        return 0
    source = Base.metadata.tables[table]
    same = (source.c.id == row.id, source.c[column] == row.blob)
    done = db.session.execute(sa.update(source).where(*same).values({source.c[n]: v for n, v in values.items()}))
    return cast("CursorResult[Any]", done).rowcount


def _forget_progress(new_id: int) -> None:
    with unit_of_work():
        db.session.execute(sa.delete(KeyRotation).where(KeyRotation.data_key_id == new_id))


def _sealed_under(old_ids: list[int], table: str, column: str) -> int:
    """How many values of the column name one of these keys in their header."""
    cell = Base.metadata.tables[table].c[column]
    headers = [cipher.key_id_bytes(key_id) for key_id in old_ids]
    if not headers:
        return 0
    query = sa.select(sa.func.count()).where(sa.func.substr(cell, 3, 4, type_=sa.LargeBinary).in_(headers))
    with unit_of_work(write=False):
        return db.session.scalar(query) or 0


def _retire(purpose: str, grace: timedelta) -> bool:
    with unit_of_work():
        rows = db.session.scalars(
            sa.select(DataKey).where(DataKey.purpose == purpose, DataKey.state == KeyState.RETIRING)
        ).all()
        ripe = [row for row in rows if row.changed_at <= clock.now() - grace]
        for row in ripe:
            row.state, row.changed_at = KeyState.RETIRED, clock.now()
    ring().reload()
    return bool(rows) and len(ripe) == len(rows)
