"""Asking for a grant: the person by the mini program, staff on the page; also its next term."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.exc import IntegrityError

from app.core import audit, clock
from app.core.clock import SHANGHAI
from app.core.db import db
from app.core.errors import Conflict, Forbidden, Invalid, TransitionRefused
from app.core.policy import Actor, Permission
from app.core.serials import next_serial
from app.grants import rules, standing
from app.grants.lookback import CHOICES, shifted
from app.grants.models import NOTE_MAX_CHARS, Grant
from app.grants.rules import EXCEPTION, MONTHS_CEILING, Rules
from app.grants.service import nodes, record
from app.grants.service.facts import NodeWish, Terms
from app.grants.standing import Standing
from app.grants.workflow import Status, workflow


@dataclass(frozen=True, slots=True)
class Checked:
    """Terms that can be granted: period as instants, departments as rows, the basis and which limits it exceeds."""

    planned: Sequence[nodes.Planned]
    lookback_months: int
    starts_at: datetime
    ends_at: datetime
    basis_code: str
    exception_text: str
    over: tuple[str, ...]
    rules: Rules

    def columns(self) -> dict[str, Any]:
        return {
            "lookback_months": self.lookback_months, "starts_at": self.starts_at, "ends_at": self.ends_at,
            "basis_code": self.basis_code, "over_limits": list(self.over), "policy_version": self.rules.version,
        }  # fmt: skip


def request(actor: Actor, wishes: Sequence[NodeWish], reason: str) -> Grant:
    """The signed-in person asks for departments of the own hospital. Raises Invalid, Conflict (one is open already)."""
    if actor.kind != "customer" or actor.id is None:
        raise Forbidden()
    found = standing.of(actor.id)
    planned = nodes.plan(found.hospital.id, wishes)
    row = _new(found, rules.current(), actor, _reason(reason))
    return _save(row, planned, actor, "request_grant")


def propose(
    actor: Actor, customer_id: uuid.UUID, terms: Terms, reason: str, *, renews: uuid.UUID | None = None
) -> Grant:
    """Staff propose for a person; another decides. ``renews``: the grant that ends when this one is approved."""
    actor.require(Permission.GRANTS_PROPOSE)
    standing.refuse_beneficiary(actor, customer_id)
    found = standing.of(customer_id)
    record.require_region(actor, Permission.GRANTS_PROPOSE, found.hospital.province)
    policy = rules.current()
    if renews is not None:
        _require_renewable(actor, renews, customer_id, policy)
    checked = check(found, terms, policy)
    row = _new(found, policy, actor, _reason(reason), renews_id=renews, **checked.columns())
    row.exception_text = checked.exception_text or None
    return _save(row, checked.planned, actor, "propose_grant")


def check(found: Standing, terms: Terms, policy: Rules) -> Checked:
    """Everything that can be wrong with terms, all at once by field; and which limits they exceed. Raises Invalid."""
    errors: dict[str, list[Any]] = {}
    planned: list[nodes.Planned] = []
    code: str | None = None
    try:
        planned = nodes.plan(found.hospital.id, terms.nodes)
    except Invalid as error:
        code = error.code
        errors.update(error.fields)
    if terms.lookback_months not in CHOICES:
        errors["lookback_months"] = [_l("请选择列出的月数。")]
    period_code = _period_errors(terms, policy, errors)
    basis = policy.basis_of(found.position, found.department.name)
    needs_exception = basis == EXCEPTION or not found.position_seen
    text = terms.exception_text.strip()
    if needs_exception and not text:
        why = (
            _l("这个职务不在可以依据的职务之内，请写明为什么例外。")
            if basis == EXCEPTION
            else _l("证件上没有看到职务，请写明为什么例外。")
        )
        errors["exception_text"] = [why]
    elif len(text) > NOTE_MAX_CHARS:
        errors["exception_text"] = [_l("最多 %(limit)s 个字。", limit=NOTE_MAX_CHARS)]
    if errors:
        raise Invalid(
            code=code or period_code or ("basis_required" if "exception_text" in errors else "invalid"), fields=errors
        )
    return Checked(
        planned, terms.lookback_months, _midnight(terms.starts_on), _midnight(terms.ends_on + timedelta(days=1)),
        EXCEPTION if needs_exception else basis, text, over(found, planned, terms, policy, needs_exception), policy,
    )  # fmt: skip


def over(
    found: Standing, planned: Sequence[nodes.Planned], terms: Terms, policy: Rules, exception: bool
) -> tuple[str, ...]:
    """Limits that one approver is not enough for (decisions.md 18)."""
    return tuple(
        code
        for code, exceeded in (
            ("departments", len(planned) > policy.max_departments),
            ("whole_hospital", nodes.whole_hospital(found.hospital.id, planned)),
            ("lookback", terms.lookback_months > policy.lookback_alone),
            ("exception", exception),
        )
        if exceeded
    )


OVER_WORDS = {
    "departments": _l("科室数超过一人可批准的上限"),
    "whole_hospital": _l("涵盖全院科室"),
    "lookback": _l("回看超过一人可批准的上限"),
    "exception": _l("职务不在可依据之列，或证件上没有看到职务"),
}


def _period_errors(terms: Terms, policy: Rules, errors: dict[str, list[Any]]) -> str | None:
    if terms.starts_on < clock.today():
        errors["starts_on"] = [_l("开始日期不能早于今天。")]
        return "starts_in_past"
    if terms.ends_on < terms.starts_on:
        errors["ends_on"] = [_l("结束日期早于开始日期。")]
        return "end_before_start"
    months = min(policy.max_months, MONTHS_CEILING)
    if _midnight(terms.ends_on + timedelta(days=1)) > shifted(_midnight(terms.starts_on), months):
        errors["ends_on"] = [_l("最长 %(months)s 个月。", months=months)]
        return "too_long"
    return None


def _require_renewable(actor: Actor, grant_id: uuid.UUID, customer_id: uuid.UUID, policy: Rules) -> None:
    """The former grant is this person's, active, and close to its end."""
    former = record.load(actor, grant_id, Permission.GRANTS_PROPOSE)
    if former.customer_id != customer_id or former.status != Status.ACTIVE or former.ends_at is None:
        raise TransitionRefused(_l("只有生效中的权限可以续期。"), code="not_renewable")
    if clock.now() < former.ends_at - timedelta(days=policy.renew_days):
        raise TransitionRefused(_l("到期前 %(days)s 天起才能续期。", days=policy.renew_days), code="renewal_too_early")


