"""What happens to the device: whose hands it is in, parts, quotes, repair records and test sheets."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped

from app.core.columns import DataClass, plain
from app.core.db import Base

WORK, USAGE = DataClass.WORK, DataClass.USAGE
LONG_TEXT = 1_000


class CustodyLeg(Base):
    """The device in somebody's hands, from a signed receipt to the next one. At most one is open per ticket."""

    __tablename__ = "custody_leg"
    __table_args__ = (
        sa.Index("ix_custody_leg_ticket", "ticket_id", "opened_at"),
        sa.Index(
            "uq_custody_leg_open",
            "ticket_id",
            unique=True,
            sqlite_where=sa.text("closed_at IS NULL"),
            postgresql_where=sa.text("closed_at IS NULL"),
        ),
    )

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    ticket_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("ticket.id"), nullable=False)
    holder: Mapped[str] = plain(sa.String(16), nullable=False)  # engineer | dealer | courier | depot
    holder_id: Mapped[uuid.UUID | None] = plain(nullable=True)
    holder_name: Mapped[str] = plain(sa.String(120), nullable=False, default="", cls=WORK)
    serial_scanned: Mapped[str] = plain(sa.String(40), nullable=False, default="")
    accessories: Mapped[str] = plain(sa.String(200), nullable=False, default="")
    seal_number: Mapped[str] = plain(sa.String(40), nullable=False, default="")
    seal_found: Mapped[str] = plain(sa.String(40), nullable=False, default="")  # by whoever received it
    do_not_use: Mapped[bool] = plain(nullable=False, default=False)  # the label is on the device
    courier_number: Mapped[str] = plain(sa.String(40), nullable=False, default="")
    decontaminated: Mapped[bool] = plain(nullable=False, default=False)
    biohazard_approved_by: Mapped[uuid.UUID | None] = plain(nullable=True)
    receipt_file_id: Mapped[uuid.UUID | None] = plain(sa.ForeignKey("ticket_file.id"), nullable=True)
    opened_at: Mapped[datetime] = plain(nullable=False, cls=USAGE)
    closed_at: Mapped[datetime | None] = plain(nullable=True, cls=USAGE)


class PartLine(Base):
    """A part that a repair needs, with a quantity; there is no stock."""

    __tablename__ = "part_line"
    __table_args__ = (sa.Index("ix_part_line_ticket", "ticket_id", "wanted_at"),)

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    ticket_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("ticket.id"), nullable=False)
    part_number: Mapped[str] = plain(sa.String(40), nullable=False)
    name: Mapped[str] = plain(sa.String(80), nullable=False)
    quantity: Mapped[int] = plain(sa.SmallInteger, nullable=False)
    state: Mapped[str] = plain(sa.String(12), nullable=False)  # wanted | arrived | used | returned | scrapped | dropped
    eta: Mapped[date | None] = plain(sa.Date, nullable=True)
    wanted_by: Mapped[uuid.UUID | None] = plain(nullable=True)
    wanted_at: Mapped[datetime] = plain(nullable=False)
    arrived_at: Mapped[datetime | None] = plain(nullable=True)
    settled_at: Mapped[datetime | None] = plain(nullable=True)


class Quote(Base):
    """A version of a price. The customer answers to exactly one version; a newer one makes the older void."""

    __tablename__ = "quote"
    __table_args__ = (sa.UniqueConstraint("ticket_id", "version"),)

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    ticket_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("ticket.id"), nullable=False)
    version: Mapped[int] = plain(sa.SmallInteger, nullable=False)
    amount_fen: Mapped[int] = plain(sa.BigInteger, nullable=False)  # CNY, in fen
    words: Mapped[str] = plain(sa.String(LONG_TEXT), nullable=False)  # what it covers, as the customer reads it
    lines: Mapped[list[dict[str, Any]]] = plain(sa.JSON, nullable=False, default=list)  # name, quantity, fen each
    misuse_evidence: Mapped[str] = plain(sa.String(LONG_TEXT), nullable=False, default="")
    valid_until: Mapped[datetime] = plain(nullable=False)
    made_by: Mapped[uuid.UUID | None] = plain(nullable=True)
    made_name: Mapped[str] = plain(sa.String(80), nullable=False, default="", cls=WORK)
    sent_at: Mapped[datetime | None] = plain(nullable=True)
    answer: Mapped[str] = plain(sa.String(12), nullable=False, default="")  # "" | accepted | declined | expired
    answered_at: Mapped[datetime | None] = plain(nullable=True, cls=USAGE)
    answered_by: Mapped[str] = plain(sa.String(16), nullable=False, default="")  # customer | staff | system


class RepairRecord(Base):
    """What was found and done, once per piece of work; outlives the person's data (requirements.md 2.2)."""

    __tablename__ = "repair_record"
    __table_args__ = (sa.Index("ix_repair_record_ticket", "ticket_id", "at"),)

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    ticket_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("ticket.id"), nullable=False)
    cycle: Mapped[int] = plain(sa.SmallInteger, nullable=False)
    in_depot: Mapped[bool] = plain(nullable=False)
    fault: Mapped[str] = plain(sa.String(LONG_TEXT), nullable=False)
    action: Mapped[str] = plain(sa.String(LONG_TEXT), nullable=False)
    repairer_id: Mapped[uuid.UUID | None] = plain(nullable=True)
    repairer_name: Mapped[str] = plain(sa.String(80), nullable=False, default="", cls=WORK)
    at: Mapped[datetime] = plain(nullable=False)


class SheetRow(Base):
    """One line of a test sheet; a repeated test is a new row, the latest per name counts."""

    __tablename__ = "sheet_row"
    __table_args__ = (sa.Index("ix_sheet_row_ticket", "ticket_id", "cycle", "at"),)

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    ticket_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("ticket.id"), nullable=False)
    cycle: Mapped[int] = plain(sa.SmallInteger, nullable=False)
    release: Mapped[bool] = plain(nullable=False)  # by the releaser; else by the repairer
    name: Mapped[str] = plain(sa.String(60), nullable=False)
    mandatory: Mapped[bool] = plain(nullable=False)
    passed: Mapped[bool] = plain(nullable=False)
    value: Mapped[str] = plain(sa.String(60), nullable=False, default="")
    gauge_number: Mapped[str] = plain(sa.String(40), nullable=False, default="")
    gauge_valid_until: Mapped[datetime | None] = plain(nullable=True)
    by_id: Mapped[uuid.UUID | None] = plain(nullable=True)
    by_name: Mapped[str] = plain(sa.String(80), nullable=False, default="", cls=WORK)
    at: Mapped[datetime] = plain(nullable=False)
