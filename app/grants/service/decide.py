"""Deciding: approve (one person, over a limit two), refuse, confirm again after a pause, revoke."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from app.core import clock
from app.core.db import db
from app.core.errors import Conflict, Invalid, TransitionRefused
from app.core.policy import Actor, Permission
from app.grants import rules, standing
from app.grants.models import NOTE_MAX_CHARS, Grant, GrantNode
from app.grants.service import nodes, record
from app.grants.service.facts import Facts, NodeWish, Terms
from app.grants.service.propose import Checked, check, over, standing_columns
from app.grants.workflow import Status
from app.hospitals.models import Department

DECIDE = Permission.GRANTS_DECIDE


def approve(actor: Actor, grant_id: uuid.UUID, version: int, terms: Terms | None = None) -> Grant:
    """Approve what was proposed; of a customer's own request the first approver sets the ``terms``.

    Needs a fresh sign-in. Over a limit the grant waits for one more person. Raises Invalid, Forbidden, Conflict.
    """
    actor.require_step_up()
    row = record.load(actor, grant_id, DECIDE, version=version)
    if row.status not in (Status.REQUESTED, Status.AWAITING_SECOND):
        raise _decided(row)
    now = clock.now()
    facts = Facts(now=now, earlier=record.earlier_hands(row), over=tuple(row.over_limits), drift=_drift(row, now))
    changes: dict[str, object] = {}
    if row.status == Status.REQUESTED and row.requested_kind == "customer":
        checked = _set_terms(row, terms)
        changes.update(checked.columns())
        facts = replace(facts, over=checked.over)
    elif terms is not None:
        raise Invalid(_l("已提出的内容不能在批准时改动。"), code="terms_fixed")
    _require_period(row, changes, now)
    former = _former(row) if row.renews_id is not None else None
    hand = {"approved_by": actor.id, "approved_name": actor.name, "approved_at": now}
    if row.status == Status.REQUESTED and facts.over:
        changes.update(endorsed_by=actor.id, endorsed_name=actor.name)
        record.move(row, "endorse_grant", actor, facts=facts, changes=changes)
        return row
    later = _starts(row, changes) > now
    first = row.status == Status.REQUESTED
    action = {
        (True, False): "activate_grant", (True, True): "schedule_grant",
        (False, False): "activate_second", (False, True): "schedule_second",
    }[first, later]  # fmt: skip
    if former is not None:
        if later:
            raise Invalid(_l("续期从批准时起生效，开始日期请选今天。"), code="renewal_starts_now")
        record.move(former, "renew_grant", actor, cause="renewed")
    record.move(row, action, actor, facts=facts, changes={**changes, **hand})
    return row


def refuse(actor: Actor, grant_id: uuid.UUID, version: int, note: str) -> Grant:
    """Turn a request down, with a reason for colleagues."""
    row = record.load(actor, grant_id, DECIDE, version=version)
    facts = Facts(now=clock.now(), note=_note(note))
    action = "refuse_second" if row.status == Status.AWAITING_SECOND else "refuse_request"
    record.move(row, action, actor, facts=facts)
    return row


def revoke(actor: Actor, grant_id: uuid.UUID, version: int, note: str) -> Grant:
    """End this grant alone; what it opened is closed at the next read."""
    row = record.load(actor, grant_id, DECIDE, version=version)
    record.move(row, "revoke_grant", actor, facts=Facts(now=clock.now(), note=_note(note)))
    return row


def reconfirm(
    actor: Actor, grant_id: uuid.UUID, version: int, keep: Sequence[uuid.UUID], note: str, *, step_up: bool = True
) -> Grant:
    """After a pause: the grant goes on over the departments ``keep``, on what is true of the person now.

    ``keep`` are departments it had, or what those became by a merge. Raises Invalid when the person moved to another
    hospital or the new basis needs a second person: then a new grant is proposed.
    """
    if step_up:
        actor.require_step_up()
    row = record.load(actor, grant_id, DECIDE, version=version)
    if row.status != Status.PAUSED:
        raise _decided(row)
    found = standing.of(row.customer_id)
    if found.hospital.id != row.hospital_id:
        raise Invalid(_l("此人已换医院，请撤销后为新医院重新提出。"), code="hospital_changed")
    old = nodes.open_nodes(row)
    wishes = [NodeWish(department_id) for department_id in dict.fromkeys(keep)]
    if not {wish.department_id for wish in wishes} <= offered(row, old):
        raise Invalid(
            _l("只能保留原有科室或其合并后的科室。"), code="department_unknown",
            fields={"departments": [_l("只能保留原有科室或其合并后的科室。")]},
        )  # fmt: skip
    planned = nodes.plan(row.hospital_id, wishes)
    policy = rules.current()
    basis = policy.basis_of(found.position, found.department.name)
    exception = basis == rules.EXCEPTION or not found.position_seen
    terms = Terms(wishes, row.lookback_months or 0, clock.today(), clock.today())
    exceeded = set(over(found, planned, terms, policy, exception)) - set(row.over_limits)
    now = clock.now()
    facts = Facts(now=now, earlier=_proposers(row), over=tuple(sorted(exceeded)), note=_note(note))
    changes = {
        **standing_columns(found), "basis_code": rules.EXCEPTION if exception else basis,
        "policy_version": policy.version, "paused_at": None, "pause_cause": None, "pause_until": None,
    }  # fmt: skip
    nodes.remove(old, row.version + 1)
    nodes.write(row, planned)
    record.move(row, "reconfirm_grant", actor, facts=facts, changes=changes)
    return row


def offered(row: Grant, old: Sequence[GrantNode]) -> set[uuid.UUID]:
    """Departments that a confirmation may keep: living ones of the grant, and what merged ones became."""
    found = set()
    for node in old:
        department = db.session.get_one(Department, node.department_id)
        if department.merged_into is not None:
            department = db.session.get_one(Department, department.merged_into)
        if department.hospital_id == row.hospital_id and department.active:
            found.add(department.id)
    return found


def _set_terms(row: Grant, terms: Terms | None) -> Checked:
    """What the approver of a customer's request settles; its departments may be fewer, never others."""
    if terms is None:
        raise Invalid(_l("请填写期限和回看。"), code="terms_required")
    old = nodes.open_nodes(row)
    asked = {node.department_id for node in old}
    if not {wish.department_id for wish in terms.nodes} <= asked:
        message = _l("只能批准申请过的科室。")
        raise Invalid(message, code="department_unknown", fields={"departments": [message]})
    checked = check(standing.of(row.customer_id), terms, rules.current())
    nodes.remove(old, row.version + 1)
    nodes.write(row, checked.planned)
    row.exception_text = checked.exception_text or None
    db.session.flush()
    return checked


