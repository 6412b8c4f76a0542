"""Counts of rated jobs that closed within a period, in the actor's regions. One statement each.

Void ratings are left out of every figure of scores; jobs whose invitation was withdrawn are left out altogether.
Nothing of fewer than `K` raters leaves this module (decisions.md 24).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from app.core import clock
from app.core.db import db
from app.core.outbox import Message, MessageState
from app.core.policy import Actor, Permission
from app.core.sql_time import china_day, hours_between
from app.hospitals.span import Span
from app.satisfaction.models import FollowUp, RatedJob
from app.satisfaction.words import HIGH_FROM
from app.satisfaction.workflow import Status

REPORT = Permission.SATISFACTION_REPORT
J = RatedJob
K = 5  # raters; fewer are shown to nobody
LONG_DAYS = 7  # of turnaround: whether long jobs are asked about as often as short ones
MONTH_CHARS = 7  # of 2026-11-25
Clause = sa.ColumnElement[bool]


@dataclass(frozen=True, slots=True)
class Group:
    """One stratum: ``satisfied`` (4 and 5) of ``answered`` ratings by ``raters`` people."""

    key: Any
    label: str
    satisfied: int
    answered: int
    raters: int


@dataclass(frozen=True, slots=True)
class Response:
    """From those who could have rated to those who did."""

    eligible: int
    invited: int
    delivered: int
    answered: int
    satisfied: int
    raters: int


def _where(actor: Actor, span: Span) -> list[Clause]:
    provinces = actor.scope(REPORT)
    return [
        J.closed_at >= span.since, J.closed_at < span.until, J.status != Status.WITHDRAWN,
        *([] if provinces is None else [J.province.in_(sorted(provinces))]),
        *([J.province == span.province] if span.province else []),
    ]  # fmt: skip


COUNTED = sa.and_(J.score.is_not(None), J.outcome != "void")
SATISFIED = sa.and_(COUNTED, J.score >= HIGH_FROM)


def _sum(clause: Any) -> Any:
    return sa.func.coalesce(sa.func.sum(sa.case((clause, 1), else_=0)), 0)


_raters = sa.func.count(sa.distinct(sa.case((COUNTED, J.subject_id), else_=None)))


def distribution(actor: Actor, span: Span) -> tuple[Mapping[int, int], int]:
    """Score -> ratings, and how many people gave them; empty below `K`."""
    where = [*_where(actor, span), COUNTED]
    raters = db.session.scalar(sa.select(sa.func.count(sa.distinct(J.subject_id))).where(*where)) or 0
    if raters < K:
        return {}, raters
    found = db.session.execute(sa.select(J.score, sa.func.count()).where(*where).group_by(J.score))
    return {score: n for score, n in found if score is not None}, raters


def response(actor: Actor, span: Span) -> Response:
    """The denominators (S15)."""
    reached = sa.or_(J.message_key.is_not(None), J.link_key.is_not(None))
    sent = sa.exists().where(
        sa.or_(Message.dedupe_key == J.message_key, Message.dedupe_key == J.link_key),
        Message.state == MessageState.SENT.value,
    )
    query = sa.select(sa.func.count(), _sum(reached), _sum(sent), _sum(COUNTED), _sum(SATISFIED), _raters)
    return Response(*db.session.execute(query.where(*_where(actor, span))).one())


def by_month(actor: Actor, span: Span) -> list[Group]:
    """Months of the closing, in order, those with raters enough."""
    month = sa.func.substr(sa.cast(china_day(J.closed_at), sa.String), 1, MONTH_CHARS)
    return sorted(_groups(actor, span, month, month), key=lambda group: str(group.key))


def by_engineer(actor: Actor, span: Span) -> tuple[list[Group], int]:
    """Whoever did it, by name and in no other order, and how many are left out for want of raters."""
    found = _groups(actor, span, J.engineer_id, sa.func.max(J.engineer_name), J.engineer_id.is_not(None), least=0)
    shown = enough(found)
    return sorted(shown, key=lambda group: (group.label, str(group.key))), len(found) - len(shown)


def by_kind(actor: Actor, span: Span) -> list[Group]:
    return enough(_groups(actor, span, J.job_kind, sa.func.max(J.job_kind), least=0))


def by_product(actor: Actor, span: Span) -> list[Group]:
    found = enough(_groups(actor, span, J.product, sa.func.max(J.product), least=0))
    return sorted(found, key=lambda group: group.label)


def enough(found: Sequence[Group]) -> list[Group]:
    """Groups of `K` raters or more. A single small group could be read off the total, so that the smallest of the
    others goes with it until those left out are `K` together."""
    shown = sorted((g for g in found if g.raters >= K), key=lambda g: g.raters)
    hidden = sum(g.raters for g in found if 0 < g.raters < K)
    while shown and 0 < hidden < K:
        hidden += shown.pop(0).raters
    return shown


def _groups(actor: Actor, span: Span, key: Any, label: Any, *more: Clause, least: int = K) -> list[Group]:
    query = sa.select(key, label, _sum(SATISFIED), _sum(COUNTED), _raters).where(*_where(actor, span), COUNTED, *more)
    rows = db.session.execute(query.group_by(key))
    return [Group(k, str(name or ""), hits, n, raters) for k, name, hits, n, raters in rows if raters >= least]


def follow_ups(actor: Actor, span: Span) -> tuple[Counter[float], Counter[float]]:
    """Whole hours from opening to the first written round; and of those still open, hours so far."""
    f, now = FollowUp, sa.literal(clock.now(), J.closed_at.type)
    hours = hours_between(f.opened_at, sa.func.coalesce(f.finished_at, now))
    query = sa.select(f.finished_at.is_not(None), hours, sa.func.count()).join(J, J.id == f.job_id)
    ended: Counter[float] = Counter()
    still: Counter[float] = Counter()
    for done, spent, n in db.session.execute(query.where(*_where(actor, span)).group_by(sa.text("1"), sa.text("2"))):
        (ended if done else still)[float(max(spent, 0))] += n
    return ended, still


def invitation_gap(actor: Actor, span: Span) -> list[tuple[str, int, int, int, int]]:
    """Kind of job -> (long ones invited, long ones not, short ones invited, short ones not)."""
    reached = sa.or_(J.message_key.is_not(None), J.link_key.is_not(None))
    long = hours_between(J.opened_at, J.closed_at) > LONG_DAYS * 24
    query = sa.select(
        J.job_kind, _sum(sa.and_(long, reached)), _sum(sa.and_(long, ~reached)), _sum(sa.and_(~long, reached)),
        _sum(sa.and_(~long, ~reached)),
    ).where(*_where(actor, span)).group_by(J.job_kind)  # fmt: skip
    return [tuple(row) for row in db.session.execute(query.order_by(J.job_kind))]
