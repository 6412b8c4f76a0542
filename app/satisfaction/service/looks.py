"""Looking over the ratings of three months once a day: what stands out is written down, and put into the queue."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from app.core import clock
from app.core.db import db
from app.core.policy import SYSTEM
from app.satisfaction import sums
from app.satisfaction.looks import Asked, Found, Seen, all_of, told
from app.satisfaction.models import Look, LookRun, RatedJob, Rating, RatingFlag
from app.satisfaction.words import DIMENSIONS
from app.satisfaction.workflow import Status, rating_workflow
from app.tickets.models import TicketContact

WINDOW, KEPT = timedelta(days=90), timedelta(days=400)
LISTED = 20  # ratings of one look that go into the queue, the newest
J = RatedJob


def run() -> LookRun:
    """All looks of the last three months. What is told again is not put into the queue again."""
    now = clock.now()
    since = now - WINDOW
    seen = list(_seen(since))
    looks = all_of(seen, list(_asked(since)))
    made = LookRun(at=now, since=since, ratings=len(seen), looks=len(looks))
    db.session.add(made)
    db.session.flush()
    for look in told(looks):
        newest = sorted(look.behind, key=lambda one: one.answered_at, reverse=True)[:LISTED]
        db.session.add(_row(made, look, newest))
        _flag(look.kind, newest, now)
    _forget(now)
    db.session.flush()
    return made


def _row(made: LookRun, look: Found, newest: Sequence[Seen]) -> Look:
    return Look(
        run_id=made.id, kind=look.kind, staff_id=look.who, label=look.label, hits=look.hits, n=look.n,
        expected=look.expected, p=look.p, q=look.q, provinces=list(look.provinces),
        tickets=list(dict.fromkeys(one.ticket for one in newest)),
    )  # fmt: skip


def _seen(since: datetime) -> Iterator[Seen]:
    """Ratings of the window, as they stand; void ones are no evidence of anything."""
    first, latest, f = aliased(Rating), aliased(Rating), RatingFlag
    contradicts = sa.exists().where(f.job_id == J.id, f.kind == "signal", f.detail == "praise_negative")
    query: Any = (
        sa.select(
            J.id, J.ticket_number, J.province, J.engineer_id, J.engineer_name, J.customer_id, J.rater_kind,
            TicketContact.phone_index, J.subject_id, J.hospital_id, J.closed_at, J.answered_at, J.score, first.score,
            contradicts, *(getattr(latest, name) for name in DIMENSIONS),
        )
        .outerjoin(TicketContact, TicketContact.ticket_id == J.ticket_id)
        .outerjoin(first, sa.and_(first.job_id == J.id, first.version == 1))
        .outerjoin(latest, sa.and_(latest.job_id == J.id, latest.version == J.rating_version))
        .where(sums.COUNTED, J.answered_at >= since)
        .order_by(J.answered_at, J.id)
    )  # fmt: skip
    for row in db.session.execute(query):
        job, number, province, who, name, customer, kind, phone, subject, hospital, closed, at, score, before, odd = (
            row[:15]
        )
        rater = customer.hex if kind != "contact" and customer else phone.hex() if phone else subject.hex
        raised = before is not None and before < score
        yield Seen(
            job, number, province, who, name, rater, hospital, closed, at, score, tuple(row[15:]), bool(odd), raised
        )


def _asked(since: datetime) -> Iterator[Asked]:
    """Invitations of each engineer against those of all others; of long jobs against short ones, per kind."""
    asked = sa.func.sum(sa.case((sums.REACHED, 1), else_=0))
    where = J.closed_at >= since, J.status != Status.WITHDRAWN
    by = sa.select(J.engineer_id, sa.func.max(J.engineer_name), J.province, asked, sa.func.count()).where(*where)
    found: dict[Any, tuple[str, set[str], int, int]] = {}
    for who, name, province, n, jobs in db.session.execute(by.group_by(J.engineer_id, J.province)):
        _name, provinces, n_before, jobs_before = found.get(who, ("", set(), 0, 0))
        found[who] = (name, provinces | {province}, n_before + n, jobs_before + jobs)
    all_asked, all_jobs = sum(f[2] for f in found.values()), sum(f[3] for f in found.values())
    for who, (name, provinces, n, jobs) in found.items():
        if who is not None:
            yield Asked("gap", who, name, n, jobs, all_asked - n, all_jobs - jobs, tuple(sorted(provinces)))
    kinds: dict[str, dict[bool, tuple[int, int]]] = {}
    query = sa.select(J.job_kind, sums.LONG, asked, sa.func.count()).where(*where)
    for kind, long, n, jobs in db.session.execute(query.group_by(J.job_kind, sums.LONG)):
        kinds.setdefault(kind, {})[bool(long)] = (n, jobs)
    for kind, each in kinds.items():
        long_asked, long_jobs = each.get(True, (0, 0))
        yield Asked("gap_long", None, kind, long_asked, long_jobs, *each.get(False, (0, 0)))


def _flag(kind: str, newest: Sequence[Seen], now: datetime) -> None:
    ids = [one.job_id for one in newest]
    known = set(db.session.scalars(
        sa.select(RatingFlag.job_id).where(RatingFlag.job_id.in_(ids), RatingFlag.kind == "signal",
                                           RatingFlag.detail == kind)
    ))  # fmt: skip
    rows = db.session.scalars(sa.select(J).where(J.id.in_(ids), J.id.not_in(known)).order_by(J.id).with_for_update())
    for row in rows.all():
        db.session.add(
            RatingFlag(job_id=row.id, rating_version=row.rating_version, kind="signal", detail=kind, at=now)
        )  # fmt: skip
        if row.status == Status.ANSWERED:
            rating_workflow.fire(row, "flag_signal", SYSTEM, at=now, changes={"alarm": row.alarm or "signal"})


def _forget(now: datetime) -> None:
    old = sa.select(LookRun.id).where(LookRun.at < now - KEPT)
    plain = {"synchronize_session": False}
    db.session.execute(sa.delete(Look).where(Look.run_id.in_(old)), execution_options=plain)
    db.session.execute(sa.delete(LookRun).where(LookRun.at < now - KEPT), execution_options=plain)
