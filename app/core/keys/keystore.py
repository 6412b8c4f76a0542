"""The key store: keys of single subjects and images, in a database apart from the data they open.

Destroying a key makes every copy of what it sealed unreadable, in backups of the main database too; therefore this
store is not part of those backups. A key is written before the main transaction commits (a rollback leaves an orphan
for `sweep_orphans`) and destroyed after it committed.
"""

from __future__ import annotations

import os
import threading
import uuid
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa
from flask import current_app, g
from flask_babel import lazy_gettext as _l
from sqlalchemy.engine import Connection, Engine, make_url
from sqlalchemy.exc import DBAPIError, OperationalError, ProgrammingError

from app.core import clock, unit_of_work
from app.core.db import NAMING, UtcDateTime, new_id, prepare_engine, writing
from app.core.errors import Gone, Unavailable
from app.core.keys import cipher
from app.core.keys.ring import ring

Kind = Literal["subject", "image"]
BATCH = 500

metadata = sa.MetaData(naming_convention=NAMING)
item_key = sa.Table(
    "item_key",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("kind", sa.String(32), nullable=False),
    sa.Column("wrapped", sa.LargeBinary, nullable=True),  # NULL once destroyed
    sa.Column("wrap_key_id", sa.Integer, nullable=False, index=True),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("destroyed_at", UtcDateTime, nullable=True),
)


_LIVING = sa.select(item_key.c.id, item_key.c.kind, item_key.c.wrapped).where(
    item_key.c.id.in_(sa.bindparam("ids", expanding=True)), item_key.c.wrapped.is_not(None)
)


