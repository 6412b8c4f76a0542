"""Counting rated jobs: the one way in which the worker makes sums and in which a page counts what has no sums yet.

Void ratings are left out of every figure of scores; jobs whose invitation was withdrawn are left out altogether.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.core.clock import SHANGHAI
from app.core.db import db
from app.core.sql_time import china_day, hours_between
from app.satisfaction.models import FollowUp, RatedJob
from app.satisfaction.models.sums import MONTH_CHARS, WITNESS_CHARS, K
from app.satisfaction.words import HIGH_FROM
from app.satisfaction.workflow import Status

J = RatedJob
LONG_DAYS = 7  # of turnaround: whether long jobs are asked about as often as short ones
COUNTS = ("eligible", "asked", "delivered", "answered", "satisfied", "long_eligible", "long_asked")
Clause = sa.ColumnElement[bool]
Cell = tuple[str, str]  # month, province
Place = tuple[str, str]  # dimension, key


@dataclass(slots=True)
class Tally:
    """What `RatingSum` holds of one value of one dimension; raters as those who were seen."""

    label: str = ""
    eligible: int = 0
    asked: int = 0
    delivered: int = 0
    answered: int = 0
    satisfied: int = 0
    long_eligible: int = 0
    long_asked: int = 0
    seen: set[str] = field(default_factory=set)
    many: bool = False  # `K` raters or more were counted before

    @property
    def raters(self) -> int:
        """Different people, up to `K`."""
        return K if self.many else min(len(self.seen), K)

    @property
    def witnesses(self) -> str:
        return "" if self.raters >= K else "".join(sorted(self.seen))

    def take(self, more: Tally) -> None:
        """Add the counts of other jobs."""
        for name in COUNTS:
            setattr(self, name, getattr(self, name) + getattr(more, name))
        self.label = max(self.label, more.label)
        self.many = self.many or more.many
        self.seen |= more.seen


Counts = dict[Place, Tally]
COUNTED = sa.and_(J.score.is_not(None), J.outcome != "void")
REACHED = sa.or_(J.message_key.is_not(None), J.link_key.is_not(None))
LONG = hours_between(J.opened_at, J.closed_at) > LONG_DAYS * 24
MONTH = sa.func.substr(sa.cast(china_day(J.closed_at), sa.String), 1, MONTH_CHARS)


def month_of(at: datetime) -> str:
    return at.astimezone(SHANGHAI).strftime("%Y-%m")


def month_begins(month: str, ahead: int = 0) -> datetime:
    """The first instant of a month, or of one so many months later."""
    index = int(month[:4]) * 12 + int(month[5:]) - 1 + ahead
    return datetime(index // 12, index % 12 + 1, 1, tzinfo=SHANGHAI)


def within(month: str, provinces: Iterable[str] | None = None) -> list[Clause]:
    """Rated jobs that closed in a month."""
    found: list[Clause] = [J.closed_at >= month_begins(month), J.closed_at < month_begins(month, 1)]
    return found if provinces is None else [*found, J.province.in_(sorted(provinces))]


def count(*where: Clause) -> Mapping[Cell, Counts]:
    """Everything of the jobs that suit, by month and province; two statements."""
    found: dict[Cell, Counts] = {}
    query = sa.select(
        MONTH, J.province, sa.case((COUNTED, J.score)), REACHED, J.delivered_at.is_not(None), LONG, J.subject_id,
        J.engineer_id, J.engineer_name, J.job_kind, J.product,
    ).where(J.status != Status.WITHDRAWN, *where)  # fmt: skip
    for month, province, *row in db.session.execute(query):
        _add(found.setdefault((month, province), {}), row)
    for month, province, hours, n in db.session.execute(_waits(where)):
        cell = found.setdefault((month, province), {})
        cell["wait", str(max(hours, 0))] = Tally(answered=n + cell.get(("wait", str(max(hours, 0))), Tally()).answered)
    return found


def _waits(where: Sequence[Clause]) -> sa.Select[Any]:
    """Whole hours from the opening of a follow-up to its first written round."""
    f = FollowUp
    query = sa.select(MONTH, J.province, hours_between(f.opened_at, f.finished_at), sa.func.count())
    query = query.select_from(f).join(J, J.id == f.job_id)
    return query.where(f.finished_at.is_not(None), J.status != Status.WITHDRAWN, *where).group_by(
        sa.text("1"), sa.text("2"), sa.text("3")
    )


def _add(cell: Counts, row: Sequence[Any]) -> None:
    score, asked, delivered, long, subject, engineer, name, kind, product = row
    for place in (("all", ""), ("kind", kind)):
        tally = cell.setdefault(place, Tally())
        tally.eligible += 1
        tally.asked += asked
        tally.delivered += delivered
        tally.long_eligible += long
        tally.long_asked += long and asked
    if score is None:
        return
    satisfied, who = score >= HIGH_FROM, witness(subject)
    _rated(cell, ("all", ""), "", satisfied, who)
    _rated(cell, ("score", str(score)), "", satisfied, who)
    _rated(cell, ("kind", kind), kind, satisfied, who)
    _rated(cell, ("product", product), product, satisfied, who)
    if engineer is not None:
        _rated(cell, ("engineer", engineer.hex), name, satisfied, who)


def _rated(cell: Counts, place: Place, label: str, satisfied: bool, who: str) -> None:
    tally = cell.get(place)
    if tally is None:
        tally = cell[place] = Tally()
    tally.label = max(tally.label, label)
    tally.answered += 1
    tally.satisfied += satisfied
    if len(tally.seen) < K:
        tally.seen.add(who)


def witness(subject: uuid.UUID) -> str:
    """Tells raters apart within a sum of fewer than `K`: 48 random bits of the id."""
    return subject.hex[-WITNESS_CHARS:]


def witnesses(text: str) -> set[str]:
    """Those of one or more sums written one after another."""
    return {text[i : i + WITNESS_CHARS] for i in range(0, len(text), WITNESS_CHARS)}
