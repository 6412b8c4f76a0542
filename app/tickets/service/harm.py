"""What follows when triage hears that somebody was or may have been harmed: told to whoever registered, at once.

The safety room stands beside this one and must not be imported: it puts its answer into `on_harm`, and that answer
runs in the very transaction in which the word was written down (decisions.md 3).
"""

from __future__ import annotations

import uuid
from collections.abc import Callable

from app.core import audit
from app.core.db import db
from app.core.policy import Actor
from app.core.registry import Registry
from app.tickets.facts import Harm
from app.tickets.models import Ticket
from app.tickets.service.move import locked

HarmHeard = Callable[[Actor, Ticket, Harm], None]  # may be told the same twice; opens one case per ticket
on_harm: Registry[HarmHeard] = Registry("what a harm in a ticket causes")
ALARMING = (Harm.YES, Harm.POSSIBLE)


def write_down(actor: Actor, row: Ticket, answer: Harm) -> None:
    """Keep on the ticket what was learned after its triage: a "yes" is never weakened to "possible"."""
    if row.harm != Harm.YES.value and row.harm != answer.value:
        row.harm = answer.value
        db.session.flush()
    audit.record("ticket.harm_told", actor, "ticket", row.id)


def heard(actor: Actor, row: Ticket) -> None:
    """Tell everybody who registered, if the answer that the ticket holds is alarming."""
    answer = Harm(row.harm)
    if answer in ALARMING:
        for told in on_harm:
            told(actor, row, answer)


def told(actor: Actor, ticket_id: uuid.UUID) -> None:
    """Somebody above read that a person came to harm, after the ticket had ended: write it down and tell everybody.

    An answer that is alarming already stays as triage gave it.
    """
    row = locked(ticket_id)
    if row.harm not in ALARMING:
        row.harm = Harm.POSSIBLE.value
        audit.record("ticket.harm_noted", actor, "ticket", row.id, fields=("harm",))
        db.session.flush()
    heard(actor, row)
