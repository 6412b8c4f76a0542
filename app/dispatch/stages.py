"""How far a ticket is in the hands of whoever accepted it, and how much of it he sees (reference 5, C32, C33).

Statuses of the ticket in three groups, and the three faces of a job that follow from them: the masked card of an
offer, the minimum while somebody works on it, and what is left when his part is over.
"""

from __future__ import annotations

from enum import StrEnum

from app.tickets.workflow import Status as S

# The dispatch lives on in these: the ticket is in the hands of whoever accepted it
IN_HAND = (S.SCHEDULED, S.ON_SITE, S.WAIT_PARTS, S.COLLECTING, S.RETURNING)
DONE_WITH = (S.IN_DEPOT, S.WAIT_QUOTE, S.RELEASE_TEST, S.RESOLVED, S.CLOSED)
# Somebody may have to be called: until the ticket is closed, but not while the device is in the depot
CONTACT = (S.SCHEDULED, S.ON_SITE, S.WAIT_PARTS, S.COLLECTING, S.RETURNING, S.RESOLVED)


class Stage(StrEnum):
    """What one may read of a job now."""

    OFFER = "offer"  # masked: what is needed to say yes or no, nothing of a person, no free text
    HAND = "hand"  # the minimum of C32: contact, hospital, department, device, fault
    OVER = "over"  # device and outcome, nothing of a person, for some days after the ticket has closed


def stage_of(offered: bool, status: str) -> Stage:
    """The face of a job that one may read at all (`queries.jobs.readable`)."""
    if offered:
        return Stage.OFFER
    return Stage.HAND if status in CONTACT else Stage.OVER
