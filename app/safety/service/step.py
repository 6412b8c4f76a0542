"""One step of a case: the row locked, the version seen compared, the table fired, the event written, clocks kept."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from app.core import clock
from app.core.db import db
from app.core.errors import Conflict, Invalid, NotFound
from app.core.policy import Actor, Permission
from app.safety.models import TEXT_MAX_CHARS, SafetyCase, SafetyEvent
from app.safety.workflow import Facts, workflow
from app.tickets.models import Ticket

SAFETY = Permission.SAFETY_WORK


@dataclass(frozen=True, slots=True)
class Seen:
    """The version of the case that a page was made from."""

    version: int


def in_scope(actor: Actor) -> list[sa.ColumnElement[bool]]:
    """Cases of tickets in the provinces of the right. Raises NotFound without the right: there is nothing to see."""
    if not actor.may(SAFETY):
        raise NotFound()
    provinces = actor.scope(SAFETY)
    if provinces is None:
        return []
    return [SafetyCase.ticket_id.in_(sa.select(Ticket.id).where(Ticket.province.in_(sorted(provinces))))]


def load(actor: Actor, number: str, seen: Seen) -> tuple[SafetyCase, Ticket]:
    """The case and its ticket, both locked, ticket first as every other writer does. Raises NotFound, Conflict."""
    query = sa.select(SafetyCase.id, SafetyCase.ticket_id)
    found = db.session.execute(query.where(SafetyCase.number == number.upper(), *in_scope(actor))).one_or_none()
    if found is None:
        raise NotFound()
    ticket = _locked(Ticket, found.ticket_id)
    row = _locked(SafetyCase, found.id)
    if row.version != seen.version:
        raise changed(row)
    return row, ticket


def _locked(table: Any, row_id: uuid.UUID) -> Any:
    query = sa.select(table).where(table.id == row_id).with_for_update()
    return db.session.scalars(query.execution_options(populate_existing=True)).one()


def changed(row: SafetyCase) -> Conflict:
    """Who was faster, with what and when."""
    query = sa.select(SafetyEvent).where(SafetyEvent.case_id == row.id).order_by(SafetyEvent.version.desc()).limit(1)
    last = db.session.scalars(query).one()
    message = _l("这个个案刚刚有变动，您填写的内容还在。")
    return Conflict(message, code="case_changed", who=last.by_name, what=last.action, when=last.at)


def fire(
    row: SafetyCase, action: str, actor: Actor, facts: Facts, *, detail: str = "", changes: dict[str, Any] | None = None
) -> SafetyEvent:
    """Raises what the table and its guards raise, Invalid when the text is too long."""
    fits(facts.text)
    now = clock.now()
    workflow.fire(row, action, actor, facts=facts, changes={"changed_at": now, **(changes or {})})
    return write(row, action, actor, facts.text, detail, now)


def write(row: SafetyCase, action: str, actor: Actor, text: str, detail: str, at: datetime) -> SafetyEvent:
    """Append what happened; one event per version of the case."""
    made = SafetyEvent(
        case_id=row.id, version=row.version, action=action, detail=detail, at=at, by_kind=actor.kind, by_id=actor.id,
        by_name=actor.name if actor.kind == "staff" else "", subject_id=row.subject_id, text=text.strip() or None,
    )  # fmt: skip
    db.session.add(made)
    db.session.flush()
    return made


def fits(text: str) -> None:
    if len(text) > TEXT_MAX_CHARS:
        raise Invalid(fields={"text": [_l("最多 %(limit)s 个字。", limit=TEXT_MAX_CHARS)]})
