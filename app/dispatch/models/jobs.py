"""What a phone has sent already.

A form of `/jobs` carries a token of its own; the row is written in the transaction that did what was asked. The same
form sent again (a bad connection, a second tap) finds it, is told what was saved and when, and nothing happens twice.
"""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from app.core.columns import DataClass, plain
from app.core.db import Base

KEPT = timedelta(days=30)


class JobReceipt(Base):
    """One act of one person, by the token of the form that asked for it."""

    __tablename__ = "job_receipt"
    __table_args__ = (sa.UniqueConstraint("staff_id", "token"), sa.Index("ix_job_receipt_at", "at"))

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    staff_id: Mapped[uuid.UUID] = plain(nullable=False)
    token: Mapped[str] = plain(sa.String(32), nullable=False)
    dispatch_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("dispatch.id"), nullable=False, index=True)
    action: Mapped[str] = plain(sa.String(16), nullable=False)
    at: Mapped[datetime] = plain(nullable=False, cls=DataClass.USAGE)
