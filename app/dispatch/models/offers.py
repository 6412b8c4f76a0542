"""Offers and the visits that come of them.

`Dispatch` is one offer of one ticket to one engineer or dealer, from the offer to its end. At most one per ticket is
live (``offered`` or ``accepted``; a partial unique index holds it). The ticket's own row says who has it now
(``assignee_*``, ``accept_by``, ``window_*``); where the two disagree, the ticket is right and the dispatch is closed
as ``superseded`` or ``expired`` by the next act or by the minute's job (`app.dispatch.service.follow`): a ticket that
was cancelled on the floor below needs no call up here.

`Visit` is one appointment of an accepted dispatch; a return visit is another row. `Exclusion` remembers who declined a
ticket: not asked again within the same cycle unless a dispatcher lifts it. `Weights` are the versioned parts of the
score: one dispatcher proposes, a lead publishes what somebody else proposed. ``override_reason`` says why another than
the best candidate was chosen; ``ranking`` keeps what was on the table then (ids, tenths of points, each part's share in
thousandths), for the report that replays it (`app.dispatch.queries.replay`).
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Mapped

from app.core.columns import DataClass, plain, sealed_column
from app.core.db import Base
from app.core.sealed import Sealed

WORK, USAGE = DataClass.WORK, DataClass.USAGE
NAME_MAX_CHARS = 120


class AssigneeKind(StrEnum):
    ENGINEER = "engineer"
    DEALER = "dealer"


class DispatchState(StrEnum):
    """Live: offered, accepted. All others are ends."""

    OFFERED = "offered"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    EXPIRED = "expired"  # nobody answered until accept_by
    RECALLED = "recalled"  # by a dispatcher before the answer; counts against nobody
    WITHDRAWN = "withdrawn"  # by a dispatcher after it
    LOST = "lost"  # contract, certificate or account no longer held
    SUPERSEDED = "superseded"  # the ticket was cancelled, merged or reopened without us
    DONE = "done"  # the assignee's part is over


LIVE_STATES = (DispatchState.OFFERED, DispatchState.ACCEPTED)
UNDELETED_SQL = "contract_id IS NOT NULL AND accepted_at IS NOT NULL AND data_deleted_at IS NULL"
LIVE_SQL = "state IN ('offered', 'accepted')"
STATE_LABELS: Mapping[str, Any] = {
    DispatchState.OFFERED.value: _l("待接单"),
    DispatchState.ACCEPTED.value: _l("已接单"),
    DispatchState.DECLINED.value: _l("已拒绝"),
    DispatchState.EXPIRED.value: _l("超时未接"),
    DispatchState.RECALLED.value: _l("已撤回"),
    DispatchState.WITHDRAWN.value: _l("已改派"),
    DispatchState.LOST.value: _l("资格失效"),
    DispatchState.SUPERSEDED.value: _l("工单已变化"),
    DispatchState.DONE.value: _l("已完成"),
}


class VisitOutcome(StrEnum):
    FIXED = "fixed"
    COLLECTED = "collected"
    INCOMPLETE = "incomplete"  # another visit is needed
    PARTS = "parts"  # waits for parts
    CALLED_OFF = "called_off"  # never took place


class Dispatch(Base):
    """One offer. ``state`` is changed by `app.dispatch.service` alone, together with the ticket's status."""

    __tablename__ = "dispatch"
    __table_args__ = (
        sa.Index(
            "uq_dispatch_live", "ticket_id", unique=True, sqlite_where=sa.text(LIVE_SQL),
            postgresql_where=sa.text(LIVE_SQL),
        ),
        sa.Index("ix_dispatch_ticket", "ticket_id", "offered_at"),
        sa.Index("ix_dispatch_assignee", "assignee_id", "state", "window_from", "id"),
        sa.Index(  # what dealers have yet to confirm as deleted
            "ix_dispatch_undeleted", "accepted_at", "id", sqlite_where=sa.text(UNDELETED_SQL),
            postgresql_where=sa.text(UNDELETED_SQL),
        ),
        sa.Index(
            "ix_dispatch_live_window", "window_from", "assignee_id", sqlite_where=sa.text(LIVE_SQL),
            postgresql_where=sa.text(LIVE_SQL),
        ),
    )  # fmt: skip

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    ticket_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("ticket.id"), nullable=False)
    cycle: Mapped[int] = plain(nullable=False)  # of the ticket
    state: Mapped[str] = plain(sa.String(16), nullable=False)
    assignee_kind: Mapped[str] = plain(sa.String(8), nullable=False)
    assignee_id: Mapped[uuid.UUID] = plain(nullable=False)  # staff account of an engineer, or dealer
    assignee_name: Mapped[str] = plain(sa.String(NAME_MAX_CHARS), nullable=False, cls=WORK)
    contract_id: Mapped[uuid.UUID | None] = plain(sa.ForeignKey("dealer_contract.id"), index=True)
    mode: Mapped[str] = plain(sa.String(16), nullable=False)
    window_from: Mapped[datetime] = plain(nullable=False)  # planned; what eligibility was judged for
    window_until: Mapped[datetime] = plain(nullable=False)
    call_first: Mapped[bool] = plain(nullable=False, default=False)  # the window is ours, not yet the hospital's
    accept_by: Mapped[datetime] = plain(nullable=False)
    offered_at: Mapped[datetime] = plain(nullable=False, cls=USAGE)
    offered_by: Mapped[uuid.UUID | None] = plain()
    offered_name: Mapped[str] = plain(sa.String(80), nullable=False, default="", cls=WORK)
    accepted_at: Mapped[datetime | None] = plain(cls=USAGE)
    accepted_by: Mapped[uuid.UUID | None] = plain()  # of a dealer: which of its users
    accepted_name: Mapped[str] = plain(sa.String(80), nullable=False, default="", cls=WORK)
    ended_at: Mapped[datetime | None] = plain(cls=USAGE)
    ended_reason: Mapped[str] = plain(sa.String(32), nullable=False, default="")
    weights_version: Mapped[int] = plain(nullable=False)
    score: Mapped[int] = plain(nullable=False)  # tenths of a point
    rank: Mapped[int] = plain(nullable=False)  # 1: the best on the table
    override_reason: Mapped[str] = plain(sa.String(32), nullable=False, default="")
    override_sealed: Mapped[bytes | None] = sealed_column(DataClass.FREE_TEXT)
    override_note = Sealed("override_sealed")  # of the reason "other": the dispatcher's own words
    ranking: Mapped[list[Any]] = plain(sa.JSON, nullable=False, default=list)
    data_deleted_at: Mapped[datetime | None] = plain()  # a dealer's confirmation for this ticket


