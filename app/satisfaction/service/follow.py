"""Follow-ups: opened by a low rating or a complaint, owned, due, and ended only with everything written down."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from app.core import audit, calendar, clock, numbers, outbox
from app.core.db import db
from app.core.errors import Conflict, Gone, Invalid, NotFound
from app.core.policy import SYSTEM, Actor, Permission
from app.customers.models import Customer
from app.satisfaction.models import REFERENCE_MAX_CHARS, FollowUp, FollowUpRound, RatedJob, RatedPerson
from app.satisfaction.queries.scope import load, not_mine
from app.satisfaction.service import invite, links
from app.satisfaction.words import CAUSES, CONTACTS, LOW
from app.satisfaction.workflow import Following, follow_workflow
from app.staff.models import AccountState, RoleAssignment, StaffAccount
from app.staff.roles import Role
from app.staff.tokens import hash_token, new_token
from app.tickets.models import TicketContact

AUDIT = Permission.SATISFACTION_AUDIT
ACTION_MAX_CHARS = 1_000
REPEATED, REPEATED_WITHIN = 3, timedelta(days=90)
WITHOUT_CALENDAR = timedelta(days=3)
CONTACT = Actor("customer")


@dataclass(frozen=True, slots=True)
class Written:
    """What the owner writes down of one round."""

    contact: str = ""
    root_cause: str = ""
    action: str = ""
    corrective: str = ""


def open_up(job: RatedJob, why: str, now: datetime) -> FollowUp:
    """Open the follow-up of a rated job, once; somebody owns it and it has a time."""
    known = db.session.scalars(sa.select(FollowUp).where(FollowUp.job_id == job.id)).one_or_none()
    if known is not None:
        return known
    transition = follow_workflow.find(None, "open_follow_up")
    owner = _owner(job)
    row = FollowUp(
        job_id=job.id, status=transition.target.value, why=why, opened_at=now, due_at=due(now),
        owner_id=owner[0] if owner else None, owner_name=owner[1] if owner else "",
    )  # fmt: skip
    db.session.add(row)
    job.follow_due_at = row.due_at
    db.session.flush()
    audit.record(transition.audit_event, SYSTEM, "follow_up", row.id, reason_code=why)
    return row


def due(now: datetime) -> datetime:
    """So many working days after now; beyond the loaded calendar three days of any kind, rather than no deadline."""
    hours = numbers.office_hours()
    day = (hours.pause_from - hours.opens + hours.closes - hours.pause_until) / 60
    days = numbers.get("follow_up_days")
    try:
        return calendar.add_working_hours(now, day * days)
    except calendar.CalendarMissing:
        return now + WITHOUT_CALENDAR * days


def take(actor: Actor, number: str, cycle: int | None) -> FollowUp:
    """Become its owner. Raises NotFound, Forbidden, Conflict."""
    _job, row = _open(actor, number, cycle)
    row.owner_id, row.owner_name = actor.id, actor.name
    audit.record("follow_up.taken", actor, "follow_up", row.id)
    db.session.flush()
    return row


def owned_by(staff_id: uuid.UUID) -> list[sa.ColumnElement[bool]]:
    """What this person has not settled."""
    return [FollowUp.owner_id == staff_id, FollowUp.status != Following.SETTLED]


def pass_on_all_of(staff_id: uuid.UUID) -> int:
    """Whoever leaves owns no follow-up: each goes to the auditor with the fewest, else to nobody; how many."""
    query = sa.select(FollowUp).where(*owned_by(staff_id)).order_by(FollowUp.id).with_for_update()
    rows = db.session.scalars(query).all()
    for row in rows:
        owner = _owner(db.session.get_one(RatedJob, row.job_id))
        row.owner_id, row.owner_name = owner or (None, "")
        audit.record("follow_up.passed_on", SYSTEM, "follow_up", row.id)
        db.session.flush()
    return len(rows)


def finish(actor: Actor, number: str, cycle: int | None, written: Written) -> FollowUp:
    """Write the round down and ask the customer again; without a way to reach him it is settled."""
    job, row = _open(actor, number, cycle)
    now = clock.now()
    _fits(job, written, now)
    reach = _reach(job)
    if reach is None:
        follow_workflow.fire(
            row,
            "settle_unreachable",
            actor,
            facts=written,
            at=now,
            changes={"end": "unreachable", "settled_at": now, "finished_at": row.finished_at or now},
        )
    else:
        follow_workflow.fire(
            row,
            "finish_follow_up",
            actor,
            facts=written,
            at=now,
            changes={"wakes_at": now + invite.days(), "finished_at": row.finished_at or now},
        )
    db.session.add(FollowUpRound(
        follow_up_id=row.id, no=row.round, contact=written.contact, root_cause=written.root_cause,
        corrective=written.corrective.strip(), subject_id=job.subject_id, action=written.action.strip(),
        by_id=actor.id, by_name=actor.name, at=now,
    ))  # fmt: skip
    job.follow_due_at = None
    if reach is not None:
        _ask_again(row, job, reach)
    db.session.flush()
    return row


def by_token(token: str, *, lock: bool = False) -> tuple[FollowUp, RatedJob]:
    """The follow-up behind the link of a second survey. Raises NotFound."""
    query = sa.select(FollowUp, RatedJob).join(RatedJob, RatedJob.id == FollowUp.job_id)
    return links.behind(token, query, FollowUp.token_hash, lock=lock)


def refuse_closed(row: FollowUp, now: datetime) -> None:
    """Raise Conflict when it was answered, Gone when its time is over."""
    if (row.status == Following.SETTLED and row.end != "silent") or row.status == Following.OPEN:
        raise Conflict(_l("您已经回答过了，谢谢。"), code="rating_given")
    if row.status != Following.ASKED or (row.wakes_at is not None and row.wakes_at <= now):
        raise Gone(_l("评价邀请已过期。"), code="rating_expired")


def answer_second(token: str, score: int) -> bool:
    """The customer says how it is now; whether he is content. Still unhappy: the follow-up is open again."""
    row, job = by_token(token, lock=True)
    now = clock.now()
    refuse_closed(row, now)
    if not 1 <= score <= 5:
        raise Invalid(fields={"score": [_l("请选 1 到 5。")]})
    latest = sa.select(FollowUpRound).where(FollowUpRound.follow_up_id == row.id, FollowUpRound.no == row.round)
    said = db.session.scalars(latest).one()
    said.second_score, said.second_at = score, now
    if score <= LOW:
        until = due(now)
        follow_workflow.fire(row, "answer_unhappy", CONTACT, at=now, changes={"round": row.round + 1, "due_at": until})
        job.follow_due_at = until
    else:
        follow_workflow.fire(row, "answer_happy", CONTACT, at=now, changes={"end": "happy", "settled_at": now})
    db.session.flush()
    return score > LOW


def lapse_due(now: datetime, limit: int) -> int:
    """Second surveys that nobody answered; stamped with the instant at which their time was over."""
    rows = sa.select(FollowUp).where(FollowUp.status == Following.ASKED, FollowUp.wakes_at <= now)
    found = db.session.scalars(rows.order_by(FollowUp.wakes_at).limit(limit).with_for_update(skip_locked=True)).all()
    for row in found:
        at = row.wakes_at or now
        follow_workflow.fire(row, "lapse_second", SYSTEM, at=at, changes={"end": "silent", "settled_at": at})
    return len(found)


def repeated(job: RatedJob, cause: str, now: datetime) -> int:
    """How often this cause was written down for this product lately."""
    r = FollowUpRound
    query = sa.select(sa.func.count(sa.distinct(r.follow_up_id))).join(FollowUp, FollowUp.id == r.follow_up_id)
    query = query.join(RatedJob, RatedJob.id == FollowUp.job_id)
    same = r.root_cause == cause, r.at > now - REPEATED_WITHIN, RatedJob.product == job.product, RatedJob.id != job.id
    return db.session.scalar(query.where(*same)) or 0


def _fits(job: RatedJob, written: Written, now: datetime) -> None:
    wrong: dict[str, list[Any]] = {}
    if written.contact and written.contact not in CONTACTS:
        wrong["contact"] = [_l("没有这个选项。")]
    if written.root_cause and written.root_cause not in CAUSES:
        wrong["root_cause"] = [_l("没有这个选项。")]
    for name, limit in (("action", ACTION_MAX_CHARS), ("corrective", REFERENCE_MAX_CHARS)):
        if len(getattr(written, name)) > limit:
            wrong[name] = [_l("最多 %(limit)s 个字。", limit=limit)]
    often = repeated(job, written.root_cause, now) if written.root_cause else 0
    if often >= REPEATED - 1 and not written.corrective.strip():
        wrong["corrective"] = [_l("同一产品 90 天内第 %(n)s 次出现这个原因，请写明纠正措施的编号。", n=often + 1)]
    if wrong:
        raise Invalid(fields=wrong)


def _open(actor: Actor, number: str, cycle: int | None) -> tuple[RatedJob, FollowUp]:
    job = load(actor, number, AUDIT, cycle)
    not_mine(actor, job)
    row = db.session.scalars(sa.select(FollowUp).where(FollowUp.job_id == job.id).with_for_update()).one_or_none()
    if row is None:
        raise NotFound()
    if row.status != Following.OPEN:
        raise Conflict(_l("这次回访已经写完。"), code="follow_up_closed")
    return job, row


def _reach(job: RatedJob) -> tuple[uuid.UUID, str] | None:
    """Whom to ask again, whoever rated: (subject, phone)."""
    if job.rater_kind == "reporter" and job.customer_id is not None:
        person = db.session.get(Customer, job.customer_id)
        known = person is not None and person.closed_at is None and person.phone_sealed is not None
        return (person.subject_id, person.phone or "") if known and person is not None else None
    contact = db.session.scalar(sa.select(TicketContact).where(TicketContact.ticket_id == job.ticket_id))
    try:
        return (contact.subject_id, contact.phone) if contact is not None and contact.phone else None
    except Gone:
        return None


def _ask_again(row: FollowUp, job: RatedJob, reach: tuple[uuid.UUID, str]) -> None:
    token, key = new_token(), f"follow_up:{row.id.hex}:{row.round}"
    row.token_hash, row.message_key = hash_token(token), key
    params = {"number": job.ticket_number, "link": invite.link_of(token)}
    to = outbox.Recipient({"sms": reach[1]}, subject_id=reach[0])
    outbox.send("rating_second", to=to, params=params, purpose=invite.PURPOSE, dedupe_key=key)


def _owner(job: RatedJob) -> tuple[uuid.UUID, str] | None:
    """The auditor of the region with the fewest open follow-ups; nobody whom the rating is about."""
    a, r = StaffAccount, RoleAssignment
    load_ = sa.select(sa.func.count()).where(FollowUp.owner_id == a.id, FollowUp.status == Following.OPEN)
    about = sa.select(RatedPerson.staff_id).where(RatedPerson.job_id == job.id)
    query = (
        sa.select(a.id, a.name, r.provinces)
        .join(r, r.staff_id == a.id)
        .where(r.role == Role.SATISFACTION_AUDITOR, a.state == AccountState.ACTIVE, a.id.not_in(about))
        .order_by(load_.scalar_subquery(), a.id)
    )
    return next(((who, name) for who, name, bounds in db.session.execute(query) if _covers(bounds, job)), None)


def _covers(provinces: Sequence[str] | None, job: RatedJob) -> bool:
    return provinces is None or job.province in provinces
