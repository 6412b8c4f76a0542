"""Auditing a rating, deciding whether it is a complaint, and the blind second audit. Nothing here touches a score."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from app.core import audit, clock
from app.core.db import db
from app.core.errors import Conflict, Forbidden, Invalid
from app.core.policy import Actor, Permission
from app.satisfaction.models import ComplaintDecision, RatedJob, RatingAudit, RatingFlag
from app.satisfaction.queries.scope import knows, load, not_mine
from app.satisfaction.service import follow
from app.satisfaction.words import CARD, CARD_MARKS, OUTCOME_REASONS, OUTCOMES
from app.satisfaction.workflow import TO_AUDIT, rating_workflow
from app.tickets.service import harm

AUDIT = Permission.SATISFACTION_AUDIT
NOTE_MAX_CHARS = 1_000
ALARMING = ("low", "harm")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an auditor fills in. ``undecided`` is a fact of the rating, filled by the service."""

    outcome: str = ""
    reason: str = ""
    note: str = ""
    card: Mapping[str, int] = field(default_factory=dict)
    undecided: bool = False


@dataclass(frozen=True, slots=True)
class Complaint:
    """Both answers are yes or no; None: not answered."""

    complaint: bool | None
    reportable: bool | None
    reason: str


def give(actor: Actor, number: str, cycle: int | None, verdict: Verdict, *, seen: int | None = None) -> RatingAudit:
    """The audit that counts. Raises NotFound, Forbidden, Conflict, Invalid, TransitionRefused."""
    job = _mine_to_judge(actor, number, cycle)
    _fits(verdict)
    facts = Verdict(verdict.outcome, verdict.reason, verdict.note, verdict.card, needs_decision(job))
    now = clock.now()
    rating_workflow.fire(
        job, "audit_rating", actor, facts=facts, at=now, expected_version=seen, reason_code=verdict.reason or None,
        changes={"outcome": verdict.outcome, "audited_at": now},
    )  # fmt: skip
    return _write(job, actor, verdict, second=False)


def give_second(actor: Actor, number: str, cycle: int | None, verdict: Verdict) -> RatingAudit:
    """The blind second audit: by somebody else, changes no outcome, and is compared with the first."""
    job = _mine_to_judge(actor, number, cycle)
    if job.second_due_at is None:
        raise Conflict(_l("这条评价没有等待复审。"), code="no_second_audit")
    if db.session.scalar(sa.select(knows(actor, job.id))):
        raise Forbidden(_l("参与过审核、判定或回访的人不能复审同一条评价。"), code="own_audit")
    _fits(verdict)
    if verdict.outcome != "ok" and not verdict.reason:
        raise Invalid(code="reason_required", fields={"reason": [_l("“有疑问”和“作废”须选原因。")]})
    job.second_due_at = None
    audit.record("rating.audited_again", actor, "rated_job", job.id, reason_code=verdict.reason or None)
    return _write(job, actor, verdict, second=True)


def decide(actor: Actor, number: str, cycle: int | None, said: Complaint) -> ComplaintDecision:
    """Complaint or not, reportable or not, with reason and name. Yes opens the follow-up, and for harm the safety
    case. Raises NotFound, Forbidden, Invalid."""
    job = _mine_to_judge(actor, number, cycle)
    wrong: dict[str, list[Any]] = {}
    for name in ("complaint", "reportable"):
        if getattr(said, name) is None:
            wrong[name] = [_l("请选“是”或“否”。")]
    if said.complaint is False and said.reportable:
        wrong["reportable"] = [_l("须上报的必定也是投诉，请把第一项选“是”。")]
    if not said.reason.strip():
        wrong["reason"] = [_l("请写明理由。")]
    elif len(said.reason) > NOTE_MAX_CHARS:
        wrong["reason"] = [_l("最多 %(limit)s 个字。", limit=NOTE_MAX_CHARS)]
    if wrong:
        raise Invalid(fields=wrong)
    if job.score is None:
        raise Conflict(_l("还没有评价。"), code="no_rating")
    now, harmful = clock.now(), bool(said.complaint and (said.reportable or names_harm(job)))
    no = sa.select(sa.func.coalesce(sa.func.max(ComplaintDecision.no), 0) + 1)
    made = ComplaintDecision(
        job_id=job.id, no=db.session.scalar(no.where(ComplaintDecision.job_id == job.id)) or 1, harm=harmful,
        rating_version=job.rating_version, complaint=said.complaint, reportable=said.reportable,
        subject_id=job.subject_id, reason=said.reason.strip(), by_id=actor.id, by_name=actor.name, at=now,
    )  # fmt: skip
    db.session.add(made)
    db.session.flush()
    verdict = "reportable" if said.reportable else "complaint" if said.complaint else "no_complaint"
    audit.record("rating.complaint_decided", actor, "rated_job", job.id, reason_code=verdict)
    if said.complaint:
        follow.open_up(job, "complaint", now)
    if harmful:
        harm.told(actor, job.ticket_id)
    return made


