"""The key ring: class keys by purpose, unwrapped once per process and kept per app.

Purposes are declared at import, so that all keys exist before a transaction first writes: on SQLite a key made in the
middle of one would wait for itself. New keys are made in a short transaction of their own, never in the request's.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from flask import current_app
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

import config
from app.core.columns import DataClass
from app.core.db import db, end_read, writing
from app.core.keys import cipher
from app.core.keys.cipher import Unreadable
from app.core.keys.models import DataKey, KeyState

REFRESH_SECONDS = 60.0  # how long a process may go on with a key that another process has rotated
MAX_KEY_ID = 2**31 - 1
WRAP_SUBJECT, WRAP_IMAGE = "wrap:subject", "wrap:image"


purposes: set[str] = set()
places: set[tuple[str, str]] = set()  # (table, column) of every ciphertext under class keys: rotation walks over them
subject_columns: set[tuple[str, str]] = set()  # (table, column) of every reference into the key store


def declare(purpose: str, *, table: str | None = None, column: str | None = None) -> str:
    """Name a purpose at import; with ``table`` and ``column``, rotation re-encrypts that column.

    The column's row key must be called ``id`` and be the row id given to `KeyRing.seal`.
    """
    purposes.add(purpose)
    if table and column:
        places.add((table, column))
    return purpose


for _name in (*(f"class:{c.value}" for c in DataClass if c is not DataClass.NONE), WRAP_SUBJECT, WRAP_IMAGE):
    declare(_name)
for _name in ("answer", "note", "throttle", "token", "outbox"):
    declare(_name)


class KeyEncryption:
    """The key-encryption key behind wrap and unwrap; a KMS takes this class's place."""

    def __init__(self, kek: bytes, old: bytes | None = None) -> None:
        self.name = _fingerprint(kek)
        self._current = AESGCM(kek)
        self._by_name = {_fingerprint(old): AESGCM(old)} if old else {}
        self._by_name[self.name] = self._current

    def wrap(self, key: bytes, bound_to: bytes) -> bytes:
        return cipher.encrypt(self._current, cipher.OWN_KEY, key, bound_to)

    def unwrap(self, name: str, wrapped: bytes, bound_to: bytes) -> bytes:
        """Raises Unreadable when the key was wrapped by a key-encryption key that we do not have."""
        kek = self._by_name.get(name)
        if kek is None:
            raise Unreadable(f"a class key is wrapped by another key-encryption key ({name}); see PORTAL_KEK_OLD")
        return cipher.decrypt(kek, cipher.OWN_KEY, wrapped, bound_to)


def _fingerprint(kek: bytes) -> str:
    return hashlib.sha256(b"portal kek|" + kek).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class ClassKey:
    """An unwrapped class key."""

    id: int
    purpose: str
    secret: bytes = field(repr=False)
    aead: AESGCM = field(repr=False)


