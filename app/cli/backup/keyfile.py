"""The key store's own backup, at most seven days deep: whoever has an older one has what was erased since.

A restore adds the keys that the present store lacks and never brings back one that it knows to be destroyed; then
the erasures that the main database knows are done again, for a store that was lost with its tombstones.
"""

from __future__ import annotations

import json
import shutil
import uuid
from base64 import b64decode, b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask import current_app

from app.cli.backup import manifest as manifests
from app.cli.backup import seal
from app.cli.backup.manifest import Manifest
from app.cli.backup.seal import BackupError
from app.core import clock
from app.core.db import db
from app.core.files import StoredFile
from app.core.keys import keystore
from app.core.unit_of_work import unit_of_work

FILE = "keys.sealed"
CYCLE = timedelta(days=7)
BATCH = 500
item_key = keystore.item_key


@dataclass(frozen=True, slots=True)
class KeysBack:
    """What a restore of keys did."""

    added: int
    kept_destroyed: int  # the backup still had them; the store, or the database, knows that they were destroyed
    destroyed_again: int


def create(target: Path) -> tuple[Path, Manifest, int]:
    """Write the keys under ``target`` and remove what lies there and is older than the cycle. Raises BackupError."""
    settings = current_app.extensions["settings"]
    sealing, key, made_at = manifests.backup_key(settings), manifests.new_key(), clock.now()
    with manifests.new_folder(target, "keys", made_at) as folder:
        manifest = Manifest("keys", made_at)
        manifest.files.append(seal.write(folder, FILE, key, _rows()))
        manifests.save(folder, manifest, key, sealing)
    removed = _remove_old(target, sealing, made_at - CYCLE)
    return target / folder.name.removeprefix(".").removesuffix(".partial"), manifest, removed


def restore(folder: Path, *, force: bool) -> KeysBack:
    """Bring keys back that the store lacks. Raises BackupError, of a backup past the cycle too unless forced."""
    settings = current_app.extensions["settings"]
    backup = manifests.open_backup(folder, "keys", manifests.backup_key(settings))
    age = clock.now() - backup.manifest.made_at
    if age > CYCLE and not force:
        raise BackupError(
            f"this key backup is {age.days} days old: keys destroyed since would open again what was promised to be "
            f"erased. Only keys of at most {CYCLE.days} days are restored; say --force if no younger one exists"
        )
    lines = b"".join(seal.read(folder, FILE, backup.key)).splitlines()
    rows = [_row(json.loads(line)) for line in lines]
    added = kept = 0
    for start in range(0, len(rows), BATCH):
        one, two = _put(rows[start : start + BATCH])
        added, kept = added + one, kept + two
    return KeysBack(added, kept, _destroy_again())


def _rows() -> Iterator[bytes]:
    """Every key and every tombstone, as lines of JSON; wrapped keys only."""
    with keystore.store().begin(write=False) as connection:
        for row in connection.execute(sa.select(item_key).order_by(item_key.c.id)):
            values = {
                "id": row.id.hex,
                "kind": row.kind,
                "wrapped": b64encode(row.wrapped).decode() if row.wrapped is not None else None,
                "wrap_key_id": row.wrap_key_id,
                "created_at": row.created_at.isoformat(),
                "destroyed_at": row.destroyed_at.isoformat() if row.destroyed_at is not None else None,
            }
            yield json.dumps(values).encode() + b"\n"


def _row(values: dict[str, Any]) -> dict[str, Any]:
    at = lambda name: datetime.fromisoformat(values[name]) if values[name] else None
    wrapped = b64decode(values["wrapped"]) if values["wrapped"] is not None else None
    return {
        **values,
        "id": uuid.UUID(values["id"]),
        "wrapped": wrapped,
        "created_at": at("created_at"),
        "destroyed_at": at("destroyed_at"),
    }


def _put(rows: list[dict[str, Any]]) -> tuple[int, int]:
    """Add what is not there; a tombstone on either side wins. Returns (added, kept destroyed)."""
    ids = [row["id"] for row in rows]
    with keystore.store().begin(write=True) as connection:
        found = connection.execute(sa.select(item_key.c.id, item_key.c.destroyed_at).where(item_key.c.id.in_(ids)))
        known = {row.id: row.destroyed_at for row in found}
        fresh = [row for row in rows if row["id"] not in known]
        if fresh:
            connection.execute(sa.insert(item_key), fresh)
        for row in rows:
            if row["destroyed_at"] is not None and row["id"] in known and known[row["id"]] is None:
                dead = {"wrapped": None, "destroyed_at": row["destroyed_at"]}
                connection.execute(sa.update(item_key).where(item_key.c.id == row["id"]).values(**dead))
    kept = sum(1 for row in rows if row["wrapped"] is not None and known.get(row["id"]) is not None)
    return len(fresh), kept


def _destroy_again() -> int:
    """Keys of files that the main database knows to be erased: their tombstones may be younger than the backup."""
    try:
        with unit_of_work(write=False):
            query = sa.select(StoredFile.key_id).where(StoredFile.erased_at.is_not(None))
            erased = list(db.session.scalars(query))
    except sa.exc.SQLAlchemyError:  # no main database yet: its own restore replays the ledger
        return 0
    return keystore.destroy(erased)


def _remove_old(target: Path, sealing: bytes, before: datetime) -> int:
    removed = 0
    for path in sorted(target.glob(f"portal-keys-*/{manifests.NAME}")):
        try:
            old = manifests.open_backup(path.parent, "keys", sealing).manifest.made_at < before
        except BackupError:
            continue  # not ours to judge
        if old:
            shutil.rmtree(path.parent)
            removed += 1
    return removed