class KeyStore:
    """The engine of one app's key store; opened, and its schema made, at first use."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._lock = threading.Lock()
        self._engine: Engine | None = None

    @property
    def engine(self) -> Engine:
        if self._engine is None:
            with self._lock:
                if self._engine is None:
                    self._engine = _open(self._url)
        return self._engine

    @contextmanager
    def begin(self, *, write: bool) -> Iterator[Connection]:
        """A transaction on the key store, whatever the main one does; Unavailable when it does not answer."""
        token = writing.set(write)
        try:
            with self.engine.begin() as connection:
                yield connection
        except OperationalError as error:
            raise Unavailable(_l("密钥库暂时不可用，没有改动任何内容，请稍后再试。"), code="key_store_down") from error
        finally:
            writing.reset(token)


def _open(url: str) -> Engine:
    parsed = make_url(url)
    if parsed.drivername.startswith("sqlite") and parsed.database:
        os.close(os.open(parsed.database, os.O_WRONLY | os.O_CREAT, 0o600))  # nobody but the portal reads it
    engine = sa.create_engine(url, pool_pre_ping=not parsed.drivername.startswith("sqlite"))
    prepare_engine(engine, frame_reads=False)  # every read here is one statement
    if sa.inspect(engine).has_table(item_key.name):
        return engine
    token = writing.set(True)
    try:
        metadata.create_all(engine)
    except (OperationalError, ProgrammingError, DBAPIError):  # another process makes it at this moment
        if not sa.inspect(engine).has_table(item_key.name):
            raise
    finally:
        writing.reset(token)
    return engine


def store() -> KeyStore:
    """The key store of the current app."""
    found: KeyStore | None = current_app.extensions.get("key_store")
    if found is None:
        found = current_app.extensions.setdefault(
            "key_store", KeyStore(current_app.extensions["settings"].keystore_url)
        )
    return found


def create(kind: Kind) -> uuid.UUID:
    """Make a key and return its id; durable at once, before the main transaction commits."""
    return create_many(kind, 1)[0]


def create_many(kind: Kind, count: int) -> list[uuid.UUID]:
    """`create`, many in one transaction (imports, demo data)."""
    cache, rows, now = _cache(), [], clock.now()
    wrapper = ring().active(f"wrap:{kind}")
    for _ in range(count):
        key_id, secret = new_id(), cipher.new_key()
        wrapped = cipher.encrypt(wrapper.aead, wrapper.id, secret, _bound(kind, key_id))
        rows.append({"id": key_id, "kind": kind, "wrapped": wrapped, "wrap_key_id": wrapper.id, "created_at": now})
        cache[key_id] = secret
    if rows:
        with store().begin(write=True) as connection:
            connection.execute(sa.insert(item_key), rows)
    return [row["id"] for row in rows]  # type: ignore[misc]


def load(ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, bytes]:
    """The living keys among ``ids``, in one statement; destroyed and unknown ones are absent.

    Kept for the request or unit of work, so that a page's rows cost one statement in all.
    """
    cache = _cache()
    wanted = set(ids)
    missing = wanted - cache.keys()
    if missing:
        with store().begin(write=False) as connection:
            rows = connection.execute(_LIVING, {"ids": list(missing)}).all()
        for key_id, kind, wrapped in rows:
            cache[key_id] = unwrap(kind, key_id, wrapped)
    return {key_id: cache[key_id] for key_id in wanted if key_id in cache}


def key(key_id: uuid.UUID) -> bytes:
    """One key. Gone when it was destroyed; Unavailable when the store never had it (a store from an old backup)."""
    found = load((key_id,)).get(key_id)
    if found is not None:
        return found
    with store().begin(write=False) as connection:
        known = connection.execute(sa.select(item_key.c.id).where(item_key.c.id == key_id)).first()
    if known is None:
        raise Unavailable(_l("密钥库里没有这一项的密钥，请联系管理员核对密钥库备份。"), code="key_missing")
    raise Gone()


def destroy(ids: Iterable[uuid.UUID]) -> int:
    """Destroy keys for good; those already destroyed are passed over. Returns how many were destroyed now.

    Call it after the main commit (`unit_of_work.after_commit`) and again from a job: it is idempotent.
    """
    wanted, done, cache = list(ids), 0, _cache()
    for start in range(0, len(wanted), BATCH):
        chunk = wanted[start : start + BATCH]
        with store().begin(write=True) as connection:
            done += connection.execute(
                sa.update(item_key)
                .where(item_key.c.id.in_(chunk), item_key.c.destroyed_at.is_(None))
                .values(wrapped=None, destroyed_at=clock.now())
            ).rowcount
        for key_id in chunk:
            cache.pop(key_id, None)
    return done


def destroyed_at(ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, datetime]:
    """When those among ``ids`` that are destroyed were destroyed."""
    wanted, found = list(ids), {}
    for start in range(0, len(wanted), BATCH):
        gone = sa.select(item_key.c.id, item_key.c.destroyed_at).where(
            item_key.c.id.in_(wanted[start : start + BATCH]), item_key.c.destroyed_at.is_not(None)
        )
        with store().begin(write=False) as connection:
            found.update({row.id: row.destroyed_at for row in connection.execute(gone)})
    return found


def count_alive(ids: Collection[uuid.UUID]) -> int:
    """How many of these keys the store has and could still open something with."""
    query = sa.select(sa.func.count()).where(item_key.c.id.in_(ids), item_key.c.wrapped.is_not(None))
    with store().begin(write=False) as connection:
        return connection.execute(query).scalar_one()


LiveIds = Collection[uuid.UUID] | Callable[[Sequence[uuid.UUID]], Collection[uuid.UUID]]


def sweep_orphans(live_ids: LiveIds, older_than: timedelta, *, wrapped_by: Collection[int] | None = None) -> int:
    """Destroy keys that no row points to and that are older than any transaction could be.

    ``live_ids`` is the set of ids in use, or a function that says which of a batch are; ``wrapped_by`` limits the
    sweep to keys under these wrap keys. Returns the number destroyed.
    """
    alive = live_ids if callable(live_ids) else (lambda batch: set(live_ids) & set(batch))
    ours = [] if wrapped_by is None else [item_key.c.wrap_key_id.in_(wrapped_by)]
    before, after, done = clock.now() - older_than, uuid.UUID(int=0), 0
    while True:
        with store().begin(write=False) as connection:
            batch = list(
                connection.scalars(
                    sa.select(item_key.c.id)
                    .where(
                        item_key.c.id > after, item_key.c.created_at < before, item_key.c.destroyed_at.is_(None), *ours
                    )
                    .order_by(item_key.c.id)
                    .limit(BATCH)
                )
            )
        if not batch:
            return done
        after = batch[-1]
        living = set(alive(batch))
        done += destroy(key_id for key_id in batch if key_id not in living)


def unwrap(kind: str, key_id: uuid.UUID, wrapped: bytes) -> bytes:
    """The bytes of an item key; Unreadable when the wrap key is another one."""
    wrapper = ring().by_id(cipher.key_id_of(wrapped))
    return cipher.decrypt(wrapper.aead, wrapper.id, wrapped, _bound(kind, key_id))


def rewrap_batch(kind: Kind, size: int) -> int:
    """Put up to ``size`` keys of this kind that another wrap key holds under the active one. Returns how many."""
    wrapper = ring().active(f"wrap:{kind}")
    with store().begin(write=True) as connection:
        rows = connection.execute(
            sa.select(item_key.c.id, item_key.c.wrapped)
            .where(item_key.c.kind == kind, item_key.c.wrap_key_id != wrapper.id, item_key.c.wrapped.is_not(None))
            .limit(size)
        ).all()
        for row in rows:
            again = cipher.encrypt(wrapper.aead, wrapper.id, unwrap(kind, row.id, row.wrapped), _bound(kind, row.id))
            connection.execute(
                sa.update(item_key)
                .where(item_key.c.id == row.id, item_key.c.wrapped.is_not(None))
                .values(wrapped=again, wrap_key_id=wrapper.id)
            )
    return len(rows)


def wrapped_by(wrap_key_id: int) -> int:
    """How many living keys this wrap key holds."""
    query = sa.select(sa.func.count()).where(item_key.c.wrap_key_id == wrap_key_id, item_key.c.wrapped.is_not(None))
    with store().begin(write=False) as connection:
        return connection.execute(query).scalar_one()


def _bound(kind: str, key_id: uuid.UUID) -> bytes:
    return f"item_key.{kind}|{key_id}".encode()


def _cache() -> dict[uuid.UUID, Any]:
    """Unwrapped keys of this unit of work (or, outside of one, of this app context)."""
    frame = unit_of_work.running()
    held = g.get("item_keys")
    if held is None or held[0] is not frame:
        held = g.item_keys = (frame, {})
    return held[1]  # type: ignore[no-any-return]