def _former(row: Grant) -> Grant:
    former = db.session.get_one(Grant, row.renews_id, with_for_update=True, populate_existing=True)
    record.settle(former, clock.now())
    if former.status != Status.ACTIVE:
        raise TransitionRefused(_l("要续期的权限已经结束，请重新提出。"), code="not_renewable")
    return former


def _require_period(row: Grant, changes: dict[str, object], now: datetime) -> None:
    ends = changes.get("ends_at", row.ends_at)
    assert isinstance(ends, datetime)
    if ends <= now:
        raise Invalid(_l("所提期限已过，请重新提出。"), code="period_over")


def _starts(row: Grant, changes: dict[str, object]) -> datetime:
    found = changes.get("starts_at", row.starts_at)
    assert isinstance(found, datetime)
    return found


def _drift(row: Grant, now: datetime) -> standing.Drift | None:
    return standing.drift(row, now)


def _proposers(row: Grant) -> frozenset[uuid.UUID]:
    return frozenset({row.requested_by} if row.requested_kind == "staff" else ())


def _decided(row: Grant) -> Conflict:
    last = record.last_event(row)
    return Conflict(
        _l("这一项已有决定，没有再作改动。"), code="already_decided", who=last.by_name or None, what=row.status,
        when=last.at,
    )  # fmt: skip


def _note(text: str) -> str:
    if len(text) > NOTE_MAX_CHARS:
        raise Invalid(fields={"note": [_l("最多 %(limit)s 个字。", limit=NOTE_MAX_CHARS)]})
    return text


def renewable_from(row: Grant) -> datetime | None:
    """The first instant at which the next term may be proposed."""
    if row.ends_at is None:
        return None
    return row.ends_at - timedelta(days=rules.current().renew_days)


def not_by(actor: Actor) -> list[sa.ColumnElement[bool]]:
    """Clauses that this person neither proposed nor endorsed a request."""
    return [
        sa.not_(sa.and_(Grant.requested_kind == "staff", Grant.requested_by == actor.id)),
        sa.or_(Grant.endorsed_by.is_(None), Grant.endorsed_by != actor.id),
    ]
