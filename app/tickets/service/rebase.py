"""Counting running clocks by other terms: asked for by a person who saw the preview, carried out ticket by ticket.

Each ticket gets a line in its log and an audit event; a stopped clock is never touched. The job keeps its own units of
work and may be killed at any point: it goes on after the last ticket that was committed. A published calendar whose
publisher asked that promises follow is picked up here too (decisions.md 3: commands do not travel upwards).
"""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from app.core import audit, calendar, clock, jobs
from app.core.calendar import CalendarMissing, CalendarVersion
from app.core.db import db
from app.core.errors import Conflict, Invalid
from app.core.policy import Actor, Permission
from app.core.unit_of_work import unit_of_work
from app.tickets.models import SlaClock, SlaPolicy, SlaRebase
from app.tickets.service import clocks
from app.tickets.service.clocks import Terms
from app.tickets.service.move import locked
from app.tickets.sla import policy
from app.tickets.sla.log import Act, Happening

REBASE, FOLLOW = "tickets.rebase", "tickets.follow_calendar"
EVERY = timedelta(minutes=1)
BATCH = 200
NOTE_MAX_CHARS = 200
MANAGE = Permission.PROMISES_MANAGE


def to_policy(actor: Actor, note: str, *, seen_version: int) -> SlaRebase:
    """Count every running clock by the version in force from now on.

    Raises Forbidden, StepUpRequired, Invalid (``note``), Conflict when another version came into force since the
    preview, or this one was already carried out.
    """
    actor.require(MANAGE)
    actor.require_step_up()
    note = note.strip()
    if not note or len(note) > NOTE_MAX_CHARS:
        raise Invalid(fields={"note": [_l("请写明为什么要改已经答应的时间。")]})
    now = policy.in_force(clock.now())
    if now.version != seen_version:
        raise Conflict(_l("生效的版本刚刚变了，请看最新的预览。"), code="policy_changed")
    made = _ask("policy", now.version, None, note, actor.id, actor.name)
    if made is None:
        raise Conflict(
            _l("第 %(n)s 版已经改过一次期；其后的工单本来就按它计时。", n=now.version), code="rebased_already"
        )
    audit.record("sla_policy.rebase_asked", actor, "sla_policy", now.version)
    return made


def follow_calendar() -> None:
    """Ask for what a published calendar asks for; once per version."""
    done = sa.exists().where(SlaRebase.kind == "calendar", SlaRebase.version == CalendarVersion.version)
    query = sa.select(CalendarVersion).where(CalendarVersion.promises_follow, ~done).order_by(CalendarVersion.version)
    for found in db.session.scalars(query).all():
        _ask("calendar", found.version, calendar.freeze(), found.source, found.published_by, found.published_name)


def carry_out(rebase_id: uuid.UUID) -> None:
    """All tickets of one rebase, a batch per unit of work."""
    while True:
        with unit_of_work():
            asked = db.session.get(SlaRebase, rebase_id, with_for_update=True)
            if asked is None or asked.finished_at is not None:
                return
            ids = _batch(asked)
            for ticket_id in ids:
                _one(ticket_id, asked)
                asked.reached = ticket_id
            if len(ids) < BATCH:
                asked.finished_at = clock.now()


def differs(kind: str, version: int, calendar_id: int | None) -> list[sa.ColumnElement[bool]]:
    """Running clocks that are counted by other terms than these."""
    C = SlaClock
    other = C.policy_version != version if kind == "policy" else C.calendar_id != calendar_id
    return [C.stopped_at.is_(None), other]  # a clock that counts every hour has no calendar, hence none that differs


def _ask(
    kind: str, version: int, calendar_id: int | None, note: str, by: uuid.UUID | None, name: str
) -> SlaRebase | None:
    if db.session.scalar(sa.select(SlaRebase.id).where(SlaRebase.kind == kind, SlaRebase.version == version)):
        return None
    made = SlaRebase(
        kind=kind, version=version, calendar_id=calendar_id, note=note[:NOTE_MAX_CHARS], asked_at=clock.now(),
        asked_by=by, asked_name=name, touched=0, failed=0,
    )  # fmt: skip
    db.session.add(made)
    db.session.flush()
    jobs.enqueue(REBASE, {"id": made.id.hex}, key=f"rebase:{made.id.hex}")
    return made


def _batch(asked: SlaRebase) -> list[uuid.UUID]:
    query = sa.select(SlaClock.ticket_id).where(*differs(asked.kind, asked.version, asked.calendar_id)).distinct()
    if asked.reached is not None:
        query = query.where(SlaClock.ticket_id > asked.reached)
    return list(db.session.scalars(query.order_by(SlaClock.ticket_id).limit(BATCH)))


def _one(ticket_id: uuid.UUID, asked: SlaRebase) -> None:
    """One ticket, unless its clocks stopped meanwhile. Beyond the calendar it keeps its terms, and is counted."""
    row, now = locked(ticket_id), clock.now()
    actor = Actor("staff", id=asked.asked_by, name=asked.asked_name)
    log = clocks.log_of(row)
    line = Happening(Act.REBASE, max(now, log[-1].at), reason=f"{asked.kind}:{asked.version}")
    try:
        with db.session.begin_nested():
            terms = _terms(row, clocks.terms_of(row, now), asked)
            clocks.write(row, actor, len(log), [line])
            clocks.reckon_all(row, terms, [*log, line])
    except CalendarMissing:
        asked.failed += 1
        return
    asked.touched += 1
    audit.record("ticket.rebased", actor, "ticket", row.id, reason_code=f"{asked.kind}_{asked.version}")


def _terms(row: Any, held: Terms, asked: SlaRebase) -> Terms:
    if asked.kind == "calendar":
        return Terms(held.policy, asked.calendar_id if held.calendar_id is not None else None, held.budgets)
    found = db.session.get_one(SlaPolicy, asked.version)
    every_hour = policy.counts_every_hour(found, row.priority)
    calendar_id = None if every_hour else held.calendar_id or calendar.freeze()
    return Terms(found, calendar_id, policy.budgets(found, row.priority))


def install() -> None:
    """Register the jobs and the rhythm of following a calendar."""

    @jobs.handler(REBASE, outside=True)
    def _rebase(payload: dict[str, Any]) -> None:
        carry_out(uuid.UUID(payload["id"]))

    @jobs.handler(FOLLOW)
    def _follow(_payload: dict[str, Any]) -> None:
        follow_calendar()

    jobs.every(FOLLOW, EVERY)
