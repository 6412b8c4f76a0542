"""Counts of tickets within a period, in the actor's regions, from the rows themselves. One statement each.

The report reads them through `sums`, which asks here for days that have not been summed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import pairwise
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from app.core import clock
from app.core.db import db
from app.core.policy import Actor, Permission
from app.core.sql_time import china_day, hours_between
from app.hospitals.span import Span
from app.tickets.models import SlaClock, Ticket
from app.tickets.service.reach import in_region
from app.tickets.sla.metrics import Metric
from app.tickets.workflow import OPEN, Status

REPORT = Permission.TICKETS_REPORT
T, C = Ticket, SlaClock
NOT_REPAIRED = (Status.CANCELLED, Status.REJECTED, Status.MERGED)  # ended without work of ours
REPEAT_DAYS = 90
TOP = 15
Clause = sa.ColumnElement[bool]


@dataclass(frozen=True, slots=True)
class Kept:
    """Stopped clocks of one kind: how many in time of how many; and how many still run past their deadline now."""

    in_time: int = 0
    stopped: int = 0
    running_late: int = 0


def _places(actor: Actor, province: str | None) -> list[Clause]:
    return [*in_region(actor, REPORT), *([T.province == province] if province else [])]


def _opened(span: Span) -> list[Clause]:
    return [T.opened_at >= span.since, T.opened_at < span.until]


def arrivals(actor: Actor, span: Span) -> dict[date, int]:
    """Day in China -> reports."""
    day = china_day(T.opened_at)
    query = sa.select(day, sa.func.count()).where(*_opened(span), *_places(actor, span.province)).group_by(day)
    return _by_day(query)


def solved(actor: Actor, span: Span) -> dict[date, int]:
    """Day in China -> tickets whose clock of resolution was stopped, cancelled and rejected ones left out."""
    day = china_day(C.stopped_at)
    query = sa.select(day, sa.func.count()).join(T, T.id == C.ticket_id).group_by(day)
    return _by_day(query.where(*_stopped(span, [Metric.RESOLUTION]), *_places(actor, span.province)))


def ages(actor: Actor, province: str | None, bounds: Sequence[datetime]) -> list[int]:
    """Open tickets reported after each of ``bounds`` (newest first), before the last, and those past a deadline."""
    now = clock.now()
    among = lambda clause: sa.func.coalesce(sa.func.sum(sa.case((clause, 1), else_=0)), 0)
    parts = [among(sa.and_(T.opened_at <= newer, T.opened_at > older)) for newer, older in pairwise((now, *bounds))]
    parts += [among(T.opened_at <= bounds[-1]), among(T.due_at < now)]
    query = sa.select(*parts).where(T.status.in_(OPEN), *_places(actor, province))
    return [int(n) for n in db.session.execute(query).one()]


def kept(actor: Actor, span: Span) -> dict[tuple[str, str], Kept]:
    """(clock, priority or "") -> stopped in the span, and running late now; two statements."""
    found = stopped(actor, span)
    return with_late({key: Kept(hits, n) for key, (n, hits) in found.items()}, running_late(actor, span.province))


def stopped(actor: Actor, span: Span) -> dict[tuple[str, str], tuple[int, int]]:
    """(clock, priority or "") -> clocks stopped in the span, of them in time."""
    hits = sa.func.sum(sa.case((C.outcome == "in_time", 1), else_=0))
    query = _by_clock(actor, span.province).add_columns(sa.func.count(), hits).where(*_stopped(span, list(Metric)))
    return {(metric, priority): (n, int(k)) for metric, priority, n, k in db.session.execute(query)}


def running_late(actor: Actor, province: str | None) -> dict[tuple[str, str], int]:
    """(clock, priority or "") -> clocks that run past their deadline now."""
    base = _by_clock(actor, province)
    late = base.add_columns(sa.func.count()).where(C.stopped_at.is_(None), C.due_at < clock.now())
    return {(metric, priority): n for metric, priority, n in db.session.execute(late)}


def with_late(
    found: Mapping[tuple[str, str], Kept], late: Mapping[tuple[str, str], int]
) -> dict[tuple[str, str], Kept]:
    """What was stopped, and beside it what runs late."""
    none = Kept()
    return {
        key: replace(found.get(key, none), running_late=late.get(key, 0)) for key in (found.keys() | late.keys())
    }  # fmt: skip


def _by_clock(actor: Actor, province: str | None) -> Any:
    keys = (C.metric, sa.func.coalesce(T.priority, ""))
    return sa.select(*keys).join(T, T.id == C.ticket_id).where(*_places(actor, province)).group_by(*keys)


def repeats(actor: Actor, span: Span) -> list[tuple[str, int, int]]:
    """(model, reports with a serial number, of which the same device was reported within `REPEAT_DAYS` before).

    The earlier report may lie before the span and in any region: a device is the same wherever it stood.
    """
    each = sa.select(sa.func.coalesce(T.device_model, "").label("model"), sa.case((again(), 1), else_=0).label("again"))
    counted = (T.serial_number.is_not(None), T.status.not_in(NOT_REPAIRED), *_places(actor, span.province))
    rows = each.where(*_opened(span), *counted).subquery()
    hits = sa.func.sum(rows.c.again)
    query = sa.select(rows.c.model, sa.func.count(), hits).group_by(rows.c.model)
    return by_hits((model, n, int(k)) for model, n, k in db.session.execute(query))


def again() -> Clause:
    """The device of a report was reported within `REPEAT_DAYS` before, and not for nothing."""
    before = aliased(Ticket)
    gap = hours_between(before.opened_at, T.opened_at)
    return sa.exists().where(
        before.serial_number == T.serial_number, before.serial_number.is_not(None), before.opened_at < T.opened_at,
        gap <= REPEAT_DAYS * 24, before.status.not_in(NOT_REPAIRED),
    )  # fmt: skip


def faults(actor: Actor, span: Span) -> list[tuple[str, str, int]]:
    """(model, fault class, tickets), most frequent first."""
    model, n = sa.func.coalesce(T.device_model, ""), sa.func.count()
    where = (T.fault_class != "", T.status.not_in(NOT_REPAIRED), *_opened(span), *_places(actor, span.province))
    query = sa.select(model, T.fault_class, n).where(*where).group_by(model, T.fault_class)
    return by_number((model, fault, n) for model, fault, n in db.session.execute(query))


def by_number(found: Iterable[tuple[str, str, int]]) -> list[tuple[str, str, int]]:
    return sorted(found, key=lambda row: (-row[2], row[0], row[1]))


def by_hits(found: Iterable[tuple[str, int, int]]) -> list[tuple[str, int, int]]:
    """Models with most repeats first, then with most reports."""
    return sorted(found, key=lambda row: (-row[2], -row[1], row[0]))


def _stopped(span: Span, metrics: Sequence[Metric]) -> list[Clause]:
    return [
        C.metric.in_([m.value for m in metrics]), C.stopped_at >= span.since, C.stopped_at < span.until,
        C.outcome.in_(("in_time", "late")), T.status.not_in(NOT_REPAIRED),
    ]  # fmt: skip


def _by_day(query: Any) -> dict[date, int]:
    return {
        found if isinstance(found, date) else date.fromisoformat(found): n for found, n in db.session.execute(query)
    }


def total(found: Mapping[tuple[str, str], Kept], metric: str | None = None) -> Kept:
    """All priorities of one clock, or all clocks, taken together."""
    some = [one for (name, _p), one in found.items() if metric in (None, name)]
    return Kept(*(sum(getattr(one, part) for one in some) for part in ("in_time", "stopped", "running_late")))
