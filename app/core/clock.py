"""The only source of now. UTC everywhere in code and database; Asia/Shanghai on pages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")
_frozen: ContextVar[datetime | None] = ContextVar("frozen_clock", default=None)


def now() -> datetime:
    """The current instant, timezone-aware UTC."""
    return _frozen.get() or datetime.now(UTC)


def today() -> date:
    """The current calendar day in China."""
    return now().astimezone(SHANGHAI).date()


@contextmanager
def frozen(at: datetime) -> Iterator[None]:
    """Tests and replays: everything inside sees ``at`` as now. Naive datetimes are refused."""
    if at.tzinfo is None:
        raise ValueError("a frozen clock needs a timezone-aware instant")
    token = _frozen.set(at.astimezone(UTC))
    try:
        yield
    finally:
        _frozen.reset(token)


@contextmanager
def advanced(by: timedelta) -> Iterator[None]:
    """As `frozen`, relative to the present now."""
    with frozen(now() + by):
        yield
