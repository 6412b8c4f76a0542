"""Telling the applicant. The message holds the public reason only and waits until the decision takes effect."""

from __future__ import annotations

from app.core import clock, outbox
from app.core.clock import SHANGHAI
from app.customers import service as customers
from app.registrations import reasons as catalogue
from app.registrations.models import Registration, RegistrationEvent
from app.registrations.queries.delivery import key_of
from app.registrations.workflow import Status, workflow

PURPOSE = "review_result"


def tell(row: Registration, event: RegistrationEvent) -> None:
    """Queue the message that the table names for this transition, if it names one."""
    source = Status(event.status_from) if event.status_from else None
    template = workflow.find(source, event.action).message
    if template is None:
        return
    params = {"number": row.number, "at": event.effective_at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")}
    if template == "registration_needs_resubmission":
        params["reason"] = catalogue.pick(event.reason_codes)[0].public_short
    outbox.send(
        template,
        to=customers.recipient(row.customer_id),
        params=params,
        purpose=PURPOSE,
        dedupe_key=key_of(event.id),
        not_before=event.effective_at,
    )


def remind(row: Registration) -> None:
    """Queue the reminder of what was asked; one per round and day."""
    if row.answer_by is None:
        return
    by = row.answer_by.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")
    outbox.send(
        "registration_reminder",
        to=customers.recipient(row.customer_id),
        params={"number": row.number, "at": by},
        purpose=PURPOSE,
        dedupe_key=f"registration:{row.id}:reminder:{row.round}:{clock.today().isoformat()}",
    )


def withdraw(event: RegistrationEvent) -> None:
    """Take back a message that has not gone out."""
    outbox.cancel(key_of(event.id))
