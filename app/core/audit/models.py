"""Tables of the audit log: the chain, its erasable side rows, and what is known of checkpoints and verifications."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from app.core import keys, triggers
from app.core.audit import ddl
from app.core.columns import DataClass, plain
from app.core.db import Base
from app.core.unit_of_work import declare_evidence

NOTE_PURPOSE = keys.declare("note", table="audit_note", column="sealed")
NOTE_PLACE = "audit_note.sealed"
HASH_CHARS = 64  # SHA-256 in hex
CHAIN_CHARS = 7  # "2026-11"


class AuditEvent(Base):
    """One event. Never changed, never deleted; holds no personal data of customers.

    ``id`` says chain and seq once more, as a UUID of version 8 that sorts like them. ``at`` is when it became true,
    ``recorded_at`` when it was appended; the month of the latter names the chain.
    """

    __tablename__ = "audit_event"
    __table_args__ = (
        sa.UniqueConstraint("chain", "seq", name="uq_audit_event_chain_seq"),
        sa.Index("ix_audit_event_recorded_at_id", "recorded_at", "id"),
        sa.Index("ix_audit_event_object", "object_id", "recorded_at"),
        sa.Index("ix_audit_event_actor", "actor_id", "recorded_at"),
        sa.Index("ix_audit_event_actor_name", "actor_name", "recorded_at"),
        sa.Index("ix_audit_event_event", "event", "recorded_at"),
    )

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    chain: Mapped[str] = plain(sa.String(CHAIN_CHARS), nullable=False)
    seq: Mapped[int] = plain(sa.BigInteger, nullable=False)
    at: Mapped[datetime] = plain(cls=DataClass.USAGE, nullable=False)
    recorded_at: Mapped[datetime] = plain(cls=DataClass.USAGE, nullable=False)
    actor_kind: Mapped[str] = plain(sa.String(32), nullable=False)
    actor_id: Mapped[uuid.UUID | None] = plain(nullable=True)  # of a customer: a random token
    actor_name: Mapped[str] = plain(sa.String(128), cls=DataClass.WORK, nullable=False)  # staff only, else empty
    session_hash: Mapped[str | None] = plain(sa.String(HASH_CHARS), nullable=True)
    event: Mapped[str] = plain(sa.String(64), nullable=False)
    object_type: Mapped[str] = plain(sa.String(64), nullable=False)
    object_id: Mapped[str] = plain(sa.String(64), nullable=False)
    reason_code: Mapped[str | None] = plain(sa.String(64), nullable=True)
    fields: Mapped[list[str]] = plain(sa.JSON, nullable=False)  # names of changed columns, never values
    result: Mapped[str] = plain(sa.String(32), nullable=False)
    request_id: Mapped[str | None] = plain(sa.String(64), nullable=True)
    note_commitment: Mapped[str | None] = plain(sa.String(HASH_CHARS), nullable=True)
    prev_hash: Mapped[str] = plain(sa.String(HASH_CHARS), nullable=False)
    row_hash: Mapped[str] = plain(sa.String(HASH_CHARS), nullable=False)


class AuditNote(Base):
    """Free text and network address of one event, encrypted; may be erased without breaking the chain."""

    __tablename__ = "audit_note"

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    event_id: Mapped[uuid.UUID] = plain(nullable=False, unique=True)  # no foreign key: it outlives nothing
    salt: Mapped[bytes] = plain(sa.LargeBinary(32), nullable=False)
    sealed: Mapped[bytes] = plain(sa.LargeBinary, cls=DataClass.FREE_TEXT, nullable=False)


class AuditCheckpoint(Base):
    """What the portal remembers of the checkpoints it wrote; the copies elsewhere are what counts."""

    __tablename__ = "audit_checkpoint"

    number: Mapped[int] = plain(sa.Integer, primary_key=True, autoincrement=False)
    chain: Mapped[str] = plain(sa.String(CHAIN_CHARS), nullable=False)
    seq: Mapped[int] = plain(sa.BigInteger, nullable=False)
    hash: Mapped[str] = plain(sa.String(HASH_CHARS), nullable=False)
    final: Mapped[bool] = plain(nullable=False)
    at: Mapped[datetime] = plain(nullable=False)
    digest: Mapped[str] = plain(sa.String(HASH_CHARS), nullable=False)


class AuditVerification(Base):
    """One run of the verification: what was read and what was found."""

    __tablename__ = "audit_verification"

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    at: Mapped[datetime] = plain(nullable=False, index=True)
    ok: Mapped[bool] = plain(nullable=False)
    rows: Mapped[int] = plain(sa.BigInteger, nullable=False)
    chains: Mapped[int] = plain(nullable=False)
    checkpoints: Mapped[int] = plain(nullable=False)
    seconds: Mapped[float] = plain(sa.Float, nullable=False)
    findings: Mapped[list[dict[str, Any]]] = plain(sa.JSON, nullable=False)


triggers.attach(AuditEvent.__table__, ddl.CREATE, ddl.POSTGRESQL_DROP)
declare_evidence(AuditEvent.__tablename__, AuditNote.__tablename__)
