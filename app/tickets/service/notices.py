"""Telling the customer. A message holds the number and a time; what it is about is read in the mini program."""

from __future__ import annotations

from datetime import datetime

from app.core import outbox
from app.core.clock import SHANGHAI
from app.core.errors import NotFound
from app.customers import service as customers
from app.tickets.models import Ticket, TicketEvent

PURPOSE = "ticket_progress"
outbox.register_purpose(PURPOSE)


def tell(row: Ticket, event: TicketEvent, template: str) -> str | None:
    """Queue the message of a transition; its key, or None where nobody can be told."""
    return send(row, template, f"ticket:{event.id.hex}", event.at)


def remind(row: Ticket, at: datetime, *, final: bool) -> None:
    """A question still waits; the last reminder says when the report ends."""
    template = "ticket_info_final" if final else "ticket_info_reminder"
    shown = row.answer_by if final and row.answer_by is not None else at
    send(row, template, f"ticket:{row.id.hex}:{template}:{row.changed_at:%Y%m%d%H%M%S}", shown)


def send(row: Ticket, template: str, key: str, at: datetime) -> str | None:
    """Queue a message about ``row`` to its reporter; callers without an account are told by telephone."""
    if row.customer_id is None:
        return None
    try:
        to = customers.recipient(row.customer_id)
    except NotFound:  # the account was closed meanwhile
        return None
    params = {"number": row.number, "at": at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")}
    outbox.send(template, to=to, params=params, purpose=PURPOSE, dedupe_key=key)
    return key