def _new(found: Standing, policy: Rules, actor: Actor, reason: str, **values: Any) -> Grant:
    assert actor.id is not None
    now = clock.now()
    row = Grant(
        number=next_serial("GRT"), customer_id=found.customer_id, subject_id=found.subject_id,
        status=Status.REQUESTED.value, version=1, changed_at=now, **standing_columns(found),
        requested_kind=actor.kind, requested_by=actor.id, requested_at=now, name=found.name or None,
        requested_name=actor.name if actor.kind == "staff" else "", reason=reason,
        **{"over_limits": [], "policy_version": policy.version, **values},
    )  # fmt: skip
    return row


def standing_columns(found: Standing) -> dict[str, Any]:
    """What is frozen of a person."""
    return {
        "hospital_id": found.hospital.id, "province": found.hospital.province,
        "home_department_id": found.department.id, "position": found.position, "title": found.title,
        "registration_id": found.registration_id, "position_verdict": found.position_verdict,
        "title_verdict": found.title_verdict,
    }  # fmt: skip


def _save(row: Grant, planned: Sequence[nodes.Planned], actor: Actor, action: str) -> Grant:
    transition = workflow.find(None, action)
    db.session.flush()
    try:
        with db.session.begin_nested():
            db.session.add(row)
            db.session.flush()
    except IntegrityError as error:
        raise Conflict(_l("此人已有一项权限申请在处理中。"), code="request_open") from error
    nodes.write(row, planned)
    audit.record(transition.audit_event, actor, "access_grant", row.id)
    record.append(row, action, actor, source=None, at=row.requested_at, cause=None, note="")
    return row


def _reason(text: str) -> str:
    text = text.strip()
    if not text or len(text) > NOTE_MAX_CHARS:
        message = _l("请填写。") if not text else _l("最多 %(limit)s 个字。", limit=NOTE_MAX_CHARS)
        raise Invalid(code="reason_required" if not text else "invalid", fields={"reason": [message]})
    return text


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, SHANGHAI)


def open_request(customer_id: uuid.UUID) -> str | None:
    """Number of the person's open request."""
    where = (Grant.customer_id == customer_id, Grant.status.in_((Status.REQUESTED, Status.AWAITING_SECOND)))
    return db.session.scalar(sa.select(Grant.number).where(*where))
