"""The erasure ledger: what was erased, told by the key store, which no restore of the main database takes back.

Every destroyed key leaves its tombstone (`keystore.item_key`: id, kind, instant). That is the whole ledger: an erasure
is the destruction of a key, and the row that it opened names the key. After a restore `replay` holds the old rows
against the tombstones and lets each mechanism do to them what the erasure had done (requirements.md C44).
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa

from app.core.db import Base, db
from app.core.keys import keystore
from app.core.keys.ring import subject_columns
from app.core.registry import Registry

Destroyed = Mapping[uuid.UUID, datetime]
Replayer = Callable[[Destroyed], int]  # flushes, commits nothing; returns how many rows it changed; may run again
replayers: Registry[Replayer] = Registry("erasure replay")
BATCH = 500


@dataclass(slots=True)
class Replayed:
    """What a replay found and did."""

    references: int = 0  # keys that rows of this database name
    destroyed: int = 0  # of these, with a tombstone
    unknown: int = 0  # of these, neither alive nor destroyed: the key store is older than the rows, or another's
    changed: dict[str, int] = field(default_factory=dict)  # rows by replayer


def replay() -> Replayed:
    """Do again what the tombstones say. Runs in the caller's unit of work; twice is no error."""
    found = Replayed()
    wanted = sorted(_named())
    found.references = len(wanted)
    gone: dict[uuid.UUID, datetime] = {}
    for start in range(0, len(wanted), BATCH):
        batch = wanted[start : start + BATCH]
        destroyed = keystore.destroyed_at(batch)
        gone.update(destroyed)
        found.unknown += len(batch) - len(destroyed) - keystore.count_alive(batch)
    found.destroyed = len(gone)
    for key in replayers.keys():  # noqa: SIM118 - a registry, no dict
        act = replayers.get(key)
        if act is not None and gone:
            found.changed[key] = act(gone)
    return found


def _named() -> set[uuid.UUID]:
    """Every key that a row of the database names."""
    found: set[uuid.UUID] = set()
    for table, name in sorted(subject_columns):
        column = Base.metadata.tables[table].c[name]
        found.update(db.session.scalars(sa.select(column).where(column.is_not(None)).distinct()))
    return found
