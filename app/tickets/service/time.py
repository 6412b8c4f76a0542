"""What time alone changes on a ticket: settled before anything else happens to it, and in bulk by a job.

``wakes_at`` holds the next instant that matters for the status: an idle triage, a reminder or the end of a question, an
offer nobody took, a quote that ran out, a result nobody objected to. Each change is stamped with that instant.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from app.core import calendar, clock, jobs, numbers
from app.core.db import db
from app.core.errors import DomainError
from app.core.policy import SYSTEM
from app.tickets.facts import Facts
from app.tickets.models import Quote, Ticket
from app.tickets.service import notices
from app.tickets.service.gather import closing_facts
from app.tickets.service.move import move
from app.tickets.workflow import Status

SETTLE = "tickets.settle"
EVERY = timedelta(minutes=1)
BATCH = 500
REMINDERS = (1, 2)  # working days after a question; the last one says that the report will end


def settle(row: Ticket, now: datetime) -> bool:
    """Make true what time has changed already; whether anything was. Several steps may be due after a long night."""
    changed = False
    for _step in range(len(REMINDERS) + 2):
        if row.wakes_at is None or row.wakes_at > now:
            break
        _STEPS.get(Status(row.status), _forget)(row, row.wakes_at)
        changed = True
    return changed


def settle_due(limit: int = BATCH) -> int:
    """Settle what is due, a batch; the number of tickets. A job calls it until it returns 0."""
    now = clock.now()
    due = sa.select(Ticket).where(Ticket.wakes_at <= now).order_by(Ticket.wakes_at).limit(limit)
    rows = db.session.scalars(due.with_for_update(skip_locked=True)).all()
    for row in rows:
        settle(row, now)
    return len(rows)


def idle_at(now: datetime) -> datetime:
    """When a ticket in triage goes back to the queue if nobody works on it."""
    return now + timedelta(minutes=numbers.get("triage_idle_minutes"))


def reminder_at(asked_at: datetime, number: int) -> datetime:
    """Office time of so many working days after a question."""
    hours = numbers.office_hours()
    day = (hours.pause_from - hours.opens + hours.closes - hours.pause_until) / 60
    return calendar.add_working_hours(asked_at, day * number)


def answer_until(asked_at: datetime) -> datetime:
    """The end of a customer's time to answer."""
    return reminder_at(asked_at, numbers.get("info_silence_days"))


def confirm_until(done_at: datetime) -> datetime:
    """When a result that nobody objected to closes by itself."""
    return reminder_at(done_at, numbers.get("confirm_days"))


def _facts(at: datetime, **more: Any) -> Facts:
    return Facts(now=at, **more)


def _release(row: Ticket, at: datetime) -> None:
    move(row, "release_idle", SYSTEM, _facts(at), changes={"triager_id": None, "triager_name": ""})


def held_in_triage(staff_id: uuid.UUID) -> list[sa.ColumnElement[bool]]:
    """Reports in this person's hands."""
    return [Ticket.status == Status.TRIAGING, Ticket.triager_id == staff_id]


def release_all_of(staff_id: uuid.UUID) -> int:
    """Back to the queue at once, what was noted kept; how many."""
    query = sa.select(Ticket).where(*held_in_triage(staff_id)).order_by(Ticket.id).with_for_update()
    rows = db.session.scalars(query).all()
    for row in rows:
        _release(row, clock.now())
    return len(rows)


def _question(row: Ticket, at: datetime) -> None:
    """Reminders first, each once; the end only after the last of them was written."""
    if row.answer_by is not None and at >= row.answer_by and row.final_notice_at is not None:
        facts = _facts(at, final_notice_at=row.final_notice_at, answer_by=row.answer_by)
        _unless_refused(row, at, lambda: move(row, "cancel_silent", SYSTEM, facts))
        return
    last = row.answer_by is None or at >= reminder_at(row.changed_at, REMINDERS[-1])
    notices.remind(row, at, final=last)
    if last:
        row.final_notice_at = clock.now()
        row.wakes_at = max(row.answer_by or at, row.final_notice_at + timedelta(hours=1))
    else:
        row.wakes_at = reminder_at(row.changed_at, REMINDERS[-1])
    db.session.flush()


def _expire_offer(row: Ticket, at: datetime) -> None:
    move(row, "expire_offer", SYSTEM, _facts(at), changes=NO_ASSIGNEE)


def _expire_quote(row: Ticket, at: datetime) -> None:
    """The device goes back unrepaired; nobody can answer that version any more."""

    def expire() -> None:
        move(row, "expire_quote", SYSTEM, _facts(at), changes={"unrepaired": True})
        open_one = sa.update(Quote).where(Quote.ticket_id == row.id, Quote.answer == "")
        db.session.execute(open_one.values(answer="expired", answered_at=at, answered_by="system"))

    _unless_refused(row, at, expire)


def _close(row: Ticket, at: datetime) -> None:
    _unless_refused(row, at, lambda: move(row, "close_silent", SYSTEM, closing_facts(row, at)))


def _forget(row: Ticket, _at: datetime) -> None:
    row.wakes_at = None
    db.session.flush()


def _unless_refused(row: Ticket, at: datetime, act: Callable[[], Any]) -> None:
    """A guard may say no (a safety hold, a device still with us): asked again a working day later."""
    try:
        act()
    except DomainError:
        row.wakes_at = reminder_at(max(at, clock.now()), 1)
        db.session.flush()


NO_ASSIGNEE: dict[str, Any] = {
    "assignee_kind": "", "assignee_id": None, "assignee_name": "", "accept_by": None, "window_from": None,
    "window_until": None, "call_first": False,
}  # fmt: skip
_STEPS: dict[Status, Callable[[Ticket, datetime], None]] = {
    Status.TRIAGING: _release,
    Status.NEED_INFO: _question,
    Status.OFFERED: _expire_offer,
    Status.WAIT_QUOTE: _expire_quote,
    Status.RESOLVED: _close,
}


def install() -> None:
    """Register the job and its rhythm."""

    @jobs.handler(SETTLE)
    def _settle(_payload: dict[str, Any]) -> None:
        while settle_due():
            pass

    jobs.every(SETTLE, EVERY)
