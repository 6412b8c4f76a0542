"""Keys: the key-encryption key unwraps class keys, class keys wrap the keys of subjects and images.

``seal``/``open`` are for values outside of models (stored answers, notes); models use `core.sealed.Sealed`. ``mac`` is
the keyed hash for blind indexes and throttle buckets. Declare purposes at import with ``declare``.
"""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from app.core import unit_of_work
from app.core.keys import keystore
from app.core.keys.cipher import Unreadable
from app.core.keys.models import DataKey, KeyRotation, KeyState
from app.core.keys.ring import KeyRing, declare, places, purposes, ring, subject_columns

if TYPE_CHECKING:
    from flask import Flask

__all__ = [
    "DataKey",
    "KeyRing",
    "KeyRotation",
    "KeyState",
    "Unreadable",
    "declare",
    "install",
    "keystore",
    "mac",
    "macs",
    "new_subject",
    "new_subjects",
    "open",
    "places",
    "purposes",
    "ring",
    "seal",
    "subject_columns",
]

SWEEP_EVERY = timedelta(days=1)
SWEEP_AGE = timedelta(days=7)  # long enough for a restored backup to be exchanged before newer rows' keys go


def seal(purpose: str, place: str, row_id: Any, data: bytes) -> bytes:
    """Encrypt ``data`` with the class key of ``purpose``, bound to ``place`` (``table.column``) and the row's id."""
    return ring().seal(purpose, place, row_id, data)


def open(place: str, row_id: Any, blob: bytes) -> bytes:
    """What `seal` was given for this place and row; raises Unreadable when anything differs."""
    return ring().open(place, row_id, blob)


def mac(purpose: str, data: bytes) -> bytes:
    """HMAC-SHA256 (32 bytes) under the active key of ``purpose``."""
    return ring().macs(purpose, data)[0]


def macs(purpose: str, data: bytes) -> list[bytes]:
    """As `mac`, also under keys that are being rotated away; look-ups try them all."""
    return ring().macs(purpose, data)


def new_subject() -> uuid.UUID:
    """A new person's key; the id goes into ``subject_id``. Written at once; see `keystore` on orphans."""
    return keystore.create("subject")


def new_subjects(count: int) -> list[uuid.UUID]:
    """Many in one transaction, for imports and demo data."""
    return keystore.create_many("subject", count)


def install(app: Flask) -> None:
    """Add `flask keys`, and the daily sweep of keys that transactions left behind when they rolled back."""
    from app.core import jobs  # late: keys themselves need no worker
    from app.core.keys import rotation
    from app.core.keys.commands import commands

    app.cli.add_command(commands)

    @jobs.handler("keys.sweep", outside=True)
    def _sweep(_payload: dict[str, Any]) -> None:
        rotation.sweep(SWEEP_AGE)

    jobs.every("keys.sweep", SWEEP_EVERY)


unit_of_work.before_begin(lambda: ring().prepare())
