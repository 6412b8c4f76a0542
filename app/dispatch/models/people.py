"""Engineers: the working side of a staff account with the role `engineer`.

`Engineer` has the account's id as its key, so that an engineer's id is his account's id everywhere: in
``ticket.assignee_id``, ``dispatch.assignee_id`` and in paths. What is valid for a time has rows of its own:
`EngineerSkill` (a certificate from one day to another, both included), `EngineerShift` (the half days of a week on
which he works; without any row: every working day) and `Absence` (from one instant to another). Nothing is switched
off by a job: a skill that lapsed simply no longer holds at the instant asked about.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Mapped

from app.core.columns import DataClass, plain
from app.core.db import Base

WORK = DataClass.WORK


class Skill(StrEnum):
    """What somebody is certified to repair where the device stands. Stored; not to be renamed."""

    SCOPE = "scope"  # insertion part, channels, angulation
    PROCESSOR = "processor"  # processor, image, electronics
    LIGHT = "light"  # light source and guide
    REPROCESSOR = "reprocessor"


SKILL_LABELS: Mapping[str, Any] = {
    Skill.SCOPE.value: _l("镜体维修"),
    Skill.PROCESSOR.value: _l("主机与图像维修"),
    Skill.LIGHT.value: _l("光源维修"),
    Skill.REPROCESSOR.value: _l("洗消设备维修"),
}


class Half(StrEnum):
    """Half a working day, by the office hours of the settings."""

    MORNING = "am"
    AFTERNOON = "pm"


HALF_LABELS: Mapping[str, Any] = {Half.MORNING.value: _l("上午"), Half.AFTERNOON.value: _l("下午")}
ABSENCE_REASONS: Mapping[str, Any] = {
    "leave": _l("休假"),
    "training": _l("培训"),
    "other_duty": _l("其他任务"),
    "personal": _l("个人事由"),
}


class Engineer(Base):
    """Where he starts from, where he goes and how much fits into half a day."""

    __tablename__ = "engineer"

    staff_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("staff_account.id"), primary_key=True)
    work_number: Mapped[str] = plain(sa.String(20), nullable=False, default="", cls=WORK)  # the company's telephone
    base_name: Mapped[str] = plain(sa.String(60), nullable=False, default="", cls=WORK)  # a service point, no home
    lat: Mapped[float | None] = plain(sa.Double, cls=WORK)  # degrees, WGS 84, of the service point
    lon: Mapped[float | None] = plain(sa.Double, cls=WORK)
    provinces: Mapped[list[str]] = plain(sa.JSON, nullable=False, default=list, cls=WORK)  # GB/T 2260
    product_lines: Mapped[list[str]] = plain(sa.JSON, nullable=False, default=list, cls=WORK)
    capacity: Mapped[int] = plain(sa.SmallInteger, nullable=False, default=1)  # visits per half day
    active: Mapped[bool] = plain(nullable=False, default=True)
    visits_done: Mapped[int] = plain(nullable=False, default=0, cls=WORK)  # ended visits, and those that fixed it
    visits_fixed: Mapped[int] = plain(nullable=False, default=0, cls=WORK)
    version: Mapped[int] = plain(nullable=False, default=1)
    created_at: Mapped[datetime] = plain(nullable=False)


class EngineerSkill(Base):
    """A certificate; a renewal is a new row, so that what was valid on a day can still be told."""

    __tablename__ = "engineer_skill"
    __table_args__ = (
        sa.Index("ix_engineer_skill_engineer", "engineer_id", "valid_until"),
        sa.CheckConstraint("valid_until >= valid_from", name="period"),
    )

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    engineer_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("engineer.staff_id"), nullable=False)
    skill: Mapped[str] = plain(sa.String(16), nullable=False, cls=WORK)
    certificate: Mapped[str] = plain(sa.String(40), nullable=False, default="", cls=WORK)
    valid_from: Mapped[date] = plain(sa.Date, nullable=False, cls=WORK)
    valid_until: Mapped[date] = plain(sa.Date, nullable=False, cls=WORK)  # last day, until midnight in China


class EngineerShift(Base):
    """One half day of the week on which he works; 0 is Monday."""

    __tablename__ = "engineer_shift"
    __table_args__ = (sa.UniqueConstraint("engineer_id", "weekday", "half"),)

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    engineer_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("engineer.staff_id"), nullable=False)
    weekday: Mapped[int] = plain(sa.SmallInteger, nullable=False, cls=WORK)
    half: Mapped[str] = plain(sa.String(2), nullable=False, cls=WORK)


class Absence(Base):
    """Not there from one instant to another. The reason is a short code; nobody writes down an illness."""

    __tablename__ = "engineer_absence"
    __table_args__ = (
        sa.Index("ix_engineer_absence_engineer", "engineer_id", "ends_at"),
        sa.Index("ix_engineer_absence_ends", "ends_at"),
        sa.CheckConstraint("ends_at > starts_at", name="period"),
    )

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    engineer_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("engineer.staff_id"), nullable=False)
    starts_at: Mapped[datetime] = plain(nullable=False, cls=WORK)
    ends_at: Mapped[datetime] = plain(nullable=False, cls=WORK)
    reason: Mapped[str] = plain(sa.String(16), nullable=False, cls=WORK)
    entered_by: Mapped[uuid.UUID | None] = plain()
    entered_at: Mapped[datetime] = plain(nullable=False)
