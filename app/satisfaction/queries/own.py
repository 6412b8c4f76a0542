"""What a rated person learns of his ratings: sums of whole quarters by five raters or more, never a single one.

A quarter is told once nothing in it can change any more by a customer, so that two looks on two days can't be
subtracted from each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import sqlalchemy as sa

from app.core import clock
from app.core.clock import SHANGHAI
from app.core.db import db
from app.core.policy import Actor, Permission
from app.core.statistics.interval import Share, wilson
from app.satisfaction.models import RatedJob
from app.satisfaction.service import invite
from app.satisfaction.service.rate import WINDOW
from app.satisfaction.words import HIGH_FROM

OWN = Permission.SATISFACTION_OWN
K = 5
QUARTERS, MONTHS = 4, 3


@dataclass(frozen=True, slots=True)
class Quarter:
    """``share`` is None while fewer than `K` people rated."""

    first: date
    last: date
    share: Share | None


def quarters(actor: Actor) -> Sequence[Quarter]:
    """The latest quarters that are settled, the newest first; one statement each. Raises Forbidden."""
    actor.require(OWN)
    found, (year, quarter) = [], _settled()
    for back in range(QUARTERS):
        index = year * 4 + quarter - back
        first, after = _first_day(index), _first_day(index + 1)
        found.append(Quarter(first, after - timedelta(days=1), _share(actor, first, after)))
    return found


def _settled() -> tuple[int, int]:
    """(year, quarter from 0) of the newest quarter whose last invitation and last change are over."""
    day = (clock.now() - invite.days() - WINDOW).astimezone(SHANGHAI).date()
    index = day.year * 4 + (day.month - 1) // MONTHS - 1
    return index // 4, index % 4


def _first_day(index: int) -> date:
    return date(index // 4, index % 4 * MONTHS + 1, 1)


def _share(actor: Actor, first: date, after: date) -> Share | None:
    j = RatedJob
    begin, end = (datetime.combine(day, time(), SHANGHAI) for day in (first, after))
    satisfied = sa.func.coalesce(sa.func.sum(sa.case((j.score >= HIGH_FROM, 1), else_=0)), 0)
    query = sa.select(sa.func.count(sa.distinct(j.subject_id)), satisfied, sa.func.count()).where(
        j.engineer_id == actor.id, j.closed_at >= begin, j.closed_at < end, j.score.is_not(None), j.outcome != "void"
    )
    raters, hits, n = db.session.execute(query).one()
    return wilson(int(hits), n) if raters >= K else None
