"""Why somebody may open the photos and recordings of a ticket: a live task on it (decisions.md 21).

``sources`` is where the rooms above or beside this one (dispatch, workshop, safety) say that a person has such a task;
each gets (actor, ticket, now) and answers with the reason, or None.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum

from app.core.db import db
from app.core.policy import Actor, Permission
from app.core.registry import Registry
from app.tickets.models import Ticket
from app.tickets.workflow import ENDED, Status


class Why(StrEnum):
    """The reason that the audit log keeps with every opening."""

    TRIAGE = "triage"
    TALK = "talk"
    LEAD = "lead"


MERGED_DEPTH = 20
RESTRICTED = "restricted"  # the reason of a room above whose matter nobody else may learn of
TaskSource = Callable[[Actor, Ticket, datetime], str | None]
sources: Registry[TaskSource] = Registry("tasks that open a ticket's photos")


def why_open(actor: Actor, row: Ticket, now: datetime, depth: int = 0) -> str | None:
    """The task that lets this person open the ticket's files now, or None.

    Who holds it in triage; after that whoever talked to the customer, until it ends; and a lead in his stead. What a
    merged ticket brought goes with the work: it opens for whoever may open the files of the one it went into.
    """
    if row.status not in ENDED and actor.may(Permission.TICKETS_TRIAGE):
        if row.status == Status.TRIAGING:
            if row.triager_id == actor.id and (row.wakes_at is None or row.wakes_at > now):
                return Why.TRIAGE
        elif row.triager_id == actor.id and row.status != Status.SUBMITTED:
            return Why.TALK
        if actor.may(Permission.TICKETS_LEAD):
            return Why.LEAD
    found = (source(actor, row, now) for source in sources)
    why = next((why for why in found if why is not None), None)
    if why is None and row.status == Status.MERGED and depth < MERGED_DEPTH:
        into = db.session.get(Ticket, row.merged_into_id)
        return why_open(actor, into, now, depth + 1) if into is not None else None
    return why
