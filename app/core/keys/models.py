"""Tables of the class keys, in the main database. The keys of subjects and images live apart (`keystore`)."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from app.core import clock
from app.core.columns import plain
from app.core.db import Base


class KeyState(StrEnum):
    """Life of a class key. Only the active one seals; all of them still open what they sealed."""

    ACTIVE = "active"
    RETIRING = "retiring"  # a newer key is active; values are being re-encrypted
    RETIRED = "retired"  # nothing in the database is sealed with it; kept for backups


class DataKey(Base):
    """A class key, wrapped by the key-encryption key named by ``kek`` (a fingerprint, not a secret)."""

    __tablename__ = "data_key"
    __table_args__ = (
        sa.Index(
            "uq_data_key_active",
            "purpose",
            unique=True,
            sqlite_where=sa.text("state = 'active'"),
            postgresql_where=sa.text("state = 'active'"),
        ),
    )

    id: Mapped[int] = plain(sa.Integer, primary_key=True, autoincrement=False)  # random, goes into ciphertext headers
    purpose: Mapped[str] = plain(sa.String(128), nullable=False)
    wrapped: Mapped[bytes] = plain(sa.LargeBinary, nullable=False)
    kek: Mapped[str] = plain(sa.String(16), nullable=False)
    state: Mapped[str] = plain(sa.String(32), nullable=False, default=KeyState.ACTIVE)
    created_at: Mapped[datetime] = plain(nullable=False, default=clock.now)
    changed_at: Mapped[datetime] = plain(nullable=False, default=clock.now)  # instant of the latest change of state


class KeyRotation(Base):
    """How far a rotation has come in one column, so that a killed run resumes where it stopped."""

    __tablename__ = "key_rotation"
    __table_args__ = (sa.UniqueConstraint("data_key_id", "place", name="uq_key_rotation_place"),)

    id: Mapped[int] = plain(sa.Integer, primary_key=True)
    data_key_id: Mapped[int] = plain(sa.ForeignKey("data_key.id"), nullable=False)  # the new key
    place: Mapped[str] = plain(sa.String(128), nullable=False)
    after_id: Mapped[str | None] = plain(sa.String(64), nullable=True)  # last row done, in id order
    done_at: Mapped[datetime | None] = plain(nullable=True)
