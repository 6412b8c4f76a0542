"""The report's sums by day: made anew for every day that triggers named stale, a few days per unit of work.

The names of the days are removed before they are counted: what is committed in between names its day again, and the
next run counts it again. So after a run without changes every sum is what its rows say, and a day that is being summed
is never lost.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

import sqlalchemy as sa

from app.core import jobs
from app.core.clock import SHANGHAI
from app.core.db import db
from app.core.sql_time import china_day
from app.core.unit_of_work import unit_of_work
from app.tickets.models import WHOLE_COUNTRY, SlaClock, StaleDay, Ticket, TicketDay
from app.tickets.reports.figures import NOT_REPAIRED, again

SUM = "tickets.sum_days"
EVERY = timedelta(minutes=1)
DAYS = 7  # in one unit of work: SQLite lets nobody else write meanwhile
T, C, D, S = Ticket, SlaClock, TicketDay, StaleDay
Clause = sa.ColumnElement[bool]
ONCE = {"synchronize_session": False}


def sum_stale() -> int:
    """Sum the oldest stale days, at most `DAYS`; how many. In the running unit of work."""
    oldest = sa.select(S.day).distinct().order_by(S.day).limit(DAYS)
    days = list(db.session.scalars(oldest))
    if not days:
        return 0
    db.session.execute(sa.delete(S).where(S.day.in_(days)), execution_options=ONCE)
    db.session.execute(sa.delete(D).where(D.day.in_(days)), execution_options=ONCE)
    for first, last in runs(days):
        _sum(first, last)
    _add_up(days)
    return len(days)


def sum_all_stale() -> int:
    """Until no day is stale, a unit of work for each few; how many days."""
    whole = 0
    while True:
        with unit_of_work():
            found = sum_stale()
        whole += found
        if not found:
            return whole


def name_all() -> None:
    """Every day on which anything was reported or stopped is stale, and every day that has sums."""
    days = sa.union(
        sa.select(china_day(T.opened_at)), sa.select(china_day(C.stopped_at)).where(C.stopped_at.is_not(None)),
        sa.select(D.day),
    )  # fmt: skip
    db.session.execute(sa.insert(S).from_select(["day"], days))


def runs(days: Sequence[date]) -> Iterator[tuple[date, date]]:
    """Days in order as stretches without a gap: first and last."""
    first = last = None
    for day in days:
        if last is not None and first is not None and (day - last).days > 1:
            yield first, last
            first = day
        first, last = first or day, day
    if first is not None and last is not None:
        yield first, last


def _sum(first: date, last: date) -> None:
    """Every kind of figure of these days, by province."""
    since, until = midnight(first), midnight(last + timedelta(days=1))
    opened = T.opened_at >= since, T.opened_at < until
    mended = T.status.not_in(NOT_REPAIRED)
    reported, stopped = china_day(T.opened_at), china_day(C.stopped_at)
    model, none = sa.func.coalesce(T.device_model, ""), sa.literal("")
    in_time = sa.func.sum(sa.case((C.outcome == "in_time", 1), else_=0))
    _put("arrived", reported, (none, none), sa.literal(0), opened, T)
    _put("fault", reported, (model, T.fault_class), sa.literal(0), (*opened, mended, T.fault_class != ""), T)
    repeated = sa.select(
        reported.label("day"), T.province, model.label("model"), sa.case((again(), 1), else_=0).label("again")
    ).where(*opened, mended, T.serial_number.is_not(None)).subquery()  # fmt: skip
    r = repeated.c
    _insert(
        sa.select(sa.literal("serial"), r.day, r.province, r.model, none, sa.func.count(), sa.func.sum(r.again))
        .group_by(r.day, r.province, r.model)
    )  # fmt: skip
    ended = (C.stopped_at >= since, C.stopped_at < until, C.outcome.in_(("in_time", "late")), mended)
    _put("kept", stopped, (C.metric, sa.func.coalesce(T.priority, "")), in_time, (*ended, T.id == C.ticket_id), C, T)


def _put(kind: str, day: Any, keys: tuple[Any, Any], hits: Any, where: Sequence[Clause], *tables: Any) -> None:
    columns = (sa.literal(kind), day, T.province, *keys, sa.func.count(), hits)
    grouped = [day, T.province, *(key for key in keys if not isinstance(key, sa.BindParameter))]
    _insert(sa.select(*columns).select_from(*tables).where(*where).group_by(*grouped))


def _add_up(days: Sequence[date]) -> None:
    """The whole country, which most people look at, from its provinces."""
    keys = (D.kind, D.day, sa.literal(WHOLE_COUNTRY), D.first, D.second)
    parts = sa.select(*keys, sa.func.sum(D.n), sa.func.sum(D.hits)).where(D.day.in_(days), D.province != WHOLE_COUNTRY)
    _insert(parts.group_by(D.kind, D.day, D.first, D.second))


def _insert(rows: Any) -> None:
    db.session.execute(sa.insert(D).from_select(["kind", "day", "province", "first", "second", "n", "hits"], rows))


def midnight(day: date) -> datetime:
    return datetime.combine(day, time(), SHANGHAI)


def install() -> None:
    """Register the job and its rhythm."""

    @jobs.handler(SUM, outside=True)
    def _sum_days(_payload: dict[str, Any]) -> None:
        sum_all_stale()

    jobs.every(SUM, EVERY)
