"""One rated round as an auditor reads it: what was said, what was flagged, decided, judged and done."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.core import clock, keys
from app.core.db import db
from app.core.policy import Actor
from app.hospitals.models import Hospital
from app.satisfaction.models import (
    ComplaintDecision,
    FollowUp,
    FollowUpRound,
    RatedJob,
    RatedPerson,
    Rating,
    RatingAudit,
    RatingFlag,
)
from app.satisfaction.queries.queue import effective
from app.satisfaction.queries.scope import barred, find, knows
from app.satisfaction.service.judge import needs_decision
from app.satisfaction.workflow import TO_AUDIT, Following, Status
from app.staff.models import StaffAccount
from app.tickets.models import Ticket


@dataclass(frozen=True, slots=True)
class Said:
    """One version of the rating."""

    version: int
    at: datetime
    score: int
    dimensions: Mapping[str, int | None]
    reasons: Sequence[str]
    comment: str | None
    erased: bool
    rater_kind: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of ours with its sealed words opened."""

    row: Any
    text: str | None


@dataclass(frozen=True, slots=True)
class RatingPage:
    """``blind``: this person gives the second audit and sees nothing of the first, nor what came of it."""

    job: RatedJob
    hospital: str
    status: str
    said: Sequence[Said]  # latest first
    flags: Sequence[RatingFlag]
    people: Sequence[tuple[str, str]]  # part, name
    decisions: Sequence[Entry]
    audits: Sequence[Entry]
    follow: FollowUp | None
    rounds: Sequence[Entry]
    undecided: bool
    barred: bool
    blind: bool
    cycles: Sequence[int]

    @property
    def to_audit(self) -> bool:
        return self.job.status in TO_AUDIT

    @property
    def may_flag(self) -> bool:
        return self.job.status == Status.ANSWERED

    @property
    def follow_open(self) -> bool:
        return self.follow is not None and self.follow.status == Following.OPEN


def read(actor: Actor, number: str, cycle: int | None = None) -> RatingPage:
    """Everything of the page. Raises NotFound, Forbidden."""
    job = find(actor, number, cycle)
    hospital, status = db.session.execute(
        sa.select(Hospital.name, effective(clock.now()))
        .select_from(RatedJob)
        .join(Ticket, Ticket.id == RatedJob.ticket_id)
        .join(Hospital, Hospital.id == RatedJob.hospital_id)
        .where(RatedJob.id == job.id)
    ).one()
    ratings = _rows(Rating, Rating.job_id == job.id, Rating.version.desc())
    decisions = _rows(ComplaintDecision, ComplaintDecision.job_id == job.id, ComplaintDecision.no.desc())
    audits = _rows(RatingAudit, RatingAudit.job_id == job.id, RatingAudit.at.desc())
    follow = db.session.scalars(sa.select(FollowUp).where(FollowUp.job_id == job.id)).one_or_none()
    rounds = _rows(FollowUpRound, FollowUpRound.follow_up_id == follow.id, FollowUpRound.no.desc()) if follow else []
    held = keys.keystore.load({row.subject_id for row in (*ratings, *decisions, *audits, *rounds)})
    blind = job.second_due_at is not None and not db.session.scalar(sa.select(knows(actor, job.id)))
    return RatingPage(
        job=job, hospital=hospital, status=status, said=[_said(row, held) for row in ratings],
        flags=_rows(RatingFlag, RatingFlag.job_id == job.id, RatingFlag.at), people=_people(job),
        decisions=[] if blind else _open(decisions, "reason", held),
        audits=[] if blind else _open(audits, "note", held),
        follow=None if blind else follow, rounds=[] if blind else _open(rounds, "action", held),
        undecided=needs_decision(job), barred=barred(actor, job), blind=blind,
        cycles=list(db.session.scalars(
            sa.select(RatedJob.cycle).where(RatedJob.ticket_id == job.ticket_id).order_by(RatedJob.cycle)
        )),
    )  # fmt: skip


def _rows(model: Any, where: Any, order: Any) -> list[Any]:
    return list(db.session.scalars(sa.select(model).where(where).order_by(order)))


def _said(row: Rating, held: Mapping[uuid.UUID, bytes]) -> Said:
    key = held.get(row.subject_id)
    dimensions = {name: getattr(row, name) for name in ("timeliness", "skill", "attitude", "result")}
    return Said(
        row.version, row.at, row.score, dimensions, row.reasons or [],
        Rating.comment.opener()(row.id, row.comment_sealed, key), row.comment_sealed is not None and key is None,
        row.rater_kind,
    )  # fmt: skip


def _open(rows: Sequence[Any], name: str, held: Mapping[uuid.UUID, bytes]) -> list[Entry]:
    found = []
    for row in rows:
        opener = getattr(type(row), name).opener()
        found.append(Entry(row, opener(row.id, getattr(row, f"{name}_sealed"), held.get(row.subject_id))))
    return found


def _people(job: RatedJob) -> list[tuple[str, str]]:
    """(part, name) of our people, by their account's name today; the engineer's is frozen beside it."""
    p = RatedPerson
    query = sa.select(p.part, sa.func.coalesce(StaffAccount.name, job.engineer_name)).outerjoin(
        StaffAccount, StaffAccount.id == p.staff_id
    )
    return [(part, name) for part, name in db.session.execute(query.where(p.job_id == job.id).order_by(p.part))]
