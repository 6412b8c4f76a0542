"""Telling the safety role, at any hour: a card or a mail, and an SMS where there is a number. None says what it is.

The words name no case, ticket or hospital: mails lie in other people's inboxes, and colleagues see that a message was
sent. What it is about is read on /safety.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from app.core import outbox
from app.core.clock import SHANGHAI
from app.core.db import db
from app.core.policy import Actor, Permission
from app.safety.models import NEVER, SafetyCase, SafetyClock
from app.staff.models import AccountState, RoleAssignment, StaffAccount
from app.staff.reach import addresses
from app.staff.roles import ROLES, Role
from app.tickets.models import Ticket

PURPOSE = "restricted_notice"
SMS_FROM = 90  # percent; new cases too
outbox.register_purpose(PURPOSE)


@dataclass(frozen=True, slots=True)
class Officer:
    """Somebody of the safety role; ``provinces`` None is everywhere."""

    id: uuid.UUID
    addresses: Mapping[str, str]
    phone: str | None
    provinces: frozenset[str] | None


def officers(province: str) -> list[Officer]:
    """Active people who may work on a case of this province."""
    roles = [role.value for role in Role if Permission.SAFETY_WORK in ROLES[role].permissions]
    query = (
        sa.select(StaffAccount, RoleAssignment.provinces)
        .join(RoleAssignment, RoleAssignment.staff_id == StaffAccount.id)
        .where(StaffAccount.state == AccountState.ACTIVE.value, RoleAssignment.role.in_(roles))
        .order_by(StaffAccount.id)
    )
    found = [
        Officer(row.id, addresses(row), row.phone, None if bounds is None else frozenset(bounds))
        for row, bounds in db.session.execute(query)
    ]
    return [one for one in found if one.provinces is None or province in one.provinces]


def tell_opened(row: SafetyCase, ticket: Ticket) -> None:
    _tell(officers(ticket.province), f"restricted:{row.id.hex}:opened", row, 0, sms=True)


def tell_heard_again(row: SafetyCase, ticket: Ticket) -> None:
    _tell(officers(ticket.province), f"restricted:{row.id.hex}:{row.version}", row, 0, sms=False)


def tell_judged(row: SafetyCase, ticket: Ticket, but: Actor) -> None:
    """The colleagues of whoever judged: deadlines have changed."""
    others = [one for one in officers(ticket.province) if one.id != but.id]
    _tell(others, f"restricted:{row.id.hex}:{row.version}", row, 0, sms=False)


def tell_deadline(row: SafetyCase, ticket: Ticket, held: SafetyClock, level: int) -> None:
    key = f"restricted:{held.id.hex}:{level}"
    _tell(officers(ticket.province), key, row, level, sms=level >= SMS_FROM, due=held)


def _tell(
    people: Sequence[Officer], key: str, row: SafetyCase, level: int, *, sms: bool, due: SafetyClock | None = None
) -> None:
    at = due.due_at if due is not None else row.next_due_at
    shown = "—" if at >= NEVER else at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")
    params = {"level": str(level), "due": shown}
    for one in people:
        to = outbox.Recipient(staff_id=one.id, addresses=one.addresses)
        outbox.send("restricted_notice", to=to, params=params, purpose=PURPOSE, dedupe_key=f"{key}:{one.id.hex}")
        if sms and one.phone:
            to = outbox.Recipient(staff_id=one.id, addresses={"sms": one.phone})
            outbox.send(
                "restricted_notice_sms", to=to, params=params, purpose=PURPOSE, dedupe_key=f"{key}:{one.id.hex}:sms"
            )
