"""Tables of the people who use the mini program: accounts, how they prove who they are, their live sign-ins.

An account exists from the first verified phone number on; whether it is a customer is said by its profile, which an
approved registration gives. Everything sealed here is sealed by the person's own key: destroying it erases the person.
"""

from __future__ import annotations

import uuid
from datetime import date, datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from app.core import keys
from app.core.columns import DataClass, index_column, plain, sealed_column
from app.core.db import Base
from app.core.masking import to_e164
from app.core.sealed import Sealed

WORK, USAGE = DataClass.WORK, DataClass.USAGE
CODE_PURPOSE = keys.declare("login_code")


class Gender(StrEnum):
    """Collected for the form of address alone; voluntary (C10)."""

    FEMALE = "female"
    MALE = "male"
    UNDISCLOSED = "undisclosed"


class Audience(StrEnum):
    """Which site a login code is for. The second one can be asked for, but not be used yet (decisions.md 25)."""

    SERVICE = "service"
    SMART_MEDICAL = "smart_medical"


def compact_name(text: str) -> str:
    """How names are compared: without blanks, case folded."""
    return "".join(text.split()).casefold()


def _partial(name: str, where: str, *columns: str) -> sa.Index:
    """An index over the few rows of which ``where`` is true."""
    return sa.Index(name, *columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))


class Customer(Base):
    """An account. ``name`` is what the person last gave; what was verified is the profile's."""

    __tablename__ = "customer"
    __table_args__ = (
        sa.Index(  # C02: one living account per phone, whatever two requests do at once
            "uq_customer_phone",
            "phone_index",
            unique=True,
            sqlite_where=sa.text("closed_at IS NULL"),
            postgresql_where=sa.text("closed_at IS NULL"),
        ),
        sa.Index("ix_customer_created", "created_at", "id"),
        sa.Index("ix_customer_last_used", "last_used_at", "id"),
        _partial("ix_customer_unverified", "verified_from IS NULL", "created_at", "id"),
        _partial("ix_customer_frozen", "frozen_at IS NOT NULL", "created_at", "id"),
        _partial("ix_customer_closed", "closed_at IS NOT NULL", "created_at", "id"),
    )

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    subject_id: Mapped[uuid.UUID] = plain(nullable=False, unique=True)
    phone_sealed: Mapped[bytes | None] = sealed_column(DataClass.CONTACT)
    phone_index: Mapped[bytes | None] = index_column(DataClass.CONTACT)
    phone_tail: Mapped[bytes | None] = index_column(DataClass.CONTACT, index=True)
    phone = Sealed("phone_sealed", by="subject", index="phone_index", tail="phone_tail", normalise=to_e164)
    name_sealed: Mapped[bytes | None] = sealed_column(DataClass.IDENTIFIER)
    name_index: Mapped[bytes | None] = index_column(DataClass.IDENTIFIER, index=True)
    name = Sealed("name_sealed", by="subject", index="name_index", normalise=compact_name)
    gender_sealed: Mapped[bytes | None] = sealed_column(DataClass.SENSITIVE)  # empty: undisclosed
    gender_text = Sealed("gender_sealed", by="subject")
    adult_asserted_at: Mapped[datetime | None] = plain(nullable=True, cls=USAGE)
    created_at: Mapped[datetime] = plain(nullable=False, cls=USAGE)
    last_used_at: Mapped[datetime] = plain(nullable=False, cls=USAGE)  # latest sign-in or call, to the hour
    name_failures: Mapped[int] = plain(nullable=False, default=0)  # wrong names given after a long absence
    # from when on a profile is in force; kept by the service beside the profiles, for the list of those without one
    verified_from: Mapped[datetime | None] = plain(nullable=True, index=True, cls=USAGE)
    frozen_at: Mapped[datetime | None] = plain(nullable=True, cls=USAGE)
    closed_at: Mapped[datetime | None] = plain(nullable=True, cls=USAGE)
    version: Mapped[int] = plain(nullable=False, default=1)

    @property
    def gender(self) -> Gender:
        return Gender(self.gender_text or Gender.UNDISCLOSED)

    @gender.setter
    def gender(self, value: Gender) -> None:
        self.gender_text = None if value is Gender.UNDISCLOSED else value.value


class CustomerProfile(Base):
    """What one approved registration made of a person. The latest one in force counts; see `queries.profile_of`.

    An approval still within its undo window has an ``effective_at`` ahead and counts for nothing (decisions.md 20).
    """

    __tablename__ = "customer_profile"
    __table_args__ = (
        sa.UniqueConstraint("registration_id"),
        sa.Index("ix_customer_profile_customer", "customer_id", "effective_at"),
        sa.Index("ix_customer_profile_place", "hospital_id", "department_id"),
        _partial("ix_customer_profile_suspended", "suspended_at IS NOT NULL", "customer_id"),
    )

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    customer_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("customer.id"), nullable=False)
    subject_id: Mapped[uuid.UUID] = plain(nullable=False)
    registration_id: Mapped[uuid.UUID] = plain(nullable=False)  # of the floor above: no foreign key
    name_sealed: Mapped[bytes | None] = sealed_column(DataClass.IDENTIFIER)
    name_index: Mapped[bytes | None] = index_column(DataClass.IDENTIFIER, index=True)
    name = Sealed("name_sealed", by="subject", index="name_index", normalise=compact_name)
    hospital_id: Mapped[uuid.UUID | None] = plain(sa.ForeignKey("hospital.id"), nullable=True, cls=WORK)
    department_id: Mapped[uuid.UUID | None] = plain(sa.ForeignKey("department.id"), nullable=True, cls=WORK)
    position: Mapped[str] = plain(sa.String(60), nullable=False, cls=WORK)
    title: Mapped[str] = plain(sa.String(60), nullable=False, cls=WORK)
    badge_valid_until: Mapped[date | None] = plain(sa.Date, nullable=True, cls=WORK)  # the badge's own date, if shown
    effective_at: Mapped[datetime] = plain(nullable=False, cls=USAGE)
    suspended_at: Mapped[datetime | None] = plain(nullable=True, cls=USAGE)
    ended_at: Mapped[datetime | None] = plain(nullable=True, cls=USAGE)


