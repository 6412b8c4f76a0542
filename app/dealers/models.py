"""A dealer who may be charged with visits."""

from __future__ import annotations

import uuid

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from app.core.columns import plain
from app.core.db import Base


class Dealer(Base):
    """An inactive dealer keeps its row; nothing new is given to it."""

    __tablename__ = "dealer"

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    name: Mapped[str] = plain(sa.String(120), nullable=False, unique=True)
    active: Mapped[bool] = plain(sa.Boolean, nullable=False, default=True)
