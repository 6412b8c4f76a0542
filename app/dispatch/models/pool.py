"""Until when a waiting ticket must be given to somebody, so that he can still be in time.

Refreshed by the minute's job (`app.dispatch.service.pool`) and by nothing else; a ticket whose row is missing or of an
older version is sorted by its own deadline meanwhile. Nothing is decided by it: every offer is judged anew.
"""

from __future__ import annotations

import uuid
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from app.core.columns import DataClass, plain
from app.core.db import Base


class PoolEntry(Base):
    """``leave_by`` = deadline - work on site - way - wait for the best one's first free half day."""

    __tablename__ = "dispatch_pool"
    __table_args__ = (sa.Index("ix_dispatch_pool_leave", "leave_by", "ticket_id"),)

    ticket_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("ticket.id"), primary_key=True)
    version: Mapped[int] = plain(nullable=False)  # of the ticket
    leave_by: Mapped[datetime] = plain(nullable=False)
    best_name: Mapped[str] = plain(sa.String(120), nullable=False, default="", cls=DataClass.WORK)  # "": nobody
    starts_at: Mapped[datetime | None] = plain()  # the best one's first free half day
    way_known: Mapped[bool] = plain(nullable=False, default=True)  # False: coordinates missing, the way counts nothing
    refreshed_at: Mapped[datetime] = plain(nullable=False)
