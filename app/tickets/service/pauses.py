"""Pauses that staff set: a reason of the list, an end within what it allows, and why. Overlaps count once.

What transitions of the ticket set (`by_staff` False) can neither be set nor ended here.
"""

from __future__ import annotations

import uuid
from datetime import datetime

from flask_babel import lazy_gettext as _l

from app.core import audit, calendar, clock
from app.core.errors import Conflict, Invalid
from app.core.policy import Actor, Permission
from app.tickets.models import Ticket
from app.tickets.service import clocks
from app.tickets.service.reach import load
from app.tickets.sla import policy
from app.tickets.sla.log import Act, Happening
from app.tickets.sla.metrics import PAUSE_REASONS, PauseReason
from app.tickets.workflow import ENDED

NOTE_MAX_CHARS = 300
BY_STAFF = frozenset(key for key, reason in PAUSE_REASONS.items() if reason.by_staff)


def pause(actor: Actor, ticket_id: uuid.UUID, reason: str, until: datetime | None, note: str) -> Ticket:
    """Let the clocks of ``reason`` stand until ``until`` at the longest.

    Raises NotFound, Forbidden, Invalid (fields ``reason``, ``until``, ``note``), Conflict when the ticket has ended,
    CalendarMissing.
    """
    row, now = _open(actor, ticket_id), clock.now()
    found, note = reasons(row).get(reason), note.strip()
    errors: dict[str, list[object]] = {}
    if found is None:
        errors["reason"] = [_l("请选择一个原因。")]
    if not note:
        errors["note"] = [_l("请写明依据，例如谁在什么时候提出。")]
    elif len(note) > NOTE_MAX_CHARS:
        errors["note"] = [_l("说明最多 %(n)s 个字。", n=NOTE_MAX_CHARS)]
    if until is None:
        errors["until"] = [_l("暂停必须有结束时间。")]
    elif until <= now:
        errors["until"] = [_l("结束时间要在现在之后。")]
    elif found is not None and too_long(found, now, until):
        errors["until"] = [_l("这个原因最多暂停 %(hours)s 个工作小时。", hours=found.most_hours)]
    if errors or found is None or until is None:
        raise Invalid(fields=errors)
    log = clocks.log_of(row)
    name = f"{found.key}-{sum(1 for line in log if line.act is Act.PAUSE) + 1}"
    _append(row, actor, log, Happening(Act.PAUSE, now, None, name, found.key, found.stops, until), note)
    audit.record("ticket.clocks_paused", actor, "ticket", row.id, reason_code=found.key, note=note)
    return row


def end(actor: Actor, ticket_id: uuid.UUID, name: str) -> Ticket:
    """End a pause before its time. Raises NotFound, Forbidden, Conflict when it does not run (any more)."""
    row, now = _open(actor, ticket_id), clock.now()
    log = clocks.log_of(row)
    begun = next((line for line in log if line.act is Act.PAUSE and line.pause == name), None)
    over = any(line.act is Act.RESUME and line.pause == name for line in log)
    if begun is None or over or begun.planned_end is None or begun.planned_end <= now:
        raise Conflict(_l("这个暂停已经结束。"), code="pause_over")
    if begun.reason not in BY_STAFF:
        raise Conflict(_l("这个暂停随工单的进展结束，不能单独结束。"), code="pause_not_by_staff")
    _append(row, actor, log, Happening(Act.RESUME, now, pause=name), "")
    audit.record("ticket.clocks_resumed", actor, "ticket", row.id, reason_code=begun.reason)
    return row


def reasons(row: Ticket) -> dict[str, PauseReason]:
    """What staff may give as a reason, as the ticket's own version of the promises has it."""
    held = clocks.terms_of(row, clock.now()).policy
    return {key: policy.pause_reason(held, key) for key in BY_STAFF}


def too_long(reason: PauseReason, now: datetime, until: datetime) -> bool:
    """Whether ``reason`` does not reach so far. Raises CalendarMissing when ``until`` lies beyond the loaded days."""
    return calendar.working_seconds_between(now, until) > reason.most_hours * 3600


def may_pause(actor: Actor, row: Ticket) -> bool:
    return actor.may(Permission.TICKETS_TRIAGE) and row.status not in ENDED


def _open(actor: Actor, ticket_id: uuid.UUID) -> Ticket:
    row = load(actor, ticket_id, Permission.TICKETS_TRIAGE)
    if row.status in ENDED:
        raise Conflict(_l("工单已经结束，时钟不再走。"), code="ticket_ended")
    return row


def _append(row: Ticket, actor: Actor, log: list[Happening], line: Happening, note: str) -> None:
    clocks.write(row, actor, len(log), [line], note)
    clocks.reckon_all(row, clocks.terms_of(row, line.at), [*log, line])
