"""Idempotency-Key: the same call sent twice is done once (decisions.md 26).

The key is reserved in a short transaction before the main one. A success is stored by the main transaction itself, so
that there is no instant at which the work is done and the answer unknown; a refusal is stored after its rollback.
Answers are encrypted and kept for 24 hours; 401, 429 and 5xx are not kept.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from flask import Response, g, request
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Mapped, Session

from app.api.v1.blueprint import bp
from app.core import clock, keys
from app.core.columns import DataClass, plain
from app.core.db import Base, db
from app.core.errors import Conflict, Invalid
from app.core.policy import current_actor
from app.core.unit_of_work import after_rollback, evidence

PLACE = "idempotency_key.answer"
PURPOSE = keys.declare("answer", table="idempotency_key", column="answer")
MAC_PURPOSE = keys.declare("idempotency")
KEEP = timedelta(hours=24)
CRASHED_AFTER = timedelta(seconds=60)  # a call in flight that long died with its process
MAX_KEY_CHARS = 255
NOT_KEPT = (401, 429)
HEADERS = ("Content-Type", "Location")


class KeyState(StrEnum):
    IN_FLIGHT = "in_flight"
    DONE = "done"


class IdempotencyKey(Base):
    """One reserved key of one caller and path."""

    __tablename__ = "idempotency_key"
    __table_args__ = (sa.UniqueConstraint("scope_hash", "key_hash"),)

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    scope_hash: Mapped[bytes] = plain(sa.LargeBinary(32), nullable=False)
    key_hash: Mapped[bytes] = plain(sa.LargeBinary(32), nullable=False)
    body_hash: Mapped[bytes] = plain(sa.LargeBinary(32), nullable=False)
    state: Mapped[str] = plain(sa.String(32), nullable=False)
    holder: Mapped[uuid.UUID] = plain(nullable=False)  # the request that may store the answer
    reserved_at: Mapped[datetime] = plain(nullable=False, cls=DataClass.USAGE)
    expires_at: Mapped[datetime] = plain(nullable=False, index=True)
    status: Mapped[int | None] = plain(nullable=True)
    answer: Mapped[bytes | None] = plain(sa.LargeBinary, nullable=True, cls=DataClass.NONE)


def reserve() -> Response | None:
    """Reserve the request's key, if it has one; the first answer when the call was made before.

    Raises Invalid (a key that is none) or Conflict (``idempotency_mismatch``, ``in_progress``).
    """
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not 1 <= len(key) <= MAX_KEY_CHARS or not key.isascii() or not key.isprintable():
        raise Invalid(
            _l("Idempotency-Key 须为 1 到 255 个可见字符。"), code="idempotency_key_invalid",
            fields={"Idempotency-Key": [_l("格式不正确。")]},
        )  # fmt: skip
    scope = _mac(f"scope|{current_actor().id}|{request.method} {request.path}".encode())
    hashes = (scope, _mac(b"key|" + key.encode()), _mac(b"body|" + body_digest()))
    holder = uuid.uuid4()
    with evidence() as session:
        known = _reserve(session, *hashes, holder)
        replay = _open(known) if known is not None else None
    if replay is None:
        g.idempotency = (hashes[0], hashes[1], holder)
    return replay


def keep(response: Response) -> None:
    """Store the answer in the running transaction: it commits with the work or not at all."""
    if g.get("idempotency") is not None and response.status_code < 500 and response.status_code not in NOT_KEPT:
        if not _store(db.session(), response):
            raise Conflict(_l("同一请求正在处理，请稍后再试。"), code="in_progress")
        g.idempotency_kept = True
        after_rollback(lambda: g.pop("idempotency_kept", None))


def forget() -> None:
    """Delete what is older than a day; a job calls it."""
    db.session.execute(sa.delete(IdempotencyKey).where(IdempotencyKey.expires_at <= clock.now()))


def body_digest() -> bytes:
    """What was sent. Multipart part by part: its boundary is new each time."""
    digest = hashlib.sha256(request.mimetype.encode() + b"\0")
    if request.mimetype != "multipart/form-data":
        digest.update(request.get_data())
        return digest.digest()
    parts = [(b"field", name, b"", value.encode()) for name, value in request.form.items(multi=True)]
    for name, upload in request.files.items(multi=True):
        content = hashlib.file_digest(upload.stream, "sha256").digest()  # type: ignore[arg-type]
        upload.stream.seek(0)
        parts.append((b"file", name, (upload.filename or "").encode(), content))
    for kind, name, filename, content in sorted(parts):
        for piece in (kind, name.encode(), filename, content):
            digest.update(len(piece).to_bytes(8, "big") + piece)
    return digest.digest()


def _reserve(session: Session, scope: bytes, key: bytes, body: bytes, holder: uuid.UUID) -> IdempotencyKey | None:
    """None when the key is ours now, else the row of the call that was made before."""
    now = clock.now()
    k = IdempotencyKey
    session.execute(sa.delete(k).where(k.scope_hash == scope, k.key_hash == key, k.expires_at <= now))
    row = session.scalar(sa.select(k).where(k.scope_hash == scope, k.key_hash == key).with_for_update())
    if row is None:
        try:
            with session.begin_nested():
                session.add(
                    k(
                        scope_hash=scope, key_hash=key, body_hash=body, state=KeyState.IN_FLIGHT.value, holder=holder,
                        reserved_at=now, expires_at=now + KEEP,
                    )
                )  # fmt: skip
        except sa.exc.IntegrityError:
            raise Conflict(_l("同一请求正在处理，请稍后再试。"), code="in_progress") from None
        return None
    if row.body_hash != body:
        raise Conflict(_l("这个 Idempotency-Key 已用于另一个请求。"), code="idempotency_mismatch")
    if row.state == KeyState.DONE:
        return row
    if now - row.reserved_at < CRASHED_AFTER:
        raise Conflict(_l("同一请求正在处理，请稍后再试。"), code="in_progress")
    row.holder, row.reserved_at = holder, now
    return None


def _store(session: Session, response: Response) -> bool:
    scope, key, holder = g.idempotency
    k = IdempotencyKey
    row_id = session.scalar(sa.select(k.id).where(k.scope_hash == scope, k.key_hash == key, k.holder == holder))
    if row_id is None:
        return False
    headers = {name: response.headers[name] for name in HEADERS if name in response.headers}
    data = json.dumps({"headers": headers, "body": response.get_data(as_text=True)}).encode()
    done: Any = session.execute(
        sa.update(k)
        .where(k.id == row_id, k.holder == holder)
        .values(state=KeyState.DONE.value, status=response.status_code, answer=keys.seal(PURPOSE, PLACE, row_id, data))
        .execution_options(synchronize_session=False)
    )
    return bool(done.rowcount == 1)


def _open(row: IdempotencyKey) -> Response:
    found = json.loads(keys.open(PLACE, row.id, row.answer or b""))
    response = Response(found["body"], status=row.status)
    response.headers.update(found["headers"])
    response.headers["Idempotency-Replayed"] = "true"
    return response


@bp.after_request
def _after(response: Response) -> Response:
    """A refusal came by exception and was rolled back: store it, or let the key go."""
    held = g.pop("idempotency", None)
    if held is None or g.pop("idempotency_kept", False):
        return response
    scope, key, holder = held
    with evidence() as session:
        if response.status_code < 500 and response.status_code not in NOT_KEPT:
            g.idempotency = held
            _store(session, response)
            g.pop("idempotency")
        else:
            k = IdempotencyKey
            session.execute(sa.delete(k).where(k.scope_hash == scope, k.key_hash == key, k.holder == holder))
    return response


def _mac(data: bytes) -> bytes:
    return keys.mac(MAC_PURPOSE, data)
