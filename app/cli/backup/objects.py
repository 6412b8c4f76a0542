"""The stored files of a backup: ciphertext already, each under a key of the key store, copied as they lie there."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from app.cli.backup import seal
from app.cli.backup.manifest import Manifest, Opened
from app.cli.backup.seal import BackupError
from app.core import files
from app.core.db import db
from app.core.errors import Gone
from app.core.files import StoredFile
from app.core.unit_of_work import unit_of_work

LIST, FOLDER = "objects.sealed", "objects"
LINE = 512


@dataclass(slots=True)
class Copied:
    """How the copying of objects went."""

    copied: int = 0
    left_alone: int = 0  # there already, the same
    missing: int = 0


def save(folder: Path, manifest: Manifest, key: bytes, names: list[str]) -> None:
    """Copy the objects that the backup's database names; one erased meanwhile is no loss, one lost is counted."""
    listed: dict[str, str] = {}
    store = files.store()
    for name in names:
        try:
            data = store.get(name)
        except Gone:
            manifest.missing += _still_wanted(name)
            continue
        path = folder / FOLDER / name
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.write_bytes(data)
        listed[name] = hashlib.sha256(data).hexdigest()
    manifest.objects = len(listed)
    lines = (json.dumps(pair).encode() + b"\n" for pair in listed.items())
    manifest.files.append(seal.write(folder, LIST, key, lines))


def _still_wanted(name: str) -> bool:
    with unit_of_work(write=False):
        query = sa.select(StoredFile.id).where(StoredFile.object_key == name, StoredFile.erased_at.is_(None))
        return db.session.execute(query).first() is not None


def listed(backup: Opened) -> dict[str, str]:
    """Object name -> SHA-256, as the sealed list says."""
    text = b"".join(seal.read(backup.folder, LIST, backup.key)).decode()
    return dict(json.loads(line) for line in text.splitlines())


def check(backup: Opened, wanted: dict[str, str]) -> None:
    """Every object is there and unchanged. Raises BackupError before anything is touched."""
    for name, sha256 in wanted.items():
        path = backup.folder / FOLDER / name
        if not path.is_file():
            raise BackupError(f"object {name} is missing: this is half a backup")
        if seal.digest_of(path)[1] != sha256:
            raise BackupError(f"object {name} is not what the backup says: it was changed or damaged")


def put_back(backup: Opened, wanted: dict[str, str], names: Iterator[str]) -> Copied:
    """Bring the objects that living rows name back into the store; those that are there and the same stay."""
    done, store = Copied(), files.store()
    for name in names:
        if name not in wanted:
            done.missing += not store.exists(name)
            continue
        data = (backup.folder / FOLDER / name).read_bytes()
        if store.exists(name):
            if store.get(name) == data:
                done.left_alone += 1
                continue
            store.delete(name)
        store.put(name, data)
        done.copied += 1
    return done


def living() -> list[str]:
    """Objects of the present database that have not been erased."""
    with unit_of_work(write=False):
        query = sa.select(StoredFile.object_key).where(StoredFile.erased_at.is_(None)).order_by(StoredFile.object_key)
        return list(db.session.scalars(query))
