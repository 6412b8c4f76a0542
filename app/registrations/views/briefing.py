"""What to know first about a case: who passed it on, what is proposed or appealed against, earlier rounds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.core.policy import Actor
from app.registrations import rules
from app.registrations.models import CasePass, RegistrationEvent
from app.registrations.queries import team
from app.registrations.queries.case import Case
from app.registrations.queries.rounds import rounds_of
from app.registrations.views.timeline import WORDS
from app.registrations.workflow import OPEN, Status

PROPOSING = ("ask_second", "reopen_rejection")
REFUSING = ("reject_registration", "reject_second")


def briefing(actor: Actor, found: Case) -> dict[str, Any]:
    """Facts for `briefing.html` and `rounds_pair.html`; one statement, three more from the second round on."""
    row = found.row
    events = found.events if not found.barred else []  # whoever may have no part reads nothing of what colleagues said
    rounds = rounds_of(row, events) if row.round > 1 and events else []
    waiting = row.status == Status.AWAITING_SECOND
    proposal = _latest(events, PROPOSING) if waiting else None
    return {
        "proposal": proposal,
        "proposal_rules": [rules.WORDS[code] for code in proposal.rules] if proposal is not None else [],
        "appeal": _latest(events, ("appeal_rejection",)),
        "refused": _latest(events, REFUSING),
        "given": _given(actor, found) if row.status in OPEN and events else None,
        "rounds": rounds,
        "round_words": WORDS,
    }


def _latest(events: Sequence[RegistrationEvent], actions: tuple[str, ...]) -> RegistrationEvent | None:
    """``events`` are newest first; what was undone does not count."""
    undone = {event.undoes_id for event in events}
    return next((event for event in events if event.action in actions and event.id not in undone), None)


def _given(actor: Actor, found: Case) -> CasePass | None:
    """The latest passing on since the case last changed, unless this person did it."""
    if not found.beside.passes:
        return None
    passes = team.passes_of(found.row, 1)
    return passes[0] if passes and passes[0].at >= found.row.changed_at and passes[0].by_id != actor.id else None
