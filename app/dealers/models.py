"""Dealers who may be charged with visits, and the contracts under which they may see personal data.

`Dealer`: territory (provinces), product lines, whether it acts for us (entrusted, PIPL 21) or in its own name
(independent, PIPL 23). Its users are staff accounts with ``dealer_id`` and the role `dealer_user`; there is no second
kind of account. `DealerContract`: one row of the register per contract. The instants ``starts_at`` and ``ends_at``
alone decide whether it is in force; ending or revoking a contract moves ``ends_at`` and nothing else has to run
(decisions.md 8). `in_force` is that rule as SQL, `DealerContract.holds_at` the same in Python: access, offers and
eligibility are joins on it.
"""

from __future__ import annotations

import uuid
from datetime import date, datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from app.core.columns import DataClass, plain
from app.core.db import Base

WORK, USAGE = DataClass.WORK, DataClass.USAGE
ELEMENT_MAX_CHARS = 600
NUMBER_MAX_CHARS = 40


class DealerRole(StrEnum):
    """On what basis a dealer handles personal data."""

    ENTRUSTED = "entrusted"  # PIPL 21: on our behalf, under contract and supervision
    INDEPENDENT = "independent"  # PIPL 23: in its own name; the person consents separately


class AtTheEnd(StrEnum):
    """What a dealer does with the data when a contract ends."""

    RETURN = "return"
    DELETE = "delete"


class SubEntrusting(StrEnum):
    FORBIDDEN = "forbidden"
    WITH_CONSENT = "with_consent"  # ours, in writing, each time


class EndKind(StrEnum):
    ENDED = "ended"  # by agreement, before its last day
    REVOKED = "revoked"  # by us, for cause


class Dealer(Base):
    """An inactive dealer keeps its row; nothing new is given to it."""

    __tablename__ = "dealer"
    __table_args__ = (sa.Index("ix_dealer_name_id", "name", "id"),)

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    name: Mapped[str] = plain(sa.String(120), nullable=False, unique=True)
    active: Mapped[bool] = plain(sa.Boolean, nullable=False, default=True)
    role: Mapped[str] = plain(sa.String(16), nullable=False, default=DealerRole.ENTRUSTED.value)
    provinces: Mapped[list[str]] = plain(sa.JSON, nullable=False, default=list)  # GB/T 2260
    product_lines: Mapped[list[str]] = plain(sa.JSON, nullable=False, default=list)  # app.dealers.lines
    capacity: Mapped[int] = plain(sa.SmallInteger, nullable=False, default=2)  # visits per half day
    lat: Mapped[float | None] = plain(sa.Double)  # degrees, WGS 84; of the dealer's workshop
    lon: Mapped[float | None] = plain(sa.Double)
    visits_done: Mapped[int] = plain(nullable=False, default=0)  # ended visits, and those that fixed it at once
    visits_fixed: Mapped[int] = plain(nullable=False, default=0)
    version: Mapped[int] = plain(nullable=False, default=1)


class DealerContract(Base):
    """A data-security contract with a dealer: the eight elements of PIPL 21 as fields of their own.

    The eighth element is ``at_the_end``; the third, the term, is also what ``valid_from`` and ``valid_until`` say in
    days. ``confirmed_at`` is set when all of them, the impact assessment and the file are there: a draft opens
    nothing. The row is kept at least three years after its end (PIPL 56).
    """

    __tablename__ = "dealer_contract"
    __table_args__ = (
        sa.UniqueConstraint("number"),
        sa.Index("ix_dealer_contract_dealer", "dealer_id", "ends_at", "id"),
        sa.CheckConstraint("ends_at >= starts_at", name="period"),
    )

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    dealer_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("dealer.id"), nullable=False)
    number: Mapped[str] = plain(sa.String(NUMBER_MAX_CHARS), nullable=False)
    version: Mapped[int] = plain(nullable=False, default=1)
    valid_from: Mapped[date] = plain(sa.Date, nullable=False)
    valid_until: Mapped[date] = plain(sa.Date, nullable=False)  # the last day, as agreed
    starts_at: Mapped[datetime] = plain(nullable=False)  # midnight in China before the first day
    ends_at: Mapped[datetime] = plain(nullable=False)  # midnight after the last day; earlier once ended or revoked
    purpose: Mapped[str] = plain(sa.String(ELEMENT_MAX_CHARS), nullable=False, default="")
    term: Mapped[str] = plain(sa.String(ELEMENT_MAX_CHARS), nullable=False, default="")
    method: Mapped[str] = plain(sa.String(ELEMENT_MAX_CHARS), nullable=False, default="")
    data_kinds: Mapped[str] = plain(sa.String(ELEMENT_MAX_CHARS), nullable=False, default="")
    measures: Mapped[str] = plain(sa.String(ELEMENT_MAX_CHARS), nullable=False, default="")
    duties: Mapped[str] = plain(sa.String(ELEMENT_MAX_CHARS), nullable=False, default="")
    supervision: Mapped[str] = plain(sa.String(ELEMENT_MAX_CHARS), nullable=False, default="")
    at_the_end: Mapped[str] = plain(sa.String(16), nullable=False, default="")
    assessment_id: Mapped[str] = plain(sa.String(NUMBER_MAX_CHARS), nullable=False, default="")  # PIPL 55, 56
    sub_entrusting: Mapped[str] = plain(sa.String(16), nullable=False, default=SubEntrusting.FORBIDDEN.value)
    may_repair: Mapped[bool] = plain(nullable=False, default=False)  # otherwise check and collect only
    may_collect: Mapped[bool] = plain(nullable=False, default=False)
    file_id: Mapped[uuid.UUID | None] = plain(sa.ForeignKey("stored_file.id"))
    confirmed_at: Mapped[datetime | None] = plain()
    confirmed_by: Mapped[uuid.UUID | None] = plain()
    confirmed_name: Mapped[str] = plain(sa.String(80), nullable=False, default="", cls=WORK)
    ended_at: Mapped[datetime | None] = plain()  # when somebody ended it; NULL: it runs to its last day
    ended_kind: Mapped[str] = plain(sa.String(16), nullable=False, default="")
    ended_reason: Mapped[str] = plain(sa.String(32), nullable=False, default="")
    ended_by: Mapped[uuid.UUID | None] = plain()
    ended_name: Mapped[str] = plain(sa.String(80), nullable=False, default="", cls=WORK)
    deletion_confirmed_at: Mapped[datetime | None] = plain()  # the dealer's word that the data is gone or returned
    created_at: Mapped[datetime] = plain(nullable=False)

    def holds_at(self, at: datetime) -> bool:
        """Whether the contract is in force at that instant."""
        return self.confirmed_at is not None and self.starts_at <= at < self.ends_at


def in_force(at: datetime | Any) -> sa.ColumnElement[bool]:
    """SQL: the contract is in force at ``at``, an instant or a column."""
    c = DealerContract
    return sa.and_(c.confirmed_at.is_not(None), c.starts_at <= at, c.ends_at > at)


def covers(since: datetime | Any, until: datetime | Any) -> sa.ColumnElement[bool]:
    """SQL: the contract is in force through the whole of a visit."""
    c = DealerContract
    return sa.and_(c.confirmed_at.is_not(None), c.starts_at <= since, c.ends_at >= until)
