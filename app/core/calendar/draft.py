"""A new calendar in two steps: uploaded and looked at, then published. In between nothing is counted by it.

Whoever publishes has seen which deadlines would move (`effects`). If the calendar was changed meanwhile, what was seen
is no longer true, and publishing is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from app.core import clock
from app.core.calendar import table
from app.core.calendar.models import CalendarDraft, CalendarState, CalendarVersion
from app.core.calendar.table import Day, Imported
from app.core.db import db
from app.core.errors import Conflict, Invalid
from app.core.policy import Actor

ONLY = 1  # the row's id


@dataclass(frozen=True, slots=True)
class Draft:
    """What was uploaded. ``stale``: the calendar has changed since."""

    days: Mapping[date, Day]
    source: str
    drafted_at: datetime
    drafted_name: str
    base_version: int
    stale: bool

    @property
    def edition(self) -> str:
        """Names this very upload, for whoever publishes what he saw."""
        return f"{self.drafted_at.isoformat()}:{self.base_version}"

    @property
    def first(self) -> date:
        return min(self.days)

    @property
    def last(self) -> date:
        return max(self.days)


def keep(text: str, source: str, by: Actor) -> Draft:
    """Check a file and keep it as the draft, in place of an earlier one. Raises Invalid (``file``), row by row."""
    days = table.read_csv(text)
    if not table.differing(days):
        raise Invalid(fields={"file": [_l("文件里的日期与现行日历完全相同，没有可发布的改动。")]})
    row = db.session.get(CalendarDraft, ONLY) or CalendarDraft(id=ONLY)
    row.days = [[day.isoformat(), value.is_working, value.name] for day, value in sorted(days.items())]
    row.source, row.base_version, row.drafted_at = source, _version(), clock.now()
    row.drafted_by, row.drafted_name = by.id, by.name if by.kind == "staff" else ""
    db.session.add(row)
    db.session.flush()
    return _draft(row)


def current_draft() -> Draft | None:
    row = db.session.get(CalendarDraft, ONLY)
    return None if row is None else _draft(row)


def drop() -> None:
    """Forget the draft; nothing happens when there is none."""
    db.session.execute(sa.delete(CalendarDraft))
    db.session.expire_all()


def publish(edition: str, by: Actor, *, promises_follow: bool) -> Imported:
    """Put the draft in force. Raises Conflict when it is not the one that was seen, or was compared with a calendar
    that is no longer in force."""
    row = db.session.scalars(sa.select(CalendarDraft).with_for_update()).one_or_none()
    found = None if row is None else _draft(row)
    if found is None or found.edition != edition:
        raise Conflict(_l("草稿刚刚被换掉或已经发布，请看最新的预览。"), code="draft_changed")
    if found.stale:
        raise Conflict(_l("日历在上传之后改过，预览已不准确；请重新上传。"), code="calendar_changed")
    done = table.write(found.days, found.source, by, promises_follow=promises_follow)
    drop()
    return done


def versions() -> list[CalendarVersion]:
    """Newest first."""
    return list(db.session.scalars(sa.select(CalendarVersion).order_by(CalendarVersion.version.desc())))


def _draft(row: CalendarDraft) -> Draft:
    days = {date.fromisoformat(day): Day(is_working, name) for day, is_working, name in row.days}
    return Draft(days, row.source, row.drafted_at, row.drafted_name, row.base_version, row.base_version != _version())


def _version() -> int:
    return db.session.scalar(sa.select(CalendarState.version)) or 0