class KeyRing:
    """The class keys of one app. Thread safe; reads take no lock."""

    def __init__(self, kek: KeyEncryption) -> None:
        self.kek = kek
        self._lock = threading.Lock()
        self._by_id: dict[int, ClassKey] = {}
        self._by_purpose: dict[str, tuple[ClassKey, ...]] = {}  # the active one first, then retiring ones
        self._loaded_at: float | None = None

    def prepare(self) -> None:
        """Load the keys and make what is missing; cheap when fresh. Called before every writing transaction."""
        if not self._fresh() or not purposes <= self._by_purpose.keys():
            self.reload()

    def _fresh(self) -> bool:
        return self._loaded_at is not None and time.monotonic() - self._loaded_at < REFRESH_SECONDS

    def reload(self) -> None:
        """Read the table again, creating keys of declared purposes that have none. Two statements at most."""
        with self._lock:
            with own_session(write=False) as session:
                self._take(session)
            if purposes - self._by_purpose.keys():
                self._create_missing()
            self._loaded_at = time.monotonic()

    def active(self, purpose: str) -> ClassKey:
        """The key that seals for this purpose; RuntimeError when nobody declared it."""
        return self.living(purpose)[0]

    def living(self, purpose: str) -> tuple[ClassKey, ...]:
        """The active key and those still retiring: a blind index may be under any of them."""
        found = self._by_purpose.get(purpose) if self._fresh() else None
        if found is None:
            if purpose not in purposes:
                raise RuntimeError(f"key purpose {purpose!r} is not declared; call keys.declare() at import")
            self.reload()
            found = self._by_purpose[purpose]
        return found

    def by_id(self, key_id: int) -> ClassKey:
        """Any key ever made; one reload when unknown (another process rotated), then Unreadable."""
        found = self._by_id.get(key_id)
        if found is None:
            self.reload()
            found = self._by_id.get(key_id)
        if found is None:
            raise Unreadable("sealed under a class key that this database does not have")
        return found

    def seal(self, purpose: str, place: str, row_id: Any, data: bytes) -> bytes:
        """Encrypt for ``place`` (``table.column``) of the row ``row_id``."""
        key = self.active(purpose)
        return cipher.encrypt(key.aead, key.id, data, cipher.place_data(place, row_id))

    def open(self, place: str, row_id: Any, blob: bytes) -> bytes:
        """Decrypt what `seal` made for the same place and row; Unreadable otherwise."""
        key = self.by_id(cipher.key_id_of(blob))
        return cipher.decrypt(key.aead, key.id, blob, cipher.place_data(place, row_id))

    def macs(self, purpose: str, data: bytes) -> list[bytes]:
        """Keyed hashes (32 bytes) of ``data``: the active key's first, then those of keys being rotated away."""
        return [hmac.digest(key.secret, data, "sha256") for key in self.living(purpose)]

    def new_row(self, purpose: str) -> tuple[DataKey, bytes]:
        """A fresh wrapped key as a row, not yet in any session, and its bytes."""
        key_id, secret = secrets.randbelow(MAX_KEY_ID) + 1, cipher.new_key()
        wrapped = self.kek.wrap(secret, _bound(key_id, purpose))
        return DataKey(id=key_id, purpose=purpose, wrapped=wrapped, kek=self.kek.name), secret

    def unwrap(self, row: DataKey) -> bytes:
        return self.kek.unwrap(row.kek, row.wrapped, _bound(row.id, row.purpose))

    def rewrap(self, row: DataKey) -> None:
        """Put the row under the present key-encryption key."""
        row.wrapped, row.kek = self.kek.wrap(self.unwrap(row), _bound(row.id, row.purpose)), self.kek.name

    def _take(self, session: Session) -> None:
        rows = session.scalars(sa.select(DataKey).order_by(DataKey.created_at)).all()
        found: dict[str, list[ClassKey]] = {}
        for row in rows:
            key = self._by_id.get(row.id)
            if key is None:
                secret = self.unwrap(row)
                key = self._by_id[row.id] = ClassKey(row.id, row.purpose, secret, AESGCM(secret))
            if row.state == KeyState.ACTIVE:
                found.setdefault(row.purpose, []).insert(0, key)
            elif row.state == KeyState.RETIRING:
                found.setdefault(row.purpose, []).append(key)
        self._by_purpose = {purpose: tuple(keys) for purpose, keys in found.items()}

    def _create_missing(self) -> None:
        for _attempt in range(3):
            try:
                with own_session(write=True) as session:
                    self._take(session)
                    for purpose in sorted(purposes - self._by_purpose.keys()):
                        session.add(self.new_row(purpose)[0])
                break
            except IntegrityError:  # another process made one of them first: theirs counts
                continue
        with own_session(write=False) as session:
            self._take(session)


def _bound(key_id: int, purpose: str) -> bytes:
    return f"data_key.wrapped|{key_id}|{purpose}".encode()


@contextmanager
def own_session(*, write: bool) -> Iterator[Session]:
    """A short transaction on the main database, apart from the running unit of work."""
    token = writing.set(write)
    try:
        with Session(db.engine) as session:
            yield session
            session.commit() if write else end_read(session)
    finally:
        writing.reset(token)


def ring() -> KeyRing:
    """The key ring of the current app."""
    found: KeyRing | None = current_app.extensions.get("key_ring")
    if found is None:
        settings: config.Settings = current_app.extensions["settings"]
        found = current_app.extensions.setdefault("key_ring", KeyRing(KeyEncryption(settings.kek, settings.kek_old)))
    return found
