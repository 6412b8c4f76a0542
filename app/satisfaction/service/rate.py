"""What a customer says: once per round and rater, a version within 24 hours, and nobody else after the first answer."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from app.core import clock
from app.core.db import db
from app.core.errors import Conflict, Gone, Invalid
from app.core.policy import Actor
from app.satisfaction import harm_words
from app.satisfaction.models import COMMENT_MAX_CHARS, RatedJob, RatedPerson, Rating, RatingFlag
from app.satisfaction.service import follow, invite, links
from app.satisfaction.tone import complains
from app.satisfaction.words import DIMENSIONS, HIGH_FROM, HIGH_REASONS, LOW, LOW_REASONS
from app.satisfaction.workflow import GIVEN, Status, rating_workflow
from app.staff.models import AccountState, StaffAccount
from app.tickets.models import Ticket, TicketContact
from app.tickets.service.reach import load_own
from app.tickets.workflow import Status as TicketStatus

WINDOW = timedelta(hours=24)
CONTACT = Actor("customer")  # whoever holds the link: a customer without an account
NAME_MIN = 2


@dataclass(frozen=True, slots=True)
class Answer:
    """What was filled in, not yet looked at."""

    score: int
    dimensions: Mapping[str, int] = field(default_factory=dict)
    reasons: tuple[str, ...] = ()
    comment: str = ""


def give_own(actor: Actor, number: str, answer: Answer) -> bool:
    """The reporter rates his own ticket; whether this is the first version. Raises NotFound, Invalid, Conflict."""
    row = load_own(actor, number)
    check(answer)
    now = clock.now()
    job = invite.job_of(row, now)
    if job is None:
        raise Conflict(_l("这张工单还没有关闭，关闭后再评价。"), code="ticket_not_closed")
    return _give(job, row, answer, now, actor, "reporter", row.subject_id)


def give_by_token(token: str, answer: Answer) -> bool:
    """The holder of the link rates. Raises NotFound, Gone, Invalid, Conflict."""
    job, row = by_token(token, lock=True)
    check(answer)
    contact = sa.select(TicketContact.subject_id).where(TicketContact.ticket_id == row.id)
    subject_id = db.session.scalar(contact) or job.subject_id
    return _give(job, row, answer, clock.now(), CONTACT, "contact", subject_id)


def by_token(token: str, *, lock: bool = False) -> tuple[RatedJob, Ticket]:
    """The round behind a link. Raises NotFound."""
    query = sa.select(RatedJob, Ticket).join(Ticket, Ticket.id == RatedJob.ticket_id)
    return links.behind(token, query, RatedJob.token_hash, lock=lock)


def check(answer: Answer) -> None:
    """Raise Invalid, field by field, unless the answer can be stored as it is."""
    wrong: dict[str, list[Any]] = {}
    scores = {"score": answer.score, **answer.dimensions}
    for name, value in scores.items():
        if name != "score" and name not in DIMENSIONS:
            wrong[name] = [_l("没有这一项。")]
        elif not 1 <= value <= 5:
            wrong[name] = [_l("请选 1 到 5。")]
    offered = HIGH_REASONS if answer.score >= HIGH_FROM else LOW_REASONS
    if any(code not in offered for code in answer.reasons):
        wrong["reasons"] = [_l("所选原因与分数不符，请按现在的分数重选。")]
    if len(answer.comment) > COMMENT_MAX_CHARS:
        wrong["comment"] = [_l("最多 %(limit)s 个字。", limit=COMMENT_MAX_CHARS)]
    if wrong:
        raise Invalid(fields=wrong)


def refuse_closed(job: RatedJob, row: Ticket, rater_kind: str, now: datetime) -> None:
    """Raise Gone when the invitation is over, Conflict when the answer can no longer be changed by this rater."""
    if row.status != TicketStatus.CLOSED or row.cycle != job.cycle or job.status == Status.WITHDRAWN:
        raise Gone(_l("这张工单已重新处理，处理完后会再请您评价。"), code="rating_withdrawn")
    if job.status == Status.EXPIRED or (job.status == Status.INVITED and job.expires_at <= now):
        raise Gone(_l("评价邀请已过期。"), code="rating_expired")
    if job.status not in GIVEN:
        return
    if job.rater_kind != rater_kind:
        raise Conflict(_l("这次服务已有人评价，谢谢。"), code="rating_given")
    assert job.answered_at is not None
    if now >= job.answered_at + WINDOW:
        raise Conflict(_l("评价提交 24 小时后不能再修改。"), code="rating_closed")


def _give(
    job: RatedJob, row: Ticket, answer: Answer, now: datetime, actor: Actor, kind: str, subject_id: uuid.UUID
) -> bool:
    try:
        refuse_closed(job, row, kind, now)
    except Gone as over:  # the API's contract knows one answer for "not any more"
        raise Conflict(over.message, code=over.code) if kind == "reporter" else over from None
    before, listed = job.score, harm_words.current()
    latest = _latest(job) if before is not None else None
    if latest is not None and _same(latest, answer):
        return False
    made = Rating(
        job_id=job.id, version=job.rating_version + 1, rater_kind=kind, subject_id=subject_id, score=answer.score,
        customer_id=job.customer_id if kind == "reporter" else None, reasons=list(answer.reasons),
        comment=answer.comment.strip() or None, harm_list=listed.version, at=now, **dict(answer.dimensions),
    )  # fmt: skip
    db.session.add(made)
    db.session.flush()
    flags = _flags(job, made, answer.comment, listed.groups_in(answer.comment), before, now)
    _name(job, answer.comment)
    alarm = next((f.kind for f in flags if f.kind in ("harm", "low") or f.detail == "praise_negative"), "")
    first = before is None
    action = ("answer" if first else "change") + ("_alarming" if alarm else "_survey" if first else "_answer")
    changes: dict[str, Any] = {"score": answer.score, "rating_version": made.version, "alarm": alarm or job.alarm}
    if first:
        changes |= {"answered_at": now, "rater_kind": kind}
    rating_workflow.fire(job, action, actor, at=now, changes=changes)
    if answer.score <= LOW:
        follow.open_up(job, "low", now)
    return first


def _flags(
    job: RatedJob, made: Rating, said: str, groups: list[str], before: int | None, now: datetime
) -> list[RatingFlag]:
    """What a person must look at, the gravest first; the change of a score is a hint, not an alarm."""
    found = [("harm", group) for group in groups] + ([("low", "")] if made.score <= LOW else [])
    if before is not None and made.score != before:
        found.append(("signal", "lowered" if made.score < before else "raised"))
    if made.score >= HIGH_FROM and (groups or complains(said)):
        found.append(("signal", "praise_negative"))
    rows = [
        RatingFlag(job_id=job.id, rating_version=made.version, kind=kind, detail=detail, at=now)
        for kind, detail in found
    ]
    db.session.add_all(rows)
    db.session.flush()
    return rows


def _name(job: RatedJob, comment: str) -> None:
    """Colleagues whom the comment names are rated people too: they neither see nor audit it."""
    if not comment.strip():
        return
    people = sa.select(StaffAccount.id, StaffAccount.name).where(StaffAccount.state != AccountState.INVITED)
    known = set(db.session.scalars(sa.select(RatedPerson.staff_id).where(RatedPerson.job_id == job.id)))
    for who, name in db.session.execute(people):
        if len(name) >= NAME_MIN and name in comment and who not in known:
            db.session.add(RatedPerson(job_id=job.id, staff_id=who, part="named"))


def _latest(job: RatedJob) -> Rating:
    query = sa.select(Rating).where(Rating.job_id == job.id, Rating.version == job.rating_version)
    return db.session.scalars(query).one()


def _same(latest: Rating, answer: Answer) -> bool:
    """Sent twice: a second click, a phone that asked again."""
    told = {name: getattr(latest, name) for name in DIMENSIONS if getattr(latest, name) is not None}
    said = (latest.score, told, sorted(latest.reasons), latest.comment or "")
    return said == (answer.score, dict(answer.dimensions), sorted(answer.reasons), answer.comment.strip())
