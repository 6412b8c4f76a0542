"""Exports: one row per file asked for. The file lies in the store in sealed parts, so that no part fills the memory."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from app.core import clock
from app.core.columns import DataClass, plain
from app.core.db import Base
from app.lists.workflow import OPEN, Status

LONGEST = timedelta(hours=24)  # an export still open by then has failed, whatever became of its workers


class ListExport(Base):
    """A file that one person asked for. ``query`` holds no filter that names a customer."""

    __tablename__ = "list_export"
    __table_args__ = (sa.Index("ix_list_export_staff", "staff_id", "created_at"),)

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    staff_id: Mapped[uuid.UUID] = plain(nullable=False, cls=DataClass.WORK)
    worklist: Mapped[str] = plain(sa.String(32), nullable=False)
    kind: Mapped[str] = plain(sa.String(8), nullable=False)  # csv, xlsx
    query: Mapped[str] = plain(sa.String(500), nullable=False)
    columns: Mapped[str] = plain(sa.String(1000), nullable=False)  # keys, joined by commas, as chosen at the request
    lang: Mapped[str] = plain(sa.String(8), nullable=False)
    status: Mapped[str] = plain(sa.String(16), nullable=False)
    version: Mapped[int] = plain(nullable=False, default=1)  # a run owns the version that its start made
    wakes_at: Mapped[datetime | None] = plain(nullable=True)
    rows: Mapped[int] = plain(nullable=False, default=0)  # written so far
    size: Mapped[int] = plain(nullable=False, default=0)  # bytes
    error: Mapped[str | None] = plain(sa.String(64), nullable=True)  # a code
    created_at: Mapped[datetime] = plain(nullable=False)
    finished_at: Mapped[datetime | None] = plain(nullable=True)
    expires_at: Mapped[datetime | None] = plain(nullable=True)  # from then on the file is gone

    def shown_status(self) -> Status:
        """As it is now: a finished one expires at read time, one that no worker could finish has failed."""
        if self.status in OPEN and self.created_at < clock.now() - LONGEST:
            return Status.FAILED
        if self.status == Status.DONE and self.expires_at is not None and self.expires_at <= clock.now():
            return Status.EXPIRED
        return Status(self.status)


class ListExportPart(Base):
    """One sealed piece of the file, made by one run; only the pieces of the run that finished are the file."""

    __tablename__ = "list_export_part"
    __table_args__ = (sa.UniqueConstraint("export_id", "run", "seq"),)

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    export_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("list_export.id"), nullable=False)
    run: Mapped[int] = plain(nullable=False)
    seq: Mapped[int] = plain(nullable=False)
    file_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("stored_file.id"), nullable=False)
