"""What the worker keeps so that the report needs not read a million ratings, and which of it no longer holds."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from app.core.columns import DataClass, plain
from app.core.db import Base
from app.tickets.models import MODEL_MAX_CHARS

WORK, USAGE = DataClass.WORK, DataClass.USAGE
MONTH_CHARS = 7  # of 2026-11: the month of the closing, in China
KEY_CHARS = MODEL_MAX_CHARS
WITNESS_CHARS = 12  # the last hexadecimal digits of a subject's id, which are random
K = 5  # raters; fewer are shown to nobody


class RatingSum(Base):
    """Counts of rated jobs of one month, province and value of one dimension; void ratings and withdrawn jobs apart.

    ``raters`` counts up to `K` different people. While they are fewer, ``witnesses`` holds who they are, so that months
    and provinces can be put together without counting anybody twice; from `K` on it is empty.
    """

    __tablename__ = "rating_sum"

    month: Mapped[str] = plain(sa.String(MONTH_CHARS), primary_key=True)
    province: Mapped[str] = plain(sa.String(2), primary_key=True, cls=WORK)
    dimension: Mapped[str] = plain(sa.String(8), primary_key=True)  # all, score, engineer, kind, product, wait
    key: Mapped[str] = plain(sa.String(KEY_CHARS), primary_key=True, cls=WORK)
    label: Mapped[str] = plain(sa.String(80), nullable=False, cls=WORK)
    eligible: Mapped[int] = plain(nullable=False)
    asked: Mapped[int] = plain(nullable=False)
    delivered: Mapped[int] = plain(nullable=False)
    answered: Mapped[int] = plain(nullable=False)
    satisfied: Mapped[int] = plain(nullable=False)
    long_eligible: Mapped[int] = plain(nullable=False)  # of these the jobs that took more than a week
    long_asked: Mapped[int] = plain(nullable=False)
    raters: Mapped[int] = plain(sa.SmallInteger, nullable=False)
    witnesses: Mapped[str] = plain(sa.String(K * WITNESS_CHARS), nullable=False, cls=USAGE)


class RatingStale(Base):
    """A month of a province in which something changed since its sums were made; written by triggers, one row a change.

    Whoever counts takes the rows away first and counts then: what is committed later leaves a row that stays.
    """

    __tablename__ = "rating_stale"
    __table_args__ = (sa.Index("ix_rating_stale_month", "month", "province"),)

    id: Mapped[int] = plain(sa.Integer, primary_key=True, autoincrement=True)
    month: Mapped[str] = plain(sa.String(MONTH_CHARS), nullable=False)
    province: Mapped[str] = plain(sa.String(2), nullable=False, cls=WORK)
