"""What travels between the customer and us: messages, questions, files. The rest of the house sees none of it."""

from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from app.core.columns import DataClass, plain, sealed_column
from app.core.db import Base
from app.core.sealed import Sealed

WORK, USAGE = DataClass.WORK, DataClass.USAGE


class Direction(StrEnum):
    FROM_CUSTOMER = "from_customer"
    TO_CUSTOMER = "to_customer"
    INTERNAL = "internal"  # a note of ours; no page or call of the customer's ever reads it


class TicketMessage(Base):
    """One message or note. ``questions`` are codes of the catalogue; ``outbox_key`` leads to its delivery."""

    __tablename__ = "ticket_message"
    __table_args__ = (sa.Index("ix_ticket_message_ticket", "ticket_id", "at", "id"),)

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    ticket_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("ticket.id"), nullable=False)
    subject_id: Mapped[uuid.UUID] = plain(nullable=False)
    direction: Mapped[str] = plain(sa.String(16), nullable=False)
    text_sealed: Mapped[bytes | None] = sealed_column(DataClass.FREE_TEXT)
    text = Sealed("text_sealed", by="subject")
    questions: Mapped[list[str]] = plain(sa.JSON, nullable=False, default=list)
    answers_id: Mapped[uuid.UUID | None] = plain(sa.ForeignKey("ticket_message.id"), nullable=True)
    outbox_key: Mapped[str | None] = plain(sa.String(120), nullable=True)
    by_kind: Mapped[str] = plain(sa.String(16), nullable=False)
    by_id: Mapped[uuid.UUID | None] = plain(nullable=True)
    by_name: Mapped[str] = plain(sa.String(80), nullable=False, default="", cls=WORK)
    at: Mapped[datetime] = plain(nullable=False, cls=USAGE)


class FileKind(StrEnum):
    PHOTO = "photo"
    VOICE = "voice"  # gone 24 hours after its text was saved
    CONDITION = "condition"  # state of a device when it was taken or received
    SIGNATURE = "signature"
    DOCUMENT = "document"


class TicketFile(Base):
    """A file of a ticket, sealed in the vault; ``thumbnail_id`` where it is a picture."""

    __tablename__ = "ticket_file"
    __table_args__ = (sa.Index("ix_ticket_file_ticket", "ticket_id", "kind", "place"),)

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    ticket_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("ticket.id"), nullable=False)
    subject_id: Mapped[uuid.UUID] = plain(nullable=False)
    message_id: Mapped[uuid.UUID | None] = plain(sa.ForeignKey("ticket_message.id"), nullable=True)
    kind: Mapped[str] = plain(sa.String(12), nullable=False)
    place: Mapped[int] = plain(sa.SmallInteger, nullable=False)
    file_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("stored_file.id"), nullable=False, index=True)
    thumbnail_id: Mapped[uuid.UUID | None] = plain(sa.ForeignKey("stored_file.id"), nullable=True, index=True)
    upload_sha256: Mapped[bytes] = plain(sa.LargeBinary(32), nullable=False, cls=DataClass.SENSITIVE)
    facts: Mapped[dict[str, Any]] = plain(sa.JSON, nullable=False, default=dict)  # width and height, or seconds
    by_kind: Mapped[str] = plain(sa.String(16), nullable=False)
    by_id: Mapped[uuid.UUID | None] = plain(nullable=True)
    at: Mapped[datetime] = plain(nullable=False, cls=USAGE)


class TicketLook(Base):
    """A lead's task on the files of an ended ticket: why, and until when (decisions.md 21)."""

    __tablename__ = "ticket_look"
    __table_args__ = (sa.Index("ix_ticket_look_ticket", "ticket_id", "staff_id", "until"),)

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    ticket_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("ticket.id"), nullable=False)
    staff_id: Mapped[uuid.UUID] = plain(nullable=False)
    reason: Mapped[str] = plain(sa.String(24), nullable=False)
    at: Mapped[datetime] = plain(nullable=False, cls=USAGE)
    until: Mapped[datetime] = plain(nullable=False)
