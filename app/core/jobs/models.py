"""The job table: work that follows a change, enqueued in the change's own transaction."""

from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from app.core.columns import plain
from app.core.db import Base


class JobState(StrEnum):
    """Life of a job; between two attempts it is ready again. ``dead`` waits for a person."""

    READY = "ready"
    RUNNING = "running"
    DONE = "done"
    DEAD = "dead"


READY_ONLY = sa.text("state = 'ready'")


class Job(Base):
    """One piece of work. The payload holds ids and codes, never personal data.

    ``key`` is unique among jobs that wait; a running one does not count, since it may have missed the newest change.
    """

    __tablename__ = "job"
    __table_args__ = (
        sa.Index("uq_job_key_ready", "key", unique=True, sqlite_where=READY_ONLY, postgresql_where=READY_ONLY),
        sa.Index("ix_job_state_run_at", "state", "run_at", "id"),
        sa.Index("ix_job_state_locked_until", "state", "locked_until"),
    )

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    kind: Mapped[str] = plain(sa.String(64), nullable=False)
    payload: Mapped[dict[str, Any]] = plain(nullable=False)
    key: Mapped[str | None] = plain(sa.String(128), nullable=True)
    state: Mapped[str] = plain(sa.String(32), nullable=False)
    run_at: Mapped[datetime] = plain(nullable=False)
    attempts: Mapped[int] = plain(nullable=False, default=0)
    locked_by: Mapped[str | None] = plain(sa.String(64), nullable=True)  # a fresh token per claim
    locked_until: Mapped[datetime | None] = plain(nullable=True)
    last_error: Mapped[str | None] = plain(sa.String(64), nullable=True)  # a code, never a message
    created_at: Mapped[datetime] = plain(nullable=False)
    finished_at: Mapped[datetime | None] = plain(nullable=True)


class JobPeriod(Base):
    """When a periodic job is next due. Whoever moves ``next_at`` enqueues it: once among all workers."""

    __tablename__ = "job_period"

    kind: Mapped[str] = plain(sa.String(64), primary_key=True)
    next_at: Mapped[datetime] = plain(nullable=False)
