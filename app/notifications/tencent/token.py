"""One interface token per account for all processes: a row, refreshed by one of them while the others wait.

The lock is a lease on the row, taken in a short transaction of its own; none is open while the service is asked.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from app.core import clock
from app.core.unit_of_work import evidence
from app.notifications.apart import reading
from app.notifications.models import InterfaceToken
from app.notifications.tencent.errors import Unreachable

MARGIN = timedelta(seconds=60)  # a token this near its end is not used any more
LEASE = timedelta(seconds=20)  # longer than one call may take
WAIT_SECONDS = 15.0
POLL_SECONDS = 0.05
FORCE_APART = timedelta(seconds=30)  # WeChat: forced refreshes at least 30 s apart, 20 a day


class Account(Protocol):
    """Whose token it is: ``name`` is of at most 64 characters and unique among all services."""

    @property
    def name(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Held:
    """What the row says."""

    token: str | None = field(repr=False)
    expires_at: datetime | None

    def usable(self, rejected: str | None) -> bool:
        alive = self.expires_at is not None and self.expires_at - MARGIN > clock.now()
        return alive and self.token is not None and self.token != rejected


class TokenStore:
    """``fetch(account, force)`` asks the service and gives (token, seconds); ``forces``: whether it can be forced."""

    def __init__(self, fetch: Callable[..., tuple[str, int]], *, forces: bool) -> None:
        self._fetch, self._forces = fetch, forces

    def get(self, account: Account, *, rejected: str | None = None) -> str:
        """A token that is not ``rejected``, refreshed at most once however many ask. Raises what ``fetch`` raises,
        and Unreachable when another process keeps the lock for longer than `WAIT_SECONDS`."""
        until = time.monotonic() + WAIT_SECONDS
        while True:
            held = _read(account.name)
            if held.usable(rejected):
                return str(held.token)
            if _claim(account.name):
                return self._refresh(account, rejected)
            if time.monotonic() > until:
                raise Unreachable("token_busy", sent=False)
            time.sleep(POLL_SECONDS)

    def _refresh(self, account: Account, rejected: str | None) -> str:
        """Ask while holding the lock. The lock is given back whatever happens."""
        held = _read(account.name)
        if held.usable(rejected):  # somebody finished between our look and our claim
            _release(account.name)
            return str(held.token)
        try:
            token, seconds = self._fetch(account, False)
            if token == rejected and self._forces and _may_force(account.name):
                token, seconds = self._fetch(account, True)
        except BaseException:
            _release(account.name)
            raise
        _store(account.name, token, seconds)
        return token


def _read(name: str) -> Held:
    with reading() as session:
        row = session.scalar(sa.select(InterfaceToken).where(InterfaceToken.account == name))
        return Held(row.token, row.expires_at) if row else Held(None, None)


def _claim(name: str) -> bool:
    """Whether the lock is ours now."""
    now = clock.now()
    free = sa.or_(InterfaceToken.refreshing_until.is_(None), InterfaceToken.refreshing_until < now)
    try:
        with evidence() as session:
            taken = session.execute(
                sa.update(InterfaceToken)
                .where(InterfaceToken.account == name, free)
                .values(refreshing_until=now + LEASE)
                .execution_options(synchronize_session=False)
            )
            if taken.rowcount == 1:  # type: ignore[attr-defined]
                return True
            if session.scalar(sa.select(InterfaceToken.id).where(InterfaceToken.account == name)) is not None:
                return False
            session.add(InterfaceToken(account=name, refreshing_until=now + LEASE, refreshes=0))
    except IntegrityError:  # two processes met the missing row: the other one made it
        return False
    return True


def _release(name: str) -> None:
    with evidence() as session:
        session.execute(sa.update(InterfaceToken).where(InterfaceToken.account == name).values(refreshing_until=None))


def _store(name: str, token: str, seconds: int) -> None:
    with evidence() as session:
        row = session.scalars(sa.select(InterfaceToken).where(InterfaceToken.account == name)).one()
        row.token = token
        row.expires_at = clock.now() + timedelta(seconds=seconds)
        row.refreshing_until = None
        row.refreshes += 1


def _may_force(name: str) -> bool:
    """Whether a forced refresh is allowed now; notes that it happens."""
    now = clock.now()
    with evidence() as session:
        row = session.scalars(sa.select(InterfaceToken).where(InterfaceToken.account == name)).one()
        if row.forced_at is not None and now - row.forced_at < FORCE_APART:
            return False
        row.forced_at = now
        return True
