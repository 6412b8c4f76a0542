"""A round of a ticket that a customer may rate, frozen as it was when it closed, and what he said about it."""

from __future__ import annotations

import uuid
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from app.core import triggers
from app.core.columns import DataClass, plain, sealed_column
from app.core.db import Base
from app.core.sealed import Sealed
from app.satisfaction import ddl
from app.tickets.models import MODEL_MAX_CHARS

WORK, USAGE = DataClass.WORK, DataClass.USAGE
COMMENT_MAX_CHARS = 1_000
HASH_BYTES = 32


class RatedJob(Base):
    """One round (cycle) of one ticket. ``score`` repeats the latest version of `Rating`, for lists and sums.

    Who did it, for which team and dealer, on what, stands here as it was at the closing: handing the ticket on later
    changes no figure. ``subject_id`` is of whoever is asked first: the reporter, else the contact.
    """

    __tablename__ = "rated_job"
    __table_args__ = (
        sa.UniqueConstraint("ticket_id", "cycle"),
        sa.UniqueConstraint("token_hash"),
        sa.Index("ix_rated_job_status", "status", "answered_at", "id"),
        sa.Index("ix_rated_job_invited", "status", "expires_at", "id"),
        sa.Index("ix_rated_job_closed", "closed_at", "id"),
        sa.Index("ix_rated_job_province", "province", "closed_at"),
        sa.Index("ix_rated_job_number", "ticket_number"),
        sa.Index("ix_rated_job_engineer", "engineer_id", "closed_at"),
        sa.Index(
            "ix_rated_job_follow",
            "follow_due_at",
            "id",
            sqlite_where=sa.text("follow_due_at IS NOT NULL"),
            postgresql_where=sa.text("follow_due_at IS NOT NULL"),
        ),
        sa.Index(
            "ix_rated_job_second",
            "second_due_at",
            "id",
            sqlite_where=sa.text("second_due_at IS NOT NULL"),
            postgresql_where=sa.text("second_due_at IS NOT NULL"),
        ),
        sa.Index(
            "ix_rated_job_undelivered",
            "expires_at",
            "id",
            sqlite_where=sa.text("delivered_at IS NULL"),
            postgresql_where=sa.text("delivered_at IS NULL"),
        ),
    )

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    ticket_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("ticket.id"), nullable=False)
    ticket_number: Mapped[str] = plain(sa.String(20), nullable=False)
    cycle: Mapped[int] = plain(sa.SmallInteger, nullable=False)
    subject_id: Mapped[uuid.UUID] = plain(nullable=False)
    customer_id: Mapped[uuid.UUID | None] = plain(sa.ForeignKey("customer.id"), nullable=True, index=True)
    status: Mapped[str] = plain(sa.String(16), nullable=False, cls=USAGE)
    version: Mapped[int] = plain(nullable=False, default=1)
    wakes_at: Mapped[datetime | None] = plain(nullable=True)

    # the invitation
    invited_at: Mapped[datetime] = plain(nullable=False, cls=USAGE)
    expires_at: Mapped[datetime] = plain(nullable=False)
    token_hash: Mapped[bytes | None] = plain(sa.LargeBinary(HASH_BYTES), nullable=True)  # of a contact's link
    message_key: Mapped[str | None] = plain(sa.String(80), nullable=True)  # of the reporter's message
    link_key: Mapped[str | None] = plain(sa.String(80), nullable=True)  # of the contact's message

    delivered_at: Mapped[datetime | None] = plain(nullable=True, cls=USAGE)  # of the first of them that went out

    # frozen at the closing
    closed_at: Mapped[datetime] = plain(nullable=False, cls=USAGE)
    opened_at: Mapped[datetime] = plain(nullable=False, cls=USAGE)
    engineer_id: Mapped[uuid.UUID | None] = plain(nullable=True)
    engineer_name: Mapped[str] = plain(sa.String(80), nullable=False, default="", cls=WORK)
    dealer_id: Mapped[uuid.UUID | None] = plain(nullable=True, index=True)
    dealer_name: Mapped[str] = plain(sa.String(120), nullable=False, default="", cls=WORK)
    province: Mapped[str] = plain(sa.String(2), nullable=False, cls=WORK)  # the team's region
    hospital_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("hospital.id"), nullable=False, index=True, cls=WORK)
    product: Mapped[str] = plain(sa.String(MODEL_MAX_CHARS), nullable=False, default="")
    job_kind: Mapped[str] = plain(sa.String(16), nullable=False, default="")  # service mode of triage
    warranty: Mapped[str] = plain(sa.String(16), nullable=False, default="")

    # the answer, as of its latest version
    rating_version: Mapped[int] = plain(sa.SmallInteger, nullable=False, default=0)
    score: Mapped[int | None] = plain(sa.SmallInteger, nullable=True, cls=USAGE)
    answered_at: Mapped[datetime | None] = plain(nullable=True, cls=USAGE)  # of the first version
    rater_kind: Mapped[str] = plain(sa.String(8), nullable=False, default="")  # reporter | contact
    alarm: Mapped[str] = plain(sa.String(12), nullable=False, default="", cls=USAGE)  # "" | low | harm | signal | hand

    # what it causes
    draw_id: Mapped[uuid.UUID | None] = plain(sa.ForeignKey("rating_draw.id"), nullable=True, index=True)
    outcome: Mapped[str] = plain(sa.String(8), nullable=False, default="")  # of the audit that counts
    audited_at: Mapped[datetime | None] = plain(nullable=True, cls=USAGE)
    follow_due_at: Mapped[datetime | None] = plain(nullable=True)  # of an open follow-up
    second_due_at: Mapped[datetime | None] = plain(nullable=True)  # drawn for a blind second audit, not yet given


