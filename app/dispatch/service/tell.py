"""Telling staff (decisions.md 28): by WeCom, else e-mail; an offer of a P1 ticket by SMS where a number is
known.

A message holds the ticket's number and times, nothing of the customer; the rest is read after signing in.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime

import sqlalchemy as sa

from app.core import outbox
from app.core.clock import SHANGHAI
from app.core.db import db
from app.dispatch.models import AssigneeKind, Dispatch
from app.dispatch.words import ENDINGS
from app.staff import reach
from app.staff.models import AccountState, StaffAccount
from app.tickets.facts import Priority
from app.tickets.models import Ticket

PURPOSE = "dispatch"
outbox.register_purpose(PURPOSE)


def offered(row: Ticket, found: Dispatch) -> None:
    """Whoever was asked: the engineer, or every user of the dealer."""
    urgent = row.priority == Priority.P1
    params = {"window": window_words(found.window_from, found.window_until), "accept_by": _shown(found.accept_by)}
    template = "dispatch_offer_urgent" if urgent else "dispatch_offer"
    _send(template, row, found, params, _assignee(found), phone=urgent)


def recalled(row: Ticket, found: Dispatch) -> None:
    _send("dispatch_recalled", row, found, {}, _assignee(found))


def called_off(row: Ticket, found: Dispatch) -> None:
    _send("dispatch_withdrawn", row, found, {}, _assignee(found))


def moved(row: Ticket, found: Dispatch, n: int) -> None:
    """``n`` counts the moves: each is told once."""
    params = {"window": window_words(found.window_from, found.window_until)}
    _send("dispatch_moved", row, found, params, _assignee(found), more=str(n))


def back_in_pool(row: Ticket, found: Dispatch, why: str) -> None:
    """The dispatcher who made the offer."""
    words = ENDINGS[why]
    params = {"name": found.assignee_name, "why": words[0], "why_en": words[1]}
    _send("dispatch_back", row, found, params, [found.offered_by] if found.offered_by else [])


def window_words(since: datetime, until: datetime) -> str:
    """``12-03 09:00–12:00``, in China's time."""
    begins, ends = since.astimezone(SHANGHAI), until.astimezone(SHANGHAI)
    return f"{begins:%m-%d %H:%M}–{ends:%H:%M}" if begins.date() == ends.date() else f"{_shown(since)}–{_shown(until)}"


def _shown(at: datetime) -> str:
    return at.astimezone(SHANGHAI).strftime("%m-%d %H:%M")


def _assignee(found: Dispatch) -> list[uuid.UUID]:
    if found.assignee_kind == AssigneeKind.ENGINEER:
        return [found.assignee_id]
    return list(db.session.scalars(sa.select(StaffAccount.id).where(StaffAccount.dealer_id == found.assignee_id)))


def key_of(template: str, found: Dispatch, staff_id: uuid.UUID, more: str = "") -> str:
    """The dedupe key of a message about an offer to one person."""
    return ":".join(filter(None, (template, found.id.hex, staff_id.hex, more)))


def _send(
    template: str, row: Ticket, found: Dispatch, params: Mapping[str, str], ids: Iterable[uuid.UUID], *,
    phone: bool = False, more: str = "",
) -> None:  # fmt: skip
    active = (StaffAccount.id.in_(list(ids)), StaffAccount.state == AccountState.ACTIVE.value)
    for account in db.session.scalars(sa.select(StaffAccount).where(*active).order_by(StaffAccount.id)):
        addresses = reach.addresses(account)
        if phone and account.phone:
            addresses["sms"] = account.phone
        key = key_of(template, found, account.id, more)
        to = outbox.Recipient(staff_id=account.id, addresses=addresses)
        outbox.send(template, to=to, params={"number": row.number, **params}, purpose=PURPOSE, dedupe_key=key)
