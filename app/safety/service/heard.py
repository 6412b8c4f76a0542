"""How a case begins: the answer to the harm question, a colleague's word, or the safety role's own knowledge.

Once per ticket, in the transaction in which the word was written down: a case is never lost between the two. The ticket
is held at once, in the name of the system; the safety role alone lifts it.
"""

from __future__ import annotations

import uuid
from datetime import datetime

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from app.core import audit, clock, keys
from app.core.db import db
from app.core.errors import Conflict, Invalid, NotFound
from app.core.policy import SYSTEM, Actor, Permission
from app.core.serials import next_serial
from app.safety.kinds import Kind
from app.safety.models import SafetyCase
from app.safety.service import clocks, notices
from app.safety.service.step import fits, write
from app.safety.words import HOW_BY_HAND
from app.safety.workflow import Status
from app.tickets.facts import Harm
from app.tickets.models import Source, Ticket
from app.tickets.service import harm, hold, reach
from app.tickets.workflow import BEFORE_OFFER
from app.tickets.workflow import Status as TicketStatus

READ, SAFETY = Permission.TICKETS_READ, Permission.SAFETY_WORK


def install() -> None:
    harm.on_harm.add("safety", hear)


def hear(actor: Actor, ticket: Ticket, _answer: Harm) -> None:
    """A "yes" or "possible" was written down. Told again, it changes nothing."""
    _open(ticket, how=_how(actor, ticket), words="", by=SYSTEM)


def tell(actor: Actor, ticket_id: uuid.UUID, answer: str, words: str) -> None:
    """A colleague learned later that somebody was or may have been harmed. Answers alike whether a case was there.

    Raises Invalid (fields ``harm``, ``text``), NotFound, Forbidden.
    """
    ticket = reach.load(actor, ticket_id, READ)
    if answer not in harm.ALARMING:
        raise Invalid(fields={"harm": [_l("请选择一项。")]})
    if not words.strip():
        raise Invalid(fields={"text": [_l("请写明谁告诉您、发生了什么。")]})
    fits(words)
    row = case_of(ticket.id)
    if row is None:
        row = _open(ticket, how="colleague", words=words, by=actor)
    else:
        row.version, row.changed_at = row.version + 1, clock.now()
        write(row, "hear_again", actor, words, "colleague", clock.now())
        notices.tell_heard_again(row, ticket)
    harm.write_down(actor, ticket, Harm(answer))


def file_case(actor: Actor, number: str, how: str, aware_at: datetime | None, words: str) -> SafetyCase:
    """The safety role opens a case itself, perhaps of what the company knew before.

    Raises Invalid (fields ``ticket``, ``how``, ``aware_at``, ``text``), NotFound, Conflict when there is a case.
    """
    actor.require(SAFETY)
    now, errors = clock.now(), dict[str, list[object]]()
    query = sa.select(Ticket.id).where(Ticket.number == number.strip().upper(), *reach.in_region(actor, SAFETY))
    ticket_id = db.session.scalar(query)
    if ticket_id is None:
        errors["ticket"] = [_l("没有这张工单。")]
    if how not in HOW_BY_HAND:
        errors["how"] = [_l("请选择一项。")]
    if aware_at is None or aware_at > now:
        errors["aware_at"] = [_l("请填写知悉时间，不晚于现在。")]
    if not words.strip():
        errors["text"] = [_l("请写明得知了什么。")]
    if errors or ticket_id is None or aware_at is None:
        raise Invalid(fields=errors)
    fits(words)
    ticket = reach.load(actor, ticket_id, SAFETY)
    known = case_of(ticket.id)
    if known is not None:
        message = _l("这张工单已有个案 %(number)s，没有重复立案。", number=known.number)
        raise Conflict(message, code="case_exists", number=known.number)
    return _open(ticket, how=how, words=words, by=actor, aware_at=aware_at, action="file_case")


def case_of(ticket_id: uuid.UUID) -> SafetyCase | None:
    """The ticket's case, whoever asks: for this room's own use."""
    return db.session.scalars(sa.select(SafetyCase).where(SafetyCase.ticket_id == ticket_id)).one_or_none()


def _open(
    ticket: Ticket, *, how: str, words: str, by: Actor, aware_at: datetime | None = None, action: str = "open_case"
) -> SafetyCase:
    """The ticket's row is locked or new, so nobody opens a second one meanwhile; the constraint stands behind that."""
    known = case_of(ticket.id)
    if known is not None:
        return known
    now = clock.now()
    owner = by if action == "file_case" else None
    row = SafetyCase(
        number=next_serial("SAF"), ticket_id=ticket.id, subject_id=keys.new_subject(), status=Status.OPEN.value,
        version=1, kind=Kind.UNJUDGED.value, how=how, aware_at=aware_at or now, opened_at=now, changed_at=now,
        owner_id=owner.id if owner else None, owner_name=owner.name if owner else "",
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    write(row, action, by, words, how, now)
    clocks.reckon(row, now)
    hold.put(SYSTEM, ticket)
    audit.record("safety_case.filed" if action == "file_case" else "safety_case.opened", _of(by), "safety_case", row.id)
    notices.tell_opened(row, ticket)
    return row


def _of(by: Actor) -> Actor:
    """In the audit log a case that opened by itself is the system's; who gave the answer stands with the ticket."""
    return by if by.may(SAFETY) else SYSTEM


def _how(actor: Actor, ticket: Ticket) -> str:
    if actor.kind == "customer":
        return "mini_program"
    if ticket.status not in BEFORE_OFFER:
        return "complaint"  # after triage the word comes from a rating; a colleague's goes through `tell`
    phoned = ticket.status == TicketStatus.SUBMITTED and ticket.source == Source.PHONE.value
    return "phone" if phoned else "triage"


def ticket_of(row: SafetyCase) -> Ticket:
    found = db.session.get(Ticket, row.ticket_id)
    if found is None:
        raise NotFound()
    return found
