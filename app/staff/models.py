"""Staff accounts, what they may do, and how they prove who they are.

E-mail, name and WeCom id are work data and stay readable; the phone number and the second factor's secret are sealed.
Tokens (session, invitation) are 256 random bits of which only the SHA-256 is stored.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from app.core.columns import DataClass, plain, sealed_column
from app.core.db import Base
from app.core.masking import to_e164
from app.core.sealed import Sealed
from app.core.unit_of_work import declare_evidence

HASH_BYTES = 32


class AccountState(StrEnum):
    INVITED = "invited"
    ACTIVE = "active"
    DISABLED = "disabled"


class SessionStage(StrEnum):
    """How far a sign-in has come; only a full one makes an actor."""

    PASSWORD = "password"  # noqa: S105 -- the password was right, the second factor is outstanding
    FULL = "full"


class StaffAccount(Base):
    """A person who works in the portal; a dealer's user carries the dealer."""

    __tablename__ = "staff_account"
    __table_args__ = (
        sa.UniqueConstraint("email", name="uq_staff_account_email"),
        sa.CheckConstraint("state IN ('invited', 'active', 'disabled')", name="state"),
        sa.Index("ix_staff_account_name_id", "name", "id"),
        sa.Index("uq_staff_account_wecom_user_id", "wecom_user_id", unique=True),
    )

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    email: Mapped[str] = plain(sa.String(254), nullable=False, cls=DataClass.WORK)  # lower case
    name: Mapped[str] = plain(sa.String(64), nullable=False, cls=DataClass.WORK)
    state: Mapped[str] = plain(sa.String(32), nullable=False, default=AccountState.INVITED.value)
    password_hash: Mapped[str | None] = plain(sa.String(255))
    password_changed_at: Mapped[datetime | None] = plain()
    dealer_id: Mapped[uuid.UUID | None] = plain(sa.ForeignKey("dealer.id"), index=True)
    wecom_user_id: Mapped[str | None] = plain(sa.String(64), nullable=True, cls=DataClass.WORK)  # lower case
    phone_sealed: Mapped[bytes | None] = sealed_column(DataClass.CONTACT)
    totp_sealed: Mapped[bytes | None] = sealed_column(DataClass.WORK)
    totp_pending_sealed: Mapped[bytes | None] = sealed_column(DataClass.WORK)  # shown, not yet confirmed
    totp_last_step: Mapped[int | None] = plain(sa.BigInteger)  # 30-second steps since 1970; each is good once
    preferences: Mapped[dict[str, Any]] = plain(sa.JSON, nullable=False, default=dict)
    created_at: Mapped[datetime] = plain(nullable=False)
    disabled_at: Mapped[datetime | None] = plain()
    version: Mapped[int] = plain(sa.Integer, nullable=False, default=1)

    phone = Sealed("phone_sealed", normalise=to_e164)
    totp_secret = Sealed("totp_sealed")
    totp_pending = Sealed("totp_pending_sealed")


class RoleAssignment(Base):
    """A role of an account, bounded to provinces (NULL: everywhere), with or without the lead's rights."""

    __tablename__ = "role_assignment"
    __table_args__ = (sa.UniqueConstraint("staff_id", "role", name="uq_role_assignment_staff_id_role"),)

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    staff_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("staff_account.id"), nullable=False)
    role: Mapped[str] = plain(sa.String(32), nullable=False, index=True)
    provinces: Mapped[list[str] | None] = plain(sa.JSON(none_as_null=True))
    lead: Mapped[bool] = plain(sa.Boolean, nullable=False, default=False)
    granted_by: Mapped[uuid.UUID | None] = plain()  # NULL: by a command of the operator
    granted_at: Mapped[datetime] = plain(nullable=False)


class StaffSession(Base):
    """One sign-in on one device. Idle and absolute ends are true at read time; nothing has to run for them."""

    __tablename__ = "staff_session"
    __table_args__ = (
        sa.UniqueConstraint("token_hash", name="uq_staff_session_token_hash"),
        sa.Index("ix_staff_session_staff_id_created_at", "staff_id", "created_at"),
    )

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    token_hash: Mapped[bytes] = plain(sa.LargeBinary(HASH_BYTES), nullable=False)
    staff_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("staff_account.id"), nullable=False)
    stage: Mapped[str] = plain(sa.String(32), nullable=False)
    created_at: Mapped[datetime] = plain(nullable=False, cls=DataClass.USAGE)
    signed_in_at: Mapped[datetime] = plain(nullable=False, cls=DataClass.USAGE)  # moved by a step-up
    last_seen_at: Mapped[datetime] = plain(nullable=False, cls=DataClass.USAGE)
    expires_at: Mapped[datetime] = plain(nullable=False)  # the absolute end
    ended_at: Mapped[datetime | None] = plain(cls=DataClass.USAGE)
    ended_why: Mapped[str | None] = plain(sa.String(32))
    device: Mapped[str] = plain(sa.String(64), nullable=False, default="", cls=DataClass.USAGE)
    address_mac: Mapped[bytes | None] = plain(sa.LargeBinary(HASH_BYTES), cls=DataClass.USAGE)


class HeldForm(Base):
    """A form that arrived after its session had ended, sealed; see `service.held`."""

    __tablename__ = "held_form"
    __table_args__ = (sa.Index("ix_held_form_until", "until"),)
    PATH_MAX_CHARS = 300

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    staff_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("staff_account.id"), nullable=False, index=True)
    path: Mapped[str] = plain(sa.String(PATH_MAX_CHARS), nullable=False)
    fields_sealed: Mapped[bytes | None] = sealed_column(DataClass.FREE_TEXT)
    fields = Sealed("fields_sealed")  # JSON: pairs of name and value
    at: Mapped[datetime] = plain(nullable=False, cls=DataClass.USAGE)
    until: Mapped[datetime] = plain(nullable=False)


class RecoveryCode(Base):
    """A code that stands in for the second factor once."""

    __tablename__ = "recovery_code"
    __table_args__ = (sa.UniqueConstraint("staff_id", "code_mac", name="uq_recovery_code_staff_id_code_mac"),)

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    staff_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("staff_account.id"), nullable=False)
    code_mac: Mapped[bytes] = plain(sa.LargeBinary(HASH_BYTES), nullable=False)
    used_at: Mapped[datetime | None] = plain()


class Invitation(Base):
    """A one-time link to set the first password, or a new one after an administrator started a reset."""

    __tablename__ = "invitation"
    __table_args__ = (sa.UniqueConstraint("token_hash", name="uq_invitation_token_hash"),)

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    token_hash: Mapped[bytes] = plain(sa.LargeBinary(HASH_BYTES), nullable=False)
    staff_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("staff_account.id"), nullable=False, index=True)
    invited_by: Mapped[uuid.UUID | None] = plain()
    created_at: Mapped[datetime] = plain(nullable=False)
    expires_at: Mapped[datetime] = plain(nullable=False)
    used_at: Mapped[datetime | None] = plain()


declare_evidence(StaffSession.__tablename__)
