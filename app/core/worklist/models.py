"""Saved views: a person's own filters of a worklist, kept as the query string that the URL shows."""

from __future__ import annotations

import uuid
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from app.core.columns import DataClass, plain
from app.core.db import Base


class SavedView(Base):
    """One named filter of one person on one worklist; with ``shared_role``, every holder of that role sees it."""

    __tablename__ = "saved_view"
    __table_args__ = (sa.UniqueConstraint("staff_id", "worklist", "name"),)

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    staff_id: Mapped[uuid.UUID] = plain(index=True)
    worklist: Mapped[str] = plain(sa.String(32))
    name: Mapped[str] = plain(sa.String(40), cls=DataClass.WORK)
    query: Mapped[str] = plain(sa.String(500))
    shared_role: Mapped[str | None] = plain(sa.String(32), nullable=True, index=True)
    created_at: Mapped[datetime] = plain()
