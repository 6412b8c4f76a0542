"""Tables of the repair ticket: one device, one fault.

The department of whoever reported it is frozen in the row: rights over a department's records follow who initiated
them, not where that person works today (decisions.md 17). Fault text is sealed by the reporter's own key and found by
keyed tokens (`core.sealed_search`).
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from app.core.columns import DataClass, index_column, plain, sealed_column
from app.core.db import Base
from app.core.masking import to_e164
from app.core.sealed import Sealed
from app.core.sealed_search import SealedSearch

WORK, USAGE = DataClass.WORK, DataClass.USAGE
MODEL_MAX_CHARS = 60
NAME_MAX_CHARS = 60
SERIAL_MAX_CHARS = 40
FAULT_MAX_CHARS = 1_000
fault_tokens = SealedSearch("ticket.fault")
NEVER = datetime(2999, 1, 1, tzinfo=UTC)  # due date of a ticket on which no clock runs; sorts last


class Source(StrEnum):
    """How the report came in."""

    MINI_PROGRAM = "mini_program"
    PHONE = "phone"
    FORMER_SYSTEM = "former_system"  # taken over with its number's day, closed already


class Ticket(Base):
    """A report and where it stands. ``customer_id`` is the reporter; null when a caller has no account."""

    __tablename__ = "ticket"
    __table_args__ = (
        sa.UniqueConstraint("number"),
        # one's own, a department's (with the reporter in it, so that counting needs no row), a queue, a region's queue
        sa.Index("ix_ticket_customer", "customer_id", "opened_at", "id"),
        sa.Index("ix_ticket_department", "reporter_department_id", "opened_at", "id", "customer_id"),
        sa.Index("ix_ticket_status", "status", "opened_at", "id"),
        sa.Index("ix_ticket_province", "province", "status", "opened_at", "id"),
        sa.Index("ix_ticket_hospital", "hospital_id", "opened_at", "id"),
        sa.Index(
            "ix_ticket_serial",
            "serial_number",
            sqlite_where=sa.text("serial_number IS NOT NULL"),
            postgresql_where=sa.text("serial_number IS NOT NULL"),
        ),
        sa.Index("ix_ticket_opened", "opened_at", "province"),  # reports of a period
        sa.Index("ix_ticket_due", "status", "due_at", "id"),
        sa.Index(
            "ix_ticket_closed",
            "closed_at",
            sqlite_where=sa.text("closed_at IS NOT NULL"),
            postgresql_where=sa.text("closed_at IS NOT NULL"),
        ),
        sa.Index(
            "ix_ticket_triager", "triager_id", "status", "due_at", "id"
        ),  # in hands; in order, or SQLite walks all
        sa.Index("ix_ticket_assignee", "assignee_id", "status", "window_from", "id"),
        sa.Index(
            "ix_ticket_wakes",
            "wakes_at",
            sqlite_where=sa.text("wakes_at IS NOT NULL"),
            postgresql_where=sa.text("wakes_at IS NOT NULL"),
        ),
    )

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    number: Mapped[str] = plain(sa.String(20), nullable=False)
    subject_id: Mapped[uuid.UUID] = plain(nullable=False)
    customer_id: Mapped[uuid.UUID | None] = plain(sa.ForeignKey("customer.id"), nullable=True)
    source: Mapped[str] = plain(sa.String(16), nullable=False)
    hospital_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("hospital.id"), nullable=False, cls=WORK)
    province: Mapped[str] = plain(sa.String(2), nullable=False, cls=WORK)  # GB/T 2260, of the hospital at the report
    reporter_department_id: Mapped[uuid.UUID | None] = plain(sa.ForeignKey("department.id"), nullable=True, cls=WORK)
    device_department_id: Mapped[uuid.UUID | None] = plain(sa.ForeignKey("department.id"), nullable=True, cls=WORK)
    device_model: Mapped[str | None] = plain(sa.String(MODEL_MAX_CHARS), nullable=True)
    serial_number: Mapped[str | None] = plain(sa.String(SERIAL_MAX_CHARS), nullable=True)
    fault_sealed: Mapped[bytes | None] = sealed_column(DataClass.FREE_TEXT)
    fault = Sealed("fault_sealed", by="subject")
    voice_sealed: Mapped[bytes | None] = sealed_column(DataClass.FREE_TEXT)  # what was said, as text
    voice_text = Sealed("voice_sealed", by="subject")
    status: Mapped[str] = plain(sa.String(16), nullable=False, cls=USAGE)
    version: Mapped[int] = plain(nullable=False, default=1)
    cycle: Mapped[int] = plain(nullable=False, default=1)  # grows when a closed ticket is opened again
    opened_at: Mapped[datetime] = plain(nullable=False, cls=USAGE)
    changed_at: Mapped[datetime] = plain(nullable=False, cls=USAGE)
    closed_at: Mapped[datetime | None] = plain(nullable=True, cls=USAGE)
    wakes_at: Mapped[datetime | None] = plain(nullable=True)
    due_at: Mapped[datetime] = plain(nullable=False, default=NEVER)  # the soonest running clock's deadline

    # triage
    device_id: Mapped[uuid.UUID | None] = plain(sa.ForeignKey("device.id"), nullable=True, index=True)
    triager_id: Mapped[uuid.UUID | None] = plain(nullable=True)
    triager_name: Mapped[str] = plain(sa.String(80), nullable=False, default="", cls=WORK)
    touched_at: Mapped[datetime | None] = plain(nullable=True, cls=USAGE)  # last work on it while in triage
    priority: Mapped[str | None] = plain(sa.String(2), nullable=True)
    fault_class: Mapped[str] = plain(sa.String(24), nullable=False, default="")
    service_mode: Mapped[str] = plain(sa.String(16), nullable=False, default="")
    warranty_basis: Mapped[str] = plain(sa.String(16), nullable=False, default="")
    no_serial_reason: Mapped[str] = plain(sa.String(24), nullable=False, default="")
    harm: Mapped[str] = plain(sa.String(8), nullable=False, default="", cls=DataClass.SENSITIVE)
    hospital_matched: Mapped[bool] = plain(nullable=False, default=False)
    duplicates_reviewed: Mapped[bool] = plain(nullable=False, default=False)
    answer_by: Mapped[datetime | None] = plain(nullable=True)  # of a question to the customer
    final_notice_at: Mapped[datetime | None] = plain(nullable=True, cls=USAGE)

    # who goes, and when; the dispatch floor writes it through this floor's verbs
    assignee_kind: Mapped[str] = plain(sa.String(8), nullable=False, default="")  # engineer | dealer
    assignee_id: Mapped[uuid.UUID | None] = plain(nullable=True)
    assignee_name: Mapped[str] = plain(sa.String(120), nullable=False, default="", cls=WORK)
    may_repair: Mapped[bool] = plain(nullable=False, default=True)
    accept_by: Mapped[datetime | None] = plain(nullable=True)
    window_from: Mapped[datetime | None] = plain(nullable=True)
    window_until: Mapped[datetime | None] = plain(nullable=True)
    call_first: Mapped[bool] = plain(nullable=False, default=False)
    reschedules: Mapped[int] = plain(nullable=False, default=0)

    # what became of it
    field_job: Mapped[bool] = plain(nullable=False, default=True)  # the latest work is on site, not in the depot
    rework_count: Mapped[int] = plain(sa.SmallInteger, nullable=False, default=0)  # release tests that failed
    unrepaired: Mapped[bool] = plain(nullable=False, default=False)  # goes back with "not repaired, do not use"
    biohazard_by: Mapped[uuid.UUID | None] = plain(nullable=True)  # approved the packing of the next collection
    safety_hold: Mapped[bool] = plain(nullable=False, default=False)
    merged_into_id: Mapped[uuid.UUID | None] = plain(sa.ForeignKey("ticket.id"), nullable=True, index=True)
    repeat_of_id: Mapped[uuid.UUID | None] = plain(sa.ForeignKey("ticket.id"), nullable=True, index=True)
    reopened: Mapped[int] = plain(nullable=False, default=0)


class TicketContact(Base):
    """Whom to call about the device: the reporter, or somebody whose consent the reporter attested (C13).

    Somebody else is a subject of his own: found by phone, erased without the reporter, and the other way round (C14).
    """

    __tablename__ = "ticket_contact"
    __table_args__ = (sa.UniqueConstraint("ticket_id"),)

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    ticket_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("ticket.id"), nullable=False)
    subject_id: Mapped[uuid.UUID] = plain(nullable=False, index=True)
    is_reporter: Mapped[bool] = plain(nullable=False)
    name_sealed: Mapped[bytes | None] = sealed_column(DataClass.IDENTIFIER)
    name = Sealed("name_sealed", by="subject")
    phone_sealed: Mapped[bytes | None] = sealed_column(DataClass.CONTACT)
    phone_index: Mapped[bytes | None] = index_column(DataClass.CONTACT, index=True)
    phone_tail: Mapped[bytes | None] = index_column(DataClass.CONTACT, index=True)
    phone = Sealed("phone_sealed", by="subject", index="phone_index", tail="phone_tail", normalise=to_e164)
    attested_at: Mapped[datetime | None] = plain(nullable=True, cls=USAGE)
    wording: Mapped[str | None] = plain(sa.String(20), nullable=True)  # version of the sentence agreed to


class TicketEvent(Base):
    """What happened to a ticket, append-only; the timeline that the hospital sees is made of it."""

    __tablename__ = "ticket_event"
    __table_args__ = (sa.UniqueConstraint("ticket_id", "version"),)

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    ticket_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("ticket.id"), nullable=False)
    version: Mapped[int] = plain(nullable=False)  # of the ticket, after the event
    action: Mapped[str] = plain(sa.String(32), nullable=False, cls=USAGE)
    status_from: Mapped[str | None] = plain(sa.String(16), nullable=True, cls=USAGE)
    status_to: Mapped[str] = plain(sa.String(16), nullable=False, cls=USAGE)
    by_kind: Mapped[str] = plain(sa.String(16), nullable=False)
    by_id: Mapped[uuid.UUID | None] = plain(nullable=True)
    by_name: Mapped[str] = plain(sa.String(80), nullable=False, default="", cls=WORK)
    at: Mapped[datetime] = plain(nullable=False, cls=USAGE)
    reason: Mapped[str] = plain(sa.String(32), nullable=False, default="")
    subject_id: Mapped[uuid.UUID] = plain(nullable=False)
    text_sealed: Mapped[bytes | None] = sealed_column(DataClass.FREE_TEXT)  # what the customer reads or wrote
    text = Sealed("text_sealed", by="subject")
    note_sealed: Mapped[bytes | None] = sealed_column(DataClass.FREE_TEXT)  # for us
    note = Sealed("note_sealed", by="subject")
