"""Warnings before and after a deadline: flagged all at once when due, passed on to people in office hours.

Flagging is one statement without a cap, so that 10,000 clocks falling due in one minute are flagged by the next run;
it compares and sets, so each level of a clock fires once however many workers run. A clock that stands fires nothing
while it stands. Below `MAILED_FROM` percent the page alone says it. At night only P1 is passed on; the rest is told
when the office opens. One person gets at most `MAILS_EACH` messages a run and one more that counts the others.
Source: reference/dispatch.md 7 (f), (g).
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from app.core import calendar, clock, jobs, outbox
from app.core.clock import SHANGHAI
from app.core.db import db
from app.core.policy import Permission
from app.staff.models import AccountState, RoleAssignment, StaffAccount
from app.staff.reach import addresses
from app.staff.roles import ROLES, Role
from app.tickets.facts import Priority
from app.tickets.models import Escalation, SlaClock, Ticket
from app.tickets.sla.metrics import METRIC_WORDS

ESCALATE = "tickets.escalate"
EVERY = timedelta(minutes=1)
BATCH = 1_000
MAILED_FROM = 90  # percent
LEADS_ALONE_FROM = 100
MAILS_EACH = 20  # WeCom drops, without a word, what exceeds 30 a minute to one member
PURPOSE = "ticket_deadline"
To = Mapping[str, str]  # channel -> address


@dataclass(frozen=True, slots=True)
class Lead:
    """Somebody with the lead's rights over tickets; ``provinces`` None is everywhere."""

    id: uuid.UUID
    addresses: To
    provinces: frozenset[str] | None


@dataclass(slots=True)
class Post:
    """The mails of one run, with how many each person got and how many were only counted."""

    at: datetime
    sent: Counter[uuid.UUID] = field(default_factory=Counter)
    more: dict[uuid.UUID, tuple[To, int]] = field(default_factory=dict)

    def tell(self, staff_id: uuid.UUID, to: To, row: Any) -> None:
        if self.sent[staff_id] >= MAILS_EACH:
            self.more[staff_id] = (to, self.more.get(staff_id, (to, 0))[1] + 1)
            return
        self.sent[staff_id] += 1
        params = {
            "number": row.number, "clock": METRIC_WORDS[row.metric][0], "clock_en": METRIC_WORDS[row.metric][1],
            "level": str(row.level), "due": row.due_at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M"),
        }  # fmt: skip
        _send("ticket_deadline", staff_id, to, params, f"deadline:{row.id.hex}:{staff_id.hex}")

    def close(self) -> None:
        for staff_id, (to, count) in self.more.items():
            key = f"deadlines:{staff_id.hex}:{self.at:%Y%m%d%H%M%S}"
            _send("ticket_deadlines", staff_id, to, {"count": str(count)}, key)


def fire_due(now: datetime) -> int:
    """Flag every warning whose time has come, of clocks that go and do not stand; how many. One statement."""
    going = sa.select(SlaClock.id).where(
        SlaClock.id == Escalation.clock_id, SlaClock.stopped_at.is_(None),
        sa.or_(SlaClock.standing_until.is_(None), SlaClock.standing_until <= now),
    )  # fmt: skip
    told = sa.case((Escalation.level < MAILED_FROM, now), else_=sa.null())
    flag = (
        sa.update(Escalation)
        .where(Escalation.fired_at.is_(None), Escalation.due_at <= now, going.exists())
        .values(fired_at=now, told_at=sa.type_coerce(told, Escalation.told_at.type))
        .execution_options(synchronize_session=False)
    )
    return int(db.session.execute(flag).rowcount)  # type: ignore[attr-defined]