class Visit(Base):
    """One appointment. Without a window somebody calls the hospital first."""

    __tablename__ = "visit"
    __table_args__ = (
        sa.UniqueConstraint("dispatch_id", "n"),
        sa.Index("ix_visit_assignee", "assignee_id", "window_from", "id"),
        sa.Index("ix_visit_hospital", "hospital_id", "assignee_id"),
        sa.Index("ix_visit_ticket", "ticket_id"),
    )

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    dispatch_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("dispatch.id"), nullable=False)
    n: Mapped[int] = plain(sa.SmallInteger, nullable=False)  # first, second … visit of the dispatch
    ticket_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("ticket.id"), nullable=False)
    hospital_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("hospital.id"), nullable=False)
    assignee_id: Mapped[uuid.UUID] = plain(nullable=False)
    window_from: Mapped[datetime | None] = plain()
    window_until: Mapped[datetime | None] = plain()
    changes: Mapped[int] = plain(nullable=False, default=0)  # how often the window was moved
    arrived_at: Mapped[datetime | None] = plain(cls=USAGE)
    ended_at: Mapped[datetime | None] = plain(cls=USAGE)
    outcome: Mapped[str] = plain(sa.String(16), nullable=False, default="")


class Exclusion(Base):
    """Not asked again for this ticket in this cycle."""

    __tablename__ = "dispatch_exclusion"
    __table_args__ = (sa.UniqueConstraint("ticket_id", "cycle", "assignee_id"),)

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    ticket_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("ticket.id"), nullable=False)
    cycle: Mapped[int] = plain(nullable=False)
    assignee_id: Mapped[uuid.UUID] = plain(nullable=False)
    reason: Mapped[str] = plain(sa.String(32), nullable=False)
    made_at: Mapped[datetime] = plain(nullable=False)
    lifted_at: Mapped[datetime | None] = plain()
    lifted_by: Mapped[uuid.UUID | None] = plain()
    lifted_name: Mapped[str] = plain(sa.String(80), nullable=False, default="", cls=WORK)


class Weights(Base):
    """A version of the score's weights; the highest published one is in force, or else the built-in first one."""

    __tablename__ = "dispatch_weights"

    version: Mapped[int] = plain(primary_key=True, autoincrement=False)
    content: Mapped[dict[str, Any]] = plain(sa.JSON, nullable=False)  # part -> points; they add up to 100
    note: Mapped[str] = plain(sa.String(200), nullable=False, default="")
    created_at: Mapped[datetime] = plain(nullable=False)
    created_by: Mapped[uuid.UUID | None] = plain()
    created_name: Mapped[str] = plain(sa.String(80), nullable=False, default="", cls=WORK)
    published_at: Mapped[datetime | None] = plain()  # None: waits for somebody else's look
    published_by: Mapped[uuid.UUID | None] = plain()
    published_name: Mapped[str] = plain(sa.String(80), nullable=False, default="", cls=WORK)
