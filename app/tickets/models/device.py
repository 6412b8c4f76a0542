"""The device register: what is known about an endoscope or a tower, apart from anybody's person."""

from __future__ import annotations

import uuid
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from app.core.columns import plain
from app.core.db import Base
from app.tickets.models.ticket import MODEL_MAX_CHARS, SERIAL_MAX_CHARS

UDI_MAX_CHARS = 80


class Device(Base):
    """One device of one hospital. Its history is the tickets that name it."""

    __tablename__ = "device"
    __table_args__ = (
        sa.UniqueConstraint("serial_number"),
        sa.Index("ix_device_hospital", "hospital_id", "model", "id"),
        sa.Index("ix_device_udi", "udi"),
    )

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    serial_number: Mapped[str] = plain(sa.String(SERIAL_MAX_CHARS), nullable=False)  # upper case, no blanks
    udi: Mapped[str | None] = plain(sa.String(UDI_MAX_CHARS), nullable=True)
    model: Mapped[str] = plain(sa.String(MODEL_MAX_CHARS), nullable=False)
    hospital_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("hospital.id"), nullable=False)
    department_id: Mapped[uuid.UUID | None] = plain(sa.ForeignKey("department.id"), nullable=True)
    warranty_until: Mapped[date | None] = plain(sa.Date, nullable=True)  # last day under warranty
    contract_number: Mapped[str] = plain(sa.String(40), nullable=False, default="")
    contract_until: Mapped[date | None] = plain(sa.Date, nullable=True)
    active: Mapped[bool] = plain(nullable=False, default=True)
    version: Mapped[int] = plain(nullable=False, default=1)
    created_at: Mapped[datetime] = plain(nullable=False)
