"""The one way in which a ticket's status changes: the table fires, the event is appended, the clocks follow."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.core.db import db
from app.core.errors import NotFound
from app.core.policy import Actor
from app.tickets.facts import Facts
from app.tickets.models import Ticket, TicketEvent
from app.tickets.service import clocks, notices
from app.tickets.workflow import ENDED, Status, workflow


@dataclass(frozen=True, slots=True)
class Said:
    """What an action is accompanied by: a reason's code, words for the customer, words for us."""

    reason: str = ""
    text: str = ""
    note: str = ""


def locked(ticket_id: uuid.UUID) -> Ticket:
    """The row, locked until the commit. Raises NotFound."""
    query = sa.select(Ticket).where(Ticket.id == ticket_id).with_for_update()
    row = db.session.scalars(query.execution_options(populate_existing=True)).one_or_none()
    if row is None:
        raise NotFound()
    return row


def move(
    row: Ticket,
    action: str,
    actor: Actor,
    facts: Facts,
    *,
    at: datetime | None = None,
    expected_version: int | None = None,
    pause_until: datetime | None = None,
    changes: dict[str, Any] | None = None,
) -> TicketEvent:
    """Fire ``action`` on ``row``. Raises what the table and its guards raise; CalendarMissing beyond the calendar.

    ``at`` is when it became true (what time did is stamped with its own instant), by default ``facts.now``.
    """
    when, source = at or facts.now, row.status
    values = {"changed_at": when, **(changes or {})}
    said = Said(facts.reason, facts.text.strip(), facts.note.strip())
    transition = workflow.find(source, action)
    if transition.target in ENDED:
        values["closed_at"] = when
    workflow.fire(
        row, action, actor, facts=facts, at=when, expected_version=expected_version, changes=values,
        reason_code=said.reason or None,
    )  # fmt: skip
    made = write_event(row, action, actor, source, when, said)
    clocks.follow(row, action, actor, when, pause_until)
    if transition.message is not None:
        notices.tell(row, made, transition.message)
    return made


def write_event(
    row: Ticket, action: str, actor: Actor, source: Status | str | None, at: datetime, said: Said
) -> TicketEvent:
    """Append what happened to the ticket's history."""
    made = TicketEvent(
        ticket_id=row.id, subject_id=row.subject_id, version=row.version, action=action, status_from=source,
        status_to=row.status, reason=said.reason, text=said.text or None, note=said.note or None, by_kind=actor.kind,
        by_id=actor.id, by_name=actor.name if actor.kind == "staff" else "", at=at,
    )  # fmt: skip
    db.session.add(made)
    db.session.flush()
    return made
