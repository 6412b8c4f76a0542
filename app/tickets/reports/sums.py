"""What the report reads: sums by day, and the rows themselves for days that no sum stands for yet.

So a figure is exact at the moment it is read, whatever the worker has done; the worker only makes it quick.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa

from app.core.clock import SHANGHAI
from app.core.db import db
from app.core.policy import Actor
from app.hospitals.span import Span
from app.tickets.models import WHOLE_COUNTRY, StaleDay, TicketDay
from app.tickets.reports import figures
from app.tickets.reports.figures import REPORT, Kept
from app.tickets.service.daily import midnight, runs
from app.tickets.sla.metrics import Metric

D = TicketDay


@dataclass(frozen=True, slots=True)
class Days:
    """A period of whole days as it is read: ``first`` to ``last`` summed, without ``stale``, which lie in ``raw``."""

    span: Span
    first: date
    last: date
    stale: tuple[date, ...]
    raw: tuple[Span, ...]


def days(span: Span) -> Days:
    """How the days of ``span`` are read; one statement. A period begins and ends at midnight in China."""
    first = span.since.astimezone(SHANGHAI).date()
    last = (span.until - timedelta(microseconds=1)).astimezone(SHANGHAI).date()
    query = sa.select(StaleDay.day).distinct().where(StaleDay.day.between(first, last)).order_by(StaleDay.day)
    stale = tuple(db.session.scalars(query))
    raw = tuple(
        Span(midnight(begins), midnight(ends + timedelta(days=1)), span.province) for begins, ends in runs(stale)
    )
    return Days(span, first, last, stale, raw)


def arrivals(actor: Actor, found: Days) -> dict[date, int]:
    """Day in China -> reports."""
    query = _summed(actor, found, "arrived").add_columns(D.day, sa.func.sum(D.n)).group_by(D.day)
    return _per_day(query, [figures.arrivals(actor, span) for span in found.raw])


def solved(actor: Actor, found: Days) -> dict[date, int]:
    """Day in China -> tickets whose clock of resolution was stopped."""
    query = _summed(actor, found, "kept").where(D.first == Metric.RESOLUTION.value)
    query = query.add_columns(D.day, sa.func.sum(D.n)).group_by(D.day)
    return _per_day(query, [figures.solved(actor, span) for span in found.raw])


def kept(actor: Actor, found: Days) -> dict[tuple[str, str], Kept]:
    """(clock, priority or "") -> stopped in the period, and running late now."""
    n, hits = _added(actor, found, "kept", [figures.stopped(actor, span) for span in found.raw])
    summed = {(metric, priority): Kept(hits[metric, priority], n[metric, priority]) for metric, priority in n}
    return figures.with_late(summed, figures.running_late(actor, found.span.province))


def repeats(actor: Actor, found: Days) -> list[tuple[str, int, int]]:
    """(model, reports with a serial number, of which repeats), most repeats first."""
    raw = [{(model, ""): (n, k) for model, n, k in figures.repeats(actor, span)} for span in found.raw]
    n, hits = _added(actor, found, "serial", raw)
    return figures.by_hits((model, count, hits[model, ""]) for (model, _none), count in n.items())


def faults(actor: Actor, found: Days) -> list[tuple[str, str, int]]:
    """(model, fault class, tickets), most frequent first."""
    raw = [{(model, fault): (n, 0) for model, fault, n in figures.faults(actor, span)} for span in found.raw]
    n, _hits = _added(actor, found, "fault", raw)
    return figures.by_number((model, fault, count) for (model, fault), count in n.items())


def _summed(actor: Actor, found: Days, kind: str) -> sa.Select[Any]:
    """Sums of the clean days in the actor's provinces. Raises Forbidden."""
    mine = actor.scope(REPORT)
    asked = found.span.province
    if mine is None:
        place = D.province == (asked or WHOLE_COUNTRY)
    else:
        place = D.province.in_(sorted(mine if asked is None else mine & {asked}))
    clean = [D.day.not_in(found.stale)] if found.stale else []
    return sa.select().where(D.kind == kind, D.day.between(found.first, found.last), *clean, place)


def _per_day(query: Any, raw: Iterable[dict[date, int]]) -> dict[date, int]:
    whole: Counter[date] = Counter({day: int(n) for day, n in db.session.execute(query)})
    for more in raw:
        whole.update(more)
    return dict(whole)


def _added(
    actor: Actor, found: Days, kind: str, raw: Iterable[dict[tuple[str, str], tuple[int, int]]]
) -> tuple[Counter[tuple[str, str]], Counter[tuple[str, str]]]:
    """``n`` and ``hits`` by both keys, sums and rows together."""
    query = _summed(actor, found, kind).add_columns(D.first, D.second, sa.func.sum(D.n), sa.func.sum(D.hits))
    n: Counter[tuple[str, str]] = Counter()
    hits: Counter[tuple[str, str]] = Counter()
    for first, second, count, k in db.session.execute(query.group_by(D.first, D.second)):
        n[first, second], hits[first, second] = int(count), int(k)
    for more in raw:
        for key, (count, k) in more.items():
            n[key] += count
            hits[key] += k
    return n, hits
