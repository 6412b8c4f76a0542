"""The one way in which a grant's status changes: the table fires, the event is appended, both sides are told."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from app.core import clock
from app.core.db import db
from app.core.errors import Conflict, Forbidden, NotFound
from app.core.policy import SYSTEM, Actor, Permission
from app.grants import rules, standing
from app.grants.models import Grant, GrantEvent
from app.grants.service import nodes, notice
from app.grants.service.facts import Facts
from app.grants.workflow import Status, workflow

OVER = ("expire_grant", "lapse_pause", "lapse_review", "revoke_grant", "revoke_reviewed", "renew_grant",
        "refuse_request", "refuse_second")  # fmt: skip


def move(
    row: Grant,
    action: str,
    actor: Actor,
    *,
    facts: Facts | None = None,
    at: datetime | None = None,
    cause: str | None = None,
    changes: dict[str, Any] | None = None,
) -> GrantEvent:
    """Fire ``action`` and append what happened. Raises what the table and its guards raise."""
    when = at or clock.now()
    facts = facts or Facts(now=when)
    source = row.status
    transition = workflow.find(source, action)
    values: dict[str, Any] = {"changed_at": when, **(changes or {})}
    if action in OVER:
        values.update(ended_at=when, ended_cause=cause, review_due_at=None)
    values["wakes_at"] = wakes_at(row, transition.target, values)
    workflow.fire(row, action, actor, facts=facts, at=when, changes=values, reason_code=cause)
    return append(row, action, actor, source=source, at=when, cause=cause, note=facts.note)


def append(
    row: Grant, action: str, actor: Actor, *, source: str | None, at: datetime, cause: str | None, note: str
) -> GrantEvent:
    """The event, with what the grant opens from now on, and its messages."""
    made = GrantEvent(
        grant_id=row.id, subject_id=row.subject_id, version=row.version, action=action, status_from=source,
        status_to=row.status, cause=cause, note=note.strip() or None, terms=terms_of(row), by_kind=actor.kind,
        by_id=actor.id, by_name=actor.name if actor.kind == "staff" else "", at=at,
    )  # fmt: skip
    db.session.add(made)
    db.session.flush()
    notice.tell(row, made)
    return made


def terms_of(row: Grant) -> dict[str, Any]:
    """What a grant opens, as plain values for its history."""
    return {
        "departments": [str(node.department_id) for node in nodes.open_nodes(row)],
        "lookback_months": row.lookback_months,
        "starts_at": row.starts_at.isoformat() if row.starts_at else None,
        "ends_at": row.ends_at.isoformat() if row.ends_at else None,
        "basis": row.basis_code,
        "policy_version": row.policy_version,
    }


def wakes_at(row: Grant, target: Any, changes: dict[str, Any]) -> datetime | None:
    """The next instant at which time changes the row in its new status."""
    value = lambda name: changes.get(name, getattr(row, name))
    due = [value("ends_at"), value("review_due_at")]
    if target == Status.SCHEDULED:
        due.append(value("starts_at"))
    elif target == Status.PAUSED:
        due.append(value("pause_until"))
    elif target != Status.ACTIVE:
        return None
    return min((at for at in due if at is not None), default=None)


def settle(row: Grant, now: datetime) -> None:
    """Make true in the row what time and the world changed already, stamped with when it became so."""
    while row.wakes_at is not None and row.wakes_at <= now:
        _wake(row, row.wakes_at)
    if row.status in (Status.ACTIVE, Status.SCHEDULED):
        found = standing.drift(row, now)
        if found is not None:
            _pause(row, found, now)
            settle(row, now)


def _wake(row: Grant, at: datetime) -> None:
    if row.ends_at is not None and row.ends_at <= at:
        move(row, "expire_grant", SYSTEM, at=at, cause="period_over")
    elif row.review_due_at is not None and row.review_due_at <= at:
        move(row, "lapse_review", SYSTEM, at=at, cause="not_reviewed")
    elif row.status == Status.PAUSED:
        move(row, "lapse_pause", SYSTEM, at=at, cause="not_reconfirmed")
    else:
        move(row, "start_grant", SYSTEM, at=at)


def _pause(row: Grant, found: standing.Drift, now: datetime) -> None:
    """From the instant of the change on, yet never before the grant itself was decided."""
    at = min(max(found.at, row.approved_at or found.at), now)
    until = at + timedelta(days=rules.of_version(row.policy_version).pause_days)
    action = "pause_grant" if row.status == Status.ACTIVE else "pause_scheduled"
    changes = {"paused_at": at, "pause_cause": found.cause, "pause_until": until}
    move(row, action, SYSTEM, at=at, cause=found.cause, changes=changes)


def load(actor: Actor, grant_id: uuid.UUID, permission: Permission, *, version: int | None = None) -> Grant:
    """The row, locked and settled. NotFound outside of what the actor may see, Forbidden outside of where he decides
    and on his own grant, Conflict when it is no longer what he saw."""
    seen = actor.scope(Permission.GRANTS_READ)
    query = sa.select(Grant).where(Grant.id == grant_id)
    row = db.session.scalars(query.with_for_update().execution_options(populate_existing=True)).one_or_none()
    if row is None or (seen is not None and row.province not in seen):
        raise NotFound()
    require_region(actor, permission, row.province)
    standing.refuse_beneficiary(actor, row.customer_id)
    settle(row, clock.now())
    if version is not None and version != row.version:
        last = last_event(row)
        raise Conflict(who=last.by_name or None, what=row.status, when=last.at)
    return row


def require_region(actor: Actor, permission: Permission, province: str) -> None:
    """Every department of a grant lies in one hospital, so its province is the one that must be the actor's."""
    mine = actor.scope(permission)
    if mine is not None and province not in mine:
        raise Forbidden(_l("这家医院不在您负责的地区。"), code="outside_region")


def last_event(row: Grant) -> GrantEvent:
    query = sa.select(GrantEvent).where(GrantEvent.grant_id == row.id)
    return db.session.scalars(query.order_by(GrantEvent.version.desc()).limit(1)).one()


HANDS = (
    "propose_grant", "endorse_grant", "activate_grant", "schedule_grant", "activate_second", "schedule_second",
    "reconfirm_grant",
)  # fmt: skip


def earlier_hands(row: Grant) -> frozenset[uuid.UUID]:
    """Staff who had a part in what the grant is now: who proposed, endorsed, approved or confirmed it."""
    return hands_of([row.id]).get(row.id, frozenset())


def hands_of(grant_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, frozenset[uuid.UUID]]:
    """`earlier_hands` of many grants, in one statement."""
    e = GrantEvent
    query = sa.select(e.grant_id, e.by_id).where(e.grant_id.in_(grant_ids), e.by_kind == "staff", e.action.in_(HANDS))
    found: dict[uuid.UUID, set[uuid.UUID]] = {}
    for grant_id, by_id in db.session.execute(query):
        if by_id is not None:
            found.setdefault(grant_id, set()).add(by_id)
    return {grant_id: frozenset(hands) for grant_id, hands in found.items()}
