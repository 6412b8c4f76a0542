"""The vault: every file is sealed under a key of its own before it reaches the store.

Erasing marks the row; after the commit the key and the object go. From ``erase_at`` on, and from the mark on, reading
answers Gone, whether or not the clean-up has come by yet.
"""

from __future__ import annotations

import hashlib
import logging
import uuid
from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.core import clock, keys, unit_of_work
from app.core.db import db, new_id
from app.core.errors import Gone, Unavailable
from app.core.files.models import StoredFile
from app.core.files.stores import new_object_key, store
from app.core.keys import cipher, keystore

log = logging.getLogger("portal.files")
BATCH = 100
keys.subject_columns.add((StoredFile.__tablename__, "key_id"))


def put_sealed(kind: str, data: bytes, media_type: str, *, erase_at: datetime | None = None) -> StoredFile:
    """Seal and store ``data``; the row is added to the session. A rollback removes the object again."""
    file_id, key_id, objects = new_id(), keystore.create("image"), store()
    row = StoredFile(
        id=file_id,
        kind=kind,
        key_id=key_id,
        object_key=new_object_key(),
        size=len(data),
        media_type=media_type,
        sha256=hashlib.sha256(data).digest(),
        erase_at=erase_at,
    )
    object_key = row.object_key
    unit_of_work.after_rollback(lambda: objects.delete(object_key))
    sealed = cipher.encrypt(AESGCM(keystore.key(key_id)), cipher.OWN_KEY, data, _bound(kind, file_id))
    objects.put(object_key, sealed)
    db.session.add(row)
    return row


def open_sealed(row: StoredFile) -> bytes:
    """The content. Gone after erasure, from ``erase_at`` on, or without the key; Unreadable when tampered with."""
    return cipher.decrypt(
        AESGCM(_living_key(row)), cipher.OWN_KEY, store().get(row.object_key), _bound(row.kind, row.id)
    )


def seal_beside(row: StoredFile, place: str, row_id: uuid.UUID, data: bytes) -> bytes:
    """Encrypt what was derived from a file under the file's own key, for ``place`` (``table.column``) of another row.

    It dies with the file, in every backup. Gone as for `open_sealed`.
    """
    return cipher.encrypt(AESGCM(_living_key(row)), cipher.OWN_KEY, data, cipher.place_data(place, row_id))


def open_beside(row: StoredFile, place: str, row_id: uuid.UUID, blob: bytes) -> bytes:
    """What `seal_beside` was given. Gone as for `open_sealed`, Unreadable when it belongs elsewhere."""
    return cipher.decrypt(AESGCM(_living_key(row)), cipher.OWN_KEY, blob, cipher.place_data(place, row_id))


def erase(row: StoredFile) -> None:
    """Erase for good: the mark commits with the transaction, key and object go after it. Twice is no error.

    A store that is down by then does not fail what has already committed: `finish_erasures` comes back to it. Under a
    legal hold the file becomes due at once and goes when the hold ends.
    """
    now = clock.now()
    if row.erased_at is None:
        row.erase_at = now if row.erase_at is None else min(row.erase_at, now)
        if not row.gone(now):
            return
        row.erased_at = now
        row.sha256 = None
    key_id, object_key, objects = row.key_id, row.object_key, store()

    def purge() -> None:
        try:
            keystore.destroy([key_id])
            objects.delete(object_key)
        except Unavailable as error:
            log.warning("an erasure waits for its store: %s", error.code)

    unit_of_work.after_commit(purge)


def erase_due(limit: int = BATCH) -> int:
    """Erase files whose ``erase_at`` has come; a job calls it until it returns 0. Runs in the caller's transaction."""
    now = clock.now()
    free = sa.or_(StoredFile.held_until.is_(None), StoredFile.held_until <= now)
    due = sa.select(StoredFile).where(StoredFile.erase_at <= now, StoredFile.erased_at.is_(None), free)
    rows = db.session.scalars(due.order_by(StoredFile.erase_at).limit(limit)).all()
    for row in rows:
        erase(row)
    return len(rows)


def finish_erasures(limit: int = BATCH) -> int:
    """Complete erasures that committed, crash or not: destroy key and object again, and note that it is done.

    Runs in the caller's unit of work; a job calls it until it returns 0. Raises Unavailable when a store is down.
    """
    rows = db.session.scalars(
        sa.select(StoredFile).where(StoredFile.erased_at.is_not(None), StoredFile.purged_at.is_(None)).limit(limit)
    ).all()
    keystore.destroy(row.key_id for row in rows)
    for row in rows:
        store().delete(row.object_key)
        row.purged_at = clock.now()
    return len(rows)


def replay(destroyed: Mapping[uuid.UUID, datetime]) -> int:
    """After a restore: mark the files whose keys were destroyed since, at the instant at which they were."""
    ids, done = sorted(destroyed), 0
    for start in range(0, len(ids), BATCH):
        chunk = ids[start : start + BATCH]
        query = sa.select(StoredFile).where(StoredFile.key_id.in_(chunk), StoredFile.erased_at.is_(None))
        for row in db.session.scalars(query).all():
            at = destroyed[row.key_id]
            row.erase_at = at if row.erase_at is None else min(row.erase_at, at)
            row.erased_at, row.held_until, row.sha256 = at, None, None
            done += 1
    db.session.flush()
    return done


def _living_key(row: StoredFile) -> bytes:
    if row.gone(clock.now()):
        raise Gone()
    return keystore.key(row.key_id)


def _bound(kind: str, file_id: uuid.UUID) -> bytes:
    return f"{kind}|{file_id}".encode()