class RatedPerson(Base):
    """Somebody of ours whom a rating is about, and in which part. He never sees or audits it."""

    __tablename__ = "rated_person"
    __table_args__ = (sa.UniqueConstraint("job_id", "staff_id", "part"), sa.Index("ix_rated_person_staff", "staff_id"))

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    job_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("rated_job.id"), nullable=False)
    staff_id: Mapped[uuid.UUID] = plain(nullable=False, cls=WORK)
    part: Mapped[str] = plain(sa.String(12), nullable=False, cls=WORK)  # engineer, triager, depot, quality, named


class Rating(Base):
    """One version of what a customer said. Nobody changes a row: triggers refuse it; he writes another version."""

    __tablename__ = "rating"
    __table_args__ = (
        sa.UniqueConstraint("job_id", "version"),
        sa.CheckConstraint("score BETWEEN 1 AND 5", name="score"),
        sa.Index("ix_rating_customer", "customer_id", "at"),
    )

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    job_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("rated_job.id"), nullable=False)
    version: Mapped[int] = plain(sa.SmallInteger, nullable=False)
    rater_kind: Mapped[str] = plain(sa.String(8), nullable=False)
    customer_id: Mapped[uuid.UUID | None] = plain(sa.ForeignKey("customer.id"), nullable=True)
    subject_id: Mapped[uuid.UUID] = plain(nullable=False)
    score: Mapped[int] = plain(sa.SmallInteger, nullable=False, cls=USAGE)
    timeliness: Mapped[int | None] = plain(sa.SmallInteger, nullable=True, cls=USAGE)
    skill: Mapped[int | None] = plain(sa.SmallInteger, nullable=True, cls=USAGE)
    attitude: Mapped[int | None] = plain(sa.SmallInteger, nullable=True, cls=USAGE)
    result: Mapped[int | None] = plain(sa.SmallInteger, nullable=True, cls=USAGE)
    reasons: Mapped[list[str]] = plain(sa.JSON, nullable=False, default=list, cls=USAGE)
    comment_sealed: Mapped[bytes | None] = sealed_column(DataClass.FREE_TEXT)
    comment = Sealed("comment_sealed", by="subject")
    harm_list: Mapped[int] = plain(nullable=False)  # version of the list of harm words it was read with
    at: Mapped[datetime] = plain(nullable=False, cls=USAGE)


class RatingFlag(Base):
    """Why a rating must be looked at, each reason once per version of it."""

    __tablename__ = "rating_flag"
    __table_args__ = (sa.UniqueConstraint("job_id", "rating_version", "kind", "detail"),)

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    job_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("rated_job.id"), nullable=False)
    rating_version: Mapped[int] = plain(sa.SmallInteger, nullable=False)
    kind: Mapped[str] = plain(sa.String(12), nullable=False, cls=USAGE)  # low, harm, signal, hand
    detail: Mapped[str] = plain(sa.String(32), nullable=False, default="", cls=USAGE)  # group of words, or the signal
    at: Mapped[datetime] = plain(nullable=False)
    by_id: Mapped[uuid.UUID | None] = plain(nullable=True)
    by_name: Mapped[str] = plain(sa.String(80), nullable=False, default="", cls=WORK)


triggers.attach(Rating.__table__, ddl.CREATE, ddl.POSTGRESQL_DROP)
triggers.attach(RatedJob.__table__, ddl.COUNTED_CREATE, ddl.COUNTED_DROP)
