"""Whom to call about the device: the reporter, or somebody whose consent the reporter attests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l

from app.consents import queries as policies
from app.consents import service as consents
from app.consents.models import Purpose
from app.core import audit, keys
from app.core.db import db
from app.core.errors import Invalid
from app.core.masking import to_e164
from app.core.policy import Actor
from app.customers import queries as customers
from app.customers.models import Customer
from app.tickets.models import NAME_MAX_CHARS, Ticket, TicketContact
from app.tickets.wording import CONTACT_WORDINGS, CURRENT


@dataclass(frozen=True, slots=True)
class Contact:
    """``wording``: the version of the sentence that the reporter attested; needed unless the reporter is meant."""

    is_reporter: bool
    name: str = ""
    phone: str = ""
    wording: str = ""


def check(contact: Contact, *, has_account: bool) -> dict[str, list[Any]]:
    """What is wrong with it, by field. An account's own name and number stand in where the reporter gave none."""
    wrong: dict[str, list[Any]] = {}
    known = contact.is_reporter and has_account
    if not contact.name.strip() and not known:
        wrong["contact_name"] = [_l("请填写。")]
    if len(contact.name) > NAME_MAX_CHARS:
        wrong["contact_name"] = [_l("最多 %(limit)s 个字。", limit=NAME_MAX_CHARS)]
    if contact.phone.strip() or not known:
        try:
            to_e164(contact.phone)
        except Invalid:
            wrong["contact_phone"] = [_l("请填写能打通的电话号码。")]
    if not contact.is_reporter and not contact.wording:
        wrong["contact_consent"] = [_l("联系人不是您本人时，须先征得其同意。")]
    elif not contact.is_reporter and contact.wording != CURRENT:
        wrong["contact_consent"] = [_l("同意的文字已更新，请重新阅读后再提交。")]
    return wrong


def add(actor: Actor, ticket: Ticket, contact: Contact, reporter: Customer | None, channel: str) -> TicketContact:
    """Somebody else gets a key of his own, so that he can be erased without the reporter, and the reporter without him.

    The attestation is an entry of the consent ledger under that person; the ticket names the wording's version.
    """
    subject = ticket.subject_id if contact.is_reporter else keys.new_subject()
    name = contact.name.strip() or (customers.registered_name(reporter) if reporter is not None else None)
    phone = to_e164(contact.phone) if contact.phone.strip() else reporter.phone if reporter is not None else None
    row = TicketContact(
        ticket_id=ticket.id, subject_id=subject, is_reporter=contact.is_reporter, name=name or None, phone=phone,
        attested_at=None if contact.is_reporter else ticket.opened_at,
        wording=None if contact.is_reporter else contact.wording,
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    if not contact.is_reporter:
        consents.give(
            actor, subject, Purpose.CONTACT_THIRD_PARTY, policy_version=policies.current_version().no,
            channel=channel, wording=CONTACT_WORDINGS[contact.wording],
            evidence={"wording": contact.wording, "ticket": ticket.number},
        )  # fmt: skip
        audit.record("ticket.contact_attested", actor, "ticket", ticket.id, reason_code=contact.wording)
    return row
