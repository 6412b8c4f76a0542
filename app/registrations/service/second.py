"""The second person and the appeal: decided by somebody who had no part before."""

from __future__ import annotations

import uuid

from flask_babel import lazy_gettext as _l

from app.core.errors import Invalid
from app.core.policy import Actor
from app.registrations.service.decide import decide, ready
from app.registrations.service.facts import Decided, Entered, Seen
from app.registrations.service.guards import gather
from app.registrations.service.record import NO_LEASE, move

SECOND = {"approve": "approve_second", "reject": "reject_second"}
APPEAL = {"approve": "grant_appeal", "reject": "deny_appeal"}


def decide_second(actor: Actor, registration_id: uuid.UUID, seen: Seen, entered: Entered, *, verdict: str) -> Decided:
    """``verdict``: approve or reject. Whoever proposed is refused; new evidence voided the proposal already."""
    row = ready(actor, registration_id, seen)
    return decide(actor, row, _action(SECOND, verdict), entered)


def return_second(actor: Actor, registration_id: uuid.UUID, seen: Seen, entered: Entered) -> Decided:
    """Give the case back to the ordinary queue; the first proposer may have it again."""
    row = ready(actor, registration_id, seen)
    event = move(row, "return_second", actor, facts=gather(row, entered), entered=entered, changes=dict(NO_LEASE))
    return Decided(row, event)


def decide_appeal(actor: Actor, registration_id: uuid.UUID, seen: Seen, entered: Entered, *, verdict: str) -> Decided:
    """Answer an appeal: approve or reject, always with a text for the applicant, never by an earlier decider."""
    row = ready(actor, registration_id, seen)
    return decide(actor, row, _action(APPEAL, verdict), entered)


def _action(actions: dict[str, str], verdict: str) -> str:
    if verdict not in actions:
        raise Invalid(_l("请选择通过或不予通过。"), code="verdict_required")
    return actions[verdict]
