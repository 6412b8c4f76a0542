"""Promises by version: hours per priority and clock, who counts every hour, and when warnings come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from app.core import clock, plans
from app.core.db import db
from app.tickets.facts import Priority
from app.tickets.models.promise import SlaPolicy
from app.tickets.sla.metrics import PAUSE_REASONS, Metric, PauseReason

LEVELS = (50, 75, 90, 100, 150)
BEFORE_TRIAGE = Priority.P3  # until somebody has judged it
_M = (
    Metric.FIRST_TOUCH, Metric.RESPONSE, Metric.DISPATCH, Metric.ARRIVAL, Metric.QUOTE, Metric.TURNAROUND,
    Metric.RESOLUTION,
)  # fmt: skip
# Owner to confirm: the reference calls these values a business decision.
FIRST_VERSION: Mapping[str, tuple[float, ...]] = {
    Priority.P1: (0.5, 1, 1, 8, 8, 72, 24),
    Priority.P2: (1, 2, 4, 16, 16, 80, 40),
    Priority.P3: (2, 4, 8, 24, 24, 120, 80),
    Priority.P4: (4, 8, 16, 40, 40, 160, 120),
}
FIRST_PAUSES: Mapping[str, Any] = {
    key: {"stops": sorted(reason.stops), "hours": reason.most_hours} for key, reason in PAUSE_REASONS.items()
}


def seed() -> None:
    """Version 1, if there is none. Idempotent."""
    if db.session.get(SlaPolicy, 1) is None:
        hours = {p.value: dict(zip(_M, FIRST_VERSION[p], strict=True)) for p in Priority}
        db.session.add(
            SlaPolicy(
                version=1, valid_from=datetime(2022, 1, 1, tzinfo=clock.SHANGHAI), hours=hours,
                around_the_clock=[Priority.P1.value], levels=list(LEVELS), pauses=dict(FIRST_PAUSES),
                published_at=clock.now(),
            )
        )  # fmt: skip
        db.session.flush()


def in_force(at: datetime) -> SlaPolicy:
    """The newest version whose time has come."""
    query = sa.select(SlaPolicy).where(SlaPolicy.valid_from <= at).order_by(SlaPolicy.version.desc()).limit(1)
    return db.session.scalars(query).one()


def latest() -> SlaPolicy:
    """The newest version, in force or not yet."""
    return db.session.scalars(sa.select(SlaPolicy).order_by(SlaPolicy.version.desc()).limit(1)).one()


def budgets(policy: SlaPolicy, priority: str | None) -> dict[Metric, timedelta]:
    """What the version promises for a priority; before triage, what it promises for an ordinary one."""
    hours = policy.hours[priority or BEFORE_TRIAGE.value]
    return {Metric(key): timedelta(hours=value) for key, value in hours.items()}


def counts_every_hour(policy: SlaPolicy, priority: str | None) -> bool:
    return priority in policy.around_the_clock


def pause_reason(policy: SlaPolicy, key: str) -> PauseReason:
    """The reason as the version has it: which clocks it stops, and for how long at most."""
    found = policy.pauses[key]
    return replace(PAUSE_REASONS[key], stops=frozenset(map(Metric, found["stops"])), most_hours=found["hours"])


def every_hour() -> sa.ScalarSelect[str]:
    """Which priorities count every hour by the version in force, as a part of another statement: for long lists."""
    query = sa.select(sa.cast(SlaPolicy.around_the_clock, sa.String)).where(SlaPolicy.valid_from <= plans.now())
    return query.order_by(SlaPolicy.version.desc()).limit(1).scalar_subquery()


def named_in(found: str | None, priority: str | None) -> bool:
    """Whether ``priority`` is among what `every_hour` found."""
    return bool(priority) and f'"{priority}"' in (found or "")
