"""Tables of grants: who may read the records of which departments, on what basis, from when until when.

What the basis rests on (hospital, own department, position, title) is frozen in the row; a read compares it with what
is true of the person now, so that a change elsewhere can never leave a right open. A grant's departments are rows by
id: those that were named and, where that was ticked, the sub-departments there were at approval.
"""

from __future__ import annotations

import uuid
from datetime import date, datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.orm import Mapped, relationship

from app.core.columns import DataClass, index_column, plain, sealed_column
from app.core.db import Base
from app.core.sealed import Sealed
from app.core.unit_of_work import declare_evidence
from app.customers.models import compact_name
from app.grants.workflow import OPEN

WORK, USAGE = DataClass.WORK, DataClass.USAGE
NOTE_MAX_CHARS = 500
_open_list = ", ".join(f"'{status.value}'" for status in OPEN)


class Grant(Base):
    """One grant, or the request for one. What is not decided yet (period, look-back, basis) is null."""

    __tablename__ = "access_grant"
    __table_args__ = (
        sa.UniqueConstraint("number"),
        sa.Index("ix_access_grant_customer", "customer_id", "status"),
        sa.Index("ix_access_grant_status", "status", "ends_at", "id"),
        sa.Index("ix_access_grant_requested", "status", "requested_at", "id"),
        sa.Index("ix_access_grant_hospital", "hospital_id", "status"),
        sa.Index("ix_access_grant_changed", "changed_at", "id"),
        sa.Index(
            "ix_access_grant_wakes",
            "wakes_at",
            sqlite_where=sa.text("wakes_at IS NOT NULL"),
            postgresql_where=sa.text("wakes_at IS NOT NULL"),
        ),
        sa.Index(  # one open request per person, whatever two requests do at once
            "uq_access_grant_open",
            "customer_id",
            unique=True,
            sqlite_where=sa.text(f"status IN ({_open_list})"),
            postgresql_where=sa.text(f"status IN ({_open_list})"),
        ),
        sa.CheckConstraint("ends_at IS NULL OR ends_at > starts_at", name="period"),
    )

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    number: Mapped[str] = plain(sa.String(20), nullable=False)
    customer_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("customer.id"), nullable=False)
    subject_id: Mapped[uuid.UUID] = plain(nullable=False)
    status: Mapped[str] = plain(sa.String(16), nullable=False, cls=USAGE)
    version: Mapped[int] = plain(nullable=False, default=1)
    changed_at: Mapped[datetime] = plain(nullable=False, cls=USAGE)
    wakes_at: Mapped[datetime | None] = plain(nullable=True)

    # the verified name, so that lists read one table
    name_sealed: Mapped[bytes | None] = sealed_column(DataClass.IDENTIFIER)
    name_index: Mapped[bytes | None] = index_column(DataClass.IDENTIFIER, index=True)
    name = Sealed("name_sealed", by="subject", index="name_index", normalise=compact_name)

    # what it rests on, as it was when it was asked for or confirmed again
    hospital_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("hospital.id"), nullable=False, cls=WORK)
    province: Mapped[str] = plain(sa.String(2), nullable=False, cls=WORK)  # GB/T 2260
    home_department_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("department.id"), nullable=False, cls=WORK)
    position: Mapped[str] = plain(sa.String(60), nullable=False, cls=WORK)
    title: Mapped[str] = plain(sa.String(60), nullable=False, cls=WORK)
    registration_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("registration.id"), nullable=False)
    position_verdict: Mapped[str | None] = plain(sa.String(16), nullable=True, cls=WORK)  # of the badge review
    title_verdict: Mapped[str | None] = plain(sa.String(16), nullable=True, cls=WORK)
    basis_code: Mapped[str | None] = plain(sa.String(32), nullable=True)  # row of the matrix, or "exception"
    exception_sealed: Mapped[bytes | None] = sealed_column(DataClass.FREE_TEXT)
    exception_text = Sealed("exception_sealed", by="subject")
    policy_version: Mapped[int] = plain(nullable=False)
    over_limits: Mapped[list[str]] = plain(sa.JSON, nullable=False, default=list)  # why a third person is needed

    # what it opens
    lookback_months: Mapped[int | None] = plain(nullable=True)
    starts_at: Mapped[datetime | None] = plain(nullable=True)
    ends_at: Mapped[datetime | None] = plain(nullable=True)  # the first instant at which it opens nothing any more

    # who
    requested_kind: Mapped[str] = plain(sa.String(16), nullable=False)  # customer or staff
    requested_by: Mapped[uuid.UUID] = plain(nullable=False)
    requested_name: Mapped[str] = plain(sa.String(80), nullable=False, default="", cls=WORK)  # staff only
    requested_at: Mapped[datetime] = plain(nullable=False, cls=USAGE)
    reason_sealed: Mapped[bytes | None] = sealed_column(DataClass.FREE_TEXT)
    reason = Sealed("reason_sealed", by="subject")
    endorsed_by: Mapped[uuid.UUID | None] = plain(nullable=True)
    endorsed_name: Mapped[str] = plain(sa.String(80), nullable=False, default="", cls=WORK)
    approved_by: Mapped[uuid.UUID | None] = plain(nullable=True)
    approved_name: Mapped[str] = plain(sa.String(80), nullable=False, default="", cls=WORK)
    approved_at: Mapped[datetime | None] = plain(nullable=True, cls=USAGE)
    renews_id: Mapped[uuid.UUID | None] = plain(sa.ForeignKey("access_grant.id"), nullable=True, index=True)

    # pause, review, reminder
    paused_at: Mapped[datetime | None] = plain(nullable=True, cls=USAGE)
    pause_cause: Mapped[str | None] = plain(sa.String(32), nullable=True)
    pause_until: Mapped[datetime | None] = plain(nullable=True)
    review_due_at: Mapped[datetime | None] = plain(nullable=True)  # unanswered at this instant: lapsed
    reminded_days: Mapped[int | None] = plain(nullable=True)  # the reminder that went out last: 30, then 7
    ended_at: Mapped[datetime | None] = plain(nullable=True, cls=USAGE)
    ended_cause: Mapped[str | None] = plain(sa.String(32), nullable=True)

    nodes: Mapped[list[GrantNode]] = relationship(order_by="GrantNode.place", viewonly=True)