class WechatIdentity(Base):
    """An OpenID of one WeChat account. The same OpenID under another app id is another identity (C16).

    What WeChat tells about it (follows, accepts messages, is broken) is kept by the notifications, by OpenID.
    """

    __tablename__ = "wechat_identity"
    __table_args__ = (sa.UniqueConstraint("appid", "openid_index"),)

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    customer_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("customer.id"), nullable=False, index=True)
    subject_id: Mapped[uuid.UUID] = plain(nullable=False)
    appid: Mapped[str] = plain(sa.String(64), nullable=False)
    openid_sealed: Mapped[bytes | None] = sealed_column(DataClass.IDENTIFIER)
    openid_index: Mapped[bytes | None] = index_column(DataClass.IDENTIFIER)
    openid = Sealed("openid_sealed", by="subject", index="openid_index")
    unionid_sealed: Mapped[bytes | None] = sealed_column(DataClass.IDENTIFIER)
    unionid = Sealed("unionid_sealed", by="subject")
    created_at: Mapped[datetime] = plain(nullable=False, cls=USAGE)
    last_used_at: Mapped[datetime] = plain(nullable=False, cls=USAGE)


class LoginCode(Base):
    """A code sent to a phone number, known or not. Five tries, five minutes, one use; a new one ends the old.

    A wrong try at a number without a code makes a row that nothing matches, so that both are answered alike.
    """

    __tablename__ = "login_code"
    __table_args__ = (sa.Index("ix_login_code_phone", "phone_index", "audience", "created_at"),)

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    phone_index: Mapped[bytes] = index_column(DataClass.CONTACT, nullable=False)
    audience: Mapped[str] = plain(sa.String(32), nullable=False)
    code_hash: Mapped[bytes | None] = plain(sa.LargeBinary(32), nullable=True)  # keyed; empty: nothing was sent
    created_at: Mapped[datetime] = plain(nullable=False, cls=USAGE)
    expires_at: Mapped[datetime] = plain(nullable=False, index=True)
    tries: Mapped[int] = plain(nullable=False, default=0)
    used_at: Mapped[datetime | None] = plain(nullable=True)
    ended_at: Mapped[datetime | None] = plain(nullable=True)  # a newer code took its place


class CustomerToken(Base):
    """A live sign-in. The token itself is known to the phone alone."""

    __tablename__ = "customer_token"

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    token_hash: Mapped[bytes] = plain(sa.LargeBinary(32), nullable=False, unique=True)
    customer_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("customer.id"), nullable=False, index=True)
    created_at: Mapped[datetime] = plain(nullable=False, cls=USAGE)
    last_used_at: Mapped[datetime] = plain(nullable=False, cls=USAGE)
    expires_at: Mapped[datetime] = plain(nullable=False, index=True)  # idle or absolute end, whichever comes first
    absolute_at: Mapped[datetime] = plain(nullable=False)
    device: Mapped[str] = plain(sa.String(64), nullable=False, default="", cls=USAGE)  # "WeChat · iPhone", no more
    ended_at: Mapped[datetime | None] = plain(nullable=True, cls=USAGE)


class RightsKind(StrEnum):
    """What a person may ask for about the own data (policy §7, PIPL 44 to 50)."""

    ACCESS = "access"
    CORRECT = "correct"
    SUPPLEMENT = "supplement"
    DELETE = "delete"
    CANCEL = "cancel"
    TRANSFER = "transfer"
    WITHDRAW_CONSENT = "withdraw_consent"
    RESTRICT = "restrict"
    EXPLAIN = "explain"
    COMPLAINT = "complaint"
    ACCOUNT_RECOVERY = "account_recovery"  # opened by the portal when it freezes an account


class RightsState(StrEnum):
    RECEIVED = "received"


class RightsRequest(Base):
    """A request about a person's own data, to be answered by the end of the 15th day after receipt (C42)."""

    __tablename__ = "rights_request"
    __table_args__ = (sa.UniqueConstraint("number"), sa.Index("ix_rights_request_due", "state", "due_on"))

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    number: Mapped[str] = plain(sa.String(20), nullable=False)
    customer_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("customer.id"), nullable=False, index=True)
    subject_id: Mapped[uuid.UUID] = plain(nullable=False)
    kind: Mapped[str] = plain(sa.String(32), nullable=False, cls=USAGE)
    text_sealed: Mapped[bytes | None] = sealed_column(DataClass.FREE_TEXT)
    text = Sealed("text_sealed", by="subject")
    received_at: Mapped[datetime] = plain(nullable=False, cls=USAGE)
    due_on: Mapped[date] = plain(sa.Date, nullable=False)  # China day; the whole of it is still in time
    state: Mapped[str] = plain(sa.String(32), nullable=False, default=RightsState.RECEIVED.value)
