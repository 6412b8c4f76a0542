"""The chain: how an event becomes a row, and the append that ends every transaction (decisions.md 7).

Rows are numbered without gaps per China month and linked by SHA-256 over canonical JSON. The chain lock is taken last
and nothing takes a lock after it, so it is held for the commit alone.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.core import clock, keys
from app.core.audit.models import HASH_CHARS, NOTE_PLACE, NOTE_PURPOSE, AuditEvent, AuditNote
from app.core.db import new_id
from app.core.unit_of_work import Frame

PENDING = "audit"
GENESIS = "0" * HASH_CHARS
LOCK = 0x61756469  # "audi": the advisory lock of the chain on PostgreSQL
SALT_BYTES = 32
EVENTS: Any = AuditEvent.__table__
NOTES: Any = AuditNote.__table__
HASHED = (
    "chain", "seq", "at", "recorded_at", "actor_kind", "actor_id", "actor_name", "session_hash", "event",
    "object_type", "object_id", "reason_code", "fields", "result", "request_id", "note_commitment", "prev_hash",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Head:
    """The last row of the log."""

    chain: str
    seq: int
    row_hash: str
    recorded_at: datetime


def canonical(values: Mapping[str, Any]) -> bytes:
    """The one JSON form of ``values``: sorted keys, no blanks, UTF-8, instants in UTC with microseconds."""
    return json.dumps(
        values, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_plain, allow_nan=False
    ).encode()


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    if isinstance(value, uuid.UUID):
        return str(value)
    raise TypeError(f"no canonical form for {type(value).__name__}")


def row_hash(row: Mapping[str, Any]) -> str:
    """SHA-256 over everything the row says, the former row's hash included."""
    return hashlib.sha256(canonical({name: row[name] for name in HASHED})).hexdigest()


def row_id(chain: str, seq: int) -> uuid.UUID:
    """A UUID of version 8 made of the month and the number; sorts like (chain, seq)."""
    month = int(chain.replace("-", ""))
    return uuid.UUID(int=month << 96 | 0x8 << 76 | 0x2 << 62 | seq)


def month_of(at: datetime) -> str:
    """The chain of an instant: its month in China."""
    return at.astimezone(clock.SHANGHAI).strftime("%Y-%m")


def commitment(salt: bytes, plaintext: bytes) -> str:
    """What the chain keeps of a note: says nothing once the salt is gone, and fits no other text while it is there."""
    return hmac.digest(salt, plaintext, "sha256").hex()


def read_head(session: Session) -> Head | None:
    """The last row, or None in an empty log."""
    row = session.execute(
        sa.select(AuditEvent.chain, AuditEvent.seq, AuditEvent.row_hash, AuditEvent.recorded_at)
        .order_by(AuditEvent.chain.desc(), AuditEvent.seq.desc())
        .limit(1)
    ).first()
    return Head(*row) if row else None


def append(session: Session, frame: Frame) -> None:
    """Append the events gathered in ``frame``; the last words of a transaction."""
    events = frame.pending.pop(PENDING, None)
    if not events:
        return
    if session.get_bind().dialect.name == "postgresql":  # SQLite: BEGIN IMMEDIATE holds the only write lock
        session.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))
    rows, notes = _rows(read_head(session), events)
    for table, values in ((EVENTS, rows), (NOTES, notes)):
        if values:
            session.execute(sa.insert(table), values)  # compiled once, whatever their number


def _rows(head: Head | None, events: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Number, link and seal. A clock that went back never reopens a former month's chain."""
    now = max(clock.now(), head.recorded_at) if head else clock.now()
    chain = max(month_of(now), head.chain) if head else month_of(now)
    seq = head.seq if head and head.chain == chain else 0
    previous = head.row_hash if head else GENESIS
    rows, notes = [], []
    for event in events:
        seq += 1
        note = event.pop("note")
        row = {**event, "id": row_id(chain, seq), "chain": chain, "seq": seq, "recorded_at": now, "prev_hash": previous}
        row["note_commitment"] = None
        if note:
            sealed = _seal(row["id"], note)
            notes.append(sealed)
            row["note_commitment"] = commitment(sealed["salt"], canonical(note))
        row["row_hash"] = previous = row_hash(row)
        rows.append(row)
    return rows, notes


def _seal(event_id: uuid.UUID, note: dict[str, str]) -> dict[str, Any]:
    note_id = new_id()
    return {
        "id": note_id,
        "event_id": event_id,
        "salt": secrets.token_bytes(SALT_BYTES),
        "sealed": keys.seal(NOTE_PURPOSE, NOTE_PLACE, note_id, canonical(note)),
    }


def open_note(note: Any) -> dict[str, str]:
    """``text`` and ``address`` of a side row, either may be missing. Raises `keys.Unreadable` when it was moved."""
    found: dict[str, str] = json.loads(keys.open(NOTE_PLACE, note.id, note.sealed))
    return found
