"""The hold on a ticket: set and lifted by the safety role alone; it stops every action that lets evidence go.

It is no status and no event of the ticket's history: the customer and the field see nothing of it, colleagues a word.
"""

from __future__ import annotations

from app.core import audit
from app.core.db import db
from app.core.errors import NotFound
from app.core.policy import Actor, Permission
from app.tickets.models import Ticket


def put(actor: Actor, row: Ticket) -> None:
    """Hold it; held already, nothing happens. Raises NotFound without the right, since nobody else may know of it."""
    _set(actor, row, True, "ticket.held")


def lift(actor: Actor, row: Ticket) -> None:
    """Let it end again. Raises NotFound without the right."""
    _set(actor, row, False, "ticket.hold_lifted")


def _set(actor: Actor, row: Ticket, on: bool, event: str) -> None:
    if not actor.may(Permission.SAFETY_WORK):
        raise NotFound()
    if row.safety_hold is on:
        return
    row.safety_hold = on
    db.session.flush()
    audit.record(event, actor, "ticket", row.id)
