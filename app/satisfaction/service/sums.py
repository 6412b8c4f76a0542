"""Keeping the sums of `RatingSum`: anew for each month of a province in which something changed, or all of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

import sqlalchemy as sa

from app.core import clock
from app.core.db import db
from app.core.outbox import Message, MessageState
from app.satisfaction import sums
from app.satisfaction.models import RatedJob, RatingStale, RatingSum
from app.satisfaction.sums import COUNTS, Cell, Counts

LATE = timedelta(days=2)  # of the worker: what goes out after the invitation is over reaches nobody
_PLAIN = {"synchronize_session": False}


def refresh() -> int:
    """Count anew what changed since the last time; how many months of provinces.

    The marks are taken away first and the ratings read then: whatever is committed in between is counted or leaves a
    mark of its own, which stays.
    """
    marks = db.session.execute(sa.delete(RatingStale).returning(RatingStale.month, RatingStale.province)).all()
    stale = {(month, province) for month, province in marks}
    by_month: dict[str, set[str]] = {}
    for month, province in stale:
        by_month.setdefault(month, set()).add(province)
    for month, provinces in by_month.items():
        s = RatingSum
        db.session.execute(
            sa.delete(s).where(s.month == month, s.province.in_(sorted(provinces))), execution_options=_PLAIN
        )
        _write(sums.count(*sums.within(month, provinces)).items())
    return len(stale)


def rebuild() -> int:
    """All sums from nothing, a month at a time; how many months."""
    db.session.execute(sa.delete(RatingStale), execution_options=_PLAIN)
    db.session.execute(sa.delete(RatingSum), execution_options=_PLAIN)
    months = _months()
    for month in months:
        _write(sums.count(*sums.within(month)).items())
    return len(months)


def note_delivered(limit: int) -> int:
    """Write down which invitations went out; how many."""
    J, m = RatedJob, Message
    sent = sa.select(sa.func.min(sa.func.coalesce(m.sent_at, m.created_at))).where(
        sa.or_(m.dedupe_key == J.message_key, m.dedupe_key == J.link_key), m.state == MessageState.SENT.value
    )
    went = sent.scalar_subquery()
    query = sa.select(J.id, went).where(
        J.delivered_at.is_(None), J.expires_at > clock.now() - LATE, sums.REACHED, went.is_not(None)
    )
    rows = db.session.execute(query.limit(limit)).all()
    for who, at in rows:
        db.session.execute(sa.update(J).where(J.id == who).values(delivered_at=at), execution_options=_PLAIN)
    return len(rows)


def _months() -> Sequence[str]:
    first, last = db.session.execute(sa.select(sa.func.min(RatedJob.closed_at), sa.func.max(RatedJob.closed_at))).one()
    found: list[str] = []
    while first is not None and (at := sums.month_begins(sums.month_of(first), len(found))) <= last:
        found.append(sums.month_of(at))
    return found


def _write(cells: Iterable[tuple[Cell, Counts]]) -> None:
    rows = [
        {
            "month": month, "province": province, "dimension": dimension, "key": key, "label": tally.label,
            "raters": tally.raters, "witnesses": tally.witnesses, **{name: getattr(tally, name) for name in COUNTS},
        }
        for (month, province), counts in cells
        for (dimension, key), tally in counts.items()
    ]  # fmt: skip
    if rows:
        db.session.execute(sa.insert(RatingSum.__table__), rows)  # type: ignore[arg-type]