def flag(actor: Actor, number: str, cycle: int | None) -> RatedJob:
    """Put a rating into the queue by hand: somebody saw something that no rule looks for."""
    job = _mine_to_judge(actor, number, cycle)
    now = clock.now()
    rating_workflow.fire(job, "flag_by_hand", actor, at=now, changes={"alarm": "hand"})
    db.session.add(RatingFlag(
        job_id=job.id, rating_version=job.rating_version, kind="hand", at=now, by_id=actor.id, by_name=actor.name
    ))  # fmt: skip
    db.session.flush()
    return job


def needs_decision(job: RatedJob) -> bool:
    """A low score or a word of harm in any version, and nobody has decided since the latest."""
    f, c = RatingFlag, ComplaintDecision
    alarming = db.session.scalar(
        sa.select(sa.func.max(f.rating_version)).where(f.job_id == job.id, f.kind.in_(ALARMING))
    )
    decided = db.session.scalar(sa.select(sa.func.max(c.rating_version)).where(c.job_id == job.id))
    return alarming is not None and (decided is None or decided < alarming)


def names_harm(job: RatedJob) -> bool:
    """Whether any version named harm."""
    return bool(db.session.scalar(
        sa.select(sa.exists().where(RatingFlag.job_id == job.id, RatingFlag.kind == "harm"))
    ))  # fmt: skip


def may_audit(job: RatedJob) -> bool:
    """Whether the rating waits for its audit."""
    return job.status in TO_AUDIT


def _mine_to_judge(actor: Actor, number: str, cycle: int | None) -> RatedJob:
    job = load(actor, number, AUDIT, cycle)
    not_mine(actor, job)
    return job


def _fits(verdict: Verdict) -> None:
    wrong: dict[str, list[Any]] = {}
    if verdict.outcome not in OUTCOMES:
        wrong["outcome"] = [_l("请选结论。")]
    if verdict.reason and verdict.reason not in OUTCOME_REASONS:
        wrong["reason"] = [_l("没有这个选项。")]
    if verdict.reason == "other" and not verdict.note.strip():
        wrong["note"] = [_l("选“其他”时请写说明。")]
    if len(verdict.note) > NOTE_MAX_CHARS:
        wrong["note"] = [_l("最多 %(limit)s 个字。", limit=NOTE_MAX_CHARS)]
    for item in CARD:
        if verdict.card.get(item) not in CARD_MARKS:
            wrong[f"card_{item}"] = [_l("请选择。")]
    if wrong:
        raise Invalid(fields=wrong)


def _write(job: RatedJob, actor: Actor, verdict: Verdict, *, second: bool) -> RatingAudit:
    made = RatingAudit(
        job_id=job.id, rating_version=job.rating_version, second=second, outcome=verdict.outcome,
        reason=verdict.reason if verdict.outcome != "ok" else "", card={item: verdict.card[item] for item in CARD},
        subject_id=job.subject_id, note=verdict.note.strip() or None, by_id=actor.id, by_name=actor.name,
        at=clock.now(),
    )  # fmt: skip
    db.session.add(made)
    db.session.flush()
    return made
