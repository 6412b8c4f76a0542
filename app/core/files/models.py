"""The table of stored files: what lies in the store, under which key, and until when."""

from __future__ import annotations

import uuid
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from app.core import clock
from app.core.columns import plain
from app.core.db import Base


class StoredFile(Base):
    """One encrypted object. The row outlives the file, so that a page can say when it was erased."""

    __tablename__ = "stored_file"
    __table_args__ = (
        sa.UniqueConstraint("object_key", name="uq_stored_file_object_key"),
        sa.Index("ix_stored_file_erase_at", "erase_at"),
        sa.Index("ix_stored_file_unfinished", "erased_at", "purged_at"),
    )

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    kind: Mapped[str] = plain(sa.String(32), nullable=False)
    key_id: Mapped[uuid.UUID] = plain(nullable=False)  # its own key in the key store
    object_key: Mapped[str] = plain(sa.String(80), nullable=False)  # random name in the store
    size: Mapped[int] = plain(nullable=False)  # bytes of the content, before encryption
    media_type: Mapped[str] = plain(sa.String(64), nullable=False)
    sha256: Mapped[bytes | None] = plain(sa.LargeBinary(32), nullable=True)  # of the content; emptied at erasure
    created_at: Mapped[datetime] = plain(nullable=False, default=clock.now)
    erase_at: Mapped[datetime | None] = plain(nullable=True)  # from this instant on it is not shown
    held_until: Mapped[datetime | None] = plain(nullable=True)  # a legal hold: nothing goes before this instant
    erased_at: Mapped[datetime | None] = plain(nullable=True)  # decided and committed
    purged_at: Mapped[datetime | None] = plain(nullable=True)  # key and object are known to be gone

    def due_at(self) -> datetime | None:
        """When the content goes: its date, or the end of the hold that keeps it longer. None: not decided yet."""
        return due_at(self.erase_at, self.held_until)

    def gone(self, now: datetime) -> bool:
        """Whether it may not be read any more at ``now``, job or no job."""
        return gone(self.erased_at, self.erase_at, self.held_until, now)


def due_at(erase_at: datetime | None, held_until: datetime | None) -> datetime | None:
    """`StoredFile.due_at` of a row's columns."""
    return erase_at if erase_at is None or held_until is None else max(erase_at, held_until)


def gone(erased_at: datetime | None, erase_at: datetime | None, held_until: datetime | None, now: datetime) -> bool:
    """`StoredFile.gone` of a row's columns, for pages that load no objects."""
    due = due_at(erase_at, held_until)
    return erased_at is not None or (due is not None and due <= now)
