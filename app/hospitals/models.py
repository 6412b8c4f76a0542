"""Hospitals, their departments, and names that somebody typed because the directory did not have them.

A merged hospital keeps its row (`merged_into`), so that what points to it stays readable.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, relationship

from app.core.columns import DataClass, plain
from app.core.db import Base
from app.core.search import SearchIndex

NAME_MAX_CHARS = 120
# byte order on both databases, so that pages sorted by name agree
Name = sa.String(NAME_MAX_CHARS).with_variant(sa.String(NAME_MAX_CHARS, collation="C"), "postgresql")
hospital_index = SearchIndex("hospital")


class Hospital(Base):
    """One hospital. ``name_key`` is the normalised name; unique within city among those not merged away."""

    __tablename__ = "hospital"
    __table_args__ = (
        sa.Index(
            "uq_hospital_name",
            "province",
            "city",
            "name_key",
            unique=True,
            sqlite_where=sa.text("merged_into IS NULL"),
            postgresql_where=sa.text("merged_into IS NULL"),
        ),
        sa.Index("ix_hospital_position", "lat", "lon"),
        sa.Index("ix_hospital_name_id", "name", "id"),
        sa.Index("ix_hospital_province_name", "province", "name", "id"),
        sa.CheckConstraint("lat IS NULL OR (lat BETWEEN -90 AND 90)", name="lat_range"),
        sa.CheckConstraint("lon IS NULL OR (lon BETWEEN -180 AND 180)", name="lon_range"),
    )

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    code: Mapped[str] = plain(sa.String(24), nullable=False, unique=True)
    name: Mapped[str] = plain(Name, nullable=False)
    name_key: Mapped[str] = plain(sa.String(NAME_MAX_CHARS), nullable=False)
    aliases: Mapped[list[str]] = plain(sa.JSON, nullable=False, default=list)
    province: Mapped[str] = plain(sa.String(2), nullable=False)  # GB/T 2260
    city: Mapped[str] = plain(sa.String(40), nullable=False, default="")
    lat: Mapped[float | None] = plain(sa.Double)  # degrees, WGS 84; the hospital's, never a person's
    lon: Mapped[float | None] = plain(sa.Double)
    active: Mapped[bool] = plain(sa.Boolean, nullable=False, default=True)
    merged_into: Mapped[uuid.UUID | None] = plain(sa.ForeignKey("hospital.id"), index=True)

    departments: Mapped[list[Department]] = relationship(
        back_populates="hospital", order_by="Department.name", lazy="select"
    )

    @property
    def live(self) -> bool:
        """Whether new registrations may name it."""
        return self.active and self.merged_into is None


class Department(Base):
    """A department of one hospital; ``parent_id`` for a sub-department."""

    __tablename__ = "department"
    __table_args__ = (
        sa.Index(
            "uq_department_name",
            "hospital_id",
            "name_key",
            unique=True,
            sqlite_where=sa.text("merged_into IS NULL"),
            postgresql_where=sa.text("merged_into IS NULL"),
        ),
    )

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    hospital_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("hospital.id"), nullable=False)
    parent_id: Mapped[uuid.UUID | None] = plain(sa.ForeignKey("department.id"))
    name: Mapped[str] = plain(Name, nullable=False)
    name_key: Mapped[str] = plain(sa.String(NAME_MAX_CHARS), nullable=False)
    active: Mapped[bool] = plain(sa.Boolean, nullable=False, default=True)
    merged_into: Mapped[uuid.UUID | None] = plain(sa.ForeignKey("department.id"))

    hospital: Mapped[Hospital] = relationship(back_populates="departments", lazy="select")


class UnknownKind(StrEnum):
    HOSPITAL = "hospital"
    DEPARTMENT = "department"


class UnknownState(StrEnum):
    OPEN = "open"
    MAPPED = "mapped"
    REFUSED = "refused"


class UnknownName(Base):
    """A typed name that the directory lacks; one row per distinct text, kind and place, counted.

    A department's place is a hospital (``hospital_id``) or another unknown name (``within_id``). What a registration
    points to is this row; the answer is read through ``mapped_hospital_id`` / ``mapped_department_id``.
    """

    __tablename__ = "unknown_name"
    __table_args__ = (
        sa.UniqueConstraint("kind", "scope_key", "text_key"),
        sa.Index("ix_unknown_name_state_first_seen", "state", "first_seen", "id"),
    )

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    kind: Mapped[str] = plain(sa.String(32), nullable=False)
    text: Mapped[str] = plain(sa.String(NAME_MAX_CHARS), nullable=False, cls=DataClass.WORK)
    text_key: Mapped[str] = plain(sa.String(NAME_MAX_CHARS), nullable=False, cls=DataClass.WORK)
    scope_key: Mapped[str] = plain(sa.String(32), nullable=False, default="")  # hex of the place, "" for hospitals
    hospital_id: Mapped[uuid.UUID | None] = plain(sa.ForeignKey("hospital.id"))
    within_id: Mapped[uuid.UUID | None] = plain(sa.ForeignKey("unknown_name.id"))
    count: Mapped[int] = plain(sa.Integer, nullable=False, default=1)
    first_seen: Mapped[datetime] = plain(nullable=False)
    state: Mapped[str] = plain(sa.String(32), nullable=False, default=UnknownState.OPEN.value)
    mapped_hospital_id: Mapped[uuid.UUID | None] = plain(sa.ForeignKey("hospital.id"), index=True)
    mapped_department_id: Mapped[uuid.UUID | None] = plain(sa.ForeignKey("department.id"), index=True)
    decided_by: Mapped[uuid.UUID | None] = plain(cls=DataClass.USAGE)
    decided_by_name: Mapped[str] = plain(sa.String(80), nullable=False, default="", cls=DataClass.WORK)
    decided_at: Mapped[datetime | None] = plain(cls=DataClass.USAGE)

    @property
    def mapped_to(self) -> uuid.UUID | None:
        """The hospital or department that stands for the typed name."""
        return self.mapped_hospital_id or self.mapped_department_id
