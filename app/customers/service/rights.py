"""Requests of a person about the own data. The office that answers them comes with the privacy feature."""

from __future__ import annotations

from datetime import timedelta

from app.core import audit, clock
from app.core.clock import SHANGHAI
from app.core.db import db
from app.core.policy import SYSTEM, Actor
from app.core.serials import next_serial
from app.customers.models import Customer, RightsKind, RightsRequest, RightsState

ANSWER_DAYS = 15  # policy §7.2; calendar days, the whole of the last one is in time


def ask_about_own_data(actor: Actor, kind: RightsKind, text: str) -> RightsRequest:
    """Take down what the signed-in person asks for. Raises Forbidden for anybody else."""
    from app.customers.service.profile import own

    row = open_request(own(actor), kind, text)
    audit.record("rights_request.received", actor, "rights_request", row.id, reason_code=kind.value)
    return row


def open_request(person: Customer, kind: RightsKind, text: str) -> RightsRequest:
    """A numbered request with its due day."""
    now = clock.now()
    row = RightsRequest(
        number=next_serial("DSR"), customer_id=person.id, subject_id=person.subject_id, kind=kind.value,
        text=text or None, received_at=now, state=RightsState.RECEIVED.value,
        due_on=now.astimezone(SHANGHAI).date() + timedelta(days=ANSWER_DAYS),
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    if kind is RightsKind.ACCOUNT_RECOVERY:
        audit.record("rights_request.received", SYSTEM, "rights_request", row.id, reason_code=kind.value)
    return row
