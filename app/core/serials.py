"""Human numbers: ``REG-20261124-0001``, counted per China day and prefix.

The counter row is raised in the caller's transaction, so two of them can never read the same value; a rolled back
transaction may leave a gap, which nobody minds.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from app.core import clock
from app.core.columns import plain
from app.core.db import Base, db

RAISE = sa.text(
    "INSERT INTO serial_counter (prefix, day, n) VALUES (:prefix, :day, :count) "
    "ON CONFLICT (prefix, day) DO UPDATE SET n = serial_counter.n + :count RETURNING n"
)


class SerialCounter(Base):
    """The last number given out for a prefix on one China day (``day`` is YYYYMMDD)."""

    __tablename__ = "serial_counter"

    prefix: Mapped[str] = plain(sa.String(8), primary_key=True)
    day: Mapped[str] = plain(sa.String(8), primary_key=True)
    n: Mapped[int] = plain(sa.Integer, nullable=False)


def next_serial(prefix: str) -> str:
    """The next number of ``prefix`` today; unique across processes. Four digits at least, more when needed."""
    return next_serials(prefix, 1)[0]


def next_serials(prefix: str, count: int) -> list[str]:
    """The next ``count`` numbers, at least one, in one statement."""
    day = clock.today().strftime("%Y%m%d")
    last = db.session.execute(RAISE, {"prefix": prefix, "day": day, "count": count}).scalar_one()
    return [f"{prefix}-{day}-{n:04d}" for n in range(last - count + 1, last + 1)]
