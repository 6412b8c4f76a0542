"""How a ticket ends: confirmed, closed by us, called off; and how it comes back."""

from __future__ import annotations

import uuid
from dataclasses import replace

from flask_babel import lazy_gettext as _l

from app.core import clock
from app.core.errors import Invalid
from app.core.policy import Actor, Permission
from app.tickets.facts import Facts
from app.tickets.models import Ticket
from app.tickets.service.gather import closing_facts, custody_open
from app.tickets.service.move import move
from app.tickets.service.reach import load, load_own
from app.tickets.service.time import NO_ASSIGNEE
from app.tickets.triage import CANCEL_REASONS
from app.tickets.workflow import Status

TRIAGE, LEAD = Permission.TICKETS_TRIAGE, Permission.TICKETS_LEAD
NOTE_MAX_CHARS = 500


def confirm(actor: Actor, number: str) -> Ticket:
    """The customer says that it is repaired."""
    row = load_own(actor, number)
    move(row, "confirm_ticket", actor, closing_facts(row, clock.now()))
    return row


def object_to(actor: Actor, number: str, text: str) -> Ticket:
    """The customer says that it is not: work goes on where it was done, and the clock with it."""
    row = load_own(actor, number)
    _fits("text", text)
    facts = closing_facts(row, clock.now(), text=text)
    action = "object_visit" if row.field_job else "object_repair"
    move(
        row, action, actor, replace(facts, call_first=True), changes={"reopened": row.reopened + 1, "call_first": True}
    )
    return row


def cancel_own(actor: Actor, number: str) -> Ticket:
    """The customer calls his report off; once somebody is on the way, a lead does it for him."""
    row = load_own(actor, number)
    facts = Facts(now=clock.now(), reason="customer_wish", custody_open=custody_open(row.id))
    move(row, "cancel_ticket", actor, facts, changes={"triager_id": None, "triager_name": ""})
    return row


def cancel(actor: Actor, ticket_id: uuid.UUID, reason: str) -> Ticket:
    """A lead calls it off; after an unanswered question the rules of row 6 hold."""
    row = load(actor, ticket_id, LEAD)
    if reason and reason not in CANCEL_REASONS:
        raise Invalid(fields={"reason": [_l("没有这个选项。")]})
    facts = Facts(
        now=clock.now(), reason=reason, custody_open=custody_open(row.id), final_notice_at=row.final_notice_at,
        answer_by=row.answer_by,
    )  # fmt: skip
    unanswered = row.status == Status.NEED_INFO and reason == "no_answer"
    action = "cancel_unanswered" if unanswered else "cancel_for_customer"
    changes = {} if unanswered else {**NO_ASSIGNEE, "triager_id": None, "triager_name": ""}
    move(row, action, actor, facts, changes=changes)
    return row


def close(actor: Actor, ticket_id: uuid.UUID, note: str) -> Ticket:
    """Close after a call with the customer."""
    row = load(actor, ticket_id, TRIAGE)
    _fits("note", note)
    move(row, "close_ticket", actor, closing_facts(row, clock.now(), note=note))
    return row


def record_objection(actor: Actor, ticket_id: uuid.UUID, text: str) -> Ticket:
    """The customer objects by telephone."""
    row = load(actor, ticket_id, TRIAGE)
    _fits("text", text)
    action = "record_objection_visit" if row.field_job else "record_objection_repair"
    _object(row, actor, action, text)
    return row


def reopen(actor: Actor, ticket_id: uuid.UUID, reason: str) -> Ticket:
    """The same fault again within the time allowed: a new cycle of the same ticket; the old one's clocks stay."""
    row = load(actor, ticket_id, LEAD)
    facts = replace(closing_facts(row, clock.now()), reason=reason)
    changes = {"cycle": row.cycle + 1, "closed_at": None, "field_job": True, "unrepaired": False, **NO_ASSIGNEE}
    move(row, "reopen_ticket", actor, facts, changes=changes)
    return row


def _object(row: Ticket, actor: Actor, action: str, text: str) -> None:
    """Back to who did the work: the next visit has no time yet, somebody calls first."""
    facts = closing_facts(row, clock.now(), text=text)
    again = {"reopened": row.reopened + 1, "call_first": row.field_job, "window_from": None, "window_until": None}
    move(row, action, actor, facts, changes=again)


def _fits(field: str, value: str) -> None:
    if len(value) > NOTE_MAX_CHARS:
        raise Invalid(fields={field: [_l("最多 %(limit)s 个字。", limit=NOTE_MAX_CHARS)]})