class GrantNode(Base):
    """One department of a grant. ``via_id``: the named department whose tick brought this sub-department."""

    __tablename__ = "access_grant_node"
    __table_args__ = (sa.Index("ix_access_grant_node_grant", "grant_id", "removed_version", "department_id"),)

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    grant_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("access_grant.id"), nullable=False)
    place: Mapped[int] = plain(nullable=False)
    department_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("department.id"), nullable=False, index=True)
    parent_id: Mapped[uuid.UUID | None] = plain(sa.ForeignKey("department.id"), nullable=True)  # as it was
    include_children: Mapped[bool] = plain(sa.Boolean, nullable=False, default=False)
    via_id: Mapped[uuid.UUID | None] = plain(sa.ForeignKey("department.id"), nullable=True)
    removed_version: Mapped[int | None] = plain(nullable=True)  # the grant's version that no longer has it


class GrantEvent(Base):
    """Everything that happened to a grant, with what it opened from then on; append-only."""

    __tablename__ = "access_grant_event"
    __table_args__ = (sa.UniqueConstraint("grant_id", "version"),)

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    grant_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("access_grant.id"), nullable=False)
    subject_id: Mapped[uuid.UUID] = plain(nullable=False)
    version: Mapped[int] = plain(nullable=False)  # of the grant, after the event
    action: Mapped[str] = plain(sa.String(32), nullable=False, cls=USAGE)
    status_from: Mapped[str | None] = plain(sa.String(16), nullable=True, cls=USAGE)
    status_to: Mapped[str] = plain(sa.String(16), nullable=False, cls=USAGE)
    cause: Mapped[str | None] = plain(sa.String(32), nullable=True)
    note_sealed: Mapped[bytes | None] = sealed_column(DataClass.FREE_TEXT)
    note = Sealed("note_sealed", by="subject")
    terms: Mapped[dict[str, Any]] = plain(nullable=False, default=dict)  # departments, look-back, period: ids and days
    by_kind: Mapped[str] = plain(sa.String(16), nullable=False)
    by_id: Mapped[uuid.UUID | None] = plain(nullable=True)
    by_name: Mapped[str] = plain(sa.String(80), nullable=False, default="", cls=WORK)
    at: Mapped[datetime] = plain(nullable=False, cls=USAGE)


class UseKind(StrEnum):
    """How rows of others were shown."""

    LISTED = "listed"
    OPENED = "opened"
    EXPORTED = "exported"