def pass_on(now: datetime) -> int:
    """Tell people what was flagged and may be told at this hour; how many warnings were settled.

    Of one clock only the highest level is worth a mail; a clock that stopped meanwhile is worth none.
    """
    post, leads, settled = Post(now), _leads(), 0
    told: uuid.UUID | None = None
    office = _office_is_open(now)
    while rows := _untold(office):
        triagers = _addresses({row.triager_id for row in rows if row.triager_id and row.level < LEADS_ALONE_FROM})
        for row in rows:
            if row.clock_id != told and row.stopped_at is None:
                for staff_id, to in _whom(row, leads, triagers).items():
                    post.tell(staff_id, to, row)
            told = row.clock_id
        mark = sa.update(Escalation).where(Escalation.id.in_([row.id for row in rows]))
        db.session.execute(mark.values(told_at=now), execution_options={"synchronize_session": False})
        settled += len(rows)
    post.close()
    return settled


def _untold(office: bool) -> Sequence[Any]:
    """A batch, by clock, its highest level first; at night of P1 alone."""
    query = (
        sa.select(
            Escalation.id, Escalation.clock_id, Escalation.level, SlaClock.metric, SlaClock.due_at, SlaClock.stopped_at,
            Ticket.number, Ticket.province, Ticket.triager_id,
        )
        .join(SlaClock, SlaClock.id == Escalation.clock_id)
        .join(Ticket, Ticket.id == SlaClock.ticket_id)
        .where(Escalation.fired_at.is_not(None), Escalation.told_at.is_(None))
        .order_by(Escalation.clock_id, Escalation.level.desc())
        .limit(BATCH)
        .with_for_update(of=Escalation, skip_locked=True)
    )  # fmt: skip
    return db.session.execute(query if office else query.where(Ticket.priority == Priority.P1.value)).all()


def _whom(row: Any, leads: Iterable[Lead], triagers: Mapping[uuid.UUID, To]) -> dict[uuid.UUID, To]:
    found = {lead.id: lead.addresses for lead in leads if lead.provinces is None or row.province in lead.provinces}
    if row.level < LEADS_ALONE_FROM and row.triager_id in triagers:
        found[row.triager_id] = triagers[row.triager_id]
    return found


def _leads() -> list[Lead]:
    roles = [role.value for role in Role if Permission.TICKETS_LEAD in ROLES[role].lead]
    query = (
        sa.select(StaffAccount.id, StaffAccount.email, StaffAccount.wecom_user_id, RoleAssignment.provinces)
        .join(RoleAssignment, RoleAssignment.staff_id == StaffAccount.id)
        .where(StaffAccount.state == AccountState.ACTIVE.value, RoleAssignment.lead, RoleAssignment.role.in_(roles))
        .order_by(StaffAccount.id)
    )
    return [
        Lead(row.id, addresses(row), None if row.provinces is None else frozenset(row.provinces))
        for row in db.session.execute(query)
    ]


def _addresses(ids: set[uuid.UUID]) -> dict[uuid.UUID, To]:
    if not ids:
        return {}
    active = (StaffAccount.id.in_(ids), StaffAccount.state == AccountState.ACTIVE.value)
    query = sa.select(StaffAccount.id, StaffAccount.email, StaffAccount.wecom_user_id).where(*active)
    return {row.id: addresses(row) for row in db.session.execute(query)}


def _office_is_open(now: datetime) -> bool:
    """Beyond the loaded calendar nobody is spared: a warning at night is better than none."""
    try:
        return calendar.working_seconds_between(now, now + timedelta(seconds=1)) > 0
    except calendar.CalendarMissing:
        return True


def _send(template: str, staff_id: uuid.UUID, found: To, params: Mapping[str, str], key: str) -> None:
    to = outbox.Recipient(staff_id=staff_id, addresses=found)
    outbox.send(template, to=to, params=params, purpose=PURPOSE, dedupe_key=key)


def install() -> None:
    """Register the job, its rhythm and what its mails are for."""
    outbox.register_purpose(PURPOSE)

    @jobs.handler(ESCALATE)
    def _escalate(_payload: dict[str, Any]) -> None:
        now = clock.now()
        fire_due(now)
        pass_on(now)

    jobs.every(ESCALATE, EVERY)
