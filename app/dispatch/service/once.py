"""Every act of `/jobs` happens once, however often the phone sends it (`models.jobs`)."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from app.core import clock, jobs
from app.core.db import db
from app.core.errors import Conflict, NotFound
from app.core.policy import Actor
from app.dispatch.models import Dispatch, JobReceipt, Visit
from app.dispatch.models.jobs import KEPT
from app.dispatch.queries.mine import readable
from app.dispatch.service import reach
from app.tickets.models import Ticket

TOKEN = re.compile(r"[0-9a-f]{32}")
FORGET = "dispatch.forget_receipts"
EVERY = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class Saved:
    """What was saved and when; ``again``: it had been saved before, nothing happened now."""

    action: str
    at: datetime
    again: bool


@dataclass(frozen=True, slots=True)
class Hand:
    """A job in hands: its ticket locked, settled and agreeing with its dispatch."""

    row: Ticket
    found: Dispatch
    ids: frozenset[uuid.UUID]
    visit: Visit | None


def earlier(actor: Actor, token: str) -> Saved | None:
    """What this very form was answered with before."""
    found = _receipt(actor, token)
    return Saved(found.action, found.at, True) if found is not None else None


def once(
    actor: Actor, dispatch_id: uuid.UUID, token: str, action: str, do: Callable[[Hand], datetime | None], *,
    answering: bool = False,
) -> Saved:  # fmt: skip
    """Do it unless this form was sent before. ``do`` answers with the instant when it had been done already.

    ``answering``: an offer that is over is told as such by ``do``; everything else needs a job one may read now.
    Raises NotFound, Conflict for a token of another form, and what ``do`` raises.
    """
    row, found, ids = reach.own(actor, dispatch_id)
    before = _receipt(actor, token)
    if before is not None:
        if (before.dispatch_id, before.action) != (dispatch_id, action):
            raise Conflict(_l("这个页面已经用过，请打开最新的任务页。"), code="token_used")
        return Saved(before.action, before.at, True)
    if not answering:
        _require_readable(found, ids)
    done_at = do(Hand(row, found, ids, reach.open_visit(found)))
    if done_at is not None:
        return Saved(action, done_at, True)
    now = clock.now()
    if TOKEN.fullmatch(token):
        db.session.add(JobReceipt(staff_id=actor.id, token=token, dispatch_id=dispatch_id, action=action, at=now))
        db.session.flush()
    return Saved(action, now, False)


def forget() -> int:
    """Receipts that no phone will ask for any more; how many. A job calls it."""
    done = db.session.execute(sa.delete(JobReceipt).where(JobReceipt.at < clock.now() - KEPT))
    return int(done.rowcount)  # type: ignore[attr-defined]


def install() -> None:
    """Register the job and its rhythm."""

    @jobs.handler(FORGET)
    def _forget(_payload: dict[str, Any]) -> None:
        forget()

    jobs.every(FORGET, EVERY)


def _receipt(actor: Actor, token: str) -> JobReceipt | None:
    if not TOKEN.fullmatch(token):
        return None
    query = sa.select(JobReceipt).where(JobReceipt.staff_id == actor.id, JobReceipt.token == token)
    return db.session.scalars(query).one_or_none()


def _require_readable(found: Dispatch, ids: frozenset[uuid.UUID]) -> None:
    query = sa.select(Dispatch.id).join(Ticket, Ticket.id == Dispatch.ticket_id)
    if db.session.scalar(query.where(Dispatch.id == found.id, *readable(ids, clock.now()))) is None:
        raise NotFound()
