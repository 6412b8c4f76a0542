"""Sums by day for the report, and which days have to be summed again."""

from __future__ import annotations

from datetime import date

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from app.core.columns import plain
from app.core.db import Base
from app.tickets import ddl

WHOLE_COUNTRY = ""


class TicketDay(Base):
    """One figure of one day in China and one province (`WHOLE_COUNTRY`: of all). Made anew by the day, never changed.

    ``kind`` says what ``first`` and ``second`` are: arrived (neither), kept (clock, priority), serial (model),
    fault (model, class). ``hits`` of ``n``: kept in time, or reported again.
    """

    __tablename__ = "ticket_day"

    kind: Mapped[str] = plain(sa.String(8), primary_key=True)
    day: Mapped[date] = plain(sa.Date, primary_key=True)
    province: Mapped[str] = plain(sa.String(2), primary_key=True)
    first: Mapped[str] = plain(sa.String(60), primary_key=True)
    second: Mapped[str] = plain(sa.String(24), primary_key=True)
    n: Mapped[int] = plain(nullable=False)
    hits: Mapped[int] = plain(nullable=False)


class StaleDay(Base):
    """A day whose sums no longer hold, named by triggers (`app.tickets.ddl`); a day may be named more than once."""

    __tablename__ = "ticket_day_stale"

    id: Mapped[int] = plain(sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True)
    day: Mapped[date] = plain(sa.Date, nullable=False, index=True)


ddl.attach(Base.metadata)