class GrantUse(Base):
    """Evidence: how many rows of others a grant showed at one read. Written in the transaction of that read."""

    __tablename__ = "grant_use"
    __table_args__ = (sa.Index("ix_grant_use_grant", "grant_id", "kind", "at"),)

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    grant_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("access_grant.id"), nullable=False)
    kind: Mapped[str] = plain(sa.String(16), nullable=False, cls=USAGE)
    rows: Mapped[int] = plain(nullable=False, cls=USAGE)
    at: Mapped[datetime] = plain(nullable=False, cls=USAGE)


class GrantPolicy(Base):
    """One version of the rules; the highest one counts, none is ever changed."""

    __tablename__ = "grant_policy"

    version: Mapped[int] = plain(primary_key=True, autoincrement=False)
    content: Mapped[dict[str, Any]] = plain(nullable=False)
    note: Mapped[str] = plain(sa.String(200), nullable=False)
    created_at: Mapped[datetime] = plain(nullable=False)
    created_by: Mapped[uuid.UUID | None] = plain(nullable=True)
    created_name: Mapped[str] = plain(sa.String(80), nullable=False, default="", cls=WORK)


class Campaign(Base):
    """A review of all grants of one hospital or one province; ``hospital_id`` null: of the province."""

    __tablename__ = "grant_campaign"
    __table_args__ = (sa.UniqueConstraint("number"), sa.Index("ix_grant_campaign_closes", "closes_at", "id"))

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    number: Mapped[str] = plain(sa.String(20), nullable=False)
    province: Mapped[str] = plain(sa.String(2), nullable=False)
    hospital_id: Mapped[uuid.UUID | None] = plain(sa.ForeignKey("hospital.id"), nullable=True)
    opened_at: Mapped[datetime] = plain(nullable=False)
    opened_by: Mapped[uuid.UUID | None] = plain(nullable=True)
    opened_name: Mapped[str] = plain(sa.String(80), nullable=False, default="", cls=WORK)
    due_on: Mapped[date] = plain(sa.Date, nullable=False)  # China day; the whole of it is in time
    closes_at: Mapped[datetime] = plain(nullable=False)  # the first instant of the day after
    reminded_at: Mapped[datetime | None] = plain(nullable=True)


class ReviewDecision(StrEnum):
    KEEP = "keep"
    REDUCE = "reduce"
    REVOKE = "revoke"


class ReviewItem(Base):
    """One grant in one campaign. No decision by the deadline: the grant has lapsed."""

    __tablename__ = "grant_review_item"
    __table_args__ = (
        sa.UniqueConstraint("campaign_id", "grant_id"),
        sa.Index("ix_grant_review_item_grant", "grant_id"),
    )

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    campaign_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("grant_campaign.id"), nullable=False)
    grant_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("access_grant.id"), nullable=False)
    subject_id: Mapped[uuid.UUID] = plain(nullable=False)
    decision: Mapped[str | None] = plain(sa.String(16), nullable=True)
    decided_by: Mapped[uuid.UUID | None] = plain(nullable=True)
    decided_name: Mapped[str] = plain(sa.String(80), nullable=False, default="", cls=WORK)
    decided_at: Mapped[datetime | None] = plain(nullable=True)
    note_sealed: Mapped[bytes | None] = sealed_column(DataClass.FREE_TEXT)
    note = Sealed("note_sealed", by="subject")
    # what the reviewer was shown
    last_use_at: Mapped[datetime | None] = plain(nullable=True, cls=USAGE)
    rows_opened: Mapped[int | None] = plain(nullable=True, cls=USAGE)
    rows_listed: Mapped[int | None] = plain(nullable=True, cls=USAGE)


class AppendOnly(RuntimeError):
    """Somebody tried to change or delete what is kept for good."""


@event.listens_for(GrantEvent, "before_update")
@event.listens_for(GrantEvent, "before_delete")
@event.listens_for(GrantPolicy, "before_update")
@event.listens_for(GrantPolicy, "before_delete")
@event.listens_for(GrantUse, "before_update")
@event.listens_for(GrantUse, "before_delete")
def _refuse(_mapper: object, _connection: object, row: Base) -> None:
    raise AppendOnly(f"{row.__tablename__} is append-only")


declare_evidence(GrantUse.__tablename__)
