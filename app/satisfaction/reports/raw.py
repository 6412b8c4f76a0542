"""The kept sums once more by plain SQL over the ratings: what they are checked against (`flask ratings check`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa

from app.core.db import db
from app.core.sql_time import hours_between
from app.satisfaction.models import FollowUp, RatedJob, RatingSum
from app.satisfaction.models.sums import K
from app.satisfaction.sums import COUNTED, COUNTS, LONG, MONTH, REACHED
from app.satisfaction.words import HIGH_FROM
from app.satisfaction.workflow import Status

J = RatedJob
Key = tuple[str, str, str, str]  # month, province, dimension, key
NO_KEY = sa.literal("")


def _sum(clause: Any) -> Any:
    return sa.func.coalesce(sa.func.sum(sa.case((clause, 1), else_=0)), 0)


SATISFIED = sa.and_(COUNTED, J.score >= HIGH_FROM)
OF_JOBS = (
    sa.func.count(), _sum(REACHED), _sum(J.delivered_at.is_not(None)), _sum(COUNTED), _sum(SATISFIED), _sum(LONG),
    _sum(sa.and_(LONG, REACHED)),
)  # fmt: skip
NOUGHT = sa.literal(0)
OF_RATINGS = (NOUGHT, NOUGHT, NOUGHT, _sum(COUNTED), _sum(SATISFIED), NOUGHT, NOUGHT)
RATERS = sa.func.count(sa.distinct(sa.case((COUNTED, J.subject_id))))
ENGINEER = sa.func.replace(sa.cast(J.engineer_id, sa.String), "-", "")


def sums() -> dict[Key, tuple[int, ...]]:
    """(month, province, dimension, key) -> the counts in the order of `COUNTS`, and raters up to `K`."""
    found = {}
    for dimension, key, counts, more in (
        ("all", NO_KEY, OF_JOBS, []),
        ("kind", J.job_kind, OF_JOBS, []),
        ("score", sa.cast(J.score, sa.String), OF_RATINGS, [COUNTED]),
        ("product", J.product, OF_RATINGS, [COUNTED]),
        ("engineer", ENGINEER, OF_RATINGS, [COUNTED, J.engineer_id.is_not(None)]),
    ):
        query = sa.select(MONTH, J.province, key, *counts, RATERS).where(J.status != Status.WITHDRAWN, *more)
        grouped = query.group_by(MONTH, J.province, *([] if key is NO_KEY else [key]))
        for month, province, value, *row, raters in db.session.execute(grouped):
            found[month, province, dimension, value] = (*map(int, row), min(raters, K))
    return found | dict(_waits())


def _waits() -> Iterator[tuple[Key, tuple[int, ...]]]:
    f = FollowUp
    hours = hours_between(f.opened_at, f.finished_at)
    query = sa.select(MONTH, J.province, hours, sa.func.count()).select_from(f).join(J, J.id == f.job_id)
    rows = query.where(f.finished_at.is_not(None), J.status != Status.WITHDRAWN).group_by(MONTH, J.province, hours)
    for month, province, value, n in db.session.execute(rows):
        yield (month, province, "wait", str(value)), tuple(n if name == "answered" else 0 for name in (*COUNTS, ""))


def kept() -> Mapping[Key, tuple[int, ...]]:
    """What the worker keeps, in the same form."""
    s = RatingSum
    columns = [getattr(s, name) for name in COUNTS]
    rows = db.session.execute(sa.select(s.month, s.province, s.dimension, s.key, *columns, s.raters))
    return {(month, province, dimension, key): tuple(row) for month, province, dimension, key, *row in rows}


def differences() -> list[tuple[Key, tuple[int, ...] | None, tuple[int, ...] | None]]:
    """(place, kept, counted) of what is not the same."""
    ours, theirs = kept(), sums()
    places = sorted(ours.keys() | theirs.keys())
    return [(p, ours.get(p), theirs.get(p)) for p in places if ours.get(p) != theirs.get(p)]
