"""Policy versions and the consent ledger. Both are written once: the database itself refuses to change a row."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.orm import Mapped

from app.core.columns import DataClass, plain
from app.core.db import Base


class Purpose(StrEnum):
    """What a person may agree to, each on its own."""

    SERVICE = "service"  # the policy as a whole: account, repair requests
    BADGE = "badge"  # the badge photograph: sensitive, always asked for separately (PIPL 29)
    CONTACT_THIRD_PARTY = "contact_third_party"  # a contact person who is not the caller has agreed
    NOTIFY_WECHAT = "notify_wechat"
    SITE_OTP = "site_otp"  # login codes of the smart-medical site
    MARKETING = "marketing"


class PolicyVersion(Base):
    """One published text. ``effective_on`` may lie before ``updated_on``: version 1 does."""

    __tablename__ = "policy_version"
    __table_args__ = (sa.CheckConstraint("no >= 1", name="no_from_one"),)

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    no: Mapped[int] = plain(sa.Integer, nullable=False, unique=True)
    updated_on: Mapped[date] = plain(sa.Date, nullable=False)
    effective_on: Mapped[date] = plain(sa.Date, nullable=False)
    text: Mapped[str] = plain(sa.Text, nullable=False)
    text_hash: Mapped[str] = plain(sa.String(64), nullable=False)  # sha256 of the UTF-8 text, hex
    material: Mapped[bool] = plain(sa.Boolean, nullable=False)  # consent must be asked for again
    change_note: Mapped[str] = plain(sa.String(400), nullable=False, default="")
    published_at: Mapped[datetime] = plain(nullable=False)


class ConsentEntry(Base):
    """One act: given or withdrawn. What is in force is the newest entry of a subject and purpose."""

    __tablename__ = "consent_entry"
    __table_args__ = (
        sa.UniqueConstraint("subject_id", "purpose", "seq"),
        sa.CheckConstraint("seq >= 1", name="seq_from_one"),
    )

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    subject_id: Mapped[uuid.UUID] = plain(nullable=False, cls=DataClass.USAGE)
    purpose: Mapped[str] = plain(sa.String(32), nullable=False, cls=DataClass.USAGE)
    seq: Mapped[int] = plain(sa.Integer, nullable=False)  # 1, 2, … per subject and purpose: a race loses, none is lost
    policy_version: Mapped[int] = plain(sa.ForeignKey("policy_version.no"), nullable=False, cls=DataClass.USAGE)
    given: Mapped[bool] = plain(sa.Boolean, nullable=False, cls=DataClass.USAGE)
    channel: Mapped[str] = plain(sa.String(32), nullable=False, cls=DataClass.USAGE)  # mini_program, page, mail …
    wording_hash: Mapped[str] = plain(sa.String(64), nullable=False)  # sha256 of what was shown, hex
    at: Mapped[datetime] = plain(nullable=False, cls=DataClass.USAGE)
    evidence: Mapped[dict[str, Any]] = plain(sa.JSON, nullable=False, default=dict, cls=DataClass.USAGE)


TABLES = (PolicyVersion.__tablename__, ConsentEntry.__tablename__)


def triggers(dialect: str) -> list[str]:
    """Statements that make `TABLES` append-only; for the migration and for tables made by the metadata."""
    return [statement for table in TABLES for statement in _triggers(dialect, table)]


def drop_triggers(dialect: str) -> list[str]:
    """The way back, for the migration."""
    if dialect == "sqlite":
        return [f"DROP TRIGGER IF EXISTS {t}_no_{verb}" for t in TABLES for verb in ("update", "delete")]
    tables = [f"DROP TRIGGER IF EXISTS {t}_append_only ON {t}" for t in TABLES]
    return [*tables, *(f"DROP FUNCTION IF EXISTS {t}_append_only()" for t in TABLES)]


def _triggers(dialect: str, table: str) -> list[str]:
    if dialect == "sqlite":
        return [
            f"CREATE TRIGGER {table}_no_{verb} BEFORE {verb.upper()} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            for verb in ("update", "delete")
        ]
    return [
        f"CREATE OR REPLACE FUNCTION {table}_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{table} is append-only'; END $$",
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_append_only()",
    ]


def _attach(target: sa.Table, connection: sa.Connection, **_kw: Any) -> None:
    for statement in _triggers(connection.dialect.name, target.name):
        connection.exec_driver_sql(statement)


for _table in (PolicyVersion.__table__, ConsentEntry.__table__):
    event.listen(_table, "after_create", _attach)
